"""The schema, as SQLAlchemy Core tables. `migrations/` brings a database to it.

Moments are integers: milliseconds since 1970 UTC, the same on SQLite and PostgreSQL. Hashes are 32
raw bytes. Ids are ULID texts. Content never stands here: it lives encrypted in segments, so that
disposing of a record leaves no copy of its words in database backups.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ULID = String(26)
# On SQLite only a column declared INTEGER is the row id itself; BIGINT would add a second B-tree.
LOG_INDEX = BigInteger().with_variant(Integer(), "sqlite")

archive = Table(
    "archive",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("origin", Text, nullable=False),  # the log's name, first line of each checkpoint
    Column("vkey", Text, nullable=False),  # the log's public key as a C2SP verifier key
    Column("zone", Text, nullable=False),  # time zone that dates in queries and schedules mean
    Column("created_at", BigInteger, nullable=False),
    comment="Exactly one row: which archive this database is a view of.",
)

log_state = Table(
    "log_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("next_index", BigInteger, nullable=False),  # first index not yet assigned
    Column("size", BigInteger, nullable=False),  # entries integrated and signed
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),  # signed note for `size`, b"" at size 0
    comment="One row. Compare-and-swap on (size, root) is what makes a fork impossible.",
)

log_entry = Table(
    "log_entry",
    metadata,
    Column("log_index", LOG_INDEX, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),  # the leaf's exact bytes
)

segment = Table(
    "segment",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("class_code", Text, nullable=False),
    Column("period", String(7), nullable=False),  # expiry month of the lane, YYYY-MM
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("records", Integer, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("version_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("seal", LargeBinary, nullable=False),  # the trailer's SHA-256: all but the frames
    Column("keys_object_key", Text, nullable=False),
    Column("keys_version_id", Text, nullable=False),
    Column("keys_sha256", LargeBinary, nullable=False),
    Column("lock_mode", Text, nullable=False),
    Column("lock_until", BigInteger, nullable=False),
    Column("legal_hold", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("destroyed", Integer, nullable=False, server_default="0"),  # of its records, so many
)

record = Table(
    "record",
    metadata,
    Column("log_index", LOG_INDEX, primary_key=True, autoincrement=False),
    Column("id", ULID, nullable=False, unique=True),
    Column("entry_type", String(3), nullable=False),  # rec or aud
    Column("segment_id", ULID, ForeignKey("segment.id"), nullable=False),
    Column("frame", Integer, nullable=False),  # position in the segment, from 0
    Column("frame_offset", BigInteger, nullable=False),
    Column("frame_length", Integer, nullable=False),
    Column("raw_sha256", LargeBinary, nullable=False),  # of the verbatim payload
    Column("content_key", LargeBinary, unique=True),  # null on a duplicate
    Column("idempotency_key", LargeBinary, unique=True),
    Column("duplicate_of", ULID),  # two servers raced; the first one answers
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("post_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("posted_at", BigInteger),
    Column("edited_at", BigInteger),
    Column("captured_at", BigInteger, nullable=False),
    Column("author_id", Text, nullable=False),
    Column("author_handle", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("in_reply_to", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("tags", Text, nullable=False),  # space-separated, with a space at both ends, or ""
    Column("media", Integer, nullable=False),  # how many media parts
    Column("searchable", Boolean, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("rule", Text, nullable=False),  # "<rule set version>/<rule id>" that chose the class
    Column("schedule_version", Integer, nullable=False),
    Column("retain_until", BigInteger),  # null while permanent or awaiting an event
    Index("ix_record_platform_post_id", "platform", "post_id"),
    Index("ix_record_account", "account"),
    Index("ix_record_conversation_id", "platform", "conversation_id"),
    Index("ix_record_in_reply_to", "platform", "in_reply_to"),
)

# Literals, not parameters: SQLite uses a partial index only where the statement repeats its words.
not_searchable = text("entry_type = 'rec' AND searchable IS FALSE")
a_post = text("entry_type = 'rec'")
a_duplicate = record.c.duplicate_of.is_not(None)
Index(
    "ix_record_not_searchable",
    record.c.log_index,
    sqlite_where=not_searchable,
    postgresql_where=not_searchable,
)
Index(
    "ix_record_duplicate_of",
    record.c.duplicate_of,
    sqlite_where=a_duplicate,
    postgresql_where=a_duplicate,
)
# What is due, and how much each version of a schedule keeps, without going through the records.
Index(
    "ix_record_retain_until",
    record.c.retain_until,
    record.c.log_index,
    sqlite_where=a_post,
    postgresql_where=a_post,
)
Index(
    "ix_record_class_code",
    record.c.class_code,
    record.c.schedule_version,
    record.c.log_index,
    sqlite_where=a_post,
    postgresql_where=a_post,
)

blob = Table(
    "blob",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("version_id", Text, nullable=False),
    Column("record_id", ULID, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),  # of the stored ciphertext
    Column("legal_hold", Boolean, nullable=False),
)

orphan = Table(
    "orphan",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("log_index", BigInteger, nullable=False),
    comment="Objects a crash left that no record refers to; each has an `orphan` entry in the log.",
)

event = Table(
    "event",
    metadata,
    Column("record_id", ULID, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Index("ix_event_actor", "actor", "at"),
    Index("ix_event_action", "action", "at"),
    Index("ix_event_actor_action", "actor", "action", "at"),
    Index("ix_event_object", "object_id", "at"),
    comment="The readable audit trail; each row is the view of one `aud` record of the log.",
)

# A literal, as above: what went wrong is rare, and is looked for among millions that went well.
did_not_go_well = text("result <> 'ok'")
Index(
    "ix_event_not_ok",
    event.c.at,
    sqlite_where=did_not_go_well,
    postgresql_where=did_not_go_well,
)

file_class = Table(
    "file_class",
    metadata,
    Column("code", Text, primary_key=True),
    Column("body", Text, nullable=False),  # JSON of retention.FileClass
    Column("revision", Integer, nullable=False, server_default="1"),  # one more with each change
    Column("closed_at", BigInteger),  # closed for new records; null: open
)

schedule = Table(
    "schedule",
    metadata,
    Column("class_code", Text, ForeignKey("file_class.code"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # JSON of retention.Schedule
    Column("in_force_from", BigInteger, nullable=False),
)

class_rules = Table(
    "class_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # JSON of retention.RuleSet
    Column("in_force_from", BigInteger, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("matter", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("scope", Text, nullable=False),  # JSON: query, accounts, records
    Column("state", Text, nullable=False),  # active, released
    Column("log_size", BigInteger, nullable=False),  # the set was computed over [0, log_size)
    Column("records", BigInteger, nullable=False),
    Column("members_sha256", LargeBinary, nullable=False),  # ledger.entry.members_digest
    Column("placed_at", BigInteger, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("released_at", BigInteger),
    Column("released_by", Text),
    Column("release_reason", Text),
)

hold_record = Table(
    "hold_record",
    metadata,
    Column("hold_id", ULID, ForeignKey("hold.id"), primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_hold_record_log_index", "log_index"),
    comment="Rows stay when a hold is released: who was held and when is evidence.",
)

frozen_set = Table(
    "frozen_set",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("matter", Text, nullable=False),
    Column("query", Text, nullable=False),  # as it was asked
    Column("normalised", Text, nullable=False),
    Column("options", Text, nullable=False),  # JSON: how the query was read
    Column("expansions", Text, nullable=False),  # JSON: which words a pattern stood for
    Column("within", Text, nullable=False),  # JSON: the reach of whoever froze it; "": everything
    Column("engine", Text, nullable=False),
    Column("analyzer", Text, nullable=False),
    Column("log_size", BigInteger, nullable=False),  # the set was computed over [0, log_size)
    Column("records", BigInteger, nullable=False),
    Column("members_sha256", LargeBinary, nullable=False),  # ledger.entry.members_digest
    Column("frozen_at", BigInteger, nullable=False),
    Column("frozen_by", Text, nullable=False),
    comment="Results of searches, fixed for good: each row is the view of one event.",
)

frozen_members = Table(
    "frozen_members",
    metadata,
    Column("set_id", ULID, ForeignKey("frozen_set.id"), primary_key=True),
    Column("log_indexes", LargeBinary, nullable=False),  # model.number_list
    comment="One row for each set, so that a set of a million is a row and not a million.",
)

term_report = Table(
    "term_report",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("matter", Text, nullable=False),
    # No reference: a report is rebuilt even where the event of its set is lost.
    Column("set_id", ULID, nullable=False, index=True),
    Column("within", Text, nullable=False),  # JSON, as of frozen_set
    Column("terms", Integer, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("hits", BigInteger, nullable=False),  # documents with any hit, each once
    Column("body", Text, nullable=False),  # JSON of legal.terms.report.TermReport
    Column("made_at", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    comment="Search term reports: each row is the view of one event.",
)

term_hits = Table(
    "term_hits",
    metadata,
    Column("report_id", ULID, ForeignKey("term_report.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("log_indexes", LargeBinary, nullable=False),  # model.number_list
    comment="Which records each term of a report hit.",
)

token = Table(
    "token",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("roles", Text, nullable=False),  # space-separated
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("unit", Text, nullable=False, server_default=text("''")),  # "" is the whole archive
    Column("matter", Text, nullable=False, server_default=text("''")),
    Column("created_by", Text, nullable=False, server_default=text("''")),
    Column("last_used_at", BigInteger),
)

person = Table(
    "person",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),  # lower case; what one signs in with
    Column("subject", Text, unique=True),  # "<issuer> <sub>" once signed in with OpenID Connect
    Column("state", Text, nullable=False),  # invited, active, disabled
    Column("password_hash", Text),  # argon2id, encoded; null where there is no local account
    Column("preferences", Text, nullable=False),  # JSON: theme, density, single_keys
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("stated_at", BigInteger, nullable=False),  # of the event that state and roles are of
    Column("last_sign_in_at", BigInteger),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("locked_until", BigInteger),
)

person_role = Table(
    "person_role",
    metadata,
    Column("person_id", ULID, ForeignKey("person.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("unit", Text, primary_key=True),  # "" with matter "" is the whole archive
    Column("matter", Text, primary_key=True),
    comment="Who may act as what, and where. Each change is an event.",
)

passkey = Table(
    "passkey",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("person_id", ULID, ForeignKey("person.id"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("person_id", ULID, ForeignKey("person.id"), nullable=False, index=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),  # of the secret in the link
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

session = Table(
    "session",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),  # of the secret in the cookie
    Column("person_id", ULID, ForeignKey("person.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),  # password, passkey, oidc, link
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),  # absolute
    Column("confirmed_at", BigInteger, nullable=False),  # last proof that it is the person
    Column("ended_at", BigInteger),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("glass_until", BigInteger),  # break-glass: reading content until then
    Column("glass_reason", Text),
)

approval = Table(
    "approval",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("act", Text, nullable=False),  # the action that waits for a second person
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),  # pending, approved, refused
    Column("requested_by", Text, nullable=False),
    Column("requester_id", Text, nullable=False),  # a person's id, or how else they came
    Column("requested_at", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    comment="Acts under a two-person rule that a second person has to confirm.",
)

account = Table(
    "account",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("handle", Text, nullable=False),  # `record.account`
    Column("title", Text, nullable=False),
    Column("custodian", Text, nullable=False),
    Column("unit", Text, nullable=False, index=True),
    Column("registered_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),  # of the event this row is the outcome of
    UniqueConstraint("platform", "handle"),
)

account_total = Table(
    "account_total",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("records", BigInteger, nullable=False),
    Column("first_captured_at", BigInteger, nullable=False),
    Column("last_captured_at", BigInteger, nullable=False),
    comment="Followed from the log, so that lists of accounts need not count records.",
)

account_month = Table(
    "account_month",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("month", String(7), primary_key=True),  # YYYY-MM in UTC: posted, else captured
    Column("records", BigInteger, nullable=False),
    comment="Followed from the log: when an account spoke.",
)

class_total = Table(
    "class_total",
    metadata,
    Column("class_code", Text, primary_key=True),
    Column("records", BigInteger, nullable=False),
    comment="Followed from the log: how many records each class covers.",
)

job = Table(
    "job",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("kind", Text, nullable=False),  # import, verification, evidence, audit-export, …
    Column("subject", Text, nullable=False),  # what it is about, in words
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False, index=True),
    Column("arguments", Text, nullable=False),  # JSON
    Column("state", Text, nullable=False, index=True),  # queued, running, done, failed, cancelled
    Column("phase", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("requested_by", Text, nullable=False),
    Column("requester_id", Text, nullable=False),
    Column("requester", Text, nullable=False),  # JSON: the rights it was asked for with
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("runner", Text),  # the process that runs it
    Column("alive_at", BigInteger),  # when that process last said so
    Column("halt_by", Text),  # who asked to cancel it
    Column("lines", Text, nullable=False),  # JSON: [moment, words] of each phase
    Column("result", Text, nullable=False),  # JSON
    Column("error", Text, nullable=False),
    comment="Long work asked for by people; what it did is in the log, this is how far it got.",
)

follower = Table(
    "follower",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),  # next log index to read
    Column("updated_at", BigInteger, nullable=False),
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("log_index", LOG_INDEX, primary_key=True, autoincrement=False),
    Column("why", Text, nullable=False),  # damaged, lost, unreadable, refused
    Column("reason", Text, nullable=False),  # in words, without content
    Column("since", BigInteger, nullable=False),
    Column("tried_at", BigInteger, nullable=False),
    comment="Posts of which the search index could not take in what they say: for review.",
)

worm_probe = Table(
    "worm_probe",
    metadata,
    Column("log_index", LOG_INDEX, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),  # its URL
    Column("ok", Boolean, nullable=False),
    comment="The lock probes of each store; each row is the view of one `worm` entry.",
)

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("owner", Text, nullable=False),  # as events name them
    Column("owner_key", Text, nullable=False, index=True),  # a person's id, or how else they came
    Column("version", Integer, nullable=False),  # the newest
)

saved_search_version = Table(
    "saved_search_version",
    metadata,
    Column("saved_search_id", ULID, ForeignKey("saved_search.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("query", Text, nullable=False),  # as it was typed
    Column("normalised", Text, nullable=False),  # query and filters as one text
    Column("asked", Text, nullable=False),  # JSON of archiver.legal.asking.Asked
    Column("shared_with", Text, nullable=False),  # "", everybody, unit:… or matter:…
    Column("archived", Boolean, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    comment="Every change of a saved search; each row is the view of one event.",
)

saved_search_visit = Table(
    "saved_search_visit",
    metadata,
    Column("saved_search_id", ULID, ForeignKey("saved_search.id"), primary_key=True),
    Column("visitor", Text, primary_key=True),  # a person's id, or how else they came
    Column("seen", BigInteger, nullable=False),  # log index: hits below it are not new to them
    Column("at", BigInteger, nullable=False),
    comment="Who looked at the hits of a saved search when last; each row is the view of an event.",
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("saved_search_id", ULID, ForeignKey("saved_search.id"), nullable=False, index=True),
    Column("owner", Text, nullable=False),
    Column("owner_key", Text, nullable=False, index=True),
    Column("requester", Text, nullable=False),  # JSON: the rights it was asked for with
    Column("channel", Text, nullable=False),  # webhook, mail
    Column("target", Text, nullable=False),  # URL or e-mail address
    Column("pace", Text, nullable=False),  # at-once, hourly, daily
    Column("secret", LargeBinary, nullable=False),  # sealed; empty for mail
    Column("state", Text, nullable=False),  # active, stopped, ended
    Column("why", Text, nullable=False),  # it is stopped
    Column("created_at", BigInteger, nullable=False),
    Column("stated_at", BigInteger, nullable=False),  # of the event that this row is the view of
    Column("position", BigInteger, nullable=False),  # next log index to tell of
    Column("looked_at", BigInteger, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("subscription_id", ULID, ForeignKey("subscription.id"), nullable=False),
    Column("first_index", BigInteger, nullable=False),  # it tells of the log from here …
    Column("end_index", BigInteger, nullable=False),  # … up to here, exclusively
    Column("hits", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # of the saved search
    Column("state", Text, nullable=False, index=True),  # waiting, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),  # of the last attempt
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    UniqueConstraint("subscription_id", "first_index"),
    comment="Each stretch of the log is told to a subscription once: the key says so.",
)
