"""`muniment disposition`: what is due, batches of it, their review; how they go on is beside it.

Proposing, approving and executing stand in `disposal_approvals`, certificates and the emergency
stop in `disposal_outcome`.
"""

from collections.abc import Sequence
from datetime import date

from archiver.cli import disposal_approvals, disposal_outcome
from archiver.cli.arguments import Parser, Subcommands, actions, add_action, words_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.db.batch_review import Standout
from archiver.errors import InvalidInput
from archiver.model.batch import BatchState, MemberState

_COLUMNS = ("id", "class", "account", "period", "state", "records", "excluded", "next")


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    due = add_action(group, "due", sentence="what batches would be formed of now")
    due.set_defaults(act=on_archive(list_due))
    formed = add_action(group, "form", sentence="form batches of what is due; nothing is destroyed")
    formed.add_argument("--class", dest="class_code", default="", help="of this class only")
    formed.add_argument("--account", default="", help="of this account only")
    formed.set_defaults(act=on_archive(form))
    listed = add_action(group, "list", sentence="batches, newest first")
    listed.add_argument(
        "--state", default="", choices=words_of(BatchState), help="in this state only"
    )
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    listed.add_argument("--cursor", default="", help="go on behind this one")
    listed.set_defaults(act=on_archive(list_all))
    _add_review(group)
    _add_members(group)
    disposal_approvals.add_actions(group)
    disposal_outcome.add_actions(group)


def _add_review(group: Subcommands) -> None:
    shown = add_action(group, "show", sentence="one batch with all that its review needs")
    shown.add_argument("batch", metavar="BATCH", help="the batch's id")
    which = shown.add_mutually_exclusive_group()
    which.add_argument("--records", choices=words_of(MemberState), help="its records in this state")
    which.add_argument(
        "--exceptions", choices=words_of(Standout), help="its records that stand out"
    )
    shown.add_argument("--after", type=int, default=-1, metavar="INDEX", help="go on behind it")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    shown.set_defaults(act=on_archive(show))
    sampled = add_action(group, "sample", sentence="a random sample, drawn again by its seed")
    sampled.add_argument("batch", metavar="BATCH", help="the batch's id")
    sampled.add_argument("--size", type=int, default=50, metavar="N", help="how many (50)")
    sampled.add_argument("--seed", default="", help="draw the sample of this seed again")
    sampled.set_defaults(act=on_archive(sample))


def _add_members(group: Subcommands) -> None:
    for name, sentence, act in (
        ("exclude", "leave records out of a batch", exclude),
        ("include", "put records back that were left out", include),
    ):
        action = add_action(group, name, sentence=sentence)
        action.add_argument("batch", metavar="BATCH", help="the batch's id")
        action.add_argument("records", nargs="+", metavar="ID", help="records of the batch")
        action.add_argument("--reason", required=True, help="why; it stands in the audit trail")
        if act is exclude:
            action.add_argument(
                "--until", default="", metavar="DATE", help="in no batch before this day"
            )
        action.set_defaults(act=on_archive(act))


async def list_due(opened: Opened) -> int:
    """Say what is due."""
    found = await opened.services.disposition.forming.due(actor=opened.actor)
    items = [each.to_dict() for each in found]
    total = sum(each.records for each in found)

    def say(output: Output) -> None:
        columns = ("class", "schedule_version", "account", "period", "records", "bytes")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line(f"{counted(total, 'record')} due; `muniment disposition form` makes batches")

    opened.output.answer({"items": items, "records": total}, say)
    return 0


async def form(opened: Opened) -> int:
    """Form batches."""
    args = opened.args
    if args.class_code:
        await opened.services.plan.classes.show(
            args.class_code, actor=opened.actor
        )  # is there one?
    found = await opened.services.disposition.forming.form(
        class_code=args.class_code, account=args.account, actor=opened.actor
    )
    items = [each.to_dict() for each in found]
    opened.output.answer({"items": items}, lambda output: _say_list(output, items))
    return 0


async def list_all(opened: Opened) -> int:
    """List batches."""
    args = opened.args
    found = await opened.services.disposition.batches.list(
        state=args.state, cursor=args.cursor, limit=args.limit, actor=opened.actor
    )
    items = [each.to_dict() for each in found.items]

    def say(output: Output) -> None:
        _say_list(output, items)
        if found.next_cursor:
            output.line(f"Go on with --cursor {found.next_cursor}")

    opened.output.answer(found.to_dict(), say)
    return 0


async def show(opened: Opened) -> int:
    """Show one batch, or records of it."""
    args, reviews = opened.args, opened.services.disposition.reviews
    if args.records:
        page = await reviews.members(
            args.batch, state=args.records, after=args.after, limit=args.limit, actor=opened.actor
        )
    elif args.exceptions:
        page = await reviews.exceptions(
            args.batch,
            Standout(args.exceptions),
            after=args.after,
            limit=args.limit,
            actor=opened.actor,
        )
    else:
        review = (await reviews.show(args.batch, actor=opened.actor)).to_dict()
        opened.output.answer(review, lambda output: output.describe(review))
        return 0
    document = page.to_dict()
    opened.output.answer(document, lambda output: _say_records(output, document))
    return 0


async def sample(opened: Opened) -> int:
    """Draw a sample."""
    args = opened.args
    page = await opened.services.disposition.reviews.sample(
        args.batch, size=args.size, seed=args.seed, actor=opened.actor
    )
    document = page.to_dict()

    def say(output: Output) -> None:
        _say_records(output, document)
        output.line(f"Drawn by the seed {page.seed}: --seed {page.seed} draws it again")

    opened.output.answer(document, say)
    return 0


async def exclude(opened: Opened) -> int:
    """Leave records out."""
    args = opened.args
    view = await opened.services.disposition.batches.exclude(
        args.batch,
        args.records,
        reason=args.reason,
        keep_until=_day(args.until) if args.until else None,
        actor=opened.actor,
    )
    _answer(opened, view.to_dict())
    return 0


async def include(opened: Opened) -> int:
    """Put records back."""
    args = opened.args
    view = await opened.services.disposition.batches.include(
        args.batch, args.records, reason=args.reason, actor=opened.actor
    )
    _answer(opened, view.to_dict())
    return 0


def _answer(opened: Opened, document: Document) -> None:
    opened.output.answer(document, lambda output: output.describe(document))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"expected a day such as 2030-01-31, found {text[:40]!r}", pointer="until"
        ) from error


def _say_list(output: Output, items: Sequence[Document]) -> None:
    output.table(_COLUMNS, [[item[column] for column in _COLUMNS] for item in items])
    output.line(counted(len(items), "batch").replace("batchs", "batches"))


def _say_records(output: Output, document: Document) -> None:
    columns = ("log_index", "id", "state", "kind", "change", "posted_at", "reason")
    items = document["items"]
    output.table(columns, [[item[column] for column in columns] for item in items])
    output.line(counted(len(items), "record"))
    if document["after"] is not None:
        output.line(f"Go on with --after {document['after']}")
