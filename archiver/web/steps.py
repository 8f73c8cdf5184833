"""Steps of the API on things of one type: a POST changes one and answers it as it is then.

A step is made upon what was looked at, which the request names with `If-Match`: by a version, and
then the use case refuses what is made upon another (409), or by a revision (`revisions`).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.reading import actor_of, read_document
from archiver.web.routing import Body, Handler, Parameter, Route, route

_ETAG = re.compile(r'"([1-9][0-9]{0,15})"')

VERSION = Parameter(
    name="If-Match",
    place="header",
    what="The version you looked at, as in the ETag; 409 where the batch was changed since",
    required=True,
)


class Versioned(Protocol):
    """What was looked at, with the version that a change of it names."""

    @property
    def version(self) -> int: ...  # noqa: D102 - the type says it
    def to_dict(self) -> dict[str, object]: ...  # noqa: D102


V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(Generic[V]):
    """The steps on things of one type.

    `path` is that of one of them, with one variable: its id. `seen` reads what the request was made
    upon, as the use cases take it; `answer` answers one as it is.
    """

    path: str
    document: type[BaseModel]
    if_match: Parameter
    seen: Callable[[web.Request], Awaitable[Mapping[str, int]]]
    answer: Callable[[V], web.Response]

    def step(
        self,
        name: str,
        takes: type[BaseModel],
        *,
        permission: Permission,
        alone: Permission | None = None,
        summary: str,
    ) -> Callable[[Handler], Route]:
        """Declare the decorated handler as a step, which answers with `changed`."""
        return route(
            "POST",
            self.path + name,
            permission=permission,
            alone=alone,
            summary=summary,
            takes=(Body(model=takes),),
            answers={200: Body(model=self.document)},
            parameters=(self.if_match,),
        )

    async def changed(
        self,
        request: web.Request,
        takes: type[BaseModel],
        act: Callable[..., Awaitable[V]],
    ) -> web.Response:
        """Change one and answer it: `act` takes the fields of the document by their names."""
        asked = dict(await read_document(request, takes))
        (object_id,) = request.match_info.values()
        seen = await self.seen(request)
        return self.answer(await act(object_id, **asked, **seen, actor=actor_of(request)))


def version_of(request: web.Request) -> int:
    """Return the version that `If-Match` names, 0 where it names none: then nothing is changed."""
    found = _ETAG.fullmatch(request.headers.get("If-Match", ""))
    return 0 if found is None else int(found[1])


async def version_seen(request: web.Request) -> Mapping[str, int]:
    """Return the version that a request was made upon."""
    return {"version": version_of(request)}


def version_answer(view: Versioned, *, status: int = 200) -> web.Response:
    """Answer one with its version as ETag."""
    return json_answer(view.to_dict(), status=status, headers=etag_of(view))


def etag_of(view: Versioned) -> dict[str, str]:
    """Return the header that names a version."""
    return {"ETag": f'"{view.version}"'}
