"""Files of retention events that were sent: looked at as a whole, then their events stated.

What was looked at is what is stated: the same file, read by the same importer. It is kept for a
week like every file that was sent, so that its refused lines can be fetched afterwards too.
"""

import asyncio
from dataclasses import dataclass

from archiver.access.rules import Permission, require
from archiver.clock import Clock
from archiver.config import Settings
from archiver.disposal.event_import import BadLine, EventImport, Imported, LookedAt
from archiver.errors import InvalidInput
from archiver.ids import Ulids
from archiver.jobs.uploads import Receiving, Upload, Uploads
from archiver.model.actor import Actor
from archiver.model.requester import requester_of
from archiver.preserve.disk_reserve import DiskReserve

MOST_BYTES = 16 << 20
"""Some two hundred thousand events; what is larger is imported on the server."""

ADVICE = "import it with `muniment event import` on the server, or split it"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """A sent file and what importing it would come to; `problem` says why it cannot be read."""

    upload: Upload
    looked: LookedAt | None
    refused: tuple[BadLine, ...]
    problem: str = ""


class EventFiles:
    """The use cases of importing events from sent files."""

    def __init__(
        self, *, uploads: Uploads, importing: EventImport, clock: Clock, ulids: Ulids
    ) -> None:
        self._uploads = uploads
        self._importing = importing
        self._clock = clock
        self._ulids = ulids

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        """Begin to take a file of about `size` bytes, of which the sender speaks.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            InvalidInput: it has no name.
            TooLarge: it says it is larger than files may be.
            StorageUnavailable: there is no room.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        self._uploads.require_fits(size)
        upload_id = self._ulids.one(self._clock())
        return await asyncio.to_thread(self._uploads.receive, upload_id, name)

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        """Return a file, now that all of it is here. Raises as `Receiving.finish`."""
        return await asyncio.to_thread(
            lambda: receiving.finish(sent_by=requester_of(actor), at=self._clock())
        )

    async def look(self, upload_id: str, *, actor: Actor) -> EventFile:
        """Read a sent file as the import would; nothing is stated.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            NotFound: no such file, or not the actor's.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        upload = self._uploads.get(upload_id, sent_by=requester_of(actor))
        refused: list[BadLine] = []
        try:
            with upload.path.open("rb") as lines:
                looked = await self._importing.look(lines, actor=actor, report=refused.append)
        except InvalidInput as error:
            return EventFile(upload=upload, looked=None, refused=(), problem=str(error))
        return EventFile(upload=upload, looked=looked, refused=tuple(refused))

    async def run(self, upload_id: str, *, actor: Actor) -> Imported:
        """State the events of a sent file.

        Raises:
            Denied, NotFound: as `look`.
            InvalidInput: its first line does not name the columns.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        upload = self._uploads.get(upload_id, sent_by=requester_of(actor))
        with upload.path.open("rb") as lines:
            return await self._importing.run(lines, actor=actor, report=lambda _: None)


def open_event_files(
    settings: Settings, importing: EventImport, clock: Clock, ulids: Ulids
) -> EventFiles:
    """Return the use cases; files lie beside those of imports, whose sweep forgets them."""
    reserve = DiskReserve((settings.home,), settings.disk_reserve_mb << 20)
    uploads = Uploads(
        settings.home / "uploads",
        most=MOST_BYTES,
        require_room=reserve.require_room,
        advice=ADVICE,
    )
    return EventFiles(uploads=uploads, importing=importing, clock=clock, ulids=ulids)
