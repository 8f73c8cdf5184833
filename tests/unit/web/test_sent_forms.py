"""A form sent twice acts once: a double click must not place two holds."""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from archiver.errors import InvalidInput
from archiver.legal.hold_views import HoldPreview, HoldView
from archiver.model.actor import Role
from archiver.web.sent_forms import SentForms
from tests.unit.web.fake_services import Face, FakeServices
from tests.unit.web.test_signing_in import enter, origin

HOLD = {"name": "Smith v. Acme", "reason": "a letter", "query": "earnings"}


async def _form(face: Face) -> dict[str, str]:
    """Return the fields of a hold as the page about its consequences carries them."""
    page = await (await face.get("/holds/new?q=earnings")).text()
    hidden = re.findall(r'name="(csrf|once)" value="([^"]+)"', page)
    return {**dict(hidden), **HOLD}


async def _send(face: Face, fields: Mapping[str, str]) -> tuple[int, str]:
    response = await face.post("/holds", data=fields, headers=origin(face), allow_redirects=False)
    return response.status, response.headers.get("Location", "")


async def test_a_form_sent_twice_acts_once_and_both_are_led_to_the_same_page(
    face: Face, services: FakeServices
) -> None:
    enter(face, services, Role.COUNSEL)
    form = await _form(face)

    first = await _send(face, form)
    again = await _send(face, form)

    assert first == again == (303, "/holds/H0?done=placed")
    assert len(services.holds.placed) == 1


async def test_a_double_click_waits_for_the_first_one(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(face, services, Role.COUNSEL)
    form, place, reached = await _form(face), services.holds.place, asyncio.Event()

    async def slow(**asked: object) -> HoldView:
        reached.set()
        for _ in range(100):  # turns of the loop, in which the second form arrives
            await asyncio.sleep(0)
        return await place(**asked)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(services.holds, "place", slow)
    first = asyncio.create_task(_send(face, form))
    await reached.wait()
    again = await _send(face, form)

    assert await first == again
    assert len(services.holds.placed) == 1


async def test_of_three_clicks_whose_first_is_refused_one_acts(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(face, services, Role.COUNSEL)
    form, place, reached = await _form(face), services.holds.place, asyncio.Event()
    asked = 0

    async def refuse_first(**fields: object) -> HoldView:
        nonlocal asked
        asked += 1
        first = asked == 1
        reached.set()
        for _ in range(100):  # turns of the loop, in which the others arrive
            await asyncio.sleep(0)
        if first:
            raise InvalidInput("the query cannot be read", pointer="query")
        return await place(**fields)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(services.holds, "place", refuse_first)
    first = asyncio.create_task(_send(face, form))
    await reached.wait()
    others = await asyncio.gather(_send(face, form), _send(face, form))

    assert (await first)[0] == 400
    assert set(others) == {(303, "/holds/H0?done=placed")}
    assert len(services.holds.placed) == 1


async def test_who_gives_up_waiting_takes_no_answer_from_the_first() -> None:
    """A server that stops cancels who waits; the one that acts must still be answered."""
    sent, goes_on, reached = SentForms(), asyncio.Event(), asyncio.Event()
    request = make_mocked_request("POST", "/holds")

    async def act(_: web.Request) -> web.Response:
        reached.set()
        await goes_on.wait()
        return web.Response(status=303, headers={"Location": "/there"})

    def answer() -> asyncio.Task[web.StreamResponse]:
        return asyncio.create_task(sent.once(b"the same form", request, act))

    first = answer()
    await reached.wait()
    waiting, patient = answer(), answer()
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    goes_on.set()

    assert [(await each).headers["Location"] for each in (first, patient)] == ["/there"] * 2


async def test_a_form_that_a_page_answers_acts_once_and_shows_the_same_page_again(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR)
    form = {"csrf": csrf, "once": "1", "name": "Importer", "role": "capture-agent", "days": "30"}

    answers = [await face.post("/people/tokens", data=form, headers=origin(face)) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    first, again = [await answer.read() for answer in answers]
    assert (first, b"mun_" in first) == (again, True)
    assert (
        answers[0].headers["Content-Security-Policy"]
        == (answers[1].headers["Content-Security-Policy"])
    )
    assert len(services.tokens.views) == 1


async def test_a_page_is_kept_for_ten_minutes() -> None:
    """Or a secret that is shown once would stay in memory."""
    sent, loop = SentForms(), asyncio.get_running_loop()
    request, acted = make_mocked_request("POST", "/people/tokens"), 0

    async def act(_: web.Request) -> web.Response:
        nonlocal acted
        acted += 1
        return web.Response(text=f"secret {acted}")

    later: list[tuple[float, Callable[[], object]]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "call_later", lambda s, do, *a: later.append((s, partial(do, *a))))
        await sent.once(b"the same form", request, act)
        await sent.once(b"the same form", request, act)
    ((seconds, forget),) = later
    forget()
    await sent.once(b"the same form", request, act)

    assert (seconds, acted) == (600.0, 2)


async def test_a_look_is_taken_anew_each_time(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a scope would hold grows while its form is open."""
    looked, look = 0, services.holds.preview

    async def counted(**asked: Any) -> HoldPreview:
        nonlocal looked
        looked += 1
        return await look(**asked)

    monkeypatch.setattr(services.holds, "preview", counted)
    form = {"csrf": enter(face, services, Role.COUNSEL), "once": "1", "query": "earnings"}
    for _ in range(2):
        assert (await face.post("/holds/count", data=form, headers=origin(face))).status == 200

    assert looked == 2


async def test_the_page_opened_anew_is_another_form(face: Face, services: FakeServices) -> None:
    enter(face, services, Role.COUNSEL)

    assert await _send(face, await _form(face)) != await _send(face, await _form(face))
    assert len(services.holds.placed) == 2


async def test_a_form_that_came_back_is_sent_again(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(face, services, Role.COUNSEL)
    form = await _form(face)

    async def refuse(**_: object) -> HoldView:
        raise InvalidInput("the query cannot be read", pointer="query")

    with monkeypatch.context() as patched:
        patched.setattr(services.holds, "place", refuse)
        status, _ = await _send(face, form)

    assert status == 400
    assert await _send(face, form) == (303, "/holds/H0?done=placed")


async def test_the_form_of_another_session_is_another_form(
    face: Face, services: FakeServices
) -> None:
    enter(face, services, Role.COUNSEL)
    form = await _form(face)
    await _send(face, form)
    csrf = enter(face, services, Role.COUNSEL)

    assert await _send(face, {**form, "csrf": csrf}) == (303, "/holds/H1?done=placed")
