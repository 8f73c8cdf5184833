"""Reviewing a batch: statistics, what stands out, a random sample, what its end would destroy.

Statistics and counts are for whoever reads the file plan. Which records they are is for those who
may read content: nobody decides about posts they cannot look at.
"""

from zoneinfo import ZoneInfo

from archiver.access.record_access import may_see_hold
from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import batch_review as review_rows
from archiver.db import batches as rows
from archiver.db import certificates as certificate_rows
from archiver.db.batch_review import HeldBy, Standout
from archiver.db.transaction import Database, Transaction
from archiver.disposal.batch_changes import BatchChanges
from archiver.disposal.batch_statistics import statistics_of
from archiver.disposal.batch_views import (
    BatchReview,
    BatchView,
    Consequences,
    ExceptionPage,
    HoldOutside,
    MemberPage,
    objection,
)
from archiver.disposal.samples import SEED_BYTES, draw
from archiver.errors import InvalidInput
from archiver.ids import Randomness
from archiver.model.actor import Actor
from archiver.model.batch import MemberState
from archiver.model.lock import LockMode
from archiver.preserve.event_record import legible
from archiver.preserve.named_records import members_digest

MAX_PAGE = 1000
MAX_SAMPLE = 1000
_LONGEST_SEED = 200


class BatchReviews:
    """The use cases that look at one batch. Each is an event of the trail.

    `zone` is that in whose years posts are counted; `backup_days` how long backups are kept.
    """

    def __init__(
        self,
        *,
        database: Database,
        changes: BatchChanges,
        clock: Clock,
        randomness: Randomness,
        zone: ZoneInfo,
        backup_days: int,
    ) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock
        self._randomness = randomness
        self._zone = zone
        self._backup_days = backup_days

    async def show(self, batch_id: str, *, actor: Actor) -> BatchReview:
        """Return all that the review of a batch needs but its records. Raises Denied, NotFound."""
        require(actor, Permission.READ_FILE_PLAN)
        view = await self._changes.view(batch_id)
        at = to_millis(self._clock())
        async with self._database.reading() as tx:
            described = await review_rows.describe(tx, batch_id)
            standouts = await _standouts(tx, batch_id)
            standing_out = (await review_rows.count_standing_out(tx, [batch_id])).get(batch_id, 0)
            outside = await review_rows.not_in(tx, view.row, at)
            holds = await review_rows.held_by(tx, view.row, at)
            package = await rows.package(tx, batch_id)
            certificate = await certificate_rows.of_batch(tx, batch_id)
            consequences = await self._consequences(tx, view)
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor)
        return BatchReview(
            view=view,
            statistics=statistics_of(described, self._zone),
            standouts=standouts,
            standing_out=standing_out,
            outside=outside,
            holds=tuple(_hold_outside(each, actor) for each in holds),
            consequences=consequences,
            package=package,
            objection=str(objection(view, actor) or ""),
            certificate=certificate,
        )

    async def consequences(self, view: BatchView) -> Consequences:
        """Return what executing a batch would destroy; who may see it is the caller's to check."""
        async with self._database.reading() as tx:
            return await self._consequences(tx, view)

    async def members(
        self, batch_id: str, *, state: str = "", after: int = -1, limit: int = 50, actor: Actor
    ) -> MemberPage:
        """Return records of a batch behind a log index, in log order, of one state if it is named.

        Raises:
            Denied: the actor may not read the file plan, or not content.
            NotFound: no such batch.
            InvalidInput: no such state, or a limit out of 1 to `MAX_PAGE`.
        """
        _require_reader(actor)
        if state and state not in set(MemberState):
            raise InvalidInput(
                f"expected a state of {', '.join(MemberState)}, found {state[:40]!r}",
                pointer="state",
            )
        _require_size(limit, MAX_PAGE)
        view = await self._changes.view(batch_id)
        async with self._database.reading() as tx:
            found = await rows.members(tx, batch_id, state=state, after=after, limit=limit + 1)
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor, what="records")
        more = len(found) > limit
        return MemberPage(
            view=view,
            members=tuple(found[:limit]),
            after=found[limit - 1].log_index if more else None,
        )

    async def exceptions(
        self,
        batch_id: str,
        why: Standout | None = None,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ExceptionPage:
        """Return the records of a batch that stand out for one reason. Raises as `members`.

        Without a reason it is the first one for which any does.
        """
        _require_reader(actor)
        _require_size(limit, MAX_PAGE)
        view = await self._changes.view(batch_id)
        async with self._database.reading() as tx:
            standouts = await _standouts(tx, batch_id)
            if why is None:
                why = next((each for each in Standout if standouts[each]), Standout.CHANGED)
            indexes = await _standing_out(tx, batch_id, why, after, limit + 1)
            found = await rows.members_at(tx, batch_id, indexes[:limit])
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor, what=why.value)
        more = len(indexes) > limit
        return ExceptionPage(
            view=view,
            members=tuple(found),
            after=indexes[limit - 1] if more else None,
            why=why,
            standouts=standouts,
        )

    async def sample(
        self, batch_id: str, *, size: int = 50, seed: str = "", actor: Actor
    ) -> MemberPage:
        """Return a random sample of the records in a batch; the same seed draws the same one.

        The event names the seed, the size and the digest of what was drawn: whoever doubts that the
        reviewer looked at a fair sample draws it again.

        Raises:
            Denied: the actor may not read the file plan, or not content.
            NotFound: no such batch.
            InvalidInput: a size out of 1 to `MAX_SAMPLE`, or a very long seed.
        """
        _require_reader(actor)
        _require_size(size, MAX_SAMPLE)
        if len(seed) > _LONGEST_SEED:
            raise InvalidInput(
                f"expected a seed of at most {_LONGEST_SEED} characters, found {len(seed)}",
                pointer="seed",
            )
        seed = legible(seed) or self._randomness(SEED_BYTES).hex()
        view = await self._changes.view(batch_id)
        async with self._database.reading() as tx:
            drawn = draw(await rows.indexes_in(tx, batch_id, MemberState.IN), size, seed)
            found = await rows.members_at(tx, batch_id, drawn)
        await self._changes.note(
            Action.BATCH_SAMPLED,
            batch_id,
            actor=actor,
            seed=seed,
            size=size,
            records=len(drawn),
            members_sha256=members_digest(drawn),
        )
        return MemberPage(view=view, members=tuple(found), after=None, seed=seed)

    async def _consequences(self, tx: Transaction, view: BatchView) -> Consequences:
        shares = await review_rows.segments(tx, view.id)
        media, media_bytes = await review_rows.media(tx, view.id)
        described = await review_rows.describe(tx, view.id)
        shared = [share for share in shares if share.going < share.records]
        ends = [each.lock_until for each in shares if each.lock_mode != LockMode.NONE.value]
        return Consequences(
            records=len(described),
            bytes=sum(each.size for each in described),
            whole=len(shares) - len(shared),
            shared=len(shared),
            staying=sum(share.records - share.going for share in shared),
            media=media,
            media_bytes=media_bytes,
            locked_until=from_millis(max(ends)) if ends else None,
            backup_days=self._backup_days,
        )


