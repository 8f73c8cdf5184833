"""Every page of the route table in a real browser: readable by all, in both themes, on any screen.

A new page fails here until it has an address, or a reason why it is none.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from archiver.access.rules import PERMISSIONS, Permission
from archiver.assurance.audit_filter import TrailFilter
from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db import passkeys
from archiver.disposal.stated_events import NewEvent
from archiver.legal.asking import Asked
from archiver.legal.saved_versions import Change
from archiver.legal.subscription_views import ChannelName, Pace
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, Role
from archiver.web.routes import ROUTES
from tests.browser.conftest import (
    assert_legible,
    keep_pictures,
    sideways,
    watch,
)
from tests.browser.site import HELD, MATTER, Site
from tests.fakes.archive import stored_posts
from tests.fakes.disposal import approved, formed

WIDE = (1360, 900)
NARROW = {"telephone": (320, 640), "200 %": (640, 450), "400 %": (320, 225)}
"""Screens nothing may scroll sideways on: zoom is a window of 1280 pixels with fewer of them."""
CSV = "id,written,words\nh-1,2026-11-02 09:30,Our branch in Port Halloran opens at nine\n"
EVENTS = (
    "name,happened_at,platform,account\nemployee_left,2026-03-31,x,@left\nemployee_left,soon,x,@b\n"
)
PATIENCE_MS = 120_000.0

Ids = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Visit:
    """One page as one role sees it. `path` names what it is about as `{record}`."""

    name: str
    role: Role | None
    path: str
    status: int = 200


_C, _A, _O, _Q = Role.COUNSEL, Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR
_M = Role.RECORDS_MANAGER

VISITS: Mapping[str, tuple[Visit, ...]] = {
    "/": (
        Visit("home-counsel", _C, "/"),
        Visit("home-records-manager", Role.RECORDS_MANAGER, "/"),
        Visit("home-reviewer", Role.REVIEWER, "/"),
        Visit("home-supervisor", Role.SUPERVISOR, "/"),
        Visit("home-auditor", _A, "/"),
        Visit("home-operator", _O, "/"),
        Visit("home-administrator", _Q, "/"),
    ),
    "/search": (
        Visit("search", _C, "/search?q=earnings"),
        Visit("search-all", _C, "/search"),
        Visit("search-filtered", _C, "/search?q=market+OR+complaint&f=platform:x"),
        Visit("search-none", _C, "/search?q=zeppelin&f=platform:x"),
    ),
    "/search/build": (Visit("search-build", _C, "/search/build?more=yes&kind=near&words=fund"),),
    "/search/explained": (
        Visit("search-explained", _C, "/search/explained?q=fund*+AND+(market+w/5+risk~1)"),
        Visit("search-translated", _C, "/search/explained?syntax=dtsearch&q=%23x", 400),
    ),
    "/search/values": (Visit("search-values", _C, "/search/values?q=earnings&field=account"),),
    "/search/not-searchable": (Visit("not-searchable", _C, "/search/not-searchable"),),
    "/search/preview/{id}": (Visit("preview", _C, "/search/preview/{record}?q=earnings"),),
    "/accounts": (
        Visit("accounts", _O, "/accounts"),
        Visit("accounts-none", _O, "/accounts?q=nothing-like-it"),
    ),
    "/accounts/new": (Visit("account-new", _O, "/accounts/new"),),
    "/accounts/{id}": (Visit("account", _O, "/accounts/{account}"),),
    "/accounts/{id}/change": (Visit("account-change", _O, "/accounts/{account}/change"),),
    "/accounts/{id}/close": (Visit("account-close", _O, "/accounts/{account}/close"),),
    "/classes": (
        Visit("classes", Role.RECORDS_MANAGER, "/classes"),
        Visit("classes-all", Role.RECORDS_MANAGER, "/classes?show=all"),
    ),
    "/classes/rules": (Visit("class-rules", Role.RECORDS_MANAGER, "/classes/rules"),),
    "/classes/new": (
        Visit("class-new", Role.RECORDS_MANAGER, "/classes/new?template=us-sec-17a4-comms"),
    ),
    "/classes/report": (Visit("class-report", Role.RECORDS_MANAGER, "/classes/report"),),
    "/classes/{code}/change": (
        Visit("class-change", Role.RECORDS_MANAGER, "/classes/default/change"),
    ),
    "/classes/{code}/close": (
        Visit("class-close", Role.RECORDS_MANAGER, "/classes/default/close"),
    ),
    "/classes/{code}/reclassify": (
        Visit("reclassify", Role.RECORDS_MANAGER, "/classes/default/reclassify?set={set}"),
    ),
    "/classes/{code}/records": (Visit("class-records", _C, "/classes/default/records?version=1"),),
    "/drafts": (Visit("drafts", Role.RECORDS_MANAGER, "/drafts?show=all"),),
    "/drafts/new": (Visit("draft-new", Role.RECORDS_MANAGER, "/drafts/new?class=default"),),
    "/drafts/{id}": (
        Visit("draft", Role.RECORDS_MANAGER, "/drafts/{draft}"),
        Visit("draft-rules", Role.RECORDS_MANAGER, "/drafts/{rules}"),
        Visit("draft-read", _C, "/drafts/{submitted}"),
    ),
    "/drafts/{id}/simulation": (Visit("simulation", _C, "/drafts/{submitted}/simulation"),),
    "/drafts/{id}/records": (
        Visit("draft-records", _C, "/drafts/{draft}/records?what=awaiting-event"),
    ),
    "/drafts/{id}/try": (
        Visit("draft-try", _C, "/drafts/{rules}/try?platform=x&account=harbourfinch"),
    ),
    "/drafts/{id}/submit": (Visit("draft-submit", Role.RECORDS_MANAGER, "/drafts/{draft}/submit"),),
    "/drafts/{id}/withdraw": (
        Visit("draft-withdraw", Role.RECORDS_MANAGER, "/drafts/{draft}/withdraw"),
    ),
    "/drafts/{id}/approve": (Visit("draft-approve", _C, "/drafts/{submitted}/approve"),),
    "/drafts/{id}/refuse": (Visit("draft-refuse", _C, "/drafts/{submitted}/refuse"),),
    "/classes/{code}": (
        Visit("class", Role.RECORDS_MANAGER, "/classes/default?posted=2023-11-01"),
    ),
    "/disposition/stop": (
        Visit("disposal-stop", _C, "/disposition/stop"),
        Visit("disposal-stop-auditor", _A, "/disposition/stop"),
    ),
    "/disposition/stop/resume": (Visit("disposal-resume", _C, "/disposition/stop/resume"),),
    "/retention-events": (
        Visit("events", Role.RECORDS_MANAGER, "/retention-events"),
        Visit("events-none", _C, "/retention-events?name=never&in_force=true"),
    ),
    "/retention-events/new": (
        Visit("event-new", Role.RECORDS_MANAGER, "/retention-events/new?platform=x&account=a"),
    ),
    "/retention-events/import": (
        Visit("event-import", Role.RECORDS_MANAGER, "/retention-events/import"),
    ),
    "/retention-events/import/{id}": (
        Visit("event-look", Role.RECORDS_MANAGER, "/retention-events/import/{event_file}"),
    ),
    "/retention-events/{id}": (
        Visit("event-one", Role.RECORDS_MANAGER, "/retention-events/{stated}"),
    ),
    "/retention-events/{id}/correct": (
        Visit("event-correct", Role.RECORDS_MANAGER, "/retention-events/{stated}/correct"),
        Visit(
            "event-corrected",
            Role.RECORDS_MANAGER,
            "/retention-events/{stated}/correct?happened_at=2026-02-01",
        ),
    ),
    "/retention-events/{id}/withdraw": (
        Visit("event-withdraw", Role.RECORDS_MANAGER, "/retention-events/{stated}/withdraw"),
    ),
    "/approvals": (
        Visit("approvals", _C, "/approvals"),
        Visit("approvals-auditor", _A, "/approvals"),
    ),
    "/records/{id}": tuple(
        Visit(f"record-{tab}", _C, f"/records/{{record}}?tab={tab}")
        for tab in ("post", "thread", "versions", "media", "metadata", "custody", "raw")
    ),
    "/sets": (Visit("sets", _C, "/sets"),),
    "/sets/new": (Visit("set-new", _C, "/sets/new?q=earnings"),),
    "/sets/{id}": (Visit("set", _C, "/sets/{set}"),),
    "/terms": (Visit("terms", _C, "/terms"),),
    "/terms/new": (Visit("terms-new", _C, "/terms/new?set={set}"),),
    "/terms/{id}": (Visit("term-report", _C, "/terms/{report}"),),
    "/terms/{id}/compare": (
        Visit("term-comparison", _C, "/terms/{report}/compare?earlier={earlier}"),
    ),
    "/saved-searches": (
        Visit("saved-searches", _C, "/saved-searches"),
        Visit("saved-archived", _C, "/saved-searches?show=archived"),
    ),
    "/saved-searches/new": (Visit("saved-new", _C, "/saved-searches/new?q=earnings&f=platform:x"),),
    "/saved-searches/{id}": (Visit("saved-one", _C, "/saved-searches/{saved}"),),
    "/saved-searches/{id}/edit": (Visit("saved-edit", _C, "/saved-searches/{saved}/edit"),),
    "/saved-searches/{id}/subscribe": (
        Visit("saved-subscribe", _C, "/saved-searches/{saved}/subscribe"),
    ),
    "/holds": (
        Visit("holds", _C, "/holds"),
        Visit("holds-none", _C, "/holds?state=active&matter=of+nobody"),
    ),
    "/holds/new": (Visit("hold-new", _C, "/holds/new?q=earnings"),),
    "/holds/{id}": (Visit("hold", _C, "/holds/{hold}"),),
    "/holds/{id}/release": (Visit("hold-release", _C, "/holds/{hold}/release"),),
    "/privacy": (Visit("privacy", _C, "/privacy"),),
    "/privacy/new": (Visit("privacy-new", _M, "/privacy/new"),),
    "/privacy/{id}": (Visit("privacy-request", _C, "/privacy/{asked}"),),
    "/privacy/{id}/answer": (Visit("privacy-answer", _C, "/privacy/{answered}/answer"),),
    **{
        f"/privacy/{{id}}/{step}": (Visit(f"privacy-{step}", _M, f"/privacy/{{asked}}/{step}"),)
        for step in ("find", "decide", "lift", "extend", "erase", "close")
    },
    "/disposition": (
        Visit("disposition", _M, "/disposition"),
        Visit("disposition-none", _C, "/disposition?state=done&account=nobody"),
    ),
    "/disposition/due": (Visit("due", _M, "/disposition/due"),),
    "/disposition/kept": (
        Visit("kept", _M, "/disposition/kept?why=held&class=default&platform=x&account=a"),
    ),
    "/disposition/{id}": (
        Visit("batch", _M, "/disposition/{batch}"),
        Visit("batch-proposed", _M, "/disposition/{proposed}"),
    ),
    **{
        f"/disposition/{{id}}/{step}": (
            Visit(f"batch-{step}", role, f"/disposition/{{{batch}}}/{step}{query}"),
        )
        for step, role, batch, query in (
            ("exceptions", _M, "batch", ""),
            ("sample", _C, "batch", "?seed=1"),
            ("records", _M, "batch", ""),
            ("exclude", _M, "batch", ""),
            ("include", _M, "batch", ""),
            ("propose", _M, "batch", ""),
            ("approve", _C, "proposed", ""),
            ("withdraw", _C, "proposed", ""),
            ("cancel", _M, "batch", ""),
            ("confirm", _M, "proposed", ""),
            ("execute", _M, "batch", ""),
            ("execution", _A, "batch", ""),
        )
    },
    "/certificates": (Visit("certificates", _A, "/certificates"),),
    "/jobs": (Visit("jobs", _A, "/jobs"), Visit("jobs-none", _C, "/jobs")),
    "/jobs/{id}": (Visit("job", _A, "/jobs/{job}"),),
    "/integrity": (Visit("integrity", _A, "/integrity"),),
    "/integrity/reindex": (Visit("integrity-reindex", _O, "/integrity/reindex"),),
    "/audit": (
        Visit("audit", _A, "/audit"),
        Visit("audit-filtered", _A, "/audit?action=hold:*&result=ok"),
        Visit("audit-empty", _A, "/audit?actor=nobody"),
        Visit("audit-wrong", _A, "/audit?from=yesterday", status=400),
    ),
    "/audit/follow": (Visit("audit-follow", _A, "/audit/follow?start=0"),),
    "/audit/{id}": (Visit("audit-event", _A, "/audit/{event}"),),
    "/audit/about/{type}/{object}": (
        Visit("audit-about-record", _A, "/audit/about/record/{record}"),
        Visit("audit-about-person", _A, "/audit/about/person/{person}"),
    ),
    "/me/activity": (Visit("my-activity", _A, "/me/activity"),),
    "/settings": (Visit("settings", _O, "/settings"),),
    "/about": (Visit("about", _C, "/about"),),
    "/help": (Visit("help", _C, "/help"),),
    "/help/api": (Visit("help-api", _O, "/help/api"),),
    "/help/{topic}": tuple(
        Visit(f"help-{topic}", _C, f"/help/{topic}")
        for topic in ("auditor", "operator", "start", "glossary")
    ),
    "/imports": (Visit("imports", _O, "/imports"),),
    "/imports/new": (Visit("import-new", _O, "/imports/new"),),
    "/imports/new/{id}": (
        Visit(
            "import-look",
            _O,
            "/imports/new/{upload}?format=csv&platform=x&map.post_id=id"
            "&map.posted_at=written&map.text=words",
        ),
    ),
    "/sign-in": (Visit("sign-in", None, "/sign-in?next=/holds"),),
    "/welcome/{secret}": (Visit("welcome", None, "/welcome/{secret}"),),
    "/confirm": (Visit("confirm", _C, "/confirm?next=/me"),),
    "/me": (Visit("me", _C, "/me"), Visit("me-operator", _O, "/me")),
    "/me/break-glass": (Visit("break-glass", _O, "/me/break-glass"),),
    "/people": (
        Visit("people", _Q, "/people"),
        Visit("people-auditor", _A, "/people?state=active"),
        Visit("people-none", _Q, "/people?q=nobody+at+all"),
    ),
    "/people/new": (Visit("person-new", _Q, "/people/new"),),
    "/people/{id}": (Visit("person", _Q, "/people/{person}"),),
    "/people/{id}/roles": (Visit("person-roles", _Q, "/people/{person}/roles"),),
    "/people/{id}/roles/change": (
        Visit("person-roles-change", _Q, "/people/{person}/roles/change?whole=auditor"),
    ),
    "/people/{id}/disable": (Visit("person-disable", _Q, "/people/{person}/disable"),),
    "/people/tokens": (Visit("tokens", _Q, "/people/tokens"),),
    "/sign-in/passkey": (Visit("sign-in-passkey", None, "/sign-in/passkey"),),
    "/confirm/passkey": (Visit("confirm-passkey", _A, "/confirm/passkey"),),
    "/me/passkeys": (Visit("passkeys", _A, "/me/passkeys"),),
    "/me/passkeys/new": (Visit("passkey-new", _A, "/me/passkeys/new"),),
    "/me/passkeys/{id}": (Visit("passkey", _A, "/me/passkeys/{passkey}"),),
    "/style": (Visit("style", _C, "/style"),),
    "/style/consequences": (Visit("style-consequences", _C, "/style/consequences"),),
}

NOT_PAGES: Mapping[str, str] = {
    "/certificates/{id}": "needs a destruction: looked at in test_disposition",
    "/records/{id}/evidence": "a download",
    "/sets/{id}/ids": "a download",
    "/terms/{id}/file": "a download",
    "/saved-searches/{id}/open": "leads to the search",
    "/jobs.csv": "a download",
    "/retention-events/import/{id}/refused.csv": "a download",
    "/jobs/{id}/result": "a download",
    "/integrity/proof": "a download",
    "/help/pictures/{name}": "a picture",
    "/static/{file}": "a style sheet, script, font or icon",
    "/sign-in/provider": "leads to the provider",
    "/confirm/provider": "leads to the provider",
    "/sign-in/provider/callback": "takes what the provider answers, and leads on",
}

PAGES = {route.template: route for route in ROUTES if route.method == "GET" and route.is_page}
PERMITTED = [
    (template, route.permission)
    for template, route in PAGES.items()
    if isinstance(route.permission, Permission) and template in VISITS
]
ALL_VISITS = [
    pytest.param(template, visit, id=visit.name)
    for template, visits in VISITS.items()
    for visit in visits
]


class Rooms:
    """One browser context for each role, with everything its pages did wrong."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.faults: list[str] = []
        self._browser, self._site = browser, site
        # Passkeys belong to a name: an address of digits has none.
        self._url = site.url.replace("127.0.0.1", "localhost")
        self._open: dict[Role | None, tuple[BrowserContext, Page]] = {}

    def page(self, role: Role | None) -> Page:
        """Return the page of a role that has just proved who it is, as wide as a desk's screen."""
        if role not in self._open:
            self._open[role] = self._enter()
        context, page = self._open[role]
        if role is not None:
            cookie: Any = self._site.cookie(self._site.person(role))
            cookie["url"] = self._url
            context.add_cookies([cookie])
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.emulate_media(forced_colors="none")
        self.faults.clear()
        return page

    def leave(self) -> None:
        for context, _ in self._open.values():
            context.close()

    def _enter(self) -> tuple[BrowserContext, Page]:
        context = self._browser.new_context(
            base_url=self._url, color_scheme="light", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        watch(page, self.faults)
        return context, page


@pytest.fixture(scope="module")
def rooms(browser: Browser, site: Site) -> Iterator[Rooms]:
    entered = Rooms(browser, site)
    yield entered
    entered.leave()


@pytest.fixture(scope="module")
def ids(site: Site) -> Ids:
    """One thing of each sort that a page can be about."""
    services, run = site.services, site.run
    counsel, auditor, operator = site.actor(_C), site.actor(_A), site.actor(_O)
    administrator = site.actor(_Q)
    site.person(_M)  # here: what runs in the site cannot wait for it
    found = run(services.searching.search(f"is:edited AND ({HELD})", limit=1, actor=counsel))
    record = found.hits[0].id
    run(services.records.show(record, actor=counsel))
    holds = run(services.hold_register.list(actor=counsel))
    job = run(services.work.start_verification(percent=10, actor=auditor))
    person = site.person(Role.REVIEWER, unit="Brokers")
    run(services.people.show(person, actor=administrator))
    link = run(services.invitations.link(person, actor=administrator))
    run(_give_passkey(site, auditor.person_id))
    (mine,) = run(services.passkeys.list(actor=auditor))
    return {
        "record": record,
        "hold": next(each.id for each in holds if each.matter == MATTER),
        "account": run(services.accounts.list(actor=operator)).items[0].id,
        "job": job.id,
        "event": run(_an_event(site)),
        "person": person,
        "saved": run(_save(site)),
        **run(_freeze(site)),
        **run(_form_batches(site)),
        **run(_draft(site)),
        **run(_ask(site, record)),
        "secret": link.path.rpartition("/")[2],
        "upload": run(_send_file(site)),
        **run(_state_events(site, site.actor(Role.RECORDS_MANAGER))),
        "passkey": mine.id,
    }


async def _freeze(site: Site) -> dict[str, str]:
    """Return a frozen set and two reports of terms over it."""
    services, counsel = site.services, site.actor(_C)
    frozen = await services.frozen_sets.freeze("earn* OR market", name="Results", actor=counsel)
    made = [
        await services.term_reports.make(Wanted(terms=terms, set_id=frozen.id), actor=counsel)
        for terms in ("earnings\nmarket", "earnings\nmarket AND\nstem:earning")
    ]
    return {"set": frozen.id, "earlier": made[0].id, "report": made[1].id}


async def _draft(site: Site) -> dict[str, str]:
    """Return a draft that is simulated, one of the class rules, and one that waits."""
    plan, manager = site.services.plan, site.actor(Role.RECORDS_MANAGER)
    schedule, rules, submitted = [
        await plan.drafts.make(code, reason="What if?", actor=manager)
        for code in ("default", "", "us-finra-2210-public")
    ]
    job = await site.services.simulations.start(schedule.row.id, actor=manager)
    while (await site.services.work.show(job.id, actor=manager)).is_under_way:  # noqa: ASYNC110 - jobs tell no event
        await asyncio.sleep(0.05)
    await plan.life.submit(submitted.row.id, actor=manager)
    return {"draft": schedule.row.id, "rules": rules.row.id, "submitted": submitted.row.id}


async def _ask(site: Site, record: str) -> dict[str, str]:
    """Return a privacy request about a record, and one that was answered."""
    privacy, manager = site.services.privacy, site.actor(_M)
    asked, answered = [
        await privacy.requests.receive(kind="erasure", person=f"Jo {n}", actor=manager)
        for n in (1, 2)
    ]
    await privacy.decisions.find(asked.id, record_ids=[record], actor=manager)
    await privacy.closing.close(answered.id, actor=manager)
    return {"asked": asked.id, "answered": answered.id}


async def _form_batches(site: Site) -> dict[str, str]:
    """Return a batch to be reviewed, and a transfer that one person of two has approved."""
    rows = await stored_posts(site.services)
    some = [row for row in rows if row.account == rows[0].account]
    approvers = ("P-carla",)
    return {
        "batch": await formed(site.services, some[:3]),
        "proposed": await approved(
            site.services, some[3:6], approvers=approvers, action="transfer"
        ),
    }


async def _save(site: Site) -> str:
    """Return a saved search of two versions, with a subscription."""
    services, counsel = site.services, site.actor(_C)
    asked = Asked(query="earnings OR market")
    saved = await services.saved_searches.save(asked, name="Results", actor=counsel)
    await services.saved_searches.change(
        saved.id, Change(query="earnings", shared_with="everybody"), based_on=1, actor=counsel
    )
    await services.subscriptions.create(
        saved.id,
        channel=ChannelName.WEBHOOK,
        target="https://hooks.example.com/in",
        pace=Pace.DAILY,
        actor=counsel,
    )
    return saved.id


@pytest.fixture(scope="module")
def titles() -> dict[str, str]:
    """The page that took each title."""
    return {}


def test_every_page_has_an_address_here_or_a_reason_to_have_none() -> None:
    assert PAGES.keys() == VISITS.keys() | NOT_PAGES.keys()
    assert not VISITS.keys() & NOT_PAGES.keys()


@pytest.mark.parametrize(("template", "visit"), ALL_VISITS)
def test_a_page_is_free_of_faults(  # noqa: PLR0917 - fixtures
    rooms: Rooms,
    ids: Ids,
    titles: dict[str, str],
    axe: Callable[[Page], None],
    tmp_path: Path,
    template: str,
    visit: Visit,
) -> None:
    page = rooms.page(visit.role)
    path = visit.path.format(**ids)
    answer = page.goto(path)

    assert answer is not None
    assert (answer.status, page.locator("h1").count()) == (visit.status, 1)
    assert page.url.endswith(path), f"{path} led to {page.url}"
    axe(page)
    keep_pictures(page, f"every/{visit.name}")
    _assert_well_formed(page, template, titles)
    _assert_fits_every_screen(page)
    page.emulate_media(forced_colors="active")
    assert_legible(page, "forced colours")
    page.emulate_media(forced_colors="none")
    assert len(page.pdf(path=tmp_path / "page.pdf")) > 1_000
    assert not rooms.faults, "\n".join(rooms.faults)


def test_who_may_not_is_told_who_can_grant_it(
    rooms: Rooms, ids: Ids, axe: Callable[[Page], None]
) -> None:
    told = {}
    for template, permission in PERMITTED:
        role = next(role for role in Role if permission not in PERMISSIONS[role])
        page = rooms.page(role)
        answer = page.request.get(VISITS[template][0].path.format(**ids))
        text = answer.text()
        denied = "Denied</h1>" in text and "ask an administrator" in text
        told[template, role] = (answer.status, denied)

    assert told
    assert {asked: said for asked, said in told.items() if said != (403, True)} == {}
    page = rooms.page(Role.REVIEWER)  # all of these pages are one; this is how it looks
    page.goto("/people")
    expect(page.locator("h1")).to_have_text("Denied")
    expect(page.get_by_role("alert")).to_contain_text("ask an administrator")
    axe(page)


_UNBOUNDED = """() => [...document.querySelectorAll("main .archived")].filter((text) => {
    for (let box = text; box.tagName !== "MAIN"; box = box.parentElement) {
        if (getComputedStyle(box).overflowY !== "visible") return false;
    }
    return true;
}).map((text) => text.parentElement.outerHTML.slice(0, 200))"""
"""Archived texts in no box that clips what is painted outside of it."""


def _assert_well_formed(page: Page, template: str, titles: dict[str, str]) -> None:
    """One thing to do at most, a language, a status, and a title no other page has."""
    assert page.locator("main .btn.primary:visible").count() <= (9 if template == "/style" else 1)
    assert page.locator("html").get_attribute("lang") == "en"
    said = "".join(page.locator("#status").all_inner_texts())
    assert said.strip(), "the page says nothing of its state"
    assert page.locator("p.actions:not(:has(*))").count() == 0, "a form ended the row of its button"
    assert page.evaluate(_UNBOUNDED) == [], "stacked marks would be painted over the page"
    owner = titles.setdefault(page.title(), template)
    assert owner == template, f"{page.title()!r} is also the title of {owner}"


def _assert_fits_every_screen(page: Page) -> None:
    for name, (width, height) in NARROW.items():
        page.set_viewport_size({"width": width, "height": height})
        assert sideways(page) == 0, f"scrolls sideways on {name}"
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


async def _an_event(site: Site) -> str:
    """Return the id of the event of the hold the archive begins with."""
    filters = TrailFilter(actions=(Action.HOLD_PLACED,))
    page = await site.services.audit.list(filters, limit=1, actor=site.actor(_A))
    return page.items[0].row.record_id


async def _send_file(site: Site) -> str:
    imports, operator = site.services.imports, site.actor(_O)
    receiving = await imports.receive("halloran posts.csv", size=len(CSV), actor=operator)
    receiving.write(CSV.encode())
    return (await imports.finish(receiving, actor=operator)).id


async def _state_events(site: Site, manager: Actor) -> dict[str, str]:
    """Return a retention event, and a file of events with a line that is refused."""
    services = site.services
    event = NewEvent(
        name="account_closed",
        happened_at=services.clock(),
        platform="x",
        account="@halloranbrokers",
        note="Letter of 3 November",
    )
    stated = await services.keeping.events.state(event, actor=manager)
    receiving = await services.event_files.receive("left.csv", size=len(EVENTS), actor=manager)
    receiving.write(EVENTS.encode())
    sent = await services.event_files.finish(receiving, actor=manager)
    return {"stated": stated.row.id, "event_file": sent.id}


async def _give_passkey(site: Site, person_id: str) -> None:
    """Keep a key nobody has the other half of: enough to be listed, and to be asked for."""
    services = site.services
    row = passkeys.PasskeyRow(
        credential_id=b"every page",
        person_id=person_id,
        public_key=b"",
        sign_count=0,
        name="Key of the front desk",
        created_at=to_millis(services.clock()),
        last_used_at=None,
    )
    async with services.database.transaction() as tx:
        await passkeys.add(tx, row)
