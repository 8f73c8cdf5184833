"""Where browsers reach this archive: what a provider and passkeys are bound to.

The `Host` header is the sender's to choose, so it decides nothing unless it names this very
machine, where nobody else's browser can be. Everything else is the setting.
"""

from urllib.parse import urlsplit

from aiohttp import web

from archiver.access.passkey_ceremony import Site
from archiver.errors import ConfigurationError
from archiver.web.keys import SERVICES

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def public_origin(request: web.Request) -> str:
    """Return scheme, host and port of our pages.

    Raises:
        ConfigurationError: the setting is needed here and not there.
    """
    stated = request.app[SERVICES].settings.public_url
    if stated:
        return stated
    if not is_local(request):
        raise ConfigurationError(
            f"expected MUNIMENT_PUBLIC_URL, found none, and the page was asked of "
            f"{request.host[:200]!r}; set it to where browsers reach the archive"
        )
    return f"{request.scheme}://{request.host}"


def has_public_origin(request: web.Request) -> bool:
    """Return whether `public_origin` has an answer."""
    return bool(request.app[SERVICES].settings.public_url) or is_local(request)


def is_local(request: web.Request) -> bool:
    """Return whether the browser speaks to this machine by a name that means this machine."""
    try:
        return urlsplit(f"//{request.host}").hostname in _LOCAL
    except ValueError:
        return False


def passkey_site(request: web.Request) -> Site:
    """Return where passkeys are good. Raises ConfigurationError."""
    origin = public_origin(request)
    return Site(origin=origin, rp_id=urlsplit(origin).hostname or "")
