"""Which host name answers what: pages on one, archived content on another where one is set.

Archived bytes are hostile. On a host of their own they share no origin with the pages: whatever a
browser makes of them, it finds no session there, and no page to act on. Tickets in the address say
what may be read, so the content host asks for no cookie; and it answers nothing else.
"""

from urllib.parse import urlsplit

from aiohttp import web

from archiver.errors import NotFound
from archiver.web.routing import Route

CONTENT = "/content/{id}/{name}"
"""Archived content among the pages, for who is signed in: where no content host is set."""
TICKETED = "/content/{id}/{name}/{ticket}"
"""Archived content on the content host, for who holds a ticket."""


def check_host(request: web.Request, route: Route, content_origin: str) -> None:
    """Pass if this host answers this route.

    Raises:
        NotFound: it does not: pages on the content host, content on that of the pages.
    """
    on_content_host = bool(content_origin) and _host(request) == urlsplit(content_origin).netloc
    if (route.path == TICKETED) != on_content_host or (route.path == CONTENT and content_origin):
        raise NotFound(f"{request.host} has nothing at this address")


def page_policy(content_origin: str) -> str:
    """Return the Content-Security-Policy of pages; images and films may come from `content_origin`.

    No source allows script or style within a page, and nothing is loaded from elsewhere.
    """
    content = f" {content_origin}" if content_origin else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src 'self' data:{content}; media-src 'self'{content}; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def _host(request: web.Request) -> str:
    """Return the host as the setting spells it: without the port that the scheme implies."""
    return request.host.lower().removesuffix(":443" if request.secure else ":80")
