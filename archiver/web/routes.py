"""Every route of the service, on one screen."""

from archiver.web.api import (
    accounts,
    captures,
    classes,
    events,
    health,
    holds,
    log,
    records,
    search,
    settings,
    tokens,
)
from archiver.web.pages import holds as hold_pages
from archiver.web.pages import new_hold, oidc, passkeys, record, rendering, sign_in, style_page
from archiver.web.pages import search as search_page
from archiver.web.routing import Route

ROUTES: tuple[Route, ...] = (
    *captures.ROUTES,
    *accounts.ROUTES,
    *search.ROUTES,
    *records.ROUTES,
    *holds.ROUTES,
    *classes.ROUTES,
    *tokens.ROUTES,
    *log.ROUTES,
    *events.ROUTES,
    *settings.ROUTES,
    *health.ROUTES,
    *search_page.ROUTES,
    *record.ROUTES,
    *new_hold.ROUTES,
    *hold_pages.ROUTES,
    *sign_in.ROUTES,
    *oidc.ROUTES,
    *passkeys.ROUTES,
    *rendering.ROUTES,
    *style_page.ROUTES,
)
