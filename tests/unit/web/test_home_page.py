"""The page one lands on shows each role what it may do, and nothing else; no link is dead."""

import re

import pytest

from archiver.model.actor import Actor, LimitedRole, Role
from archiver.web.routes import ROUTES
from tests.unit.web.fake_services import Face, FakeServices, bearer

PANELS = {
    "integrity": {Role.AUDITOR, Role.ADMINISTRATOR},
    "changes": {Role.AUDITOR, Role.ADMINISTRATOR},
    "searches": {
        *(Role.RECORDS_MANAGER, Role.COUNSEL, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR)
    },
    "saved": {*(Role.RECORDS_MANAGER, Role.COUNSEL, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR)},
    "holds": {Role.RECORDS_MANAGER, Role.COUNSEL, Role.AUDITOR},
    "classes": {Role.RECORDS_MANAGER},
    "server": {Role.OPERATOR},
    "accounts": {Role.OPERATOR},
    "access": {Role.ADMINISTRATOR},
    "reviews": {Role.REVIEWER, Role.SUPERVISOR},
}


async def home(face: Face, role: Role) -> str:
    answer = await face.get("/", headers=bearer(role), allow_redirects=False)
    assert answer.status == 200, await answer.text()
    return await answer.text()


@pytest.mark.parametrize("role", Role)
async def test_each_role_sees_its_panels_and_no_others(face: Face, role: Role) -> None:
    text = await home(face, role)
    shown = {name for name in PANELS if f'<h2 id="{name}">' in text}
    assert shown == {name for name, roles in PANELS.items() if role in roles}
    assert (shown == set()) is ("Nothing here is for your roles" in text)
    assert text.count("<h1") == 1


@pytest.mark.parametrize("role", Role)
async def test_no_link_of_it_leads_nowhere_or_to_what_is_denied(face: Face, role: Role) -> None:
    main = (await home(face, role)).partition("<main")[2]
    for href in set(re.findall(r'href="(/[^"#?]*)', main)):
        answer = await face.get(href, headers=bearer(role), allow_redirects=False)
        assert answer.status not in {403, 404, 405} or _is_an_object(href), (role, href)


def _is_an_object(href: str) -> bool:
    """Whether a route with an id answers it: fakes know few ids, and say so rightly."""
    return any(
        "{" in route.template and re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.template), href)
        for route in ROUTES
        if route.method == "GET"
    )


async def test_ones_own_searches_are_shown_as_words_and_lead_back(face: Face) -> None:
    text = await home(face, Role.COUNSEL)
    assert "<b>win</b>" not in text
    assert "/search?q=%22%3Cb%3Ewin%3C/b%3E%22%20AND%20x" in text
    assert "1,284 records" in text


async def test_figures_are_told_to_who_acts_on_them(face: Face) -> None:
    assert "47 events" in await home(face, Role.AUDITOR)
    assert "5 jobs" in await home(face, Role.OPERATOR)
    administrator = await home(face, Role.ADMINISTRATOR)
    assert "Glass broken in the last 7 days" in administrator
    assert "/people" in administrator


async def test_what_does_not_answer_is_said_in_words(face: Face, services: FakeServices) -> None:
    services.health.parts["store"] = "the disk is full"
    services.health.parts["lock probe"] = "ok; not WORM"
    text = await home(face, Role.OPERATOR)
    assert "the disk is full" in text
    assert "Not ready" in text
    assert ": not WORM" in text
    assert "the disk is full" not in await home(face, Role.AUDITOR)


async def test_who_is_limited_reads_where(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = frozenset(
        {
            LimitedRole(role=Role.COUNSEL, unit="Treasury"),
            LimitedRole(role=Role.REVIEWER, matter="24-1"),
        }
    )

    async def limited(_: str) -> Actor:
        return Actor(name="lou", roles=frozenset(), limited=held)

    monkeypatch.setattr(services.tokens, "authenticate", limited)
    text = await home(face, Role.COUNSEL)
    assert "counsel of the unit Treasury, reviewer in the matter 24-1" in text
    assert "Since your last visit" not in text
    assert "This server" not in text
