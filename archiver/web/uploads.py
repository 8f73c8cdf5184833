"""Receiving a file from a form: as it comes, to disk, within its limits.

Such a form is `multipart/form-data` with the form's token as its first field (`session` reads it),
then the file. It never lies in memory as a whole, its name is never a path, and a sender who stops
sending is not waited for.
"""

import asyncio
from typing import Protocol

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from archiver.errors import InvalidInput
from archiver.jobs.uploads import Receiving, Upload
from archiver.model.actor import Actor
from archiver.web.keys import FORM
from archiver.web.reading import actor_of

_BLOCK = 256 * 1024
_NEXT_WITHIN_S = 30.0
_ALL_WITHIN_S = 3600.0
_FORM_BYTES = 64 * 1024  # what a form adds around its file, at most
_PLAIN = {"", "binary", "8bit", "7bit", "identity"}


class TakesFiles(Protocol):
    """A use case that files are sent to: it says who may send, and how much."""

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        """Begin to take a file of about `size` bytes."""

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        """Return the file, now that all of it is here."""


async def receive_file(request: web.Request, taker: TakesFiles) -> Upload:
    """Return the file of the form, received whole and kept by `taker`.

    Raises:
        InvalidInput: the form is malformed, or holds no file, or an empty one.
        TooLarge: the file is, or says it is, over the limit of `taker`.
        Denied: the actor may not send files there.
        StorageUnavailable: there is no room for it.
        HTTPRequestTimeout: nothing came for 30 seconds, or not everything within an hour.
    """
    try:
        async with asyncio.timeout(_ALL_WITHIN_S):
            part = await _file_part(request)
            return await _keep(request, part, taker)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="the file did not arrive in time; send it again") from (
            error
        )
    except (ValueError, AssertionError, HttpProcessingError) as error:  # aiohttp's own
        raise InvalidInput("the form is malformed: expected multipart/form-data") from error


async def _file_part(request: web.Request) -> BodyPartReader:
    reader = request.get(FORM) or await request.multipart()
    async with asyncio.timeout(_NEXT_WITHIN_S):
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise InvalidInput("expected one file, found a form inside the form")
            if part.filename is not None:
                return part
            await part.release()
    raise InvalidInput("expected a file, found none; choose one", pointer="file")


async def _keep(request: web.Request, part: BodyPartReader, taker: TakesFiles) -> Upload:
    actor = actor_of(request)
    coding = part.headers.get("Content-Transfer-Encoding", part.headers.get("Content-Encoding", ""))
    if coding.lower() not in _PLAIN:
        raise InvalidInput(f"expected the file as it is, found it in the coding {coding[:40]!r}")
    said = max(0, (request.content_length or 0) - _FORM_BYTES)
    receiving = await taker.receive(part.filename or "", size=said, actor=actor)
    try:
        await _copy(part, receiving)
        return await taker.finish(receiving, actor=actor)
    except BaseException:
        await asyncio.to_thread(receiving.drop)
        raise


async def _copy(part: BodyPartReader, receiving: Receiving) -> None:
    while not part.at_eof():
        async with asyncio.timeout(_NEXT_WITHIN_S):
            block = await part.read_chunk(_BLOCK)
        if block:
            await asyncio.to_thread(receiving.write, block)
