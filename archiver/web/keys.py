"""Typed keys under which an application and a request carry their context."""

from dataclasses import dataclass

from aiohttp import web

from archiver.model.actor import Actor
from archiver.web.routing import Route
from archiver.web.services import Services


@dataclass(slots=True)
class Readiness:
    """Whether this process wants traffic. `serve` sets `stopping` when asked to stop."""

    stopping: bool = False


SERVICES: web.AppKey[Services] = web.AppKey("services")
READINESS: web.AppKey[Readiness] = web.AppKey("readiness", Readiness)

ROUTE: web.RequestKey[Route] = web.RequestKey("route", Route)
ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
