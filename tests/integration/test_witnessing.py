"""Witnesses in processes of their own: an archive is cosigned, and a rolled-back one is caught."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from archiver.access.custody import Attested
from archiver.app import Services
from archiver.assurance.attestations import Attestations
from archiver.assurance.continuation import Continuation, compare_with_held
from archiver.audit.actions import Action
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.errors import IntegrityError, NotFound, Stopping
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger.cosigning import cosigned_note
from archiver.preserve.ledger.exchange import HttpExchange
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.policy import Cosigned, open_cosigned, parse_policy
from archiver.preserve.ledger.witness import MAX_REQUEST_BYTES, monitoring_path
from archiver.preserve.object_keys import cosignature_prefix, trust_object
from tests.e2e.command_line import CommandLine
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    eventually,
    found,
    serving,
    settings_for,
    stored_posts,
)
from tests.fakes.witness_server import WitnessServer

AUDITOR = Actor(name="auditor", roles=frozenset({Role.AUDITOR}))
ORIGIN = "archive.example.com/acme"


Witnesses = Callable[[str], list[WitnessServer]]


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[Witnesses]:
    """Makes witnesses, one for each letter; what still serves after the test is stopped."""
    made: list[WitnessServer] = []

    def make(names: str) -> list[WitnessServer]:
        servers = [WitnessServer(tmp_path / f"witness-{name}", name) for name in names]
        made.extend(servers)
        return servers

    yield make
    for server in made:
        server.stop()


async def an_archive(home: Path, witnesses: list[WitnessServer]) -> Settings:
    """A founded archive whose policy asks for two of the witnesses, which watch its log."""
    settings = await found(settings_for(home))
    vkey = await vkey_of(settings)
    for server in witnesses:
        server.watch(vkey)
        server.start()
    names = " ".join(server.name for server in witnesses)
    least = min(2, len(witnesses))
    policy = home.parent / "policy.txt"
    lines = [
        *(server.policy_line for server in witnesses),
        f"group G {least} {names}",
        "quorum G",
        "",
    ]
    policy.write_text("\n".join(lines), encoding="utf-8")
    return settings.model_copy(update={"witness_policy_file": policy})


async def vkey_of(settings: Settings) -> str:
    async with serving(settings) as services:
        return services.archive.vkey


async def capture(services: Services, label: str, count: int) -> bytes:
    """Capture posts; return the last one's receipt as its sender gets it."""
    posts = [an_arrival(f"{label} {number}".encode()) for number in range(count)]
    outcomes = await services.ingest.submit(posts, actor=AGENT)
    receipt = outcomes[-1].receipt
    assert receipt is not None
    return json.dumps(receipt.to_dict()).encode()


async def signed_size(services: Services) -> int:
    async with services.database.reading() as tx:
        state = await ledger_rows.state(tx)
    return state.size if state.size == state.next_index else 0


async def cosigned_by(services: Services, count: int) -> Cosigned:
    """The newest checkpoint, once it covers everything and so many witnesses have cosigned it."""

    async def look() -> Cosigned | None:
        size = await signed_size(services)
        if not size:
            return None
        try:
            note = await asyncio.to_thread(
                cosigned_note, services.store.blocking, services.archive.id, size
            )
        except NotFound:  # signed, and not published yet
            return None
        opened = open_cosigned(note, services.witnessing.policy)
        return opened if len(opened.cosignatures) >= count else None

    opened = await eventually(look)
    assert opened is not None
    return opened


async def an_attestation(services: Services) -> Attested:
    """What others say of the first entry of the log, as a record's page tells it."""
    attestations = Attestations(
        archive_id=services.archive.id,
        stamps=services.timestamping.view,
        policy=services.witnessing.policy,
        store=services.store,
    )
    return await attestations.over(0)


