"""`muniment class`: the classes of the file plan, the rules that fill them, what is amiss in it."""

from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.cli.plan_words import say_class

_REASON = "why; it stands in the audit trail"


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="every class with its title and authority")
    listed.set_defaults(act=on_archive(list_all))
    tree = add_action(group, "tree", sentence="every class below the one above it")
    tree.set_defaults(act=on_archive(show_tree))
    shown = add_action(group, "show", sentence="one class with the schedule in force")
    shown.add_argument("code", metavar="CLASS", help="the class's code")
    shown.set_defaults(act=on_archive(show))
    rules = add_action(group, "rules", sentence="the class rules in force, in order")
    rules.set_defaults(act=on_archive(show_rules))
    _add_changes(group)
    _add_reclassify(group)
    reported = add_action(group, "report", sentence="what in the file plan leads nowhere or waits")
    reported.add_argument("--records", metavar="CLASS", help="list the posts of this class instead")
    reported.add_argument(
        "--version", type=int, default=0, metavar="V", help="only those that this version keeps"
    )
    reported.add_argument("--after", type=int, default=-1, metavar="INDEX", help="go on behind it")
    reported.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    reported.set_defaults(act=on_archive(report))


def _add_changes(group: Subcommands) -> None:
    added = add_action(group, "add", sentence="a new class; it has no schedule yet")
    added.add_argument("code", metavar="CLASS", help="1 to 40 characters a-z 0-9 -")
    added.add_argument("--template", default="", metavar="ID", help="take over what it says")
    for name, told in (
        ("title", "what the class is called"),
        ("authority", "the rule without which nothing of it may be disposed of"),
        ("mandate", "whose decision applies it here"),
        ("jurisdiction", "where the rule holds"),
        ("parent", "the class above"),
        ("note", "anything else"),
    ):
        added.add_argument(f"--{name}", default="", help=told)
    added.set_defaults(act=on_archive(add))
    edited = add_action(group, "edit", sentence="another title, note or class above")
    edited.add_argument("code", metavar="CLASS", help="the class's code, which never changes")
    for name, told in (
        ("title", "what the class is called"),
        ("note", "anything else"),
        ("parent", 'the class above; "" for none'),
    ):
        edited.add_argument(f"--{name}", help=told)
    edited.add_argument("--reason", required=True, help=_REASON)
    edited.set_defaults(act=on_archive(edit))
    for name, sentence, act in (
        ("close", "close a class for new records; those in it stay", close),
        ("reopen", "let class rules name a closed class again", reopen),
    ):
        action = add_action(group, name, sentence=sentence)
        action.add_argument("code", metavar="CLASS", help="the class's code")
        action.add_argument("--reason", required=True, help=_REASON)
        action.set_defaults(act=on_archive(act))


def _add_reclassify(group: Subcommands) -> None:
    moved = add_action(group, "reclassify", sentence="put records into another class, by hand")
    moved.add_argument("code", metavar="CLASS", help="the class they are put into")
    moved.add_argument(
        "--record",
        dest="record_ids",
        action="extend",
        nargs="+",
        default=[],
        metavar="ID",
        help="these records",
    )
    moved.add_argument("--set", dest="set_id", default="", metavar="ID", help="a frozen set, whole")
    moved.add_argument("--reason", default="", help=_REASON)
    moved.add_argument("--dry-run", action="store_true", help="only say what would happen")
    moved.set_defaults(act=on_archive(reclassify))


async def list_all(opened: Opened) -> int:
    """List the classes."""
    items = list(await opened.services.filing.classes(actor=opened.actor))

    def say(output: Output) -> None:
        columns = ("code", "title", "authority")
        output.table(columns, [[item.get(column) for column in columns] for item in items])
        output.line(f"{len(items):,} classes")

    opened.output.answer({"items": items}, say)
    return 0