async def _standouts(tx: Transaction, batch_id: str) -> dict[str, int]:
    """Return how many records of a batch stand out, by why."""
    found = dict(await review_rows.standouts(tx, batch_id))
    members = await rows.indexes_in(tx, batch_id, MemberState.IN)
    found[Standout.IN_SET] = len(await review_rows.in_sets(tx, members))
    return {why.value: found[why] for why in Standout}


async def _standing_out(
    tx: Transaction, batch_id: str, why: Standout, after: int, limit: int
) -> list[int]:
    if why is not Standout.IN_SET:
        return await review_rows.standing_out(tx, batch_id, why, after=after, limit=limit)
    members = await rows.indexes_in(tx, batch_id, MemberState.IN)
    known = await review_rows.in_sets(tx, members)
    return [index for index in known if index > after][:limit]


def _require_reader(actor: Actor) -> None:
    for needs in (Permission.READ_FILE_PLAN, Permission.READ_CONTENT):
        require(actor, needs)


def _require_size(found: int, most: int) -> None:
    if not 1 <= found <= most:
        raise InvalidInput(f"expected a number of 1 to {most:,}, found {found}", pointer="limit")


def _hold_outside(row: HeldBy, actor: Actor) -> HoldOutside:
    seen = may_see_hold(actor, row.matter)
    return HoldOutside(
        hold=row.hold_id if seen else "", name=row.name if seen else "", records=row.records
    )
