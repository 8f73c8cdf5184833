"""Deciding on a batch, each on its own page with consequences and a reason.

Every decision has one shape: its page shows what will happen; the form names the version of the
batch that was looked at; what the use case refuses is told above the form.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.batch_views import BatchView
from archiver.errors import CallerError, Conflict, Denied, InvalidInput
from archiver.jobs.disposition_jobs import DISPOSAL
from archiver.model.batch import UNDECIDED, BatchState
from archiver.web.batch_jobs import start_job
from archiver.web.disposition_services import Disposition
from archiver.web.pages.batch import BATCH
from archiver.web.pages.disposition import FORM, HTML
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import Handler, Route, route

Fields = Mapping[str, str]
_VERSION = re.compile(r"[1-9][0-9]{0,15}")


def _reason(fields: Fields) -> dict[str, object]:
    return {"reason": fields.get("reason", "")}


def _count_and_reason(fields: Fields) -> dict[str, object]:
    """Read the count as people write it: 3,912 or 3 912."""
    digits = fields.get("records", "").replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidInput(
            "expected the number of records that will go, in digits", pointer="records"
        )
    return {"records": int(digits), **_reason(fields)}


def _receipt(fields: Fields) -> dict[str, object]:
    return {"sha256": fields.get("sha256", ""), "receiver": fields.get("receiver", "")}


def _nothing(_fields: Fields) -> dict[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision: its step in the address, in which states it can be taken, and who takes it.

    `act` is the use case and `read` its arguments; with `job` it only asks whether a job may begin.
    """

    step: str
    summary: str
    permission: Permission
    states: tuple[BatchState, ...]
    act: Callable[[Disposition], Callable[..., Awaitable[BatchView]]]
    read: Callable[[Fields], dict[str, object]] = field(default=_reason)
    confirm: bool = False
    job: str = ""


DECISIONS = (
    Decision(
        step="propose",
        summary="Propose a batch for disposal",
        permission=Permission.PROPOSE_DISPOSAL,
        states=(BatchState.FORMED,),
        act=lambda use: use.approvals.propose,
    ),
    Decision(
        step="approve",
        summary="Approve the disposal of a batch",
        permission=Permission.APPROVE_DISPOSAL,
        states=(BatchState.REVIEWED,),
        act=lambda use: use.approvals.approve,
        read=_count_and_reason,
        confirm=True,
    ),
    Decision(
        step="withdraw",
        summary="Withdraw your approval of a batch",
        permission=Permission.APPROVE_DISPOSAL,
        states=(BatchState.REVIEWED, BatchState.APPROVED),
        act=lambda use: use.approvals.withdraw,
    ),
    Decision(
        step="cancel",
        summary="Cancel a batch",
        permission=Permission.PROPOSE_DISPOSAL,
        states=UNDECIDED,
        act=lambda use: use.batches.cancel,
    ),
    Decision(
        step="confirm",
        summary="Confirm that the receiver holds the package of a batch",
        permission=Permission.PROPOSE_DISPOSAL,
        states=(BatchState.REVIEWED,),
        act=lambda use: use.transfers.confirm,
        read=_receipt,
        confirm=True,
    ),
    Decision(
        step="execute",
        summary="Execute a batch",
        permission=Permission.PROPOSE_DISPOSAL,
        states=(BatchState.APPROVED, BatchState.EXECUTING),
        act=lambda use: use.executions.require_ready,
        read=_nothing,
        confirm=True,
        job=DISPOSAL,
    ),
)


def _routes(decision: Decision) -> tuple[Route, Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        """Show what the decision would do."""
        return await _page(request, decision, {})

    async def decide(request: web.Request) -> web.StreamResponse:
        """Take the decision, or say why not."""
        fields = await read_form(request)
        try:
            where = await _take(request, decision, fields)
        except (Conflict, Denied, InvalidInput) as error:
            return await _page(request, decision, fields, error)
        return web.Response(status=303, headers={"Location": where})

    return _declared("GET", decision, show), _declared("POST", decision, decide)


def _declared(method: str, decision: Decision, handler: Handler) -> Route:
    return route(
        "POST" if method == "POST" else "GET",
        f"{BATCH}/{decision.step}",
        permission=decision.permission,
        summary=decision.summary,
        takes=(FORM,) if method == "POST" else (),
        answers={303: HTML, 400: HTML} if method == "POST" else {200: HTML},
        confirm=decision.confirm,
    )(handler)


async def _take(request: web.Request, decision: Decision, fields: Fields) -> str:
    """Take a decision; return where to go from there."""
    batch_id = request.match_info["id"]
    await decision.act(services_of(request).disposition)(
        batch_id, **decision.read(fields), version=version_in(fields), actor=actor_of(request)
    )
    if decision.job:
        await start_job(request, decision.job)
        return f"/disposition/{batch_id}/execution"
    return f"/disposition/{batch_id}?done={decision.step}"


async def _page(
    request: web.Request, decision: Decision, fields: Fields, error: CallerError | None = None
) -> web.Response:
    disposition, actor = services_of(request).disposition, actor_of(request)
    review = await disposition.reviews.show(request.match_info["id"], actor=actor)
    return request.app[PAGES].render(
        request,
        "batch_decision.html",
        status=refused_status(error),
        decision=decision,
        review=review,
        view=review.view,
        can_be_taken=review.view.state in decision.states,
        given=fields,
        errors=refused(error),
        stop=await disposition.stop.state(actor=actor),
    )


def version_in(fields: Fields) -> int:
    """Return the version of a batch that a form was made for; without one 0, which none has."""
    found = _VERSION.fullmatch(fields.get("version", ""))
    return 0 if found is None else int(found[0])


ROUTES = tuple(each for decision in DECISIONS for each in _routes(decision))
