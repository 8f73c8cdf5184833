"""Records written straight into the tables: archives of any shape, in milliseconds.

Nothing is captured or stored: what decides about retention stands in rows alone. Every method
returns what names the row it wrote. A column that nobody speaks of is empty, 0 or false.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, insert

from archiver.clock import to_millis
from archiver.db.disposal_tables import batch, batch_record, retention_event
from archiver.db.tables import (
    account,
    blob,
    file_class,
    hold,
    hold_record,
    log_state,
    record,
    schedule,
    segment,
)
from retention.facts import EARLIEST
from retention.schedules import Schedule


class FiledRows:
    """Writes rows by way of one connection; ids and log indexes count up."""

    def __init__(self, connection: Connection, *, first_id: int = 0) -> None:
        self._connection = connection
        self._next = 0
        self._ids = first_id

    def new_id(self) -> str:
        """A name of 26 characters that no other row has."""
        self._ids += 1
        return f"{self._ids:026d}"

    def a_log(self, size: int) -> None:
        """The state of a log of so many entries, none of them signed."""
        self._insert(log_state, id=1, next_index=size)

    def a_class(self, *versions: Schedule, in_force_from: Sequence[datetime] = ()) -> None:
        """A class with its schedule versions, in force since 1970 where not told otherwise."""
        code = versions[0].class_code
        self._insert(file_class, code=code, body=json.dumps({"code": code, "title": code}))
        for number, each in enumerate(versions):
            since = in_force_from[number] if in_force_from else EARLIEST
            self.a_version(each, in_force_from=since)

    def a_version(self, version: Schedule, *, in_force_from: datetime) -> None:
        """One more schedule version of a class."""
        self._insert(
            schedule,
            class_code=version.class_code,
            version=version.version,
            body=json.dumps(version.to_dict()),
            in_force_from=to_millis(in_force_from),
        )

    def a_segment(self, *, lock_until: datetime | None = None) -> str:
        """A segment; without `lock_until` it is not locked."""
        segment_id = self.new_id()
        self._insert(
            segment,
            id=segment_id,
            class_code="default",
            period="2030-01",
            first_index=self._ids,
            records=1,
            object_key=f"{segment_id}.seg",
            lock_mode="compliance" if lock_until else "none",
            lock_until=to_millis(lock_until) if lock_until else 0,
        )
        return segment_id

    def a_post(self, segment_id: str, **given: Any) -> int:
        """A post in a segment; moments are given as such, anything else as the column has it."""
        index, self._next = self._next, self._next + 1
        values: dict[str, Any] = {
            "log_index": index,
            "id": self.new_id(),
            "entry_type": "rec",
            "segment_id": segment_id,
            "frame_length": 1000 + index,
            "raw_sha256": bytes(32),
            "content_key": sha256(b"%d" % index).digest(),
            "platform": "example",
            "account": "acme",
            "post_id": f"post-{index}",
            "kind": "post",
            "change": "created",
            "searchable": True,
            "class_code": "default",
            "rule": "1/default",
            "schedule_version": 1,
            **given,
        }
        for name, value in values.items():
            if isinstance(value, datetime):
                values[name] = to_millis(value)
        self._insert(record, **values)
        return index

    def an_account(self, handle: str, *, unit: str, platform: str = "example") -> None:
        """A registered account."""
        self._insert(
            account,
            id=self.new_id(),
            platform=platform,
            handle=handle,
            unit=unit,
        )

    def an_event(self, name: str, happened_at: datetime, **given: Any) -> str:
        """A retention event of an account (`platform`, `account`) or of a record (`record_id`)."""
        event_id = self.new_id()
        values = {"in_force": True, **given}
        self._insert(
            retention_event,
            id=event_id,
            name=name,
            happened_at=to_millis(happened_at),
            **values,
        )
        return event_id

    def a_hold(self, indexes: Sequence[int], *, state: str = "active") -> str:
        """A hold with its members."""
        hold_id = self.new_id()
        self._insert(
            hold,
            id=hold_id,
            name="Smith v. Acme",
            state=state,
            log_size=self._next,
            records=len(indexes),
        )
        for index in indexes:
            self._insert(hold_record, hold_id=hold_id, log_index=index)
        return hold_id

    def a_blob(self, record_id: str, *, size: int) -> None:
        """A large part of a record that has an object of its own."""
        key = f"{self.new_id()}.blob"
        self._insert(
            blob,
            object_key=key,
            record_id=record_id,
            size=size,
        )

    def a_batch(self, indexes: Sequence[int], *, state: str, member: str = "in") -> str:
        """A batch of disposal with its records."""
        batch_id = self.new_id()
        self._insert(
            batch,
            id=batch_id,
            class_code="default",
            state=state,
            records=len(indexes),
        )
        for index in indexes:
            self._insert(batch_record, batch_id=batch_id, log_index=index, state=member, reason="")
        return batch_id

    def _insert(self, table: Table, **values: object) -> None:
        plain = {
            column.name: column.type.python_type()
            for column in table.columns
            if not column.nullable and column.name not in values
        }
        self._connection.execute(insert(table).values(**plain, **values))
