"""Settings with their sources, and what this software is made of."""

import json
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

from archiver.access.installation import Component
from archiver.access.rules import Permission
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Access, Body, route

HTML = Body(media_type="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingGroup:
    """Settings of one subject, by the beginning of their names."""

    title: str
    id: str
    names: tuple[str, ...]

    def holds(self, name: str) -> bool:
        """Return whether a setting belongs here; a group without names takes what is left."""
        return name.removeprefix("MUNIMENT_").startswith(self.names or ("",))


GROUPS = (
    SettingGroup(
        title="Where things are", id="places", names=("HOME", "DATABASE", "STORE", "SEARCH")
    ),
    SettingGroup(title="Keys", id="keys", names=("KEYRING",)),
    SettingGroup(
        title="The log and its proofs",
        id="log",
        names=(
            "ORIGIN",
            "LOG_LOCK",
            "PUBLIC_LOG",
            "PUBLISH",
            "TIMESTAMP",
            "WITNESS",
            "WORM",
            "SECOND",
            "LOCK",
        ),
    ),
    SettingGroup(
        title="Browsers and signing in",
        id="sign-in",
        names=("PUBLIC_URL", "OIDC", "SESSION", "HSTS", "CONTENT", "PASSWORD", "TRUSTED"),
    ),
    SettingGroup(title="Two people", id="two-people", names=("TWO_PERSON", "ALLOW_CONFLICTING")),
    SettingGroup(title="Everything else", id="others", names=()),
)


@route(
    "GET",
    "/settings",
    permission=Permission.READ_SETTINGS,
    summary="Settings",
    answers={200: HTML},
)
async def settings(request: web.Request) -> web.StreamResponse:
    """Show every setting with its source, the archive's identity and the two-person rules."""
    view = await services_of(request).installation.show(actor=actor_of(request))
    shown = view.to_dict()
    return request.app[PAGES].render(
        request,
        "settings.html",
        view=shown,
        groups=[
            (group, [each.to_dict() for each in view.settings if _group_of(each.name) is group])
            for group in GROUPS
        ],
        pending=[each for each in view.settings if each.pending],
    )


@route(
    "GET",
    "/about",
    permission=Access.SIGNED_IN,
    summary="What this software is, and what it is made of",
    answers={200: HTML},
)
async def about(request: web.Request) -> web.StreamResponse:
    """Show the version and the licence of this software and of each component."""
    services = services_of(request)
    return request.app[PAGES].render(
        request,
        "about.html",
        version=services.version,
        archive=services.archive,
        components=[each.to_dict() for each in await services.installation.software()],
        vendored=[each.to_dict() for each in vendored_components()],
    )


ROUTES = (settings, about)


def vendored_components() -> tuple[Component, ...]:
    """Return what stands in `static/vendor`, as its lock file names it."""
    lock = resources.files("archiver.web") / "static" / "vendor" / "vendor.lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return tuple(
        Component(name=each["name"], version=each["version"], licence=each["license"])
        for each in packages
    )


def _group_of(name: str) -> SettingGroup:
    return next(group for group in GROUPS if group.holds(name))
