"""Every route tried by everybody on what is not theirs, on a real archive of two halves.

Generated from the registry: a route with an object in its address that is not told here which kind
of object it is fails a test, so nobody can forget one.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import pytest

from archiver.access.rules import PERMISSIONS
from archiver.model.actor import Role
from archiver.web.routes import ROUTES
from archiver.web.routing import Access, Route
from tests.fakes.divided_archive import (
    CANARY,
    FAR,
    NEAR,
    WORDS,
    DividedArchive,
    Half,
    Visitor,
    divided_archive,
)

NOWHERE = {
    "passkey": "bm93aGVyZQ",
    "name": "nowhere.png",
    "": "01KAM000000000000000000000",
}
"""Ids of nothing, by kind; of all other kinds the last."""

KINDS = {
    r".*/records/{id}.*": "record",
    r"/search/preview/{id}": "record",
    r"/content/{id}/{name}": "record",
    r".*/accounts/{id}.*": "account",
    r".*/saved-searches/{id}.*": "saved-search",
    r".*/subscriptions/{id}.*": "subscription",
    r".*/deliveries/{id}.*": "delivery",
    r".*/sets/{id}.*": "set",
    r".*/(term-reports|terms)/{id}.*": "term-report",
    r".*/holds/{id}.*": "hold",
    r".*/jobs/{id}.*": "job",
    r".*/people/{id}/sessions/{session}/end": "person",
    r".*/people/{id}.*": "person",
    r".*/tokens/{id}.*": "token",
    r".*/sessions/{id}.*": "session",
    r".*/passkeys/{id}.*": "passkey",
    r"/(imports/new|retention-events/import)/{id}.*": "upload",
    r".*/(events|audit)/{id}.*": "event",
    r".*/about/{type}/{object}": "record",
}
"""Which kind of object a route is about, by its address."""
NOBODYS = {
    "/log/{object}": "the log has no content, and who may read it reads all of it",
    "/welcome/{secret}": "no object but the invitation, whose secret is 256 random bits",
    "/static/{file}": "files of the software",
    "/help/{topic}": "help is the same for everybody",
    "/help/pictures/{name}": "help",
    "/classes/{code}": "the file plan is one for the whole archive",
    "/api/v1/classes/{code}/schedules": "the file plan",
    "/api/v1/classes/{code}/example": "the file plan",
    **dict.fromkeys(
        (
            "/api/v1/classes/{code}",
            "/api/v1/classes/{code}/records",
            "/api/v1/classes/{code}/close",
            "/api/v1/classes/{code}/reopen",
            "/api/v1/classes/{code}/reclassify",
            "/api/v1/drafts/{id}",
            "/api/v1/drafts/{id}/submit",
            "/api/v1/drafts/{id}/approve",
            "/api/v1/drafts/{id}/refuse",
            "/api/v1/drafts/{id}/withdraw",
            "/classes/{code}/change",
            "/classes/{code}/close",
            "/classes/{code}/reopen",
            "/classes/{code}/reclassify",
            "/classes/{code}/reclassify/preview",
            "/classes/{code}/records",
            "/drafts/{id}",
            "/drafts/{id}/simulate",
            "/drafts/{id}/simulation",
            "/drafts/{id}/records",
            "/drafts/{id}/try",
            "/drafts/{id}/submit",
            "/drafts/{id}/approve",
            "/drafts/{id}/refuse",
            "/drafts/{id}/withdraw",
            "/api/v1/retention-events/{id}",
            "/api/v1/retention-events/{id}/correct",
            "/api/v1/retention-events/{id}/withdraw",
            "/retention-events/{id}",
            "/retention-events/{id}/correct",
            "/retention-events/{id}/withdraw",
        ),
        "the file plan, which only roles over the whole archive change",
    ),
    **dict.fromkeys(
        (
            "/api/v1/batches/{id}",
            "/api/v1/batches/{id}/records",
            "/api/v1/batches/{id}/sample",
            "/api/v1/batches/{id}/exclude",
            "/api/v1/batches/{id}/include",
            "/api/v1/batches/{id}/propose",
            "/api/v1/batches/{id}/approve",
            "/api/v1/batches/{id}/withdraw",
            "/api/v1/batches/{id}/cancel",
            "/api/v1/batches/{id}/package",
            "/api/v1/batches/{id}/confirm",
            "/api/v1/batches/{id}/execute",
            "/api/v1/certificates/{id}",
            "/api/v1/certificates/{id}/page",
            "/disposition/{id}",
            "/disposition/{id}/exceptions",
            "/disposition/{id}/sample",
            "/disposition/{id}/records",
            "/disposition/{id}/exclude",
            "/disposition/{id}/include",
            "/disposition/{id}/propose",
            "/disposition/{id}/approve",
            "/disposition/{id}/withdraw",
            "/disposition/{id}/cancel",
            "/disposition/{id}/package",
            "/disposition/{id}/confirm",
            "/disposition/{id}/execute",
            "/disposition/{id}/execution",
            "/certificates/{id}",
        ),
        "disposal is of the whole archive: who holds a part of it is refused before any look",
    ),
    **dict.fromkeys(
        (
            *(
                f"/api/v1/privacy-requests/{{id}}{step}"
                for step in (
                    *("", "/records", "/extend", "/find", "/decide", "/lift", "/erase"),
                    *("/close", "/document"),
                )
            ),
            *(
                f"/privacy/{{id}}{step}"
                for step in (
                    *("", "/extend", "/find", "/decide", "/lift", "/erase", "/close", "/answer"),
                )
            ),
        ),
        "privacy requests are about the whole archive: a part of it is refused before any look",
    ),
    "/content/{id}/{name}/{ticket}": "only on the content host: see the test of tickets",
}
"""Routes whose address names nothing that could be out of somebody's reach, and why."""

