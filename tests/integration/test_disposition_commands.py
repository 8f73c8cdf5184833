"""`muniment disposition` from what is due to the certificate, as people at a terminal work it."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.app import Services
from archiver.cli.main import main
from archiver.clock import rfc3339, system_clock
from archiver.config import Settings
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from tests.fakes.archive import AGENT, an_arrival, found_whole, publish, settings_for
from tests.fakes.disposal import Time, opened

PASSWORD = "correct horse battery staple"
ADMINISTRATOR = Actor(name="root", roles=frozenset(Role), via="cli")
Muniment = Callable[..., Any]


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """An archive with three posts of 2012, and two counsel who sign in with a password."""
    time = Time()
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with opened(settings, time) as services:
        await services.ingest.submit(
            [an_arrival(f"post {n}".encode()) for n in range(3)], actor=AGENT
        )
        for name in ("Cora", "Dan"):
            await _invite(services, name)
        await publish(services)
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    return settings


async def _invite(services: Services, name: str) -> None:
    made = await services.people.invite(
        name, f"{name.lower()}@example.com", Grants.of([Role.COUNSEL]), actor=ADMINISTRATOR
    )
    link = await services.invitations.link(made.id, actor=ADMINISTRATOR)
    await services.invitations.accept(link.path.rpartition("/")[2], PASSWORD)


@pytest.fixture
def muniment(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Muniment:
    """Run `muniment disposition …`, or another group, now; return its JSON document."""
    monkeypatch.setenv("MUNIMENT_HOME", str(settings.home))
    monkeypatch.setenv("MUNIMENT_ORIGIN", settings.origin)
    monkeypatch.setenv("MUNIMENT_CLOCK_CONFIRMED", rfc3339(system_clock()))

    async def run(
        *words: str, group: str = "disposition", person: str = "", expect: int = 0
    ) -> Any:
        who = ["--person", person, "--password-file", str(tmp_path / "password")] if person else []
        capsys.readouterr()
        code = await asyncio.to_thread(main, [group, *words, *who, "--json"])
        told = capsys.readouterr()
        assert code == expect, told
        return json.loads(told.out or told.err)

    return run


async def test_from_due_to_certificate_at_the_command_line(
    muniment: Muniment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await muniment("due"))["records"] == 3
    (formed,) = (await muniment("form"))["items"]
    batch = formed["id"]
    shown = await muniment("show", batch)
    assert (shown["statistics"]["records"], shown["not_in_it"]["held"]) == (3, 0)
    (out, *_) = (await muniment("show", batch, "--records", "in"))["items"]
    sample = await muniment("sample", batch, "--size", "2")
    again = await muniment("sample", batch, "--size", "2", "--seed", sample["seed"])
    assert sample["items"] == again["items"]
    why = ("--reason", "retention has ended")
    await muniment("exclude", batch, out["id"], "--until", "2100-01-31", *why)
    await muniment("propose", batch, *why)

    await _approve(muniment, batch)
    done = await muniment("execute", batch)

    assert (done["state"], done["disposed"], done["excluded"]) == ("done", 2, 1)
    file, page = tmp_path / "certificate.json", tmp_path / "certificate.html"
    told = await muniment("certificate", batch, "--out", str(file), "--html", str(page))
    assert (told["number"], told["records"]) == (1, 2)
    assert [each["number"] for each in (await muniment("certificate"))["items"]] == [1]
    assert await asyncio.to_thread(main, ["evidence", "verify", str(file)]) == 0
    _require_printable(page.read_text(encoding="utf-8"))
    assert (await muniment("due"))["records"] == 0
    capsys.readouterr()


async def _approve(muniment: Muniment, batch: str) -> None:
    """Two people approve, not without mistakes; nothing is destroyed while it is stopped."""
    why = ("--reason", "retention has ended")
    cora, dan = "cora@example.com", "dan@example.com"
    await muniment("approve", batch, "--records", "3", *why, person=cora, expect=2)
    plan = await muniment("approve", batch, "--records", "2", "--dry-run", *why, person=cora)
    assert (plan["approvals_missing_afterwards"], plan["state"]) == (1, "reviewed")
    await muniment("approve", batch, "--records", "2", *why, person=cora)
    await muniment("execute", batch, expect=2)
    await muniment("approve", batch, "--records", "2", *why, person=cora, expect=2)
    await muniment("approve", batch, "--records", "2", *why, person=dan)
    await muniment("stop", "--reason", "a subpoena")
    await muniment("execute", batch, expect=2)
    await muniment("resume", "--reason", "it was withdrawn", person=dan)


def _require_printable(page: str) -> None:
    """The page stands alone: no script, nothing to fetch; and it says what was decided."""
    assert not re.search(r"<script|<link|<img|\son\w+=|javascript:|url\(|https?://", page)
    people = ("cora@", "dan@", "cli:")
    for words in ("Certificate of destruction no. 1", "2 records of class", *people):
        assert words in page, words


async def test_an_approval_needs_a_person_and_their_password(
    muniment: Muniment, tmp_path: Path
) -> None:
    (formed,) = (await muniment("form"))["items"]
    why = ("--reason", "retention has ended")
    await muniment("propose", formed["id"], *why)
    (tmp_path / "password").write_text("wrong", encoding="utf-8")

    refused = await muniment(
        "approve", formed["id"], "--records", "3", *why, person="cora@example.com", expect=3
    )

    assert "do not fit" in json.dumps(refused)
    assert (await muniment("show", formed["id"]))["approvals"] == []


async def test_a_second_person_decides_a_draft_at_the_command_line(muniment: Muniment) -> None:
    why = ("--reason", "the board of 3 March")

    async def submitted() -> str:
        made = await muniment("draft", "default", "--template", "house-7y", *why, group="schedule")
        return str((await muniment("submit", made["id"], group="schedule"))["id"])

    async def decided(act: str, draft: str, *words: str) -> Any:
        cora = "cora@example.com"
        return await muniment(act, draft, *why, *words, group="schedule", person=cora)

    draft = await submitted()
    assert (await decided("refuse", draft))["state"] == "refused"
    draft = await submitted()
    assert (await decided("approve", draft, "--dry-run"))["state"] == "submitted"

    approved = await decided("approve", draft)

    assert (approved["state"], approved["decided_by"]) == ("approved", "cora@example.com")
