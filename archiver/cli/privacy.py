"""`muniment privacy`: requests of people about data on them, from receipt to the signed answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from archiver.cli.arguments import Parser, Subcommands, actions, add_action, words_of
from archiver.cli.named_files import write_new
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.disposal.privacy_requests import past_moment
from archiver.disposal.privacy_views import RequestView
from archiver.model.privacy import PrivacyDecision, RequestKind, RequestState
from retention.erasure import Ground

_ON = "the day, such as 2026-03-31, or a moment with its offset"
_WHY = "why; it stands in the audit trail and in the answer"
_COLUMNS = ("id", "kind", "reference", "state", "due_at", "records", "undecided", "next")
_RECORD = ("log_index", "id", "class", "decision", "kept_until", "open_decisions")
_DECISIONS = [
    each.value for each in (PrivacyDecision.ERASE, PrivacyDecision.REFUSE, PrivacyDecision.RESTRICT)
]


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    received = add_action(group, "request", sentence="note a request that was received")
    received.add_argument("kind", choices=words_of(RequestKind), help="what the person asks for")
    received.add_argument("--person", required=True, help="who asks, in as few words as needed")
    received.add_argument("--reference", default="", help="what the letter or ticket is called")
    received.add_argument("--on", default="", metavar="DAY", help=f"received then: {_ON}")
    received.set_defaults(act=on_archive(receive))
    listed = add_action(group, "list", sentence="requests, newest first")
    listed.add_argument("--state", default="", choices=words_of(RequestState), help="only these")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    listed.add_argument("--cursor", default="", help="go on behind this one")
    listed.set_defaults(act=on_archive(list_all))
    shown = _of_one(group, "show", "a request, or its records with what may be decided", show)
    shown.add_argument("--records", action="store_true", help="the records it is about")
    shown.add_argument("--after", type=int, default=-1, metavar="INDEX", help="go on behind it")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    _add_work(group)
    _add_end(group)


def _add_work(group: Subcommands) -> None:
    extended = _of_one(group, "extend", "take one or two months more to answer", extend)
    extended.add_argument("--months", type=int, choices=(1, 2), required=True, help="how many")
    extended.add_argument("--reason", required=True, help=_WHY)
    found = _of_one(group, "find", "put records under a request, in every version", find)
    which = found.add_mutually_exclusive_group(required=True)
    which.add_argument("--query", help="all that this search finds; it is frozen as a set")
    which.add_argument("--set", dest="set_id", default="", metavar="ID", help="a frozen set")
    which.add_argument("--records", nargs="+", default=(), metavar="ID", help="these records")
    decided = _of_one(group, "decide", "erase, refuse or restrict records", decide)
    decided.add_argument("decision", choices=_DECISIONS, help="what is decided")
    decided.add_argument("--ground", default="", choices=words_of(Ground), help="of a refusal")
    _add_choice(decided, "all undecided ones where this decision is possible")
    lifted = _of_one(group, "lift", "lift restrictions, after the person was told", lift)
    lifted.add_argument("--told", required=True, metavar="DAY", help=f"told then: {_ON}")
    _add_choice(lifted, "all that the request restricts")


def _add_end(group: Subcommands) -> None:
    _of_one(group, "erase", "form disposal batches of what is to be erased", erase)
    closed = _of_one(group, "close", "end a request and sign its answer", close)
    closed.add_argument("--remark", default="", help="what else the answer tells the person")
    document = _of_one(group, "document", "the signed answer of a closed request", read_document)
    document.add_argument("--out", type=Path, metavar="FILE", help="write it there")


def _of_one(
    group: Subcommands, name: str, sentence: str, act: Callable[[Opened], Awaitable[int]]
) -> Parser:
    action = add_action(group, name, sentence=sentence)
    action.add_argument("request", metavar="REQUEST", help="the request's id")
    action.set_defaults(act=on_archive(act))
    return action


def _add_choice(action: Parser, all_of_them: str) -> None:
    which = action.add_mutually_exclusive_group(required=True)
    which.add_argument("--records", nargs="+", default=(), metavar="ID", help="these records")
    which.add_argument("--all", dest="everything", action="store_true", help=all_of_them)
    action.add_argument("--reason", required=True, help=_WHY)


async def receive(opened: Opened) -> int:
    """Note a request."""
    args = opened.args
    view = await opened.services.privacy.requests.receive(
        kind=args.kind,
        person=args.person,
        reference=args.reference,
        received_at=_moment(opened, args.on) if args.on else None,
        actor=opened.actor,
    )
    return _answer(opened, view)


async def list_all(opened: Opened) -> int:
    """List requests."""
    args = opened.args
    found = await opened.services.privacy.requests.list(
        state=args.state, cursor=args.cursor, limit=args.limit, actor=opened.actor
    )
    document = found.to_dict()
    items = [each.to_dict() for each in found.items]

    def say(output: Output) -> None:
        output.table(_COLUMNS, [[item[column] for column in _COLUMNS] for item in items])
        output.line(counted(len(items), "request"))
        if found.next_cursor:
            output.line(f"Go on with --cursor {found.next_cursor}")

    opened.output.answer(document, say)
    return 0


async def show(opened: Opened) -> int:
    """Show a request, or its records."""
    args, requests = opened.args, opened.services.privacy.requests
    if not args.records:
        return _answer(opened, await requests.show(args.request, actor=opened.actor))
    page = await requests.records(
        args.request, after=args.after, limit=args.limit, actor=opened.actor
    )
    document = page.to_dict()

    def say(output: Output) -> None:
        items = [each.to_dict() for each in page.records]
        _say_records(output, items)
        if page.after is not None:
            output.line(f"Go on with --after {page.after}")

    opened.output.answer(document, say)
    return 0


async def extend(opened: Opened) -> int:
    """Take more time."""
    args = opened.args
    view = await opened.services.privacy.requests.extend(
        args.request, months=args.months, reason=args.reason, actor=opened.actor
    )
    return _answer(opened, view)


async def find(opened: Opened) -> int:
    """Put records under a request."""
    args, set_id = opened.args, opened.args.set_id
    if args.query is not None:
        frozen = await opened.services.frozen_sets.freeze(
            args.query, name=f"privacy request {args.request}", actor=opened.actor
        )
        set_id = frozen.id
    view = await opened.services.privacy.decisions.find(
        args.request, record_ids=args.records, set_id=set_id, actor=opened.actor
    )
    return _answer(opened, view)


async def decide(opened: Opened) -> int:
    """Decide on records."""
    args = opened.args
    view = await opened.services.privacy.decisions.decide(
        args.request,
        args.decision,
        ground=args.ground,
        reason=args.reason,
        record_ids=args.records,
        everything=args.everything,
        actor=opened.actor,
    )
    return _answer(opened, view)


async def lift(opened: Opened) -> int:
    """Lift restrictions."""
    args = opened.args
    view = await opened.services.privacy.decisions.lift(
        args.request,
        told_at=_moment(opened, args.told),
        reason=args.reason,
        record_ids=args.records,
        everything=args.everything,
        actor=opened.actor,
    )
    return _answer(opened, view)


async def erase(opened: Opened) -> int:
    """Form batches."""
    formed = await opened.services.privacy.erasing.form(opened.args.request, actor=opened.actor)
    items = [each.to_dict() for each in formed]

    def say(output: Output) -> None:
        columns = ("id", "class", "account", "records", "state", "next")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line("Nothing is destroyed yet: `muniment disposition propose` asks two approvers")

    opened.output.answer({"items": items}, say)
    return 0


async def close(opened: Opened) -> int:
    """End a request."""
    view = await opened.services.privacy.closing.close(
        opened.args.request, remark=opened.args.remark, actor=opened.actor
    )
    return _answer(opened, view)


async def read_document(opened: Opened) -> int:
    """Show or write the signed answer."""
    args = opened.args
    text = await opened.services.privacy.closing.document(args.request, actor=opened.actor)
    if args.out is None:
        opened.output.verbatim(text.encode())
        return 0
    await asyncio.to_thread(write_new, args.out, text)
    answer = {"request": args.request, "file": str(args.out)}
    opened.output.answer(answer, lambda output: output.line(f"Written to {args.out}"))
    return 0


def _moment(opened: Opened, text: str) -> datetime:
    services = opened.services
    return past_moment(text, services.keeping.zone, services.clock())


def _answer(opened: Opened, view: RequestView) -> int:
    document = view.to_dict()
    opened.output.answer(document, lambda output: output.describe(document))
    return 0


def _say_records(output: Output, items: Sequence[Document]) -> None:
    output.table(_RECORD, [[_cell(item[column]) for column in _RECORD] for item in items])
    for item in items:
        for bar in item["against_erasure"]:
            output.line(f"{item['id']}: {bar['text']} [{bar['citation']}]")
    output.line(counted(len(items), "record"))


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
