"""Classes added, changed, closed for new records and opened again: each on a page of its own."""

from collections.abc import Iterable, Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.class_plan import ClassState
from archiver.disposal.template_views import TemplateView, template_views
from archiver.errors import Conflict, InvalidInput
from archiver.web.pages.draft_editor import FORM, HTML
from archiver.web.pages.drafts import error_of
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

_CLASS = "/classes/{code:[a-z0-9-]{1,40}}"
_NEW = ("code", "title", "authority", "jurisdiction", "note", "mandate", "parent", "template")
_CHANGED = ("title", "note", "parent")


@route(
    "GET",
    "/classes/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="A new class, from nothing or from a template",
    answers={200: HTML},
    parameters=(
        Parameter(name="template", what="The template to take what is left empty from"),
        Parameter(name="parent", what="The class above it"),
    ),
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form, and every template with its citations."""
    given = {name: text_of(request, name, default="") for name in ("template", "parent")}
    template = _template(given["template"])
    if template is not None:
        shipped = template.template.file_class().to_dict()
        given = {**{name: shipped[name] for name in _NEW if name in shipped}, **given}
    return await _new_page(request, given)


@route(
    "POST",
    "/classes/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Add a class; it has no schedule yet",
    takes=(FORM,),
    answers={303: HTML, 400: HTML, 409: HTML},
)
async def add(request: web.Request) -> web.StreamResponse:
    """Add the class and lead to a draft of its first schedule."""
    sent = await read_form(request)
    given = {name: sent.get(name, "") for name in _NEW}
    code = given.pop("code")
    try:
        await services_of(request).plan.classes.add(code, **given, actor=actor_of(request))
    except InvalidInput as error:
        return await _new_page(request, sent, _error_of(error))
    except Conflict as error:
        wrong = ("code", error_of(InvalidInput(str(error)))[1])
        return await _new_page(request, sent, wrong, status=web.HTTPConflict.status_code)
    return web.Response(status=303, headers={"Location": f"/classes/{code}?done=added"})


@route(
    "GET",
    _CLASS + "/change",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Change a class",
    answers={200: HTML},
)
async def change_form(request: web.Request) -> web.StreamResponse:
    """Show what of a class can change."""
    state = await _seen(request)
    known = state.row.file_class.to_dict()
    return await _act_page(request, "class_change.html", {n: known[n] for n in _CHANGED})


@route(
    "POST",
    _CLASS + "/change",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Give a class another title, note or class above",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def change(request: web.Request) -> web.StreamResponse:
    """Change the class, or say what is wrong."""
    sent = await read_form(request)
    try:
        state = await services_of(request).plan.classes.change(
            request.match_info["code"],
            **{name: sent.get(name, "") for name in _CHANGED},
            reason=sent.get("reason", ""),
            revision=revision_of(sent),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _act_page(request, "class_change.html", sent, _error_of(error))
    return _back(state, "changed")


@route(
    "GET",
    _CLASS + "/close",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What closing a class, or opening it again, would do",
    answers={200: HTML},
)
async def close_form(request: web.Request) -> web.StreamResponse:
    """Show what would happen."""
    return await _act_page(request, "class_close.html", {})


@route(
    "POST",
    _CLASS + "/close",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Close a class for new records; those in it stay",
    takes=(FORM,),
    answers={303: HTML, 400: HTML, 409: HTML},
)
async def close(request: web.Request) -> web.StreamResponse:
    """Close the class, or say why not."""
    return await _close(request, reopen=False)


@route(
    "POST",
    _CLASS + "/reopen",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Let class rules name a closed class again",
    takes=(FORM,),
    answers={303: HTML, 400: HTML, 409: HTML},
)
async def reopen(request: web.Request) -> web.StreamResponse:
    """Open the class again, or say why not."""
    return await _close(request, reopen=True)


ROUTES = (new, add, change_form, change, close_form, close, reopen)


def revision_of(sent: Mapping[str, str]) -> int:
    """Return the revision that a form was made from.

    Raises:
        InvalidInput: it names none.
    """
    text = sent.get("revision", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004 - digits
        raise InvalidInput("expected the revision that you have seen; open the page again")
    return int(text)


async def _close(request: web.Request, *, reopen: bool) -> web.Response:
    sent, classes = await read_form(request), services_of(request).plan.classes
    act = classes.reopen if reopen else classes.close
    try:
        state = await act(
            request.match_info["code"],
            reason=sent.get("reason", ""),
            revision=revision_of(sent),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _act_page(request, "class_close.html", sent, _error_of(error))
    except Conflict as error:
        wrong = error_of(InvalidInput(str(error)))
        return await _act_page(
            request, "class_close.html", sent, wrong, status=web.HTTPConflict.status_code
        )
    return _back(state, "reopened" if reopen else "closed")


async def _new_page(
    request: web.Request,
    given: Mapping[str, str],
    wrong: tuple[str, str] | None = None,
    *,
    status: int = 400,
) -> web.Response:
    tree = await services_of(request).plan.classes.tree(actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "class_new.html",
        given={name: given.get(name, "") for name in _NEW},
        chosen=_template(given.get("template", "")),
        templates=template_views(),
        parents=parents_of(tree),
        errors=() if wrong is None else (wrong,),
        wrong=dict(() if wrong is None else (wrong,)),
        status=web.HTTPOk.status_code if wrong is None else status,
    )


async def _act_page(
    request: web.Request,
    template: str,
    given: Mapping[str, str],
    wrong: tuple[str, str] | None = None,
    *,
    status: int = 400,
) -> web.Response:
    tree = await services_of(request).plan.classes.tree(actor=actor_of(request))
    state = await _seen(request)
    return request.app[PAGES].render(
        request,
        template,
        state=state,
        given={name: given.get(name, "") for name in (*_CHANGED, "reason")},
        parents=parents_of(each for each in tree if each.row.code != state.row.code),
        errors=() if wrong is None else (wrong,),
        wrong=dict(() if wrong is None else (wrong,)),
        status=web.HTTPOk.status_code if wrong is None else status,
    )


def parents_of(tree: Iterable[ClassState]) -> list[tuple[str, str]]:
    """Return the classes that can stand above one, for a list to choose from."""
    named = [
        (state.row.code, f"{'- ' * state.depth}{state.row.code}: {state.row.file_class.title}")
        for state in tree
    ]
    return [("", "None: at the top"), *named]


async def _seen(request: web.Request) -> ClassState:
    classes = services_of(request).plan.classes
    return await classes.show(request.match_info["code"], actor=actor_of(request))


def _template(template_id: str) -> TemplateView | None:
    found = (view for view in template_views() if view.template.id == template_id)
    return next(found, None)


def _error_of(error: InvalidInput) -> tuple[str, str]:
    """Return the field that an error is about: of classes most are told without one."""
    name, text = error_of(error)
    if name:
        return name, text
    for field, word in (("code", "class code"), ("title", "a title"), ("template", "template")):
        if word in text:
            return field, text
    return "", text


def _back(state: ClassState, done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/classes/{state.row.code}?done={done}"})
