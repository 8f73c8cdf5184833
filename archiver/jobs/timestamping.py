"""Timestamping: authorities outside attest when a checkpoint existed, hourly and on demand.

Every authority is asked for itself, side by side; one that is away or answers wrongly is noted,
and neither the others nor captures wait for it. An answer is verified as received, under the
configured roots and with the nonce that was sent, before anything is stored (`timestamp_keeping`).

Entries of tokens alone are no reason to ask again, or an idle archive would be stamped for ever on
account of its own stamps; a day without any, or a token whose certificate ages, is a reason.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from archiver.access.rules import Permission, require
from archiver.assurance.timestamp_view import Stamp, TimestampView
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db import timestamps as timestamp_rows
from archiver.db.lease import Lease, try_alone
from archiver.db.transaction import Database
from archiver.errors import (
    ConfigurationError,
    Conflict,
    IntegrityError,
    NotFound,
    PeerUnavailable,
)
from archiver.ids import Randomness
from archiver.jobs.loops import Chore
from archiver.jobs.timestamp_keeping import TimestampKeeping
from archiver.model.actor import SYSTEM, Actor
from archiver.model.lock import Lock
from archiver.preserve.ledger.exchange import Exchange, HttpExchange
from archiver.preserve.ledger.timestamps import (
    ENTRY_PREFIX,
    NONCE_BYTES,
    QUERY_TYPE,
    REPLY_TYPE,
    Authority,
    read_authorities,
    rejection,
    request,
    verify_response,
)
from archiver.preserve.object_keys import checkpoint_object
from archiver.preserve.store.threads import AsyncStore

FRESH = timedelta(hours=24)
"""An idle archive is stamped this often, so that everybody sees it is alive."""
RENEWAL_MARGIN = timedelta(days=30)
"""A token is covered by another this long before the certificate under it expires."""

_LOOK_EVERY_S = 1.0
_FIRST_PAUSE = timedelta(seconds=15)
_MOST_DOUBLINGS = 16  # over a week; the interval ends the growth long before
_OK = 200

_log = structlog.get_logger("muniment.jobs")


class Result(StrEnum):
    """What came of asking one authority."""

    STAMPED = "stamped"
    ALREADY = "already stamped"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"  # its token does not verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking `authority` about the checkpoint of `size`."""

    authority: str
    size: int
    result: Result
    stamp: Stamp | None = None
    problem: str = ""


@dataclass(slots=True)
class _Standing:
    """How it stands with one authority: when it may be asked next, and what was wrong last."""

    ask_after: datetime | None = None
    failures: int = 0
    refused: bool = False
    problem: str = ""

    def allows(self, now: datetime) -> bool:
        """Whether the authority may be asked by itself now."""
        return self.ask_after is None or self.ask_after <= now


def needs_renewal(stamp: Stamp, *, configured: bool, now: datetime) -> bool:
    """Return whether another token should come to cover this one soon (RFC 4998 section 5.2).

    It should when nobody asks its authority any more, when it does not verify under the roots
    configured now, or when its certificate has come within `RENEWAL_MARGIN` of its end since. A
    token made within that margin is not renewed for it again: the daily one suffices.
    """
    if not configured or stamp.token is None or stamp.logged_at is None:
        return True
    ages_from = stamp.token.expires_at - RENEWAL_MARGIN
    return stamp.logged_at < ages_from <= now


