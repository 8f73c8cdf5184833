"""Reading requests: documents, forms, and parameters within their limits."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from archiver.web.connection import read_body
from archiver.web.keys import ACTOR, SERVICES
from archiver.web.services import Services

MAX_DOCUMENT = 1024 * 1024
_MAX_QUERY = 10_000
_MAX_DIGITS = 19

_Model = TypeVar("_Model", bound=BaseModel)


def services_of(request: web.Request) -> Services:
    """Return the application's services."""
    return request.app[SERVICES]


def actor_of(request: web.Request) -> Actor:
    """Return who is signed in. Routes declared public have nobody: KeyError is a bug there."""
    return request[ACTOR]


async def read_document(request: web.Request, model: type[_Model]) -> _Model:
    """Return the JSON body as `model`.

    Raises:
        InvalidInput: not JSON, or not this model; `pointer` names the first wrong field.
        TooLarge: over 1 MiB.
        HTTPUnsupportedMediaType: not `application/json`.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(
            text=f"expected application/json, found {request.content_type}"
        )
    body = await read_body(request, limit=MAX_DOCUMENT)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        pointer = "".join(f"/{step}" for step in first["loc"])
        raise InvalidInput(
            f"the document is wrong at {pointer or 'its start'}: {first['msg']}", pointer=pointer
        ) from error


async def read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form by name, spaces around them cut off; of a repeated one the last.

    Raises:
        InvalidInput: a field is not in UTF-8, or in a charset nobody knows.
        TooLarge: over 1 MiB.
        HTTPUnsupportedMediaType: it comes in parts, as files do; no form here takes any.
    """
    if request.content_type == "multipart/form-data":
        raise web.HTTPUnsupportedMediaType(text="expected a form without files")
    await read_body(request, limit=MAX_DOCUMENT)
    try:
        sent = await request.post()
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidInput("expected the form as UTF-8; open the page again") from error
    fields: dict[str, str] = {}
    for name, value in sent.items():
        if not isinstance(value, str):
            raise InvalidInput(f"expected {name!r} as text, found a file", pointer=name)
        fields[name] = value.strip()
    return fields


def text_of(request: web.Request, name: str, *, default: str | None = None) -> str:
    """Return a query parameter.

    Raises:
        InvalidInput: it is missing and has no default, or is over 10,000 characters.
    """
    value = request.query.get(name, default)
    if value is None:
        raise InvalidInput(f"expected the query parameter {name!r}, found none", pointer=name)
    if len(value) > _MAX_QUERY:
        raise InvalidInput(
            f"expected at most {_MAX_QUERY} characters in {name!r}, found {len(value)}",
            pointer=name,
        )
    return value


def whole_of(
    request: web.Request, name: str, *, default: int | None = None, most: int = 2**62
) -> int:
    """Return a query parameter as a whole number from 0 to `most`.

    Raises:
        InvalidInput: it is missing without default, no decimal number, or too large.
    """
    text = text_of(request, name, default=None if default is None else str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS and int(text) <= most):
        raise InvalidInput(
            f"expected a whole number from 0 to {most} in {name!r}, found {text[:40]!r}",
            pointer=name,
        )
    return int(text)


def after_of(request: web.Request) -> int:
    """Return the log index that a page of a list follows, -1 for the first one.

    Raises:
        InvalidInput: `after` is no such number.
    """
    return whole_of(request, "after") if "after" in request.query else -1


def flag_of(request: web.Request, name: str) -> bool:
    """Return a query parameter that is `true` or `false`; without it, false.

    Raises:
        InvalidInput: it is neither.
    """
    word = text_of(request, name, default="false")
    if word not in {"true", "false"}:
        raise InvalidInput(
            f"expected {name} to be true or false, found {word[:40]!r}", pointer=name
        )
    return word == "true"


def is_dry_run(request: web.Request) -> bool:
    """Return whether only what would happen is asked for (`dry_run=true`).

    Raises:
        InvalidInput: it is neither true nor false: whoever misspells it must not act.
    """
    return flag_of(request, "dry_run")
