"""The examples of the guide for integrators, run as they stand against a served archive."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from archiver.app import Services
from archiver.config import Settings
from archiver.model.actor import Actor, Role
from archiver.web.server import create_app
from tests.fakes.archive import eventually, serving

GUIDE = Path("archiver/web/help/integrator.md")
EXAMPLES = [
    block
    for block in re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    if "curl" in block
]
ADMINISTRATOR = Actor(name="ada", roles=frozenset(Role))


@dataclass(frozen=True)
class Served:
    """A served archive, and the tokens that the guide asks for."""

    url: str
    services: Services
    sending: str
    reading: str

    async def run(self, example: str, token: str) -> str:
        """What the example prints when it is typed into a shell."""
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-ec",
            example,
            env={"MUNIMENT": self.url, "TOKEN": token, "PATH": "/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        return said.decode()


@pytest.fixture
async def served(local_settings: Settings) -> AsyncIterator[Served]:
    """An archive served on a free port."""
    if shutil.which("curl", path="/usr/bin:/bin") is None:
        pytest.skip("no curl on this machine")
    async with serving(local_settings) as services:
        _, sending = await services.tokens.create(
            "website", {Role.CAPTURE_AGENT}, actor=ADMINISTRATOR
        )
        _, reading = await services.tokens.create("reader", {Role.AUDITOR}, actor=ADMINISTRATOR)
        async with TestServer(create_app(services)) as server:
            yield Served(str(server.make_url("/")).rstrip("/"), services, sending, reading)


async def test_the_examples_of_sending_capture_what_they_say(served: Served) -> None:
    post, deletion, many = EXAMPLES[:3]

    first = json.loads(await served.run(post, served.sending))
    again = json.loads(await served.run(post, served.sending))
    gone = json.loads(await served.run(deletion, served.sending))
    both = json.loads(await served.run(many, served.sending))

    assert (first["status"], again["status"], gone["status"]) == (
        *("captured", "unchanged", "captured"),
    )
    assert first["receipt"]
    assert (both["captured"], both["refused"]) == (2, 0)


async def test_a_token_that_only_captures_is_told_who_could_read(served: Served) -> None:
    problem = json.loads(await served.run(EXAMPLES[3], served.sending))

    assert problem["status"] == 403
    assert "auditor" in problem["detail"]
    assert problem["instance"]


async def test_the_examples_of_reading_read(served: Served) -> None:
    await served.run(EXAMPLES[0], served.sending)
    search, checkpoint = EXAMPLES[4:]

    async def found() -> int:
        answer = json.loads(await served.run(search, served.reading))
        return int(answer["count"])

    assert await eventually(found) == 1
    note = await served.run(checkpoint, served.reading)
    assert note.splitlines()[0] == "archive.example.com/acme"


def test_there_are_six_examples() -> None:
    assert len(EXAMPLES) == 6