class Timestamping:
    """Has the checkpoints of one archive stamped."""

    def __init__(
        self,
        *,
        archive_id: str,
        authorities: Sequence[Authority],
        exchange: Exchange,
        view: TimestampView,
        keeping: TimestampKeeping,
        store: AsyncStore,
        database: Database,
        trail: Trail,
        clock: Clock,
        randomness: Randomness,
        interval_s: float,
    ) -> None:
        self._archive_id = archive_id
        self._named = tuple(authorities)
        self._authorities = tuple(each for each in authorities if each.asked)
        self._exchange = exchange
        self.view = view
        self._keeping = keeping
        self._store = store
        self._database = database
        self._trail = trail
        self._clock = clock
        self._randomness = randomness
        self._interval = timedelta(seconds=interval_s)
        self._standings = {each.name: _Standing() for each in self._authorities}
        self._started = False
        self._lease: Lease | None = None
        self._asking = asyncio.Lock()

    @property
    def chores(self) -> tuple[Chore, ...]:
        """The loop that asks the authorities; none where none are configured."""
        chore = Chore(name="timestamps", act=self.stamp_due, every_s=_LOOK_EVERY_S)
        return (chore,) if self._authorities else ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the authorities that are asked."""
        return tuple(authority.name for authority in self._authorities)

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with which authority; nothing when all is well."""
        return {name: each.problem for name, each in self._standings.items() if each.problem}

    def require_authorities(self) -> None:
        """Check that somebody can be asked. Raises ConfigurationError."""
        if not self._authorities:
            raise ConfigurationError(
                "no timestamp authorities are configured; name some in a file and set "
                "MUNIMENT_TIMESTAMP_AUTHORITIES_FILE to it"
            )

    async def stamp_due(self) -> str:
        """Ask every authority that is due, if this process leads; return what to tell of them.

        Raises:
            IntegrityError: a stored token is not the one its log entry promises.
            OperatorError: store or database did not answer.
        """
        now = self._clock()
        ready = [each for each in self._authorities if self._standings[each.name].allows(now)]
        if ready and await self._lead():
            async with self._asking:
                await self._start()
                size = await self._signed_size()
                due = [authority for authority in ready if await self._is_due(authority, size, now)]
                if due:
                    await self._ask_all(due, size)
        return "; ".join(f"{name}: {problem}" for name, problem in self.problems.items())

    async def stamp_now(self, *, actor: Actor) -> list[Outcome]:
        """Have the newest checkpoint stamped by every authority.

        Raises:
            Denied: the actor may not.
            ConfigurationError: no authorities are configured.
            Conflict: there is no published checkpoint yet.
        """
        require(actor, Permission.VERIFY)
        self.require_authorities()
        async with self._asking:
            await self._start()
            outcomes = await self._ask_all(self._authorities, await self._signed_size())
        if not outcomes:
            raise Conflict("the log has no published checkpoint yet; try again in a second")
        return outcomes

    async def close(self) -> None:
        """Give the lease back."""
        if self._lease is not None:
            await self._lease.release()
            self._lease = None

    async def _lead(self) -> bool:
        if self._lease is not None and not await self._lease.alive():
            self._lease = None
        if self._lease is None:
            self._lease = await try_alone(self._database, "timestamps")
        return self._lease is not None

    async def _start(self) -> None:
        if not self._started:
            await self._keeping.publish_roots(self._named)
            await self._keeping.look()
            self._started = True

    async def _signed_size(self) -> int:
        async with self._database.reading() as tx:
            return (await ledger_rows.state(tx)).size

    async def _is_due(self, authority: Authority, size: int, now: datetime) -> bool:
        known = self._keeping.newest
        newest = known.get(authority.name)
        if newest is None or size <= newest.size:
            return newest is None and size > 0
        # By our own clock: one that differs from the authority's must not make every look a day.
        if newest.logged_at is None or now - newest.logged_at >= FRESH:
            return True
        uncovered = [(name, each) for name, each in known.items() if not newest.covers(each)]
        if any(
            needs_renewal(stamp, configured=name in self._standings, now=now)
            for name, stamp in uncovered
        ):
            return True
        async with self._database.reading() as tx:
            return await timestamp_rows.has_others(tx, ENTRY_PREFIX, start=newest.size, end=size)

    async def _ask_all(self, authorities: Sequence[Authority], size: int) -> list[Outcome]:
        """Ask side by side; nobody where the checkpoint is not published yet."""
        try:
            message = await self._store.get(checkpoint_object(self._archive_id, size))
        except NotFound:
            return []
        await self._keeping.look()
        asked = [self._ask(authority, size, message) for authority in authorities]
        outcomes: list[Outcome] = []
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(outcome, BaseException):  # ours to mend; all others have ended as well
                raise outcome
            outcomes.append(outcome)
        return outcomes

    async def _ask(self, authority: Authority, size: int, message: bytes) -> Outcome:
        stamp, result = self._keeping.newest.get(authority.name), Result.ALREADY
        if stamp is None or stamp.size < size:
            try:
                response = await self._response(authority, message)
                stamp = await self._keeping.keep(size, authority.name, response)
            except PeerUnavailable as error:
                return self._unavailable(authority.name, size, str(error))
            except IntegrityError as error:
                return await self._refused(authority.name, size, str(error))
            result = Result.STAMPED
        self._standings[authority.name] = _Standing(ask_after=self._clock() + self._interval)
        return Outcome(authority=authority.name, size=size, result=result, stamp=stamp)

    async def _response(self, authority: Authority, message: bytes) -> bytes:
        """Return the authority's answer about `message`, verified."""
        nonce = int.from_bytes(self._randomness(NONCE_BYTES), "big")
        query = request(message, nonce)
        answer = await self._exchange.post(authority.url, query, content_type=QUERY_TYPE)
        if answer.status != _OK or answer.content_type != REPLY_TYPE:
            raise PeerUnavailable(
                f"expected {REPLY_TYPE} from {authority.url}, found status {answer.status} with "
                f"{answer.content_type}; check the URL"
            )
        if words := rejection(answer.body):
            raise PeerUnavailable(f"{authority.url} gave no token: {words}; it is asked again")
        await asyncio.to_thread(verify_response, answer.body, message, authority.roots, nonce=nonce)
        return answer.body

    def _unavailable(self, name: str, size: int, problem: str) -> Outcome:
        """Note that an authority gave no token; it is asked again after growing pauses."""
        standing = self._standings[name]
        pause = min(self._interval, _FIRST_PAUSE * 2 ** min(standing.failures, _MOST_DOUBLINGS))
        standing.ask_after = self._clock() + pause
        standing.failures += 1
        standing.problem = problem
        _log.warning(
            "timestamp.unavailable", authority=name, error=problem, failures=standing.failures
        )
        return Outcome(authority=name, size=size, result=Result.UNAVAILABLE, problem=problem)

    async def _refused(self, name: str, size: int, problem: str) -> Outcome:
        """Leave an authority alone until the next round; the first time of many is an event.

        Events are entries, and each would be a reason for the others to stamp.
        """
        standing = self._standings[name]
        standing.ask_after = self._clock() + self._interval
        standing.problem = problem
        _log.error("timestamp.refused", authority=name, error=problem)
        if not standing.refused:
            await self._trail.record(
                Action.TIMESTAMP_REFUSED,
                actor=SYSTEM,
                object_type="authority",
                object_id=name,
                result="refused",
                details={"size": size, "problem": problem},
            )
            standing.refused = True
        return Outcome(authority=name, size=size, result=Result.REFUSED, problem=problem)


def open_timestamping(
    settings: Settings,
    *,
    archive_id: str,
    store: AsyncStore,
    database: Database,
    trail: Trail,
    clock: Clock,
    lock: Callable[[], Lock | None],
) -> Timestamping:
    """Return the timestamping that the settings ask for, which may be none.

    Raises:
        ConfigurationError: the authorities file or its roots cannot be used.
    """
    named = settings.timestamp_authorities_file
    authorities = read_authorities(named) if named else ()
    view = TimestampView(
        archive_id=archive_id, authorities=authorities, store=store, database=database
    )
    return Timestamping(
        archive_id=archive_id,
        authorities=authorities,
        exchange=HttpExchange(),
        view=view,
        keeping=TimestampKeeping(
            archive_id=archive_id,
            store=store,
            database=database,
            view=view,
            clock=clock,
            lock=lock,
        ),
        store=store,
        database=database,
        trail=trail,
        clock=clock,
        randomness=os.urandom,
        interval_s=settings.timestamp_interval_s,
    )
