"""The tables of privacy requests; the rest of the schema is in `tables` and `disposal_tables`.

`person` is what the request says of who asks. Nothing else here names anybody: records are named by
log index, and what is left of an erased one is its row of `disposed`.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from archiver.db.tables import ULID, metadata

privacy_request = Table(
    "privacy_request",
    metadata,
    Column("id", ULID, primary_key=True),
    Column("kind", String(20), nullable=False),  # erasure, restriction, objection
    Column("reference", Text, nullable=False),
    Column("person", Text, nullable=False),  # in words, as little as tells them from others
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("extended_months", Integer, nullable=False),  # 0, 1 or 2
    Column("extension", Text, nullable=False),  # why it was extended, or ""
    Column("state", String(20), nullable=False),  # open, closed
    Column("restricts", Integer, nullable=False),  # records it restricts now
    Column("document", Text, nullable=False),  # the signed closing document, "" until closed
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("stated_at", BigInteger, nullable=False),  # of the event that this row is the view of
    Index("ix_privacy_request_restricts", "restricts"),
    comment="Requests of people about data on them (GDPR 17, 18, 21); each change is an event.",
)

privacy_record = Table(
    "privacy_record",
    metadata,
    Column("request_id", ULID, ForeignKey("privacy_request.id"), primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("decision", String(20), nullable=False),  # "", erase, refuse, restrict, lifted
    Column("ground", Text, nullable=False),  # what a refusal rests on, or ""
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger),
    Index("ix_privacy_record_log_index", "log_index"),
    Index("ix_privacy_record_decision", "decision", "log_index"),
    comment="Records a request is about, with what was decided of each.",
)
