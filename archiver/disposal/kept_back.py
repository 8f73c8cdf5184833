"""What is kept back from disposal, and by what: counts by class and account, the list behind each.

No batch takes these. They come up when their hold is released, their lock ends, or the event that
they await is stated.
"""

from collections.abc import Sequence

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, to_millis
from archiver.db import kept_back as rows
from archiver.db.kept_back import Keeps, KeptGroup, KeptRecord, Place
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges
from archiver.errors import InvalidInput
from archiver.model.actor import Actor

MOST_LISTED = 200


class KeptBack:
    """The use cases of looking at what is kept back."""

    def __init__(self, *, database: Database, changes: BatchChanges, clock: Clock) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock

    async def groups(self, *, actor: Actor) -> Sequence[KeptGroup]:
        """Return what is kept back, by class and account. Raises Denied."""
        require(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            found = await rows.groups(tx, to_millis(self._clock()))
        await self._changes.note(Action.BATCH_VIEWED, actor=actor, kept=len(found))
        return found

    async def records(
        self, keeps: str, place: Place, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> Sequence[KeptRecord]:
        """Return records of a place that `keeps` keeps, in log order behind a log index.

        Raises:
            Denied: the actor may not read the file plan, or not the content, of the whole archive.
            InvalidInput: nothing keeps records so, or a limit not from 1 to 200.
        """
        require(actor, Permission.READ_FILE_PLAN)
        require(actor, Permission.READ_CONTENT)
        if keeps not in set(Keeps):
            raise InvalidInput(
                f"expected one of {', '.join(Keeps)}, found {keeps[:40]!r}", pointer="why"
            )
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            found = await rows.records(
                tx, Keeps(keeps), place, at=to_millis(self._clock()), after=after, limit=limit
            )
        await self._changes.note(Action.BATCH_VIEWED, actor=actor, kept=len(found))
        return found
