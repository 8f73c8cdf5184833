"""The long work of a batch: asked for by the API and by the pages alike."""

from aiohttp import web

from archiver.jobs.work_views import JobView
from archiver.web.reading import actor_of, services_of


async def start_job(request: web.Request, kind: str) -> JobView:
    """Queue a job about the batch that a request's address names. Raises as `Work.start`."""
    batch_id = request.match_info["id"]
    return await services_of(request).work.start(
        kind,
        subject=f"Batch {batch_id}",
        object_type="batch",
        object_id=batch_id,
        arguments={"batch_id": batch_id},
        actor=actor_of(request),
    )


async def newest_job(request: web.Request, kind: str) -> JobView | None:
    """Return the newest job of a kind about the batch that whoever asks may see, None: none."""
    page = await services_of(request).work.list(
        kind=kind, object_id=request.match_info["id"], limit=1, actor=actor_of(request)
    )
    return page.items[0] if page.items else None
