"""Reviewing the records of a batch: what stands out, a sample, all of them; leaving some out.

Nobody decides blind: every list shows what the posts say. The address holds list, place and
selection, so that a post that was opened leads back to where one was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from aiohttp import web

from archiver.access.post_text import PostText
from archiver.access.rules import Permission
from archiver.clock import from_millis
from archiver.db.batch_review import Standout
from archiver.db.batches import Member
from archiver.disposal.batch_views import MemberPage
from archiver.model.batch import MemberState
from archiver.web.api.batches import standout_of
from archiver.web.pages.batch import BATCH
from archiver.web.pages.disposition import HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, services_of, text_of
from archiver.web.routing import Parameter, route

_PER_PAGE = 50
_EXCERPT = 800
"""Characters of a post that a list shows; the rest is on the record's page."""
_THERE = {MemberState.IN, MemberState.EXCLUDED, MemberState.KEPT}
_AFTER = Parameter(name="after", what="Go on behind this log index", type="integer")
_PICK = Parameter(name="pick", what="The records that are selected, joined by dots")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMember:
    """A record of a batch in a list: what its post says, and the address that leads back here.

    `post` is None where nothing can be shown: it was destroyed, or is being.
    """

    member: Member
    post: PostText | None
    text: str
    cut: bool
    picked: bool
    href: str

    @property
    def posted_at(self) -> datetime | None:
        """When it was posted, None where nobody knows."""
        return None if self.member.posted_at is None else from_millis(self.member.posted_at)

    @property
    def keep_until(self) -> datetime | None:
        """The moment that a review decided to keep it until."""
        return None if self.member.keep_until is None else from_millis(self.member.keep_until)


@route(
    "GET",
    BATCH + "/exceptions",
    permission=Permission.READ_CONTENT,
    summary="What stands out in a batch",
    answers={200: HTML, 400: HTML},
    parameters=(
        Parameter(name="why", what=f"One of {', '.join(Standout)}"),
        _AFTER,
        _PICK,
    ),
)
async def exceptions(request: web.Request) -> web.StreamResponse:
    """Show the posts that deserve a look before the others, one reason at a time."""
    asked = text_of(request, "why", default="")
    page = await services_of(request).disposition.reviews.exceptions(
        request.match_info["id"],
        standout_of(asked, "why") if asked else None,
        after=after_of(request),
        limit=_PER_PAGE,
        actor=actor_of(request),
    )
    return await _list(request, page, "exceptions", {"why": page.why})


@route(
    "GET",
    BATCH + "/sample",
    permission=Permission.READ_CONTENT,
    summary="A random sample of a batch",
    answers={200: HTML, 303: HTML, 400: HTML},
    parameters=(Parameter(name="seed", what="Draw the sample of this seed"), _PICK),
)
async def sample(request: web.Request) -> web.StreamResponse:
    """Show a sample; the first time draw one, whose seed then stands in the address."""
    seed, batch_id = text_of(request, "seed", default=""), request.match_info["id"]
    page = await services_of(request).disposition.reviews.sample(
        batch_id, size=_PER_PAGE, seed=seed, actor=actor_of(request)
    )
    if not seed:
        where = f"/disposition/{batch_id}/sample?{urlencode({'seed': page.seed})}"
        return web.Response(status=303, headers={"Location": where})
    return await _list(request, page, "sample", {"seed": page.seed})


@route(
    "GET",
    BATCH + "/records",
    permission=Permission.READ_CONTENT,
    summary="The records of a batch",
    answers={200: HTML, 400: HTML},
    parameters=(
        Parameter(name="state", what=f"One of {', '.join(MemberState)}"),
        Parameter(name="done", what="What was just done: exclude or include"),
        _AFTER,
        _PICK,
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Show the records of a batch in log order, of one state where it is named."""
    state = text_of(request, "state", default="")
    page = await services_of(request).disposition.reviews.members(
        request.match_info["id"],
        state=state,
        after=after_of(request),
        limit=_PER_PAGE,
        actor=actor_of(request),
    )
    return await _list(request, page, "records", {"state": state})


async def _list(
    request: web.Request,
    page: MemberPage,
    name: str,
    params: Mapping[str, str],
) -> web.Response:
    posts = await services_of(request).records.posts(
        [each.log_index for each in page.members if each.state in _THERE],
        actor=actor_of(request),
    )
    here = _address(page.view.id, name, params)
    picked = set(text_of(request, "pick", default="").split("."))
    back = request.path_qs
    return request.app[PAGES].render(
        request,
        "batch_posts.html",
        view=page.view,
        tab=name,
        rows=[_shown(each, posts.get(each.log_index), picked, back) for each in page.members],
        page=page,
        here=here,
        params=params,
        next_href=_address(page.view.id, name, {**params, "after": str(page.after)})
        if page.after is not None
        else "",
        done=text_of(request, "done", default=""),
        stop=await services_of(request).disposition.stop.state(actor=actor_of(request)),
    )


def _shown(member: Member, post: PostText | None, picked: set[str], back: str) -> ShownMember:
    text = "" if post is None else post.text
    origin = urlencode({"from": f"{back}#r-{member.log_index}"})
    return ShownMember(
        member=member,
        post=post,
        text=text[:_EXCERPT],
        cut=len(text) > _EXCERPT,
        picked=member.id in picked,
        href=f"/records/{quote(member.id, safe='')}?{origin}" if member.id else "",
    )


def _address(batch_id: str, name: str, params: Mapping[str, str]) -> str:
    kept = urlencode({key: value for key, value in params.items() if value})
    return f"/disposition/{batch_id}/{name}" + (f"?{kept}" if kept else "")


ROUTES = (exceptions, sample, records)
