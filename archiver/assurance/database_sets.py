"""Frozen result sets, against the events that froze them: holds and exports are made from them.

A set whose members somebody changed would put other records under the next hold placed from it.
"""

from collections.abc import Mapping
from hashlib import sha256

from archiver.assurance.database_check import REBUILD
from archiver.assurance.report import Findings
from archiver.db import frozen_sets as rows
from archiver.db.frozen_sets import COLUMNS, FrozenSetRow
from archiver.db.transaction import Database
from archiver.preserve.set_effects import SetFrozen


class SetCheck:
    """Takes in the events that froze sets, in any order; compares when all are known.

    `known` are the sets in the database when the run began, when `below` entries were sequenced.
    """

    def __init__(
        self,
        *,
        database: Database,
        known: Mapping[str, FrozenSetRow],
        below: int,
        findings: Findings,
    ) -> None:
        self._database = database
        self._known = known
        self._below = below
        self._findings = findings
        self._stated: dict[str, tuple[int, FrozenSetRow, bytes]] = {}

    def take(self, log_index: int, frozen: SetFrozen) -> None:
        """Take in one event. Of two that froze one set the first counts, as when it was applied."""
        first = self._stated.get(frozen.row.id)
        if first is None or log_index < first[0]:
            self._stated[frozen.row.id] = log_index, frozen.row, sha256(frozen.members).digest()

    async def finish(self) -> None:
        """Compare, in both directions. Raises DatabaseUnavailable."""
        for set_id in sorted(self._known.keys() - self._stated.keys()):
            self._problem(f"frozen set {set_id}: expected the event that froze it, found none")
        for set_id, (log_index, row, members) in sorted(self._stated.items()):
            found = self._known.get(set_id)
            if found is not None:
                await self._compare(found, row, members)
            elif log_index < self._below:
                self._problem(f"frozen set {set_id}: expected it as its event says, found none")

    async def _compare(self, found: FrozenSetRow, stated: FrozenSetRow, members: bytes) -> None:
        wrong = [name for name in COLUMNS if getattr(found, name) != getattr(stated, name)]
        async with self._database.reading() as tx:
            if sha256(await rows.packed(tx, found.id)).digest() != members:
                wrong.append("members")
        if wrong:
            self._problem(
                f"frozen set {found.id}: its {', '.join(wrong)} in the database is not what its "
                "event says"
            )

    def _problem(self, what: str) -> None:
        self._findings.problem(f"{what}; {REBUILD}", object_key="database:frozen_set")
