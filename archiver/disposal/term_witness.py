"""What the terms of records count from, as stored events state it and not as rows say.

The gate asks the retention engine with the schedules, the classes and the retention events that
the database names. Whoever can write to the database could shorten a schedule there, delete the
version that lengthened it, put a record into a class of which little is kept, or state that an
account was closed. So before a batch is judged, these rows are compared with the events that made
them: they are records of the log, and open only as what they are.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from archiver.db import term_witness as rows
from archiver.db.hit_rows import HitRows
from archiver.db.term_witness import Rows, Schedules
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.preserve.event_effects import Effect, effect_of
from archiver.preserve.event_record import parse_event
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.stated_terms import StatedTerms


class TermWitness:
    """Compares what one archive's database says of terms with its stored events."""

    def __init__(self, *, reader: RecordReader, database: Database) -> None:
        self._reader = reader
        self._database = database

    async def require_class(self, class_code: str, stating: Sequence[int]) -> StatedTerms:
        """Pass if the rows that the terms of a class count from are those that events state.

        `stating` are the log indexes of the events that may (`StoredEvents.stating`).

        Raises:
            IntegrityError: they are not, or an event is not what was stored.
            StorageUnavailable: the store did not answer.
        """
        found = await self._database.run(partial(rows.rows_of, log_indexes=stating), writes=False)
        stated = await asyncio.to_thread(self._stated, found.events)
        if wrong := _other(found, stated, class_code):
            raise IntegrityError(
                f"class {class_code}: {wrong} in the database are not those that the events of the "
                "log state: they were changed by hand. Nothing was destroyed. Run `muniment verify "
                "--full`, find out who changed them, and run `muniment recover`"
            )
        return stated

    def _stated(self, events: HitRows) -> StatedTerms:
        stated = StatedTerms()
        for _, (row, entry) in sorted(events.rows.items()):
            opened = self._reader.open(events.segments[row.segment_id], row, entry)
            stated.take(self._effect(opened))
        return stated

    def _effect(self, opened: OpenedRecord) -> Effect | None:
        body = parse_event(self._reader.part(opened, 0).content)
        return effect_of(body, partial(self._reader.content_of, opened))


def _other(found: Rows, stated: StatedTerms, class_code: str) -> str:
    """Return what of the rows is other than events state, "" for nothing."""
    if _of_class(found.schedules, class_code) != _of_class(stated.schedules, class_code):
        return "the schedules"
    return "" if found.statements == stated.statements else "the retention events"


def _of_class(schedules: Schedules, class_code: str) -> Schedules:
    return {place: said for place, said in schedules.items() if place[0] == class_code}
