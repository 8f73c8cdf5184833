"""Errors as answers: problem details (RFC 9457) for programs, a short page for people.

One table maps each leaf of `archiver.errors` to its status; an architecture test checks that none
is missing. What nobody foresaw becomes a bare 500 with the request id, and its traceback goes to
the log: an answer never shows a stack, a path or a secret.
"""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from archiver import errors
from archiver.errors import ArchiverError

STATUS: Mapping[type[ArchiverError], HTTPStatus] = {
    errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Denied: HTTPStatus.FORBIDDEN,  # 401 when nobody is signed in
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SearchUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PeerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Stopping: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IntegrityError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_RETRY_AFTER_S = 5
_TYPE = "urn:muniment:problem:"
_OPERATOR_TITLE = {
    errors.ConfigurationError: "The installation is misconfigured",
    errors.IntegrityError: "Stored evidence is not what was promised",
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document of RFC 9457. `instance` is the request id, to find it in the log."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[dict[str, str], ...] = ()


def status_of(error: ArchiverError) -> HTTPStatus:
    """Return the HTTP status that tells this error."""
    if isinstance(error, errors.Denied) and not error.authenticated:
        return HTTPStatus.UNAUTHORIZED
    for family in type(error).__mro__:
        if family in STATUS:
            return STATUS[family]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: Exception, request_id: str) -> tuple[Problem, dict[str, str]]:
    """Return the problem that tells `error`, and the headers that go with it."""
    if isinstance(error, ArchiverError):
        return _of_ours(error, request_id), headers_of(error)
    if isinstance(error, web.HTTPException):
        status = HTTPStatus(error.status)
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        detail = error.text if error.text != f"{error.status}: {error.reason}" else ""
        return _problem(status, status.phrase, detail or "", request_id), headers
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "Something nobody foresaw went wrong. Give the operator the instance of this problem."
    return _problem(status, status.phrase, detail, request_id), {}


def answer(problem: Problem, headers: Mapping[str, str]) -> web.Response:
    """Return the problem as `application/problem+json`."""
    return web.Response(
        body=msgspec.json.encode(problem),
        status=problem.status,
        content_type="application/problem+json",
        headers=headers,
    )


def _of_ours(error: ArchiverError, request_id: str) -> Problem:
    status = status_of(error)
    title = _OPERATOR_TITLE.get(type(error), _words(type(error).__name__))
    # A 500 is the operator's to read: its words can name hosts and files, so they stay in the log.
    hidden = status is HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "Give the operator the instance of this problem." if hidden else str(error)
    pointer = getattr(error, "pointer", None)
    places = () if pointer is None else ({"pointer": pointer, "detail": str(error)},)
    return Problem(
        type=_TYPE + _words(type(error).__name__).lower().replace(" ", "-"),
        title=title,
        status=status,
        detail=detail,
        instance=request_id,
        errors=places,
    )


def headers_of(error: ArchiverError) -> dict[str, str]:
    """Return the headers that go with the answer to an error."""
    status = status_of(error)
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="muniment"'}
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return {"Retry-After": str(getattr(error, "retry_after_s", _RETRY_AFTER_S))}
    return {}


def _problem(status: HTTPStatus, title: str, detail: str, request_id: str) -> Problem:
    return Problem(
        type="about:blank", title=title, status=status, detail=detail, instance=request_id
    )


def _words(name: str) -> str:
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.strip().capitalize()
