"""All that a full verification asks of the database, which it compares and never believes.

In a module of its own, so that an audit from outside starts without what databases need.
"""

from collections.abc import Mapping, Sequence

from archiver.assurance.content import OpenedSegment
from archiver.assurance.database_check import DatabaseCheck
from archiver.assurance.database_facts import compare_facts
from archiver.assurance.database_objects import check_blob_rows, check_segment_rows
from archiver.assurance.inventory import Inventory
from archiver.assurance.join import Catalogue, KnownSegment
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings, Progress
from archiver.assurance.segment_check import ObjectFacts
from archiver.db import ledger as ledger_rows
from archiver.db import verification as rows
from archiver.db.ledger import LogState
from archiver.db.transaction import Database
from archiver.model.lock import Lock
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

    async def state(self) -> LogState:
        """Return what the database says of the log; later rows are not judged."""
        async with self._database.reading() as tx:
            self._promised = await ledger_rows.state(tx)
        return self._promised

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
        """Compare every log entry and every record's place; see `DatabaseCheck`."""
        await DatabaseCheck(
            database=self._database,
            store=store,
            archive_id=self._archive_id,
            catalogue=catalogue,
            log=log,
            missing=missing,
            findings=self._findings,
        ).run(progress)

    async def compare_facts(self, segment: KnownSegment, opened: OpenedSegment) -> None:
        """Compare the columns derived from the content of a segment's records."""
        first, end = segment.first_index, segment.first_index + segment.records
        async with self._database.reading() as tx:
            facts = await rows.facts(tx, first, end)
            events = await rows.events(tx, first, end)
        compare_facts(opened, first, facts, events, self._findings)