OF_THE_LOG = frozenset(
    {
        "/integrity",
        "/integrity/proof",
        "/integrity/reindex",
        "/api/v1/integrity",
        "/api/v1/integrity/proof",
        "/api/v1/log/checkpoint",
        "/api/v1/log/consistency",
    }
)
"""They speak of the whole log: how long it is, which is public, and no word of what is in it."""
OF_ONESELF = frozenset({"/me/activity", "/api/v1/me/events", "/", "/me"})
"""They tell one's own acts, and reading is one."""
ONCE = frozenset({"/me/passkeys/new", "/confirm/passkey"})
"""They hold a random challenge each time."""

FORM = {
    "reason": "because it is so in this test",
    "decision": "approve",
    "title": "changed",
    "custodian": "changed",
    "unit": "changed",
    "seen": "changed",
    "grants": "reviewer",
    "name": "changed",
    "format": "auto",
}
DOCUMENTS: Mapping[str, object] = {
    "/api/v1/accounts/{id}": {"title": "changed"},
    "/api/v1/people/{id}/roles": {"roles": ["reviewer"]},
    "/api/v1/saved-searches/{id}": {"archived": True},
    "/api/v1/saved-searches/{id}/subscriptions": {
        "channel": "webhook",
        "target": "https://hooks.example.com/",
    },
    "/api/v1/subscriptions/{id}": {"state": "ended"},
}
PARTS = ("unit", "matter")
SAME_REQUEST = {"X-Request-Id": "same"}
"""Pages and problems name their request; here all are one."""


def one_in(some: int) -> pytest.MarkDecorator:
    """Give a test its `stride`: all there is in the long sweeps, some of it in the ordinary run."""
    each = pytest.param(1, marks=pytest.mark.faults, id="each")
    return pytest.mark.parametrize("stride", [each, pytest.param(some, id="some")])


def name_of(route: Route) -> str:
    return f"{route.method} {route.template}"


def kind_of(route: Route) -> str:
    """Return which kind of object the route is about."""
    for pattern, kind in KINDS.items():
        if re.fullmatch(pattern, route.template):
            return kind
    return ""


ABOUT_OBJECTS = [route for route in ROUTES if route.variables and route.template not in NOBODYS]
PLAIN = [
    route
    for route in ROUTES
    if route.method == "GET" and not route.variables and route.permission is not Access.PUBLIC
]


