"""The JSON documents of the audit trail and of the settings, as OpenAPI tells of them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class ListedEvent(_Answer):
    """One event: who did what to which object, when, and how it ended; and a sentence of it.

    `relation` is empty but in a list about one object: `hold` for events of a hold that has the
    record as a member, `by` for what a person or token did, `session` for a person's sessions.
    """

    id: str
    log_index: int
    at: str
    actor: str
    action: str
    object_type: str
    object_id: str
    object_name: str
    result: str
    details: dict[str, str | int | bool]
    sentence: str
    relation: Literal["", "hold", "by", "session"]


class EventList(_Answer):
    """A page of events, newest first. Where `total_is_exact` is false there are more."""

    items: list[ListedEvent]
    next_cursor: str
    total: int
    total_is_exact: bool
    log_size: int
    as_of: str


class Readings(_Answer):
    """How often somebody opened, explained, verified or exported a record."""

    actor: str
    action: str
    times: int
    first: str
    last: str


class TimelineDocument(EventList):
    """Everything the trail knows about one object. `readers` are told of a record.

    Which searches showed a record is not known: the event of a search holds its query and count.
    """

    object_type: str
    object_id: str
    name: str
    facts: dict[str, str]
    readers: list[Readings]


class EventDocument(ListedEvent):
    """One event as its record in the log holds it: `event` is its bytes.

    `ok` is false where the record cannot be opened or the list says something else; `problem` says
    which. `under_checkpoint` says whether its proof can be had yet.
    """

    ok: bool
    problem: str
    under_checkpoint: bool
    roles: list[str]
    via: str
    details_in_words: list[list[str]]
    event: str


class SettingDocument(_Answer):
    """One setting: `pending` is the value that the next start takes, where it is another one."""

    name: str
    value: str
    source: Literal["default", "environment", "file", "command line"]
    default: str
    description: str
    fixed_at_init: bool
    restart_needed: bool
    pending: str


class SettingsDocument(_Answer):
    """What an installation is: settings, identity, rules, software."""

    version: str
    python: str
    archive: dict[str, str]
    items: list[SettingDocument]
    two_person_rules: list[dict[str, Any]]
    components: list[dict[str, str]]