async def test_a_checkpoint_is_cosigned_by_every_witness_and_a_quorum_verifies_offline(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    servers = witnesses("ABC")
    settings = await an_archive(tmp_path / "home", servers)
    async with serving(settings) as services:
        await capture(services, "post", 20)
        opened = await cosigned_by(services, 3)

        assert opened.quorum_met
        assert {seen.witness for seen in opened.cosignatures} == {"A", "B", "C"}

        async def noted() -> bool:  # the cosignatures are stored a moment before
            return services.witnessing.quorum_size == opened.checkpoint.size

        assert await eventually(noted)
        first = (await an_attestation(services)).witnesses
        assert [seen.witness for seen in sorted(first, key=lambda each: each.witness)] == [*"ABC"]
        assert all(0 < seen.size <= opened.checkpoint.size for seen in first)
        assert (await services.health.ready())["witnesses"] == "ok"
        published = await services.store.get(trust_object(services.archive.id, "policy.txt"))
        assert parse_policy(published.decode()) == services.witnessing.policy
    assert [server.sizes() for server in servers] == [{ORIGIN: opened.checkpoint.size}] * 3


async def test_two_of_three_suffice_and_a_witness_that_is_away_stops_nothing(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    servers = witnesses("ABC")
    settings = await an_archive(tmp_path / "home", servers)
    servers[1].stop()
    async with serving(settings) as services:
        await capture(services, "post", 5)
        opened = await cosigned_by(services, 2)
        assert opened.quorum_met
        assert {seen.witness for seen in opened.cosignatures} == {"A", "C"}

        async def told() -> bool:
            said = (await services.health.ready()).get("witnesses", "")
            return said.startswith("ok; ") and servers[1].url in said

        await eventually(told)
        await capture(services, "more", 5)
        await eventually(lambda: signed_size(services))

        servers[1].start()
        for standing in services.witnessing.standings.values():
            standing.ask_after = None
        back = await cosigned_by(services, 3)
        assert back.checkpoint.size > opened.checkpoint.size


async def test_a_cosignature_is_asked_for_once_whatever_restarts(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    servers = witnesses("A")
    settings = await an_archive(tmp_path / "home", servers)
    async with serving(settings) as services:
        await capture(services, "post", 3)
        size = (await cosigned_by(services, 1)).checkpoint.size
        before = await cosignatures(services)
    async with serving(settings) as services:
        await eventually(lambda: has_cosigned(services, "A", size))
        assert await cosignatures(services) == before


async def cosignatures(services: Services) -> dict[str, bytes]:
    prefix = cosignature_prefix(services.archive.id)
    return {key: await services.store.get(key) async for key in services.store.list_keys(prefix)}


async def has_cosigned(services: Services, witness: str, size: int) -> bool:
    standing = services.witnessing.standings.get(witness)
    return standing is not None and standing.size == size


async def test_a_witness_that_does_not_watch_the_log_is_told_of_in_words(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    servers = witnesses("A")
    servers[0].start()
    settings = await found(settings_for(tmp_path / "home"))
    policy = tmp_path / "policy.txt"
    policy.write_text(f"{servers[0].policy_line}\nquorum A\n", encoding="utf-8")
    async with serving(settings.model_copy(update={"witness_policy_file": policy})) as services:
        await capture(services, "post", 3)

        async def told() -> bool:
            said = (await services.health.ready()).get("witnesses", "")
            return "does not watch the log" in said and said.startswith("ok; ")

        await eventually(told)


HELD = ("receipt.json", "checkpoint.txt", "post.tlog-proof")
"""What was given out before the archive was rolled back, and is kept elsewhere."""


async def held(services: Services, data: bytes) -> Continuation:
    return await compare_with_held(
        data,
        origin=services.archive.origin,
        verifiers=(Ed25519Verifier.from_vkey(services.archive.vkey),),
        database=services.database,
        log=services.log,
        actor=AUDITOR,
    )


@asynccontextmanager
async def rolled_back(
    tmp_path: Path, witness: WitnessServer, *, away: bool
) -> AsyncIterator[Services]:
    """An archive restored from a copy that is a hundred cosigned captures old.

    With `away`, a hundred other posts are captured before the witness is seen again.
    """
    home, copy = tmp_path / "home", tmp_path / "copy"
    settings = await an_archive(home, [witness])
    async with serving(settings) as services:
        await capture(services, "before", 10)
        await cosigned_by(services, 1)
    shutil.copytree(home, copy)
    async with serving(settings) as services:
        (tmp_path / "receipt.json").write_bytes(await capture(services, "lost", 100))
        size = (await cosigned_by(services, 1)).checkpoint.size
        store, archive = services.store.blocking, services.archive.id
        (tmp_path / "checkpoint.txt").write_bytes(cosigned_note(store, archive, size))
        (record_id,) = [row.id for row in (await stored_posts(services))[-1:]]
        proof = await services.log.inclusion(record_id, actor=AUDITOR)
        (tmp_path / "post.tlog-proof").write_text(proof, encoding="utf-8")
        for name in HELD:
            compared = await held(services, (tmp_path / name).read_bytes())
            assert compared.ok, compared.words
    shutil.rmtree(home)
    copy.rename(home)
    if away:
        witness.stop()
        async with serving(settings) as services:
            await capture(services, "instead", 101)
            await eventually(lambda: signed_size(services))
        witness.start()
    async with serving(settings) as services:
        yield services


async def stopped(services: Services) -> bool:
    states = services.loops.states
    return all(name in states and states[name].stopped for name in ("integrator", "witnesses"))


@pytest.mark.parametrize("away", [False, True], ids=["witness there", "witness away at first"])
async def test_a_rolled_back_archive_is_caught_by_its_witness_in_words(
    *, away: bool, tmp_path: Path, witnesses: Witnesses
) -> None:
    (witness,) = witnesses("A")
    async with rolled_back(tmp_path, witness, away=away) as services:
        before = await head(services)
        await eventually(lambda: stopped(services))
        ready = await services.health.ready()

        for part in ("integrator", "witnesses", "writer"):
            assert "witness A has already cosigned this log at" in ready[part]
            assert "rolled back to an old copy" in ready[part]
            assert "Nothing is signed and no post is taken any more" in ready[part]
        assert ("this archive claims only" in ready["witnesses"]) is not away
        assert ("entries are others" in ready["witnesses"]) is away
        with pytest.raises(Stopping, match="rolled back"):
            await capture(services, "refused", 1)
        with pytest.raises(IntegrityError, match="rolled back"):
            await services.loops.catch_up()
        assert (await head(services)).size == before.size, "nothing was signed"
        assert services.witnessing.contradictions >= 1
        await eventually(lambda: event_of(services))
        for name in HELD:
            compared = await held(services, (tmp_path / name).read_bytes())
            assert not compared.ok
            assert "rolled back to an old copy or forked" in compared.words
    told = CommandLine(tmp_path / "home")("log", "audit", str(tmp_path / HELD[0]), expect=1).out
    assert ("than this log holds" if away else "this log ends before that") in told
    assert away or witness.sizes()[ORIGIN] > before.size


async def head(services: Services) -> ledger_rows.LogState:
    async with services.database.reading() as tx:
        return await ledger_rows.state(tx)


async def event_of(services: Services) -> bool:
    """Whether the contradiction left its event, with the checkpoint that proves it."""
    async with services.database.reading() as tx:
        events = await event_rows.list_about(tx, "A", 10)
    return any(event.action == Action.LOG_CONTRADICTED for event in events)


async def test_a_claim_without_proof_stops_no_archive_but_is_shown(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    """The witness remembers more, but its checkpoint is not signed by this log's key."""
    servers = witnesses("A")
    settings = await an_archive(tmp_path / "home", servers)
    async with serving(settings) as services:
        await capture(services, "post", 5)
        size = (await cosigned_by(services, 1)).checkpoint.size
    assert size
    other = await found(settings_for(tmp_path / "other"))
    other_vkey = await vkey_of(other)
    servers[0].stop()
    servers[0].watch(other_vkey)
    servers[0].start()
    async with serving(
        other.model_copy(update={"witness_policy_file": settings.witness_policy_file})
    ) as services:
        await capture(services, "post", 1)

        async def shown() -> bool:
            return "shows no proof" in (await services.health.ready()).get("witnesses", "")

        await eventually(shown)
        size = await signed_size(services)
        await capture(services, "still taken", 1)
        await eventually(lambda: signed_size(services))
        assert (await head(services)).size > size
        assert not services.loops.states["witnesses"].stopped


async def test_a_witness_answers_what_is_no_request_in_words(witnesses: Witnesses) -> None:
    (server,) = witnesses("A")
    server.start()
    asking = HttpExchange(timeout_s=60)

    async def post(path: str, body: bytes) -> tuple[int, bytes]:
        answer = await asking.post(server.url + path, body, content_type="text/plain")
        return answer.status, answer.body

    status, words = await post("/add-checkpoint", b"hello")
    assert (status, b"no add-checkpoint request" in words) == (400, True)
    assert (await post("/add-checkpoint", b"x" * (MAX_REQUEST_BYTES + 1)))[0] == 413
    assert (await post("/", b""))[0] == 404
    for path in (monitoring_path(ORIGIN), "/witness.key", "/../witness.key", "/"):
        assert (await asking.get(server.url + path)).status == 404
    assert (await asking.get(server.url + "/add-checkpoint")).status == 405


async def test_a_witness_that_is_killed_remembers_what_it_answered(
    tmp_path: Path, witnesses: Witnesses
) -> None:
    (server,) = witnesses("A")
    settings = await an_archive(tmp_path / "home", [server])
    async with serving(settings) as services:
        await capture(services, "post", 5)
        size = (await cosigned_by(services, 1)).checkpoint.size
        server.kill()
        assert server.sizes() == {ORIGIN: size}
        server.start()
        await capture(services, "more", 5)
        for standing in services.witnessing.standings.values():
            standing.ask_after = None
        assert (await cosigned_by(services, 1)).checkpoint.size > size
