"""The cookie of a sign-in under way: ten minutes, for no script and no other site's form.

SameSite is Lax, not Strict: coming back from the provider is a navigation that another site began.
"""

from aiohttp import web

from archiver.access.browser_state import LASTS
from archiver.web.public_address import public_origin


def keep(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Have the browser keep what a sign-in has to remember."""
    response.set_cookie(
        _full_name(request, name),
        value,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=_is_https(request),
        path="/",
    )


def kept(request: web.Request, name: str) -> str:
    """Return what the browser kept, or nothing."""
    return request.cookies.get(_full_name(request, name), "")


def forget(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Have the browser forget it; it is good once."""
    response.del_cookie(
        _full_name(request, name),
        httponly=True,
        samesite="Lax",
        secure=_is_https(request),
        path="/",
    )


def _full_name(request: web.Request, name: str) -> str:
    # `__Host-`: no other host of the domain, and no page without TLS, can plant it.
    return f"__Host-muniment-{name}" if _is_https(request) else f"muniment_{name}"


def _is_https(request: web.Request) -> bool:
    return public_origin(request).startswith("https:")
