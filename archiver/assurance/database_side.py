"""All that a full verification asks of the database, which it compares and never believes.

In a module of its own, so that an audit from outside starts without what databases need.
"""

from collections.abc import Mapping, Sequence

from archiver.assurance.content import OpenedSegment
from archiver.assurance.database_check import DatabaseCheck
from archiver.assurance.database_facts import compare_facts
from archiver.assurance.database_holds import HoldCheck
from archiver.assurance.database_objects import check_blob_rows, check_segment_rows
from archiver.assurance.database_statements import StatementCheck
from archiver.assurance.inventory import Inventory
from archiver.assurance.join import Catalogue, KnownSegment
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings, Progress
from archiver.assurance.segment_check import ObjectFacts
from archiver.db import ledger as ledger_rows
from archiver.db import verification as rows
from archiver.db.ledger import LogState
from archiver.db.replay import Replay
from archiver.db.transaction import Database
from archiver.model.lock import Lock
from archiver.preserve.lanes import OPEN_PERIOD
from archiver.preserve.store import ObjectStore

_PENDING_PAGE = 8192


class DatabaseSide:
    """The database of one run of verification; what differs is a problem in `findings`.

    Every method raises `DatabaseUnavailable` where the database did not answer.
    """

    def __init__(self, *, database: Database, archive_id: str, findings: Findings) -> None:
        self._database = database
        self._archive_id = archive_id
        self._findings = findings
        self._promised: LogState | None = None
        self._views: rows.Views | None = None
        self._replay: Replay | None = None
        self._statements: StatementCheck | None = None
        self._waits = ""
        self._is_whole = True

    async def state(self, *, content: bool) -> LogState:
        """Return what the database says of the log; later rows are not judged.

        With `content`, rows that only events can tell are kept as they are now, until `close`.
        """
        async with self._database.reading() as tx:
            self._promised = await ledger_rows.state(tx)
            if content:
                self._views = await rows.views(tx)
                self._replay = Replay()
                await self._replay.copy(tx)
        return self._promised

    def close(self) -> None:
        """Free the space that the kept rows take."""
        if self._replay is not None:
            self._replay.close()

    async def ended_segments(self, now_ms: int) -> dict[str, int]:
        """Return the segments whose locks roll no longer, and since when; see `SegmentTask`."""
        async with self._database.reading() as tx:
            return await rows.ended_segments(tx, OPEN_PERIOD, now_ms)

    async def add_pending(self, log: CheckedLog) -> None:
        """Add what `state` knew as sequenced and not signed to the log: its own word only."""
        sequenced = log.end if self._promised is None else self._promised.next_index
        while log.end < sequenced:
            end = min(log.end + _PENDING_PAGE, sequenced)
            async with self._database.reading() as tx:
                found = await rows.entries(tx, log.end, end)
            if [index for index, _ in found] != list(range(log.end, end)):
                self._findings.problem(
                    f"entries {log.end} to {end - 1} are sequenced but not all in the database; "
                    "rows were deleted before they were signed. Restore the database",
                    object_key="database:log_entry",
                )
                return
            log.extend([entry for _, entry in found])
        if log.end > log.size:
            self._findings.not_checked.append(
                f"that the last {log.end - log.size} entries are under a signed checkpoint: they "
                "were not integrated yet, and were compared with the database only"
            )

    async def check_segments(
        self, catalogue: Catalogue, inventory: Inventory, log: CheckedLog
    ) -> dict[str, int]:
        """Compare the rows of segments; return the first log index of every row by segment id."""
        listed = {key for key, _ in inventory.segments}
        return await check_segment_rows(self._database, catalogue, listed, log, self._findings)

    async def check_blobs(
        self, blobs: Mapping[str, tuple[ObjectFacts, Lock | None]], inventory: Inventory
    ) -> set[str]:
        """Compare the rows of blobs; return the keys that rows refer to."""
        listed = {key for key, _ in inventory.blobs}
        return await check_blob_rows(self._database, blobs, listed, self._findings)

    async def check_rows(
        self,
        store: ObjectStore,
        catalogue: Catalogue,
        log: CheckedLog,
        missing: Sequence[tuple[int, int]],
        progress: Progress,
    ) -> None:
        """Compare every log entry, every record's place and every hold."""
        await DatabaseCheck(
            database=self._database,
            store=store,
            archive_id=self._archive_id,
            catalogue=catalogue,
            log=log,
            missing=missing,
            findings=self._findings,
        ).run(progress)
        self._is_whole = not missing
        holds = HoldCheck(database=self._database, log=log, findings=self._findings)
        await holds.run()
        if self._views and self._replay and self._promised:
            self._statements = StatementCheck(
                database=self._database,
                views=self._views,
                replay=self._replay,
                below=self._promised.next_index,
                holds=holds,
                findings=self._findings,
            )

    async def compare_facts(
        self, segment: KnownSegment, opened: OpenedSegment, now_ms: int
    ) -> None:
        """Compare the columns derived from the content of a segment's records."""
        self._is_whole = self._is_whole and not opened.problems
        first, end = segment.first_index, segment.first_index + segment.records
        async with self._database.reading() as tx:
            facts = await rows.facts(tx, first, end)
            events = await rows.events(tx, first, end)
            filing = await rows.filing(tx, first, end, now_ms)
        compare_facts(opened, first, facts, events, filing=filing, findings=self._findings)
        if filing.waits and filing.versions and not self._waits:
            self._waits = filing.waits
            self._findings.not_checked.append(
                "that every record is filed and kept by the newest version of its schedule: "
                + filing.waits
            )
        if self._statements is not None:
            for record in opened.records:
                if record.stated:
                    await self._statements.take(first + record.frame, record.stated)

    async def check_statements(self, log: CheckedLog, now_ms: int) -> None:
        """Compare what all stored events state with the rows that are their views."""
        if self._statements is not None:
            await self._statements.finish(log, is_whole=self._is_whole, now_ms=now_ms)
