"""The tables of retention and disposal; the rest of the schema, and its rules, are in `tables`.

Nothing here names a person, an account's post or a word of one after its record was destroyed:
what remains of it is a row of `disposed`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from archiver.db.tables import LOG_INDEX, ULID, metadata

plan_draft = Table(
    "plan_draft",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("subject", Text, nullable=False),  # schedule, rules
    Column("class_code", Text, nullable=False, index=True),  # "" for rules
    Column("based_on", Integer, nullable=False),  # the version it was made from, 0: none
    Column("body", Text, nullable=False),  # JSON of retention.Schedule or RuleSet
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft, submitted, approved, refused, withdrawn
    Column("in_force_from", BigInteger),  # asked for on submitting; null: at approval
    Column("simulation", Text, nullable=False),  # JSON of the simulation it was submitted with
    Column("revision", Integer, nullable=False),  # from 1 on, one more with each event
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("authors", Text, nullable=False),  # JSON list of all who wrote: none of them approves
    Column("decided_by", Text, nullable=False),  # who approved, refused or withdrew it, or ""
    Column("stated_at", BigInteger, nullable=False),  # of the event that this row is the view of
    comment="Changes of the file plan that are not in force; each change of one is an event.",
)

retention_event = Table(
    "retention_event",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("name", Text, nullable=False),  # account_closed, employee_left, …
    Column("platform", Text, nullable=False),  # the account it happened to, or …
    Column("account", Text, nullable=False),
    Column("record_id", Text, nullable=False, index=True),  # … the one record; "" with an account
    Column("happened_at", BigInteger, nullable=False),
    # The calendar day it was stated as (2026-03-31), the same in every zone; "": as a moment.
    Column("day", Text, nullable=False, server_default=text("''")),
    Column("note", Text, nullable=False),
    Column("source", Text, nullable=False),  # page, api, cli, csv, register
    Column("corrects", Text, nullable=False),  # id of the statement it takes the place of, or ""
    Column("in_force", Boolean, nullable=False),  # false: corrected or withdrawn
    Column("stated_by", Text, nullable=False),
    Column("stated_at", BigInteger, nullable=False),
    Index("ix_retention_event_account", "platform", "account", "name"),
    comment="Named events with their own dates, which start the count of terms.",
)

disposal_stop = Table(
    "disposal_stop",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("lifts", Text, primary_key=True),  # id of the stop that this row ends; "": a stop
    Column("reason", Text, nullable=False),
    Column("stated_by", Text, nullable=False),
    Column("stated_by_id", Text, nullable=False),  # a person's id, or how else they came
    Column("stated_at", BigInteger, nullable=False),
    comment="The emergency stop: while one stop is not lifted, nothing is disposed of.",
)

batch = Table(
    "batch",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("class_code", Text, nullable=False),
    Column("schedule_version", Integer, nullable=False),
    Column("action", Text, nullable=False),  # destroy, transfer, review
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("period", String(7), nullable=False),  # month in which their retention ended
    Column("state", Text, nullable=False, index=True),
    Column("log_size", BigInteger, nullable=False),  # formed from the log below it
    Column("records", BigInteger, nullable=False),  # when it was formed
    Column("bytes", BigInteger, nullable=False),
    Column("method", Text, nullable=False),  # "", delete, erase
    Column("formed_by", Text, nullable=False),
    Column("formed_by_id", Text, nullable=False),
    Column("formed_at", BigInteger, nullable=False),
    Column("proposed_by", Text, nullable=False),  # "" until it was reviewed
    Column("proposed_by_id", Text, nullable=False),
    Column("proposal", Text, nullable=False),  # why it is proposed
    Column("approvals_needed", Integer, nullable=False),  # fixed when it was proposed
    Column("stated_at", BigInteger, nullable=False),  # of the event that this row is the view of
    comment="Eligible records proposed for disposal together; each change of one is an event.",
)

batch_record = Table(
    "batch_record",
    metadata,
    Column("batch_id", ULID, ForeignKey("batch.id"), primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # in, excluded, kept, condemned, disposed
    Column("reason", Text, nullable=False),  # why it is excluded or was kept
    Column("keep_until", BigInteger),  # a review decided to keep it: in no batch before
    Column("dis_index", BigInteger),  # log index of the `dis` entry that lets it go
    Index("ix_batch_record_log_index", "log_index"),
)

batch_approval = Table(
    "batch_approval",
    metadata,
    Column("batch_id", ULID, ForeignKey("batch.id"), primary_key=True),
    Column("approver_id", Text, primary_key=True),  # a person's id, or how else they came
    Column("approved_by", Text, nullable=False),
    Column("records", BigInteger, nullable=False),  # the count they typed
    Column("reason", Text, nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    comment="Approvals in force; what was withdrawn or voided is in the audit trail.",
)

batch_package = Table(
    "batch_package",
    metadata,
    Column("batch_id", ULID, ForeignKey("batch.id"), primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("exported_by", Text, nullable=False),
    # A person's id, or how else they came; "": of before it was stated.
    Column("exported_by_id", Text, nullable=False, server_default=text("''")),
    Column("exported_at", BigInteger, nullable=False),
    Column("receiver", Text, nullable=False),  # "" until the receiver confirmed
    Column("confirmed_by", Text, nullable=False),
    Column("confirmed_at", BigInteger),
    comment="What a batch of the action transfer was handed over as.",
)

disposed = Table(
    "disposed",
    metadata,
    Column("log_index", LOG_INDEX, primary_key=True, autoincrement=False),
    Column("id", ULID, nullable=False, unique=True),
    Column("entry_type", String(3), nullable=False),
    Column("class_code", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("schedule_version", Integer, nullable=False),
    Column("segment_id", ULID, nullable=False, index=True),
    Column("frame", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes that went
    Column("captured_at", BigInteger, nullable=False),
    Column("batch_id", ULID, nullable=False, index=True),
    Column("method", Text, nullable=False),  # delete, erase, transfer
    Column("dis_index", BigInteger, nullable=False),  # log index of the `dis` entry
    Column("disposed_at", BigInteger, nullable=False),
    comment="What remains of a destroyed record. Its hashes are in its log entry, which stays.",
)

certificate = Table(
    "certificate",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("batch_id", ULID, nullable=False, unique=True),
    Column("class_code", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # the signed JSON document
    Column("issued_at", BigInteger, nullable=False),
    comment="Certificates of destruction: each row is the view of one event.",
)

refiling = Table(
    "refiling",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("cause", Text, nullable=False),  # in words: which version or event
    Column("scope", Text, nullable=False),  # JSON of archiver.db.refiling.Scope
    Column("part", Integer, nullable=False),  # of the scope, which one is being gone through
    Column("position", BigInteger, nullable=False),  # next log index to read in that part
    Column("done", Boolean, nullable=False),  # all but the event that says so
    Column("records", BigInteger, nullable=False),  # gone through
    Column("longer", BigInteger, nullable=False),
    Column("shorter", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # end in the past, which did not before
    Column("asked_at", BigInteger, nullable=False),
    comment="Records whose retention has to be worked out anew; a row goes when it is done.",
)
