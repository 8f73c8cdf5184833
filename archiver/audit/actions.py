"""Every kind of event, as `subject:act`. One list, so that no event goes undocumented."""

from enum import StrEnum


class Action(StrEnum):
    """What was done."""

    ARCHIVE_CREATED = "archive:created"
    ARCHIVE_RECOVERED = "archive:recovered"
    ARCHIVE_REBUILT = "archive:rebuilt"
    RECORD_VIEWED = "record:viewed"
    RECORD_REFUSED = "record:refused"
    RECORD_EXPLAINED = "record:explained"
    RECORD_VERIFIED = "record:verified"
    SEARCH_RUN = "search:run"
    SAVED_CREATED = "saved:created"
    SAVED_CHANGED = "saved:changed"
    SAVED_SHARED = "saved:shared"
    SAVED_ARCHIVED = "saved:archived"
    SAVED_RESTORED = "saved:restored"
    SAVED_VIEWED = "saved:viewed"
    SAVED_RUN = "saved:run"
    SUBSCRIPTION_CREATED = "subscription:created"
    SUBSCRIPTION_STOPPED = "subscription:stopped"
    SUBSCRIPTION_RESUMED = "subscription:resumed"
    SUBSCRIPTION_ENDED = "subscription:ended"
    SUBSCRIPTION_TESTED = "subscription:tested"
    DELIVERY_SENT = "delivery:sent"
    DELIVERY_ABANDONED = "delivery:abandoned"
    DELIVERY_RETRIED = "delivery:retried"
    IMPORT_FINISHED = "import:finished"
    HOLD_PLACED = "hold:placed"
    HOLD_RELEASED = "hold:released"
    HOLD_VIEWED = "hold:viewed"
    SET_FROZEN = "set:frozen"
    SET_VIEWED = "set:viewed"
    TERMS_REPORTED = "terms:reported"
    TERMS_VIEWED = "terms:viewed"
    TERMS_COMPARED = "terms:compared"
    TERMS_EXPORTED = "terms:exported"
    CLASS_ADOPTED = "class:adopted"
    PLAN_SIMULATED = "plan:simulated"
    RETENTION_STATED = "retention:stated"
    RETENTION_CORRECTED = "retention:corrected"
    RETENTION_WITHDRAWN = "retention:withdrawn"
    RECORDS_REFILED = "records:refiled"
    DISPOSAL_STOPPED = "disposal:stopped"
    DISPOSAL_RESUMED = "disposal:resumed"
    DRAFT_MADE = "draft:made"
    DRAFT_EDITED = "draft:edited"
    DRAFT_SUBMITTED = "draft:submitted"
    DRAFT_REFUSED = "draft:refused"
    DRAFT_WITHDRAWN = "draft:withdrawn"
    SCHEDULE_APPROVED = "schedule:approved"
    RULES_APPROVED = "rules:approved"
    CLASS_ADDED = "class:added"
    CLASS_CHANGED = "class:changed"
    CLASS_CLOSED = "class:closed"
    CLASS_REOPENED = "class:reopened"
    RECORD_RECLASSIFIED = "record:reclassified"
    ACCOUNT_REGISTERED = "account:registered"
    ACCOUNT_CHANGED = "account:changed"
    ACCOUNT_CLOSED = "account:closed"
    ACCOUNT_REOPENED = "account:reopened"
    ACCOUNT_VIEWED = "account:viewed"
    PERSON_INVITED = "person:invited"
    PERSON_LINKED = "person:linked"
    PERSON_JOINED = "person:joined"
    PERSON_GRANTED = "person:granted"
    PERSON_DISABLED = "person:disabled"
    PERSON_ENABLED = "person:enabled"
    PERSON_LOCKED = "person:locked"
    PERSON_VIEWED = "person:viewed"
    PASSWORD_SET = "password:set"  # noqa: S105 - the name of an act
    PASSWORD_HASHED = "password:hashed"  # noqa: S105 - the name of an act
    IDENTITY_LINKED = "identity:linked"
    PASSKEY_ADDED = "passkey:added"
    PASSKEY_RENAMED = "passkey:renamed"
    PASSKEY_REMOVED = "passkey:removed"
    PASSKEY_COPIED = "passkey:copied"
    SESSION_STARTED = "session:started"
    SESSION_REFUSED = "session:refused"
    SESSION_CONFIRMED = "session:confirmed"
    SESSION_ENDED = "session:ended"
    SESSION_REVOKED = "session:revoked"
    GLASS_BROKEN = "glass:broken"
    GLASS_MENDED = "glass:mended"
    APPROVALS_VIEWED = "approval:viewed"
    APPROVAL_REQUESTED = "approval:requested"
    APPROVAL_GRANTED = "approval:granted"
    APPROVAL_REFUSED = "approval:refused"
    APPROVAL_WITHDRAWN = "approval:withdrawn"
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
    INDEX_LOST = "index:lost"
    INDEX_MENDED = "index:mended"
    OBJECT_DAMAGED = "object:damaged"
    OBJECT_DRIFTED = "object:drifted"
    OBJECT_REPAIRED = "object:repaired"
    COPY_REPAIRED = "copy:repaired"
    REPAIR_STARTED = "repair:started"
    LOCKS_KEPT = "locks:kept"
    LOCKS_EXTENDED = "locks:extended"
    LOG_CONTRADICTED = "log:contradicted"
    JOB_CANCELLED = "job:cancelled"
    JOB_FETCHED = "job:fetched"
    AUDIT_VIEWED = "audit:viewed"
    AUDIT_EXPORTED = "audit:exported"
    BATCH_FORMED = "batch:formed"
    BATCH_VIEWED = "batch:viewed"
    BATCH_SAMPLED = "batch:sampled"
    BATCH_EXCLUDED = "batch:excluded"
    BATCH_INCLUDED = "batch:included"
    BATCH_PROPOSED = "batch:proposed"
    BATCH_APPROVED = "batch:approved"
    BATCH_WITHDRAWN = "batch:withdrawn"
    BATCH_EXPORTED = "batch:exported"
    BATCH_CONFIRMED = "batch:confirmed"
    BATCH_STARTED = "batch:started"
    BATCH_CANCELLED = "batch:cancelled"
    DISPOSAL_CONDEMNED = "disposal:condemned"
    DISPOSAL_KEPT = "disposal:kept"
    DISPOSAL_EXECUTED = "disposal:executed"
    CERTIFICATE_ISSUED = "certificate:issued"
    CERTIFICATE_VIEWED = "certificate:viewed"
    PRIVACY_RECEIVED = "privacy:received"
    PRIVACY_EXTENDED = "privacy:extended"
    PRIVACY_FOUND = "privacy:found"
    PRIVACY_DECIDED = "privacy:decided"
    PRIVACY_LIFTED = "privacy:lifted"
    PRIVACY_CLOSED = "privacy:closed"
    PRIVACY_VIEWED = "privacy:viewed"


