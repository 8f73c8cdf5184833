"""Open batches whose schedule was replaced: they are cancelled, and the reason is said.

Such a batch can never be executed, for the gate keeps each of its records: they were approved under
another version. Cancelled, it frees them, and those still due come up in the next batch.
"""

from functools import partial

from archiver.audit.actions import Action
from archiver.clock import Clock, to_millis
from archiver.db import disposal as rows
from archiver.db import refiling, retained
from archiver.db.transaction import Connection, Database
from archiver.disposal.batch_changes import BatchChanges
from archiver.errors import Conflict
from archiver.model.actor import SYSTEM
from archiver.model.batch import UNDECIDED
from archiver.model.privacy import PRIVACY


class StaleBatches:
    """Cancels what can never be executed."""

    def __init__(self, *, database: Database, changes: BatchChanges, clock: Clock) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock

    async def cancel(self) -> int:
        """Cancel each open batch of a schedule version that is not in force; return how many.

        While records wait to be brought to a version that came into force, nothing is done. A batch
        of a privacy request is left to who works the request.
        """
        at = to_millis(self._clock())
        stale = await self._database.run(partial(_stale, at=at), writes=False)
        count = 0
        for batch_id, version in stale.items():
            view = await self._changes.view(batch_id)
            if view.state not in UNDECIDED:
                continue
            details = {
                "reason": f"version {version} of schedule {view.row.class_code} is in force, and "
                f"the batch was formed under version {view.row.schedule_version}: its records "
                "come up again when they are due under the new one"
            }
            try:
                await self._changes.change(Action.BATCH_CANCELLED, view, details, actor=SYSTEM)
            except Conflict:
                continue  # somebody was faster; it is looked at again
            count += 1
        return count


def _stale(connection: Connection, at: int) -> dict[str, int]:
    if refiling.behind(connection, at=at, below=0):
        return {}
    in_force = retained.schedules_in_force(connection, at)
    return {
        batch_id: in_force[class_code][0]
        for batch_id, class_code, version, action in rows.undecided(connection)
        if class_code in in_force and in_force[class_code][0] != version and action != PRIVACY
    }
