"""The page of a destroyed record: what it was, under which rule it went, who decided, the proof."""

from aiohttp import web

from archiver.access.destroyed_records import DestroyedRecord
from archiver.access.rules import Permission, allowed
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of


async def destroyed_record(request: web.Request, gone: DestroyedRecord) -> web.Response:
    """Return the page; who decided is told to those who may read the file plan."""
    actor, execution = actor_of(request), None
    if allowed(actor, Permission.READ_FILE_PLAN):
        execution = await services_of(request).disposition.executions.show(
            gone.remains.batch_id, actor=actor
        )
    return request.app[PAGES].render(
        request,
        "record_destroyed.html",
        record=gone.to_dict(),
        sentence=gone.sentence,
        batch=None if execution is None else execution.view,
        certificate=None if execution is None else execution.certificate,
    )
