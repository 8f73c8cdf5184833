"""Drafts: the list with who must act, and a new one of a schedule or of the class rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.drafts import Source
from archiver.disposal.schedule_words import MONTHS
from archiver.disposal.template_views import template_views
from archiver.errors import InvalidInput
from archiver.web.pages.draft_editor import FORM, HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

COPY, EMPTY, TEMPLATE = "copy", "empty", "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftStart:
    """What was filled in of a new draft. Without a class it is of the class rules."""

    class_code: str = ""
    start: str = COPY
    template: str = ""
    fiscal_year_starts: str = ""
    period: str = ""
    reason: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "DraftStart":
        """Return the form's fields; those not sent are empty."""
        names = cls.__dataclass_fields__
        return cls(**{name: fields[name] for name in names if name in fields})

    def source(self) -> Source:
        """Return where the draft starts.

        Raises:
            InvalidInput: no template is chosen where one is asked for, or the month is none.
        """
        if self.start != TEMPLATE:
            return Source(empty=self.start == EMPTY)
        if not self.template:
            raise InvalidInput("choose the template to start from", pointer="template")
        month = self.fiscal_year_starts
        if month and not (month.isascii() and month.isdecimal() and 1 <= int(month[:2]) <= 12):  # noqa: PLR2004 - months
            raise InvalidInput("expected a month from 1 to 12", pointer="fiscal_year_starts")
        return Source(
            template=self.template,
            fiscal_year_starts=int(month) if month else None,
            period=self.period,
        )


@route(
    "GET",
    "/drafts",
    permission=Permission.READ_FILE_PLAN,
    summary="Drafts of schedules and class rules",
    answers={200: HTML},
    parameters=(
        Parameter(name="show", what="all shows those decided as well"),
        Parameter(name="class", what="Of this class's schedule only"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Show the drafts, newest first, each with who must act."""
    every = text_of(request, "show", default="") == "all"
    code = text_of(request, "class", default="")
    services, actor = services_of(request), actor_of(request)
    views = await services.plan.drafts.list(class_code=code, open_only=not every, actor=actor)
    return request.app[PAGES].render(
        request,
        "drafts.html",
        views=views,
        every=every,
        class_code=code,
        two_person=services.plan.life.two_person,
    )


@route(
    "GET",
    "/drafts/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="A new draft",
    answers={200: HTML},
    parameters=(
        Parameter(name="class", what="The class whose schedule; the class rules, without one"),
        Parameter(name="template", what="The template to start from"),
    ),
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show where a draft can start."""
    template = text_of(request, "template", default="")
    start = DraftStart(
        class_code=text_of(request, "class", default=""),
        start=TEMPLATE if template else COPY,
        template=template,
    )
    return await _form(request, start)


@route(
    "POST",
    "/drafts/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Begin a draft",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def begin(request: web.Request) -> web.StreamResponse:
    """Begin the draft and show it."""
    start = DraftStart.of(await read_form(request))
    try:
        view = await services_of(request).plan.drafts.make(
            start.class_code, source=start.source(), reason=start.reason, actor=actor_of(request)
        )
    except InvalidInput as error:
        return await _form(request, start, error)
    return web.Response(status=303, headers={"Location": f"/drafts/{view.row.id}?done=begun"})


ROUTES = (list_all, new, begin)


async def _form(
    request: web.Request, start: DraftStart, error: InvalidInput | None = None
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    state = None
    if start.class_code:
        state = await services.plan.classes.show(start.class_code, actor=actor)
    errors = () if error is None else (error_of(error),)
    return request.app[PAGES].render(
        request,
        "draft_new.html",
        start=start,
        state=state,
        open_drafts=await services.plan.drafts.list(
            class_code=start.class_code, open_only=True, actor=actor
        ),
        templates=template_views(),
        months=list(MONTHS),
        errors=errors,
        wrong=dict(errors),
        status=web.HTTPBadRequest.status_code if errors else web.HTTPOk.status_code,
    )


def error_of(error: InvalidInput) -> tuple[str, str]:
    """Return the field that an error is about, and the error as a sentence."""
    text = str(error)
    return (error.pointer or "").strip("/"), f"{text[:1].upper()}{text[1:]}."
