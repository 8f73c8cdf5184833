"""Revisions as entity tags: whoever changes something names the revision that they have seen.

A change without `If-Match` is refused (RFC 6585, 428): two people would overwrite each other and
neither would know. One that names another revision than the newest is refused too (RFC 9110, 412).
"""

import re

from aiohttp import web

from archiver.web.routing import Parameter

_TAG = re.compile(r'"([1-9][0-9]{0,8})"')


def revision_of(noun: str) -> Parameter:
    """Return the header in which a change of such a thing names its revision."""
    return Parameter(
        name="If-Match",
        place="header",
        what=f"The ETag of the {noun} you have read; 428 without it, 412 where it is not the "
        "newest",
        required=True,
    )


def revision_headers(revision: int) -> dict[str, str]:
    """Return the headers that name a revision."""
    return {"ETag": f'"{revision}"'}


def require_revision(request: web.Request, newest: int) -> int:
    """Return the revision that `If-Match` names, which is the newest.

    Raises:
        HTTPPreconditionRequired: there is no `If-Match`.
        HTTPPreconditionFailed: it names another revision, or none.
    """
    given = request.headers.get("If-Match", "")
    if not given:
        raise web.HTTPPreconditionRequired(
            text=f'expected the header If-Match with the ETag you have read, such as "{newest}"'
        )
    found = _TAG.fullmatch(given)
    if found is None or int(found[1]) != newest:
        raise web.HTTPPreconditionFailed(
            text=f'it is at revision "{newest}" by now, not {given[:40]}; read it again'
        )
    return newest
