"""What an archive does, as rows of a table: prepared once, then done in one life of a process.

Every fault test goes over this table, so an operation added here is killed, cut off and starved
like the others. `act` says what it promises the moment it does (`Say`), as a client would hear it.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from archiver.app import Services
from archiver.model.actor import Actor, Role
from archiver.model.batch import BatchState
from archiver.model.post import Arrival
from archiver.preserve.object_keys import keys_for_segment, log_prefix
from tests.fakes.archive import AGENT, an_arrival, publish
from tests.fakes.copied_archive import CopiedArchive, alter, lose
from tests.fakes.disposal_people import ADA, BEN, RITA, employ

COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL, Role.RECORDS_MANAGER}))
LARGE = 400_000  # bytes: over the inline limit, so a blob

Say = Callable[[dict[str, Any]], None]
Act = Callable[[Services, Say], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One row. `sends` are the posts it may have stored, by name.

    `long_ago` was done nine years before the rest. `finish` is what an operator does again where it
    was interrupted. With `second_copy` the archive has a second store.
    """

    name: str
    act: Act
    long_ago: Act | None = None
    prepare: Act | None = None
    finish: Act | None = None
    sends: tuple[str, ...] = ()
    second_copy: bool = False


def arrival_of(name: str) -> Arrival:
    """Return the post called `name`, the same in every process; a `large` one has the one film."""
    media = (random.Random("film").randbytes(LARGE),) if "large" in name else ()
    return an_arrival(name.encode(), media=media)


def capturing(*names: str) -> Act:
    """Capture posts in one request."""

    async def act(services: Services, say: Say) -> None:
        arrivals = [arrival_of(name) for name in names]
        outcomes = await services.ingest.submit(arrivals, actor=AGENT)
        for name, outcome in zip(names, outcomes, strict=True):
            say(
                {
                    "post": name,
                    "id": outcome.record_id,
                    "index": outcome.log_index,
                    "receipt": outcome.receipt.to_dict() if outcome.receipt else None,
                }
            )

    return act


async def publishing(services: Services, say: Say) -> None:
    """Sign and publish what is sequenced."""
    await publish(services)
    note = await services.store.get(log_prefix(services.archive.id) + "checkpoint")
    say({"head": note.decode()})


async def indexing(services: Services, _say: Say) -> None:
    """Let the index read what is sequenced."""
    while await services.loops.index_once():
        pass


async def placing(services: Services, say: Say) -> None:
    """Hold every post of the account."""
    view = await services.holds.place(
        name="Doe v. Acme", reason="complaint", accounts=["acme"], actor=COUNSEL
    )
    say({"hold": view.id, "state": view.state, "records": view.records})


async def releasing(services: Services, say: Say) -> None:
    """Release every hold."""
    for view in await services.hold_register.list(actor=COUNSEL):
        released = await services.holds.release(view.id, reason="settled", actor=COUNSEL)
        say({"hold": released.id, "state": released.state, "records": released.records})


async def copying(services: Services, _say: Say) -> None:
    """Bring the second copy up to date."""
    await CopiedArchive(services).copy()


async def damaging(services: Services, _say: Say) -> None:
    """Alter a segment, lose the keys of another, and lose a tile of the log."""
    store = CopiedArchive(services).first
    segments = [key for key in store.list_keys("seg/") if key.endswith(".seg")]
    tiles = [key for key in store.list_keys("log/") if "/tile/0/" in key]
    alter(store, segments[0])
    lose(store, keys_for_segment(segments[1]))
    lose(store, tiles[-1])


async def repairing(services: Services, say: Say) -> None:
    """Do what `muniment verify --full --repair` does."""
    archive = CopiedArchive(services)
    await archive.repair(await archive.verify())
    await publishing(services, say)


DOOMED = ("xyzzy one", "xyzzy two large", "xyzzy three large")
"""Of the posts of nine years ago, those that nothing keeps."""


async def approving(services: Services, _say: Say) -> None:
    """Form a batch of what is due, and let two people approve it."""
    await employ(services, RITA, ADA, BEN)
    use = services.disposition
    (batch,) = await use.forming.form(actor=RITA)
    batch = await use.approvals.propose(batch.id, reason="its time is over", actor=RITA)
    for who in (ADA, BEN):
        batch = await use.approvals.approve(
            batch.id, records=batch.records, reason="seen", actor=who
        )


async def holding_one(services: Services, say: Say) -> None:
    """Hold the post of the batch that shares a segment and a film with another."""
    (known,) = await services.ingest.submit([arrival_of("held large")], actor=AGENT)
    view = await services.holds.place(
        name="Late", reason="complaint", record_ids=[known.record_id], actor=COUNSEL
    )
    say({"hold": view.id, "state": view.state, "records": view.records})


async def destroying(services: Services, _say: Say) -> None:
    """Execute the batch."""
    (batch,) = (await services.disposition.batches.list(actor=RITA)).items
    await services.disposition.executions.execute(batch.id, actor=RITA)


async def going_on(services: Services, say: Say) -> None:
    """Let a server find what was interrupted; execute a batch that never began."""
    (batch,) = (await services.disposition.batches.list(actor=RITA)).items
    if batch.state is BatchState.APPROVED:
        await destroying(services, say)
    chores = {chore.name: chore for chore in services.loops.chores}
    for name in ("disposal", "certificates"):
        assert not await chores[name].act()
    say({"destroyed": DOOMED})


def after(*acts: Act) -> Act:
    """Do one after the other."""

    async def act(services: Services, say: Say) -> None:
        for each in acts:
            await each(services, say)

    return act


OPERATIONS = (
    Operation(
        name="capture a post",
        sends=("one",),
        act=after(capturing("one"), publishing, indexing),
    ),
    Operation(
        name="capture a batch with a film",
        sends=("one", "two large", "three"),
        act=after(capturing("one", "two large", "three"), publishing),
    ),
    Operation(
        name="publish",
        prepare=capturing(*(f"waiting {number}" for number in range(5))),
        act=publishing,
    ),
    Operation(
        name="place a hold",
        prepare=after(capturing("held", "held large"), publishing, indexing),
        act=placing,
    ),
    Operation(
        name="release a hold",
        prepare=after(capturing("held", "held large"), publishing, indexing, placing),
        act=after(releasing, publishing),
    ),
    Operation(
        name="repair from the second copy",
        prepare=after(
            capturing("first"), capturing("second large"), publishing, indexing, copying, damaging
        ),
        act=repairing,
        finish=repairing,
        second_copy=True,
    ),
    Operation(
        name="destroy a batch",
        long_ago=after(
            capturing(*DOOMED[:2]),
            capturing(DOOMED[2], "held large"),
            publishing,
            indexing,
        ),
        prepare=after(capturing("young"), copying, approving, holding_one, publishing, indexing),
        act=destroying,
        finish=going_on,
        second_copy=True,
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