def address(route: Route, half: Half | None) -> str:
    """Return the route's address for the object of a half, or for one that is not there."""
    kind = kind_of(route)
    nothing = NOWHERE.get(kind, NOWHERE[""])
    values = {
        "id": nothing if half is None else half.ids[kind],
        "object": nothing if half is None else half.ids[kind],
        "type": kind,
        "session": NOWHERE[""] if half is None else half.ids["session"],
        "name": "payload.json",
    }
    # What a page of one object must be told besides is another of its kind.
    told = {
        each.name: values["id"]
        for each in route.parameters
        if each.required and each.place == "query"
    }
    return route.template.format(**values) + (f"?{urlencode(told)}" if told else "")


async def ask(archive: DividedArchive, route: Route, half: Half | None, who: Visitor) -> str:
    """Return how the route answers: status, and the body without the id that was asked for."""
    path = address(route, half)
    document = DOCUMENTS.get(route.template, {"reason": FORM["reason"]})
    answer = await archive.send(
        route.method, path, who, form=FORM, document=document, headers=SAME_REQUEST
    )
    body = (await answer.read()).decode(errors="replace")
    assert half is None or CANARY not in body, f"{name_of(route)} tells {who.name}: {body}"
    shown = {each for each in (*NOWHERE.values(), *re.split("[/?=]", path)) if len(each) > 9}
    return f"{answer.status} {answer.headers.get('Location', '')} {without(body, shown)}"


def without(body: str, ids: set[str]) -> str:
    """Return a body without these ids, times of the clock, and how long the log is.

    That is public: see `OF_THE_LOG`. How long a session still lasts is the clock's, too.
    """
    for each in ids:
        body = body.replace(each, "…")
    body = re.sub(r'"log_size":\s*\d+|(UTC,|up to) log [\d,]+', "", body)
    return re.sub(
        r"\d\d:\d\d(:\d\d)?(\.\d+)?|data-stay=\"\d+\"|name=\"once\" value=\"[^\"]+\"", "", body
    )


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DividedArchive]:
    async with divided_archive(tmp_path / "home") as opened:
        yield opened


async def limited_visitors(archive: DividedArchive) -> list[Visitor]:
    """Return a person of each role for the near unit, and one for the near matter."""
    return [
        await archive.visitor(role, **{part: NEAR}) for role, part in product(list(Role), PARTS)
    ]


def apart(one: str, other: str) -> str:
    """Return where two answers begin to differ."""
    pairs = enumerate(zip(one, other, strict=False))
    at = next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
    return f"{one[:3]} …{one[max(0, at - 80) : at + 80]!r} and …{other[at : at + 80]!r}"


def holds_permission(route: Route, who: Visitor) -> bool:
    if isinstance(route.permission, Access):
        return True
    return any(route.permission in PERMISSIONS[held.role] for held in who.actor.limited)


def test_every_route_with_an_object_in_its_address_says_of_which_kind() -> None:
    assert [name_of(route) for route in ABOUT_OBJECTS if not kind_of(route)] == []
    assert set(NOBODYS) <= {route.template for route in ROUTES}


@one_in(7)  # coprime to the kinds of people: several of them come to each
async def test_what_is_out_of_reach_is_answered_like_what_is_not_there(
    archive: DividedArchive, stride: int
) -> None:
    wrong, statuses = [], Counter[str]()
    for number, who in enumerate(await limited_visitors(archive)):
        for route in ABOUT_OBJECTS[number % stride :: stride]:
            theirs = await ask(archive, route, archive.far, who)
            nothing = await ask(archive, route, None, who)
            statuses[theirs[:3]] += 1
            if theirs != nothing or theirs[:3] not in {"403", "404"}:
                wrong.append(f"{name_of(route)} as {who.name}: {apart(theirs, nothing)}")
            if (
                theirs[:3] == "403"
                and holds_permission(route, who)
                and "whole archive" not in theirs
            ):
                wrong.append(f"{name_of(route)} refuses {who.name}: {theirs[:300]}")

    print(
        f"1 in {stride} of {len(ABOUT_OBJECTS)} routes x {2 * len(Role)} limited people x 2 = "
        f"{2 * sum(statuses.values())} attempts, {dict(statuses)}, leaks: {len(wrong)}"
    )
    assert wrong == []


