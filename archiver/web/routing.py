"""What a route declares: where it is, who may use it, what it takes and answers.

One declaration feeds the router, the permission check, the OpenAPI document and the generated test
of every route against every role, so the four cannot drift apart. `permission` has no default:
whoever adds a route says who may use it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from archiver.access.approvals import Act, needs_second_person
from archiver.access.rules import Permission
from archiver.config import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "DELETE"]


# `{name}` or `{name:regex}`, the regex with at most one level of braces, as aiohttp reads it.
_VARIABLE = re.compile(r"{(\w+)(?::[^{}]*(?:{[^{}]*}[^{}]*)*)?}")


class Access(StrEnum):
    """Who may use a route that asks for no permission of a role."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter in the query or a header; path parameters are read off the path."""

    name: str
    what: str
    place: Literal["query", "header"] = "query"
    type: Literal["string", "integer", "boolean"] = "string"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body by media type. `model` is None where the bytes are not ours to describe."""

    media_type: str = "application/json"
    model: type[BaseModel] | None = None
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    `path` is an aiohttp pattern; `log` false spares the access log; `open_by_setting` makes the
    route public where `MUNIMENT_PUBLIC_LOG` says so. With `confirm` a browser's person must have
    proved who they are within the last ten minutes (step-up); tokens are not asked. `alone` is the
    permission asked for instead where the settings want no second person to change the file plan.
    A POST that `looks` changes nothing, and is one for the length of its form: sent again, it is
    answered anew (see `sent_forms`).

    Captures are not access-logged one by one (each is an entry of the ledger, and a line costs a
    fifth of the request) unless they fail.
    """

    method: Method
    path: str
    permission: Permission | Access
    summary: str
    handler: Handler
    takes: tuple[Body, ...] = ()
    answers: Mapping[int, Body] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    log: bool = True
    open_by_setting: bool = False
    confirm: bool = False
    alone: Permission | None = None
    looks: bool = False

    template: str = field(init=False)
    """The path with bare `{name}` variables, as OpenAPI, metrics and the access log tell it."""
    is_page: bool = field(init=False)
    """Whether people read it in a browser: its errors are pages, and its 401 is a sign-in."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", _VARIABLE.sub(r"{\1}", self.path))
        object.__setattr__(self, "is_page", is_page(self.path))

    def permission_under(self, settings: Settings) -> Permission | Access:
        """Return the permission this route asks for in an archive with these settings."""
        by_two = needs_second_person(Act.CHANGE_SCHEDULE, settings)
        return self.permission if by_two or self.alone is None else self.alone

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the path's variables."""
        return tuple(_VARIABLE.findall(self.path))


def is_page(path: str) -> bool:
    """Return whether a path is for people, the rest being for programs."""
    return not path.startswith(("/api/", "/log/", "/content/", "/livez", "/readyz", "/metrics"))


def route(
    method: Method,
    path: str,
    *,
    permission: Permission | Access,
    summary: str,
    takes: tuple[Body, ...] = (),
    answers: Mapping[int, Body] | None = None,
    parameters: tuple[Parameter, ...] = (),
    log: bool = True,
    open_by_setting: bool = False,
    confirm: bool = False,
    alone: Permission | None = None,
    looks: bool = False,
) -> Callable[[Handler], Route]:
    """Declare the decorated handler as a route; the name is bound to the `Route` itself."""

    def declare(handler: Handler) -> Route:
        return Route(
            method=method,
            path=path,
            permission=permission,
            summary=summary,
            handler=handler,
            takes=takes,
            answers=answers or {},
            parameters=parameters,
            log=log,
            open_by_setting=open_by_setting,
            confirm=confirm,
            alone=alone,
            looks=looks,
        )

    return declare
