"""`muniment record`: show, explain, prove and verify one record."""

import base64
import hashlib

from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Act, Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.model.post import Part


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    _add(group, "show", on_archive(show), "everything known about a record but its bytes")
    raw_action = _add(group, "raw", on_archive(raw), "the payload exactly as it was received")
    raw_action.add_argument("--part", default="", metavar="NAME", help="another part (see parts)")
    _add(group, "parts", on_archive(parts), "the parts of a record with their hashes")
    _add(group, "versions", on_archive(versions), "every version of the same post, oldest first")
    _add(group, "proof", on_archive(proof), "the proof of inclusion in the log (C2SP tlog-proof)")
    _add(group, "verify", on_archive(verify), "check bytes, hashes and log; exit 1 if one differs")
    _add(group, "why", on_archive(why), "why the record is kept, and until when")


def _add(group: Subcommands, name: str, act: Act, sentence: str) -> Parser:
    action = add_action(group, name, sentence=sentence)
    action.add_argument("id", metavar="ID", help="the record's id")
    action.set_defaults(act=act)
    return action


async def show(opened: Opened) -> int:
    """Show the record."""
    view = await opened.services.records.show(opened.args.id, actor=opened.actor)
    document = view.to_dict()
    opened.output.answer(document, lambda output: output.describe(document))
    return OK


async def raw(opened: Opened) -> int:
    """Write the verbatim bytes."""
    records, args = opened.services.records, opened.args
    if args.part:
        part = await records.part(args.id, args.part, actor=opened.actor)
    else:
        part = await records.raw(args.id, actor=opened.actor)
    document = {**_describe(part), "content_base64": base64.b64encode(part.content).decode()}
    opened.output.answer(document, lambda output: output.verbatim(part.content))
    return OK


async def parts(opened: Opened) -> int:
    """List the parts."""
    found = await opened.services.records.parts(opened.args.id, actor=opened.actor)
    items = [_describe(part) for part in found]
    opened.output.answer({"items": items}, lambda output: _say_parts(output, items))
    return OK


async def versions(opened: Opened) -> int:
    """List the versions of the record's post."""
    found = await opened.services.records.versions(opened.args.id, actor=opened.actor)
    items = [version.to_dict() for version in found]

    def say(output: Output) -> None:
        for item in items:
            output.describe(item)
            output.line()
        output.line(counted(len(items), "version"))

    opened.output.answer({"items": items}, say)
    return OK


async def proof(opened: Opened) -> int:
    """Print the proof, for tools that check it without us."""
    text = await opened.services.records.proof(opened.args.id, actor=opened.actor)
    document = {"id": opened.args.id, "proof": text}
    opened.output.answer(document, lambda output: output.verbatim(text.encode()))
    return OK


async def verify(opened: Opened) -> int:
    """Verify the record and say each check."""
    checked = await opened.services.records.verify(opened.args.id, actor=opened.actor)
    opened.output.answer(checked, lambda output: _say_checks(output, checked))
    return OK if checked["ok"] else PROBLEMS


async def why(opened: Opened) -> int:
    """Say why the record is kept."""
    explanation = await opened.services.filing.why(opened.args.id, actor=opened.actor)
    document: Document = explanation.to_dict()
    opened.output.answer(document, lambda output: say_why(output, document))
    return OK


def say_why(output: Output, explained: Document) -> None:
    """Say each reason with its citation, then state and date."""
    for reason in explained["reasons"]:
        cited = f" ({reason['citation']})" if reason["citation"] else ""
        output.line(f"- {reason['text']}{cited}")
    until = f" until {explained['until']}" if explained["until"] else ""
    output.line(f"{explained['id']}: {explained['state']}{until}")


def _say_checks(output: Output, checked: Document) -> None:
    for check in checked["checks"]:
        output.line(f"{'ok    ' if check['ok'] else 'FAILED'}  {check['what']}: {check['detail']}")
    output.line(f"Record {checked['id']} {'verified' if checked['ok'] else 'is not as promised'}")


def _describe(part: Part) -> dict[str, object]:
    return {
        "name": part.name,
        "role": str(part.role),
        "media_type": part.media_type,
        "size": len(part.content),
        "sha256": hashlib.sha256(part.content).hexdigest(),
    }


def _say_parts(output: Output, items: list[dict[str, object]]) -> None:
    columns = ("name", "role", "media_type", "size", "sha256")
    output.table(columns, [[item[column] for column in columns] for item in items])
    output.line(counted(len(items), "part"))