async def show_tree(opened: Opened) -> int:
    """Show every class in its place."""
    states = await opened.services.plan.classes.tree(actor=opened.actor)
    items = [state.to_dict() for state in states]

    def say(output: Output) -> None:
        for item in items:
            closed = " (closed for new records)" if item["closed"] else ""
            output.line(f"{'  ' * item['depth']}{item['code']}  {item['title']}{closed}")
        output.line(f"{len(items):,} classes")

    opened.output.answer({"items": items}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one class."""
    state = await opened.services.plan.classes.show(opened.args.code, actor=opened.actor)
    document = state.to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def show_rules(opened: Opened) -> int:
    """Show the class rules."""
    page = await opened.services.filing.class_rules(actor=opened.actor)
    items = [
        {
            "place": rule.place,
            "id": rule.id,
            "class_code": rule.class_code,
            "conditions": rule.conditions,
        }
        for rule in page.rules
    ]

    def say(output: Output) -> None:
        columns = ("place", "id", "class_code", "conditions")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line(f"class rules version {page.version}")

    opened.output.answer({"version": page.version, "items": items}, say)
    return 0


async def add(opened: Opened) -> int:
    """Add a class."""
    args = opened.args
    state = await opened.services.plan.classes.add(
        args.code,
        title=args.title,
        authority=args.authority,
        jurisdiction=args.jurisdiction,
        note=args.note,
        mandate=args.mandate,
        parent=args.parent,
        template=args.template,
        actor=opened.actor,
    )
    document = state.to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def edit(opened: Opened) -> int:
    """Change a class."""
    args = opened.args
    state = await opened.services.plan.classes.change(
        args.code,
        title=args.title,
        note=args.note,
        parent=args.parent,
        reason=args.reason,
        actor=opened.actor,
    )
    document = state.to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def close(opened: Opened) -> int:
    """Close a class for new records."""
    args, classes = opened.args, opened.services.plan.classes
    state = await classes.close(args.code, reason=args.reason, actor=opened.actor)
    document = state.to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def reopen(opened: Opened) -> int:
    """Open a class again."""
    args, classes = opened.args, opened.services.plan.classes
    state = await classes.reopen(args.code, reason=args.reason, actor=opened.actor)
    document = state.to_dict()
    opened.output.answer(document, lambda output: say_class(output, document))
    return 0


async def reclassify(opened: Opened) -> int:
    """Put records into a class, or say what that would do."""
    args, work = opened.args, opened.services.plan.reclassifying
    which = {"record_ids": args.record_ids, "set_id": args.set_id, "actor": opened.actor}
    if args.dry_run:
        done = await work.preview(args.code, **which)
    else:
        done = await work.reclassify(args.code, reason=args.reason, **which)
    document = done.to_dict()
    would = "would be put" if args.dry_run else "put"

    def say(output: Output) -> None:
        output.describe(document)
        output.line(f"\n{counted(document['moved'], 'record')} {would} into class {args.code}")

    opened.output.answer(document, say)
    return 0


async def report(opened: Opened) -> int:
    """Say what is amiss, or list the records behind a number."""
    args, reporting = opened.args, opened.services.plan.reporting
    if args.records:
        await opened.services.plan.classes.show(args.records, actor=opened.actor)  # is there one?
        items = await reporting.records(
            args.records,
            schedule_version=args.version,
            after=args.after,
            limit=args.limit,
            actor=opened.actor,
        )
        columns = ("id", "platform", "account", "captured_at", "schedule_version", "log_index")
        opened.output.answer(
            {"items": list(items)},
            lambda output: output.table(
                columns, [[each[name] for name in columns] for each in items]
            ),
        )
        return 0
    document = (await reporting.report(actor=opened.actor)).to_dict()

    def say(output: Output) -> None:
        for finding in document["findings"]:
            output.line(f"{finding['count']:>6,}  {finding['means']}")
            for item in finding["items"]:
                output.line(f"        {'  '.join(f'{name}={item[name]}' for name in item)}")
        output.line(f"{counted(document['count'], 'finding')} in the file plan")

    opened.output.answer(document, say)
    return 0
