"""A form sent twice acts once: a double click must not place two holds."""

import asyncio
import re
from collections.abc import Mapping

import pytest

from archiver.errors import InvalidInput
from archiver.legal.hold_views import HoldView
from archiver.model.actor import Role
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
