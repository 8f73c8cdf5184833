"""`muniment schedule simulate`: what a schedule or class rules would do to the whole archive."""

from archiver.cli.arguments import Subcommands, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.cli.plan_words import body_of
from archiver.disposal.draft_views import definition_of
from archiver.disposal.simulation import Subject
from archiver.disposal.simulation_result import Category, Line, SimulationResult
from archiver.errors import InvalidInput
from retention.errors import DefinitionError
from retention.rules import RuleSet
from retention.schedules import Schedule

_COLUMNS = ("year", "ends before", "ends after", *(each.value for each in Category))


def declare(group: Subcommands) -> None:
    """Declare the action."""
    simulated = add_action(
        group, "simulate", sentence="what another schedule would do to every record of a class"
    )
    simulated.add_argument(
        "class_code", nargs="?", default="", metavar="CLASS", help="its code; none for class rules"
    )
    which = simulated.add_mutually_exclusive_group(required=True)
    which.add_argument("--draft", default="", metavar="ID", help="a draft")
    which.add_argument("--file", default="", metavar="F", help="a body as JSON; - reads stdin")
    simulated.set_defaults(act=on_archive(simulate))


async def simulate(opened: Opened) -> int:
    """Simulate, and print the table by year."""
    args = opened.args
    subject = await _draft(opened, args.draft) if args.draft else _body(args.class_code, args.file)
    code = subject.class_code if isinstance(subject, Schedule) else ""
    if args.class_code not in ("", code):
        raise InvalidInput(f"expected a schedule of class {args.class_code}, found one of {code}")
    with opened.output.progress("Simulating") as show:
        result = await opened.services.keeping.simulation.run(
            subject, actor=opened.actor, progress=show
        )
    opened.output.answer(result.to_dict(), lambda output: _say(output, result))
    return 0


async def _draft(opened: Opened, draft_id: str) -> Subject:
    view = await opened.services.plan.drafts.show(draft_id, actor=opened.actor)
    return definition_of(view.row)


def _body(class_code: str, name: str) -> Subject:
    body = body_of(name)
    if isinstance(body, dict) and class_code:
        body = {"class_code": class_code, "version": 1, **body}
    return _subject(body, name)


def _subject(body: object, name: str) -> Subject:
    is_rules = isinstance(body, dict) and "default_class" in body
    try:
        return RuleSet.from_dict(body) if is_rules else Schedule.from_dict(body)
    except DefinitionError as error:
        raise InvalidInput(f"{name}: {error}") from error


def _say(output: Output, result: SimulationResult) -> None:
    rows = [*((year, line) for year, line in result.by_year().items()), ("total", result.total)]
    output.table(_COLUMNS, [_cells(year, line) for year, line in rows])
    named = f"class {result.class_code}" if result.class_code else "class rules"
    output.line(
        f"{counted(result.total.after.records, 'record')} of {named}, version {result.version}, "
        f"as of {result.as_of:%Y-%m-%d %H:%M} UTC and log size {result.log_size:,}"
    )


def _cells(year: str, line: Line) -> list[object]:
    found = [line.found.get(each) for each in Category]
    return [
        year,
        f"{line.before.records:,}",
        f"{line.after.records:,}",
        *(f"{count.records:,}" if count else "" for count in found),
    ]