async def seen_by(archive: DividedArchive, who: Visitor, path: str, **headers: str) -> str:
    """Return what an address shows somebody, without what every request has of its own."""
    answer = await archive.send("GET", path, who, headers={**SAME_REQUEST, **headers})
    body = (await answer.read()).decode(errors="replace")
    return f"{answer.status} {without(body, set())}"


SEARCHES = [
    *({"q": word} for word in WORDS),
    {"q": "lang:en", "facets": "true", "histogram": "true"},
    {"q": "lang:en", "sort": "oldest"},
    {"q": "*"},
    {"f": "account:@near"},
    {"q": "merger", "from": "2020-01-01", "to": "2026-12-31"},
]
ASKING: Mapping[str, list[dict[str, str]]] = {
    "/search": SEARCHES,
    "/api/v1/search": SEARCHES,
    "/search/values": [{"q": "lang:en", "field": field} for field in ("account", "author", "tag")],
    "/accounts": [{}, {"q": "a"}, {"sort": "records"}],
    "/api/v1/accounts": [{}, {"q": "a"}, {"sort": "records"}],
    "/holds": [{}, {"state": "active"}],
    "/saved-searches": [{}, {"show": "archived"}],
    "/saved-searches/new": [{"q": "merger"}],
    "/classes/rules": [{}],
}
"""What is asked of lists beside nothing at all."""


def list_addresses() -> list[str]:
    """Return the addresses of all that has no object in it, with what may be asked there."""
    return [
        route.template + (f"?{urlencode(asked)}" if asked else "")
        for route in PLAIN
        for asked in ({}, *ASKING.get(route.template, []))
    ]


@one_in(7)  # coprime to the kinds of people: several of them come to each
async def test_no_list_shows_a_word_of_the_other_half(archive: DividedArchive, stride: int) -> None:
    """Everybody looks at every list, or at some such that several people look at each."""
    addresses, leaks, statuses = list_addresses(), [], Counter[str]()
    theirs = [*archive.far.records, *archive.far.ids.values()]
    for number, who in enumerate(await limited_visitors(archive)):
        for path in addresses[number % stride :: stride]:
            # Only pages have fragments.
            ways = ({},) if path.startswith("/api/") else ({}, {"HX-Request": "true"})
            for headers in ways:
                shown = await seen_by(archive, who, path, **headers)
                statuses[shown[:3]] += 1
                told = [each for each in (CANARY, *theirs) if each in shown]
                if told or shown[:1] == "5":
                    leaks.append(f"{path} to {who.name}: {shown[:3]} {told}")

    print(
        f"{len(addresses)} lists and their fragments, 1 in {stride} for each of {2 * len(Role)} = "
        f"{statuses.total()} looks, {dict(statuses)}, leaks: {len(leaks)}"
    )
    assert leaks == []


@one_in(2)  # every list by each role, of the unit or of the matter
async def test_whatever_the_other_half_does_no_list_changes(
    archive: DividedArchive, stride: int
) -> None:
    """Counts, facets, bars, totals, timings of existence: what does not change tells nothing."""
    people = [
        await archive.visitor(role, **{part: NEAR})
        for role, part in product([Role.COUNSEL, Role.AUDITOR, Role.OPERATOR], PARTS)
    ]
    addresses = [
        each
        for each in list_addresses()
        if each.partition("?")[0] not in OF_THE_LOG | OF_ONESELF | ONCE
    ]
    await archive.services.account_totals.catch_up()
    looks = [
        (who, path)
        for number, who in enumerate(people)
        for path in addresses[number % stride :: stride]
    ]
    before = {(who.name, path): await seen_by(archive, who, path) for who, path in looks}

    more = Half(f"{FAR} too", f"{CANARY}too")
    await archive.fill(more, 7)
    await archive.say(archive.far, 5)
    await archive.services.account_totals.catch_up()
    changed = [
        f"{path} of {who.name}: {apart(before[who.name, path], after)}"
        for who, path in looks
        if (after := await seen_by(archive, who, path)) != before[who.name, path]
    ]

    answered = Counter(each[:3] for each in before.values())
    print(f"{len(before)} looks before and after, {dict(answered)}, changed: {len(changed)}")
    assert answered["200"] > len(before) / 4
    assert "\n".join(changed) == ""


