"""Typed keys under which an application and a request carry their context."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import MultipartReader, web

from archiver.access.sessions import SignedIn
from archiver.clock import Clock
from archiver.model.actor import Actor
from archiver.web.routing import Route
from archiver.web.services import Services


@dataclass(slots=True)
class Readiness:
    """Whether this process wants traffic. `serve` sets `stopping` when asked to stop."""

    stopping: bool = False


SERVICES: web.AppKey[Services] = web.AppKey("services")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
READINESS: web.AppKey[Readiness] = web.AppKey("readiness", Readiness)

ROUTE: web.RequestKey[Route] = web.RequestKey("route", Route)
ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
SIGNED_IN: web.RequestKey[SignedIn] = web.RequestKey("signed_in", SignedIn)
"""The browser session of the request; programs that come with a token have none."""
BADGES: web.RequestKey[Mapping[str, int]] = web.RequestKey("badges", Mapping)
"""Counts of waiting work beside entries of the navigation, by their names."""
FORM: web.RequestKey[MultipartReader] = web.RequestKey("form", MultipartReader)
"""The parts of an upload that follow its first, which was the form's token."""
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