SENTENCES: dict[Action, str] = {
    Action.ARCHIVE_CREATED: "{actor} created the archive",
    Action.ARCHIVE_RECOVERED: "{actor} sequenced what a crash had left",
    Action.ARCHIVE_REBUILT: "{actor} rebuilt the database from the store",
    Action.RECORD_VIEWED: "{actor} looked at record {object}",
    Action.RECORD_REFUSED: "{actor} asked for record {object}, which they may not open",
    Action.RECORD_EXPLAINED: "{actor} asked why record {object} is kept",
    Action.RECORD_VERIFIED: "{actor} verified record {object}",
    Action.SEARCH_RUN: "{actor} searched",
    Action.SAVED_CREATED: "{actor} saved the search {object}",
    Action.SAVED_CHANGED: "{actor} changed the saved search {object}",
    Action.SAVED_SHARED: "{actor} changed who shares the saved search {object}",
    Action.SAVED_ARCHIVED: "{actor} archived the saved search {object}",
    Action.SAVED_RESTORED: "{actor} brought the saved search {object} back",
    Action.SAVED_VIEWED: "{actor} looked at the saved search {object}",
    Action.SAVED_RUN: "{actor} opened the hits of the saved search {object}",
    Action.SUBSCRIPTION_CREATED: "{actor} subscribed to the saved search {object}",
    Action.SUBSCRIPTION_STOPPED: "{actor} stopped the subscription to {object}",
    Action.SUBSCRIPTION_RESUMED: "{actor} resumed the subscription to {object}",
    Action.SUBSCRIPTION_ENDED: "{actor} ended the subscription to {object}",
    Action.SUBSCRIPTION_TESTED: "{actor} tested the webhook of the subscription to {object}",
    Action.DELIVERY_SENT: "{actor} told a subscriber of new hits of {object}",
    Action.DELIVERY_ABANDONED: "{actor} gave up telling a subscriber of new hits of {object}",
    Action.DELIVERY_RETRIED: "{actor} had a delivery of the subscription to {object} tried again",
    Action.IMPORT_FINISHED: "{actor} imported posts",
    Action.HOLD_PLACED: "{actor} placed hold {object}",
    Action.HOLD_RELEASED: "{actor} released hold {object}",
    Action.HOLD_VIEWED: "{actor} looked at hold {object}",
    Action.SET_FROZEN: "{actor} froze result set {object}",
    Action.SET_VIEWED: "{actor} looked at result set {object}",
    Action.TERMS_REPORTED: "{actor} made search term report {object}",
    Action.TERMS_VIEWED: "{actor} looked at search term report {object}",
    Action.TERMS_COMPARED: "{actor} compared search term report {object} with another",
    Action.TERMS_EXPORTED: "{actor} exported search term report {object}",
    Action.CLASS_ADOPTED: "{actor} took class {object} into the file plan",
    Action.PLAN_SIMULATED: "{actor} simulated a change of {object}",
    Action.RETENTION_STATED: "{actor} stated what retention counts from",
    Action.RETENTION_CORRECTED: "{actor} corrected what retention counts from",
    Action.RETENTION_WITHDRAWN: "{actor} withdrew what retention counted from",
    Action.RECORDS_REFILED: "{actor} worked out anew how long records are kept",
    Action.DISPOSAL_STOPPED: "{actor} stopped all disposal",
    Action.DISPOSAL_RESUMED: "{actor} let disposal go on",
    Action.DRAFT_MADE: "{actor} began draft {object}",
    Action.DRAFT_EDITED: "{actor} edited draft {object}",
    Action.DRAFT_SUBMITTED: "{actor} submitted draft {object} for approval",
    Action.DRAFT_REFUSED: "{actor} refused draft {object}",
    Action.DRAFT_WITHDRAWN: "{actor} withdrew draft {object}",
    Action.SCHEDULE_APPROVED: "{actor} approved draft {object}",
    Action.RULES_APPROVED: "{actor} approved draft {object}",
    Action.CLASS_ADDED: "{actor} added class {object} to the file plan",
    Action.CLASS_CHANGED: "{actor} changed class {object}",
    Action.CLASS_CLOSED: "{actor} closed class {object} for new records",
    Action.CLASS_REOPENED: "{actor} opened class {object} again",
    Action.RECORD_RECLASSIFIED: "{actor} put records into class {object}",
    Action.ACCOUNT_REGISTERED: "{actor} registered account {object}",
    Action.ACCOUNT_CHANGED: "{actor} changed the registration of account {object}",
    Action.ACCOUNT_CLOSED: "{actor} closed account {object}",
    Action.ACCOUNT_REOPENED: "{actor} reopened account {object}",
    Action.ACCOUNT_VIEWED: "{actor} looked at account {object}",
    Action.PERSON_INVITED: "{actor} invited person {object}",
    Action.PERSON_LINKED: "{actor} made a sign-in link for person {object}",
    Action.PERSON_JOINED: "{actor} accepted the invitation",
    Action.PERSON_GRANTED: "{actor} changed the roles of person {object}",
    Action.PERSON_DISABLED: "{actor} disabled person {object}",
    Action.PERSON_ENABLED: "{actor} enabled person {object}",
    Action.PERSON_LOCKED: "{actor} was locked out after wrong passwords",
    Action.PERSON_VIEWED: "{actor} looked at the people and their access",
    Action.PASSWORD_SET: "{actor} set a password",
    Action.PASSWORD_HASHED: "{actor} signed in, and their password is kept in a newer form",
    Action.IDENTITY_LINKED: "{actor} came by the identity provider for the first time",
    Action.PASSKEY_ADDED: "{actor} added a passkey",
    Action.PASSKEY_RENAMED: "{actor} gave a passkey another name",
    Action.PASSKEY_REMOVED: "{actor} removed a passkey",
    Action.PASSKEY_COPIED: "{actor} was refused: a copy of their passkey is in use",
    Action.SESSION_STARTED: "{actor} signed in",
    Action.SESSION_REFUSED: "{actor} could not sign in",
    Action.SESSION_CONFIRMED: "{actor} confirmed who they are",
    Action.SESSION_ENDED: "{actor} signed out",
    Action.SESSION_REVOKED: "{actor} ended session {object}",
    Action.GLASS_BROKEN: "{actor} broke the glass to read content",
    Action.GLASS_MENDED: "{actor} stopped reading content behind broken glass",
    Action.APPROVALS_VIEWED: "{actor} looked at what waits for a second person",
    Action.APPROVAL_REQUESTED: "{actor} asked for a second person to approve {object}",
    Action.APPROVAL_GRANTED: "{actor} approved request {object}",
    Action.APPROVAL_REFUSED: "{actor} refused request {object}",
    Action.APPROVAL_WITHDRAWN: "{actor} withdrew request {object}",
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
    Action.INDEX_LOST: "{actor} found the search index lost or damaged and began a new one",
    Action.INDEX_MENDED: "{actor} found the search index differing from the records",
    Action.OBJECT_DAMAGED: "{actor} found object {object} damaged and read its second copy",
    Action.OBJECT_DRIFTED: "{actor} found object {object} stored otherwise than promised",
    Action.OBJECT_REPAIRED: "{actor} repaired object {object} from the second copy",
    Action.COPY_REPAIRED: "{actor} repaired the second copy of object {object}",
    Action.REPAIR_STARTED: "{actor} began to repair the archive's objects",
    Action.LOCKS_KEPT: "{actor} compared locks, holds and versions with what was promised",
    Action.LOCKS_EXTENDED: "{actor} extended the locks of objects",
    Action.LOG_CONTRADICTED: "{actor} found that witness {object} holds another log than this",
    Action.JOB_CANCELLED: "{actor} cancelled job {object}",
    Action.JOB_FETCHED: "{actor} fetched the file of job {object}",
    Action.AUDIT_VIEWED: "{actor} looked at the audit trail",
    Action.AUDIT_EXPORTED: "{actor} exported the audit trail",
    Action.BATCH_FORMED: "{actor} formed disposal batch {object}",
    Action.BATCH_VIEWED: "{actor} looked at disposal batch {object}",
    Action.BATCH_SAMPLED: "{actor} drew a sample of disposal batch {object}",
    Action.BATCH_EXCLUDED: "{actor} left records out of disposal batch {object}",
    Action.BATCH_INCLUDED: "{actor} put records back into disposal batch {object}",
    Action.BATCH_PROPOSED: "{actor} proposed disposal batch {object} for approval",
    Action.BATCH_APPROVED: "{actor} approved disposal batch {object}",
    Action.BATCH_WITHDRAWN: "{actor} took back their approval of disposal batch {object}",
    Action.BATCH_EXPORTED: "{actor} made the transfer package of disposal batch {object}",
    Action.BATCH_CONFIRMED: "{actor} confirmed that the package of batch {object} was received",
    Action.BATCH_STARTED: "{actor} started to carry out disposal batch {object}",
    Action.BATCH_CANCELLED: "{actor} cancelled disposal batch {object}",
    Action.DISPOSAL_CONDEMNED: "{actor} put disposal batch {object} to the gate of destruction",
    Action.DISPOSAL_KEPT: "{actor} kept records of disposal batch {object} from destruction",
    Action.DISPOSAL_EXECUTED: "{actor} destroyed disposal batch {object}",
    Action.CERTIFICATE_ISSUED: "{actor} issued certificate of destruction {object}",
    Action.CERTIFICATE_VIEWED: "{actor} looked at certificate of destruction {object}",
    Action.PRIVACY_RECEIVED: "{actor} received privacy request {object}",
    Action.PRIVACY_EXTENDED: "{actor} took more time for privacy request {object}",
    Action.PRIVACY_FOUND: "{actor} put records under privacy request {object}",
    Action.PRIVACY_DECIDED: "{actor} decided on records of privacy request {object}",
    Action.PRIVACY_LIFTED: "{actor} lifted restrictions of privacy request {object}",
    Action.PRIVACY_CLOSED: "{actor} closed privacy request {object}",
    Action.PRIVACY_VIEWED: "{actor} looked at privacy request {object}",
}
"""The sentence of each action, for people."""
