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
from archiver.model.post import Arrival
from archiver.preserve.object_keys import log_prefix
from tests.fakes.archive import AGENT, an_arrival, publish

COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL, Role.RECORDS_MANAGER}))
LARGE = 400_000  # bytes: over the inline limit, so a blob

Say = Callable[[dict[str, Any]], None]
Act = Callable[[Services, Say], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One row. `sends` are the posts it may have stored, by name."""

    name: str
    act: Act
    prepare: Act | None = None
    sends: tuple[str, ...] = ()


def arrival_of(name: str) -> Arrival:
    """Return the post called `name`, the same in every process; a `large` one has a film."""
    media = (random.Random(name).randbytes(LARGE),) if "large" in name else ()
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
    for view in await services.holds.list(actor=COUNSEL):
        released = await services.holds.release(view.id, reason="settled", actor=COUNSEL)
        say({"hold": released.id, "state": released.state, "records": released.records})


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
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
