"""The page one lands on: panels by what one may do, each with its one main action."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from archiver.access.home import HomeView
from archiver.access.rules import Permission, allowed, allowed_somewhere
from archiver.assurance.integrity_view import IntegrityStatus
from archiver.capture.account_views import AccountList
from archiver.db.holds import ACTIVE
from archiver.disposal.class_views import ClassView
from archiver.legal.hold_views import HoldView
from archiver.legal.saved_views import SavedView
from archiver.model.actor import Actor
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Access, Body, route
from archiver.web.services import Services

_HTML = Body(media_type="text/html")
_SHOWN = 5
_COUNTED = 20  # saved searches that are asked what is new: each is a question of the engine


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPanel:
    """The holds in force: how many, over how many records (some twice), and the newest."""

    active: int
    records: int
    newest: Sequence[HoldView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPanel:
    """The classes with the most records, and how many are in use at all."""

    used: int
    largest: Sequence[ClassView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPanel:
    """The parts of this process that are not ready, and those with something to say; in words."""

    wrong: Sequence[tuple[str, str]]
    notices: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPanel:
    """Saved searches with new hits, those with most of them first, and how many are looked at."""

    looked_at: int
    news: Sequence[SavedView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """What the page shows; None where the actor has nothing to do with it."""

    own: HomeView
    saved: SavedPanel | None
    holds: HoldPanel | None
    integrity: IntegrityStatus | None
    classes: ClassPanel | None
    accounts: AccountList | None
    server: ServerPanel | None
    reviews: bool

    @property
    def are_any(self) -> bool:
        """Whether there is anything to show."""
        own = self.own
        parts = (own.searches, own.changes, own.access, self.holds, self.classes, self.accounts)
        return self.reviews or any(part is not None for part in parts)


@route("GET", "/", permission=Access.SIGNED_IN, summary="Home", answers={200: _HTML})
async def home(request: web.Request) -> web.StreamResponse:
    """Show what concerns who is signed in."""
    actor, signed_in = actor_of(request), request.get(SIGNED_IN)
    services = services_of(request)
    panels = Panels(
        own=await services.home.show(
            session_id="" if signed_in is None else signed_in.session_id, actor=actor
        ),
        saved=await _saved(services, actor),
        holds=await _holds(services, actor),
        integrity=await _integrity(services, actor),
        classes=await _classes(services, actor),
        accounts=await _accounts(services, actor),
        server=await _server(services, actor),
        reviews=allowed_somewhere(actor, Permission.REVIEW),
    )
    return request.app[PAGES].render(request, "home.html", panels=panels, scopes=_scopes(actor))


ROUTES = (home,)


async def _saved(services: Services, actor: Actor) -> SavedPanel | None:
    if not allowed_somewhere(actor, Permission.SEARCH):
        return None
    page = await services.saved_searches.list(limit=_COUNTED, actor=actor)
    new = sorted((view for view in page.items if view.new), key=lambda view: -(view.new or 0))
    return SavedPanel(looked_at=len(page.items), news=new[:_SHOWN])


async def _holds(services: Services, actor: Actor) -> HoldPanel | None:
    if not allowed_somewhere(actor, Permission.READ_HOLDS):
        return None
    active = [
        view for view in await services.hold_register.list(actor=actor) if view.state == ACTIVE
    ]
    return HoldPanel(
        active=len(active), records=sum(view.records for view in active), newest=active[:_SHOWN]
    )


async def _integrity(services: Services, actor: Actor) -> IntegrityStatus | None:
    if not (allowed(actor, Permission.READ_AUDIT) and allowed(actor, Permission.READ_LOG)):
        return None
    return await services.integrity.status(actor)


async def _classes(services: Services, actor: Actor) -> ClassPanel | None:
    if not allowed(actor, Permission.EDIT_FILE_PLAN):
        return None
    used = [view for view in await services.filing.plan(actor=actor) if view.records]
    used.sort(key=lambda view: view.records or 0, reverse=True)
    return ClassPanel(used=len(used), largest=used[:_SHOWN])


async def _accounts(services: Services, actor: Actor) -> AccountList | None:
    """Return the open accounts that were silent for longest."""
    if not allowed(actor, Permission.OPERATE):
        return None
    return await services.accounts.list(state="open", sort="last", limit=_SHOWN, actor=actor)


async def _server(services: Services, actor: Actor) -> ServerPanel | None:
    if not allowed(actor, Permission.OPERATE):
        return None
    parts = (await services.health.ready()).items()
    return ServerPanel(
        wrong=[(name, words) for name, words in parts if not words.startswith("ok")],
        notices=[
            (name, words.removeprefix("ok; ")) for name, words in parts if words.startswith("ok; ")
        ],
    )


def _scopes(actor: Actor) -> list[str]:
    """Return in words what the actor is, and where: `counsel of the unit Treasury`."""
    whole = sorted(role.replace("-", " ") for role in actor.roles)
    limited = [
        f"{held.role.replace('-', ' ')} "
        + (f"of the unit {held.unit}" if held.unit else f"in the matter {held.matter}")
        for held in sorted(actor.limited)
    ]
    return [*whole, *limited]
