"""`muniment schedule`: versioned schedules and class rules, from draft to in force."""

from datetime import datetime

from archiver.cli import simulating
from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.cli.plan_words import (
    body_of,
    cited,
    say_changes,
    say_class,
    say_draft,
    say_drafts,
)
from archiver.cli.sign_in import add_person, signed_in
from archiver.disposal.draft_views import DraftView
from archiver.disposal.drafts import Source
from archiver.disposal.template_views import template_documents
from archiver.errors import InvalidInput

_REASON = "why; it stands in the audit trail"
_DRAFT_ID = 26


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="every version of a class's schedule; all drafts")
    listed.add_argument("class_code", nargs="?", default="", metavar="CLASS", help="its code")
    listed.add_argument("--open", action="store_true", help="only drafts that are not decided")
    listed.set_defaults(act=on_archive(list_all))
    shown = add_action(group, "show", sentence="the schedule in force, or a draft")
    shown.add_argument("what", metavar="CLASS|DRAFT", help="a class's code, or a draft's id")
    shown.set_defaults(act=on_archive(show))
    templates = add_action(group, "templates", sentence="the shipped schedules with citations")
    templates.set_defaults(act=on_archive(list_templates))
    _add_draft(group)
    edited = add_action(group, "edit", sentence="put another body or reason into a draft")
    edited.add_argument("draft", metavar="DRAFT", help="the draft's id")
    edited.add_argument("--file", metavar="PATH", help="its body as JSON; - reads stdin")
    edited.add_argument("--reason", help=_REASON)
    edited.set_defaults(act=on_archive(edit))
    compared = add_action(group, "diff", sentence="what a draft changes, term by term")
    compared.add_argument("draft", metavar="DRAFT", help="the draft's id")
    compared.set_defaults(act=on_archive(diff))
    simulating.declare(group)
    _add_life(group)


def _add_draft(group: Subcommands) -> None:
    drafted = add_action(group, "draft", sentence="begin a draft: a copy of the newest version")
    which = drafted.add_mutually_exclusive_group(required=True)
    which.add_argument("class_code", nargs="?", default="", metavar="CLASS", help="of its schedule")
    which.add_argument("--rules", action="store_true", help="of the class rules")
    start = drafted.add_mutually_exclusive_group()
    start.add_argument("--template", default="", metavar="ID", help="start from this template")
    start.add_argument("--empty", action="store_true", help="start from nothing")
    drafted.add_argument("--period", default="", metavar="P3Y", help="where the template asks")
    drafted.add_argument(
        "--fiscal-year-starts", type=int, metavar="MONTH", help="where the template asks"
    )
    drafted.add_argument("--reason", required=True, help=_REASON)
    drafted.set_defaults(act=on_archive(draft))


def _add_life(group: Subcommands) -> None:
    submitted = add_action(group, "submit", sentence="simulate a draft and send it for approval")
    submitted.add_argument("draft", metavar="DRAFT", help="the draft's id")
    submitted.add_argument(
        "--in-force-from", default="", metavar="MOMENT", help="2027-01-01T00:00:00Z; at approval"
    )
    submitted.add_argument("--seen", default="", metavar="DIGEST", help="only if it is still this")
    submitted.set_defaults(act=on_archive(submit))
    for name, sentence, act in (
        ("approve", "bring a submitted draft into force, as a second person", approve),
        ("refuse", "refuse a submitted draft, as a second person", refuse),
        ("withdraw", "give a draft up", withdraw),
    ):
        action = add_action(group, name, sentence=sentence)
        action.add_argument("draft", metavar="DRAFT", help="the draft's id")
        action.add_argument("--reason", required=True, help=_REASON)
        if act is approve:
            action.add_argument("--dry-run", action="store_true", help="only say what would happen")
        if act is not withdraw:
            add_person(action)
        action.set_defaults(act=on_archive(act))