async def test_ones_own_half_is_shown(archive: DividedArchive) -> None:
    """What is refused above is refused for whose it is, not because nothing is ever shown."""
    shown, refused = Counter[str](), []
    for role, part in product([Role.COUNSEL, Role.RECORDS_MANAGER], PARTS):
        who = await archive.visitor(role, **{part: NEAR})
        for route in ABOUT_OBJECTS:
            kind = kind_of(route)
            if route.method != "GET" or kind not in {"record", "account", "hold"}:
                continue
            if not holds_permission(route, who) or "READ_AUDIT" in route.permission.name:
                continue
            answer = await archive.send("GET", address(route, archive.near), who)
            shown[f"{kind} {answer.status}"] += 1
            of_unit = (kind, part) not in {("hold", "unit"), ("account", "matter")}
            if of_unit and answer.status != 200:
                refused.append(f"{route.template} to {who.name}: {answer.status}")

    print(dict(shown))
    assert shown["record 200"] > 30
    assert shown["hold 200"] > 0
    assert shown["account 200"] > 0
    assert refused == []


async def test_naming_what_is_out_of_reach_in_a_form_is_like_naming_nothing(
    archive: DividedArchive,
) -> None:
    theirs, nothing = archive.far.ids["record"], NOWHERE[""]
    handle, nobody = f"@{CANARY}", "@" + "x" * len(CANARY)
    hold = {"name": "n", "reason": "r"}
    asked: list[tuple[str, str, dict[str, object], dict[str, object]]] = [
        ("POST", "/api/v1/holds", {"record_ids": [theirs]}, {"record_ids": [nothing]}),
        ("POST", "/api/v1/holds?dry_run=true", {"record_ids": [theirs]}, {"record_ids": [nothing]}),
        ("POST", "/api/v1/holds", {"accounts": [handle]}, {"accounts": [nobody]}),
        ("POST", "/holds/count", {"records": theirs}, {"records": nothing}),
        ("POST", "/holds/count", {"accounts": handle}, {"accounts": nobody}),
        ("POST", "/holds/new", {"records": theirs}, {"records": nothing}),
        ("POST", "/holds", {"records": theirs}, {"records": nothing}),
        ("POST", "/holds/new", {"accounts": handle}, {"accounts": nobody}),
        ("GET", f"/holds/new?record={theirs}", {}, {}),
        ("GET", f"/holds/new?account={handle}", {}, {}),
        ("GET", f"/records/{archive.near.ids['record']}?tab=versions&with={theirs}", {}, {}),
        ("GET", f"/search?f=account:{handle}&q=merger", {}, {}),
        ("GET", f"/api/v1/search?q=account:{handle}", {}, {}),
        ("GET", f"/api/v1/search?q={CANARY}", {}, {}),
    ]
    attempts = 0
    for (method, path, far, none), part in product(asked, PARTS):
        who = await archive.visitor(Role.COUNSEL, **{part: NEAR})
        told = []
        for words, where in ((far, path), (none, path.replace(theirs, nothing))):
            named = where if words is far else where.replace(CANARY, "x" * len(CANARY))
            answer = await archive.send(
                method,
                named,
                who,
                form={key: str(value) for key, value in {**hold, **words}.items()},
                document={**hold, **words} if method == "POST" else None,
                headers=SAME_REQUEST,
            )
            body = (await answer.read()).decode()
            same = body.replace(CANARY, "x" * len(CANARY))
            told.append(f"{answer.status} {without(same, {theirs, nothing})}")
            attempts += 1
        assert told[0] == told[1], f"{path} to {who.name}: {apart(told[0], told[1])}"
    print(f"{attempts} attempts by what forms and addresses name")
