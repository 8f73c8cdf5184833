"""Every kind of event, as `subject:act`. One list, so that no event goes undocumented."""

from enum import StrEnum


class Action(StrEnum):
    """What was done."""

    ARCHIVE_CREATED = "archive:created"
    ARCHIVE_RECOVERED = "archive:recovered"
    ARCHIVE_REBUILT = "archive:rebuilt"
    RECORD_VIEWED = "record:viewed"
    RECORD_EXPLAINED = "record:explained"
    RECORD_VERIFIED = "record:verified"
    SEARCH_RUN = "search:run"
    IMPORT_FINISHED = "import:finished"
    HOLD_PLACED = "hold:placed"
    HOLD_RELEASED = "hold:released"
    HOLD_VIEWED = "hold:viewed"
    CLASS_ADOPTED = "class:adopted"
    TOKEN_CREATED = "token:created"  # noqa: S105 - the name of an act
    TOKEN_REVOKED = "token:revoked"  # noqa: S105 - the name of an act
    VERIFICATION_FINISHED = "verification:finished"
    LOG_KEY_ADDED = "logkey:added"
    LOG_KEY_RETIRED = "logkey:retired"
    ROOT_KEY_ADDED = "rootkey:added"
    ROOT_KEY_ESCROWED = "rootkey:escrowed"
    TIMESTAMP_REFUSED = "timestamp:refused"
    EVIDENCE_EXPORTED = "evidence:exported"
    INDEX_REBUILT = "index:rebuilt"
    OBJECT_DAMAGED = "object:damaged"
    OBJECT_REPAIRED = "object:repaired"
    COPY_REPAIRED = "copy:repaired"
    REPAIR_STARTED = "repair:started"
    LOG_CONTRADICTED = "log:contradicted"


SENTENCES: dict[Action, str] = {
    Action.ARCHIVE_CREATED: "{actor} created the archive",
    Action.ARCHIVE_RECOVERED: "{actor} sequenced what a crash had left",
    Action.ARCHIVE_REBUILT: "{actor} rebuilt the database from the store",
    Action.RECORD_VIEWED: "{actor} looked at record {object}",
    Action.RECORD_EXPLAINED: "{actor} asked why record {object} is kept",
    Action.RECORD_VERIFIED: "{actor} verified record {object}",
    Action.SEARCH_RUN: "{actor} searched",
    Action.IMPORT_FINISHED: "{actor} imported posts",
    Action.HOLD_PLACED: "{actor} placed hold {object}",
    Action.HOLD_RELEASED: "{actor} released hold {object}",
    Action.HOLD_VIEWED: "{actor} looked at hold {object}",
    Action.CLASS_ADOPTED: "{actor} took class {object} into the file plan",
    Action.TOKEN_CREATED: "{actor} created API token {object}",
    Action.TOKEN_REVOKED: "{actor} revoked API token {object}",
    Action.VERIFICATION_FINISHED: "{actor} verified the archive",
    Action.LOG_KEY_ADDED: "{actor} added log key {object}",
    Action.LOG_KEY_RETIRED: "{actor} retired log key {object}",
    Action.ROOT_KEY_ADDED: "{actor} added root key {object}",
    Action.ROOT_KEY_ESCROWED: "{actor} sealed the root keys to third party {object}",
    Action.TIMESTAMP_REFUSED: "{actor} refused a token of timestamp authority {object}",
    Action.EVIDENCE_EXPORTED: "{actor} made an evidence bundle of {object}",
    Action.INDEX_REBUILT: "{actor} rebuilt the search index",
    Action.OBJECT_DAMAGED: "{actor} found object {object} damaged and read its second copy",
    Action.OBJECT_REPAIRED: "{actor} repaired object {object} from the second copy",
    Action.COPY_REPAIRED: "{actor} repaired the second copy of object {object}",
    Action.REPAIR_STARTED: "{actor} began to repair the archive's objects",
    Action.LOG_CONTRADICTED: "{actor} found that witness {object} holds another log than this",
}
"""The sentence of each action, for people."""
