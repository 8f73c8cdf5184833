"""The audit trail cannot be written: then nothing of anybody is shown, and nothing is done.

An act that left no trace did not happen (ASVS 5.0, 16.5.3). Every route of the registry is asked by
somebody who may do everything, while each event fails with each family of error.
"""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from archiver.audit.trail import Trail
from archiver.errors import Conflict, DatabaseUnavailable, IntegrityError, NotFound, Stopping
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from archiver.web.routes import ROUTES
from archiver.web.routing import Access
from tests.fakes.divided_archive import ROOT, DividedArchive, Visitor, divided_archive
from tests.integration.test_access_attempts import (
    ABOUT_OBJECTS,
    DOCUMENTS,
    FORM,
    address,
    kind_of,
    one_in,
)
from tests.integration.test_forgery import everything

ERRORS = (DatabaseUnavailable, Stopping, IntegrityError, Conflict, NotFound, RuntimeError)
CONTENT = ("near merger", "near picnic", "near author", "near hold", "near reason", "near person")
"""Words of posts, holds and people: what must not be shown without a trace."""
OWN = frozenset({"/sign-out", "/me/preferences", "/me/stay"})


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DividedArchive]:
    async with divided_archive(tmp_path / "home", near=3, far=3) as opened:
        yield opened


@pytest.fixture
async def everybody(archive: DividedArchive) -> Visitor:
    services = archive.services
    person = await archive.person("All", "all@example.com", Grants.of(Role))
    cookie = await services.sessions.start(person, method=Method.PASSWORD)
    signed_in = await services.sessions.authenticate(cookie)
    _, token = await services.tokens.create("all", set(Role), actor=ROOT)
    await services.tokens.authenticate(token)  # a first use is noted with the token
    return Visitor(
        name="all", actor=signed_in.actor, cookie=cookie, csrf=signed_in.csrf, token=token
    )


@one_in(3)  # each route meets two of the errors
@pytest.mark.parametrize("error", ERRORS, ids=lambda each: each.__name__)
async def test_without_a_trace_nothing_is_shown_and_nothing_is_done(
    archive: DividedArchive,
    everybody: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    stride: int,
) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise error("the trail is broken")

    monkeypatch.setattr(Trail, "record", fail)
    before, statuses, shown = await everything(archive.services.database), Counter[int](), []
    routes = [*ABOUT_OBJECTS, *(each for each in ROUTES if not each.variables)]
    for route in routes[ERRORS.index(error) % stride :: stride]:
        if route.permission is Access.PUBLIC or route.template in OWN:
            continue
        path = address(route, archive.near) if kind_of(route) else route.template
        if path.endswith("/search"):
            path += "?q=lang:en"
        document = DOCUMENTS.get(route.template, {"reason": FORM["reason"]})
        answer = await archive.send(route.method, path, everybody, form=FORM, document=document)
        statuses[answer.status] += 1
        body = (await answer.read()).decode(errors="replace")
        told = [words for words in CONTENT if words in body]
        if told and answer.status < 300:
            shown.append(f"{route.method} {path}: {told}")
    after = await everything(archive.services.database)

    print(f"{error.__name__}: {statuses.total()} requests, {dict(statuses)}, shown: {len(shown)}")
    for name in ("job", "session"):
        before.pop(name), after.pop(name)
    changed = {name for name in before if before[name] != after[name]}
    assert "\n".join(shown) == ""
    assert changed == set()
