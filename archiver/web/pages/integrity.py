"""Integrity: what may be said of the archive, what it rests on, and the proof to take away."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.assurance.integrity_judgement import IntegrityState
from archiver.assurance.integrity_status import IndexSeen, IntegrityFacts, StorePromise
from archiver.errors import InvalidInput
from archiver.web.api.integrity import SINCE, proof_answer, start_locks, start_reindex
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, whole_of
from archiver.web.routing import Body, Parameter, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_SHOWN_VERIFICATIONS = 10
_DAY_S = 86_400

TAGS = {
    IntegrityState.VERIFIED: ("ok", "Verified", "circle-check"),
    IntegrityState.VERIFYING: ("neutral", "Verifying", "info"),
    IntegrityState.PROBLEM: ("bad", "Problem", "circle-x"),
    IntegrityState.NOT_YET: ("warn", "Not yet verified", "triangle-alert"),
}
"""Kind, word and symbol of each state."""

STORE = {
    StorePromise.WORM: (
        "ok",
        "The store keeps its locks, and that was tried.",
        (
            "Objects cannot be deleted or altered before their time, not even by who holds the "
            "keys to the store."
        ),
    ),
    StorePromise.AUDIT_TRAIL: (
        "info",
        "The store keeps no locks of its own: the audit-trail alternative.",
        (
            "A file system can delete. Every act is in the log instead, and any loss or change "
            "shows when the archive is verified."
        ),
    ),
    StorePromise.REFUSED: (
        "bad",
        "The store says it keeps locks, and does not.",
        (
            "The lock probe could delete or change what was locked. Stop captures and move to a "
            "store that passes."
        ),
    ),
    StorePromise.UNPROVEN: (
        "warn",
        "The store says it keeps locks; nobody has tried.",
        "The lock probe runs when captures start and every week.",
    ),
}
"""The state of the locks: kind of notice, what is so, what it means."""


@route(
    "GET",
    "/integrity",
    permission=Permission.READ_LOG,
    summary="Integrity",
    answers={200: _HTML},
    parameters=(Parameter(name="part", what="details: what follows the forms, for htmx"),),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the status; while a verification is under way, the page follows it."""
    return await _page(request)


@route(
    "POST",
    "/integrity/verify",
    permission=Permission.VERIFY,
    summary="Start a verification",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML},
)
async def verify(request: web.Request) -> web.StreamResponse:
    """Start a verification and show how far it is."""
    form = await read_form(request)
    try:
        await services_of(request).work.start_verification(
            percent=_percent(form), content=form.get("content") == "yes", actor=actor_of(request)
        )
    except InvalidInput as error:
        return await _page(request, status=400, form=form, problem=str(error))
    return web.Response(status=303, headers={"Location": "/integrity"})


@route(
    "GET",
    "/integrity/proof",
    permission=Permission.READ_LOG,
    summary="A proof bundle to check offline",
    answers={200: Body(media_type="application/zip")},
    parameters=SINCE,
)
async def proof(request: web.Request) -> web.StreamResponse:
    """Answer the proof bundle; an empty size asks for no consistency proof."""
    since = whole_of(request, "since", default=0) if request.query.get("since") else 0
    proofs = services_of(request).proofs
    return proof_answer(await proofs.make(since=since, actor=actor_of(request)))


@route(
    "GET",
    "/integrity/reindex",
    permission=Permission.OPERATE,
    summary="What a new search index means",
    answers={200: _HTML},
)
async def before_reindex(request: web.Request) -> web.StreamResponse:
    """Tell what will happen before a new index is built."""
    found = await services_of(request).integrity.status(actor_of(request))
    return request.app[PAGES].render(request, "integrity_reindex.html", facts=found.facts)


@route(
    "POST",
    "/integrity/reindex",
    permission=Permission.OPERATE,
    summary="Build a new search index",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def reindex(request: web.Request) -> web.StreamResponse:
    """Start building a new index, and show the job."""
    job = await start_reindex(request)
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "POST",
    "/integrity/locks",
    permission=Permission.VERIFY,
    summary="Compare locks, holds and versions now",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def keep_locks(request: web.Request) -> web.StreamResponse:
    """Start the lock keeper, and show the job."""
    job = await start_locks(request)
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


ROUTES = (show, verify, proof, before_reindex, reindex, keep_locks)


async def _page(
    request: web.Request,
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    problem: str = "",
) -> web.Response:
    found = await services_of(request).integrity.status(actor_of(request))
    facts = found.facts
    return request.app[PAGES].render(
        request,
        "integrity.html",
        status=status,
        block="details" if request.query.get("part") == "details" else "state",
        found=found,
        facts=facts,
        tag=TAGS[found.state],
        store=STORE[facts.signals.store],
        coverage=_coverage(facts),
        tiles=_tiles(facts),
        verifications=facts.verifications[:_SHOWN_VERIFICATIONS],
        form=form or {"extent": "full", "percent": "5"},
        problem=problem,
    )


def _percent(form: dict[str, str]) -> float | None:
    if form.get("extent") != "sample":
        return None
    text = form.get("percent", "").strip().removesuffix("%")
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise InvalidInput(
            f"expected a percentage like 5, found {text[:40]!r}", pointer="percent"
        ) from error


def _coverage(facts: IntegrityFacts) -> list[tuple[str, int, str]]:
    """Return the parts of the log: verified, found with problems, and what came after."""
    full = facts.newest_full
    kind = "ok" if full is None or full.ok else "bad"
    label = "Verified" if kind == "ok" else "Looked at, with problems"
    parts = [
        (label, facts.covered, kind),
        ("Came after", facts.log_size - facts.covered, "neutral"),
    ]
    return parts if full is not None else [("Not yet verified", facts.log_size, "neutral")]


def _tiles(facts: IntegrityFacts) -> list[tuple[str, object, str, str]]:
    full, signals = facts.newest_full, facts.signals
    newest = max((stamp.at for stamp in facts.timestamps), default=None)
    behind = facts.log_size - signals.indexed
    waiting = (
        f"{facts.waiting:,} wait for a checkpoint" if facts.waiting else "all under a checkpoint"
    )
    return [
        ("Log entries", facts.log_size, waiting, ""),
        (
            "Last full verification",
            "never" if full is None else _age((facts.as_of - full.at).total_seconds()),
            "" if full is None else f"{full.checked:,} records",
            "" if full is None else "ok" if full.ok else "bad",
        ),
        (
            "Newest timestamp",
            "none" if newest is None else _age((facts.as_of - newest).total_seconds()),
            f"{len(signals.authorities)} authorities are asked"
            if signals.authorities
            else "no authority is configured",
            "",
        ),
        (
            "Search index",
            _standing(signals.index, behind),
            f"covers {signals.indexed:,} log entries",
            "bad" if signals.index and signals.index.damaged else "",
        ),
    ]


def _standing(index: IndexSeen | None, behind: int) -> str:
    if behind > 0:
        return f"{behind:,} behind"
    if index is not None and index.aside:
        return f"{index.aside:,} for review"
    return "agrees"


def _age(seconds: float) -> str:
    for span, word in ((_DAY_S, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // span)
        if count >= 1:
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"