async def list_all(opened: Opened) -> int:
    """List the versions of a class's schedule and its drafts; without a class, all drafts."""
    code, services, actor = opened.args.class_code, opened.services, opened.actor
    items = [] if not code else list(await services.filing.schedules(code, actor=actor))
    found = await services.plan.drafts.list(
        class_code=code, open_only=opened.args.open, actor=actor
    )
    drafts = [view.to_dict() for view in found]

    def say(output: Output) -> None:
        if code:
            columns = ("version", "in_force_from", "action", "lock", "terms")
            told = [{**item, "terms": _terms(item)} for item in items]
            output.table(columns, [[item[name] for name in columns] for item in told])
            output.line(f"{counted(len(items), 'version')} of the schedule of {code}\n")
        say_drafts(output, drafts)

    opened.output.answer({"items": items, "drafts": drafts}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show the schedule in force of a class, or a draft."""
    what, plan = opened.args.what, opened.services.plan
    if len(what) == _DRAFT_ID and what == what.upper():  # codes of classes are of small letters
        return _tell(opened, await plan.drafts.show(what, actor=opened.actor))
    document = (await plan.classes.show(what, actor=opened.actor)).to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def list_templates(opened: Opened) -> int:
    """List the shipped templates."""
    items = list(template_documents())

    def say(output: Output) -> None:
        for item in items:
            output.line(f"\n{item['id']}: {item['title']} ({item['jurisdiction']})")
            for term in item["terms"]:
                output.line(f"  {term['period']} after {term['trigger']}: {cited(term)}")
        output.line(f"\n{counted(len(items), 'template')}; none of it is legal advice")

    opened.output.answer({"items": items}, say)
    return 0


async def draft(opened: Opened) -> int:
    """Begin a draft."""
    args = opened.args
    source = Source(
        template=args.template,
        empty=args.empty,
        fiscal_year_starts=args.fiscal_year_starts,
        period=args.period,
    )
    view = await opened.services.plan.drafts.make(
        args.class_code, source=source, reason=args.reason, actor=opened.actor
    )
    return _tell(opened, view)


async def edit(opened: Opened) -> int:
    """Put another body or reason into a draft."""
    args = opened.args
    if args.file is None and args.reason is None:
        raise InvalidInput("nothing to change: give --file or --reason")
    view = await opened.services.plan.drafts.edit(
        args.draft,
        body=None if args.file is None else body_of(args.file),
        reason=args.reason,
        actor=opened.actor,
    )
    return _tell(opened, view)


async def diff(opened: Opened) -> int:
    """Say what a draft changes."""
    view = await opened.services.plan.drafts.show(opened.args.draft, actor=opened.actor)
    document = {
        name: value
        for name, value in view.to_dict().items()
        if name in {"id", "subject", "class_code", "based_on", "version", "problems", "changes"}
    }
    opened.output.answer(document, lambda output: say_changes(output, document))
    return 0


async def submit(opened: Opened) -> int:
    """Send a draft for approval."""
    args = opened.args
    view = await opened.services.plan.life.submit(
        args.draft,
        in_force_from=_moment(args.in_force_from),
        seen=args.seen,
        actor=opened.actor,
    )
    code = _tell(opened, view)
    opened.output.note(
        "Not in force: a second person approves or refuses it, with `muniment schedule approve "
        "DRAFT --person EMAIL` or in the browser."
    )
    return code


async def approve(opened: Opened) -> int:
    """Bring a draft into force, or say what that would do."""
    args, life = opened.args, opened.services.plan.life
    async with signed_in(opened) as person:
        if args.dry_run:
            document = (await life.preview(args.draft, actor=person)).to_dict()
            opened.output.answer(document, lambda output: say_draft(output, document))
            return 0
        view = await life.approve(args.draft, reason=args.reason, actor=person)
    return _tell(opened, view)


async def refuse(opened: Opened) -> int:
    """Refuse a draft."""
    args, life = opened.args, opened.services.plan.life
    async with signed_in(opened) as person:
        view = await life.refuse(args.draft, reason=args.reason, actor=person)
    return _tell(opened, view)


async def withdraw(opened: Opened) -> int:
    """Give a draft up."""
    args, drafts = opened.args, opened.services.plan.drafts
    return _tell(opened, await drafts.withdraw(args.draft, reason=args.reason, actor=opened.actor))


def _tell(opened: Opened, view: DraftView) -> int:
    document = view.to_dict()
    opened.output.answer(document, lambda output: say_draft(output, document))
    return 0


def _terms(schedule: Document) -> str:
    said = (f"{term['period']} {term['trigger']}: {cited(term)}" for term in schedule["terms"])
    return "; ".join(said)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"expected a moment such as {_EXAMPLE}, found {text[:40]!r}") from error
    if moment.tzinfo is None:
        raise InvalidInput(f"expected a moment with its zone, such as {_EXAMPLE}, found {text!r}")
    return moment


_EXAMPLE = "2027-01-01T00:00:00Z"
