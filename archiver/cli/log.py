"""`muniment log`: checkpoint and proofs of the transparency log, in C2SP formats."""

from archiver.cli import record
from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    checkpoint_action = add_action(group, "checkpoint", sentence="print the newest signed note")
    checkpoint_action.set_defaults(act=on_archive(checkpoint))

    proved = add_action(group, "prove", sentence="prove that a record is in the log")
    proved.add_argument("id", metavar="ID", help="the record's id")
    proved.set_defaults(act=on_archive(record.proof))

    consistent = add_action(
        group, "consistency", sentence="prove that the log of size NEW continues that of size OLD"
    )
    for name in ("old", "new"):
        consistent.add_argument(name, type=int, metavar=name.upper(), help="a size of the log")
    consistent.set_defaults(act=on_archive(consistency))


async def checkpoint(opened: Opened) -> int:
    """Print the note byte for byte, so that others can verify its signature."""
    note = await opened.services.log.checkpoint(actor=opened.actor)
    origin, size, root, *_ = note.decode().split("\n")
    document = {"note": note.decode(), "origin": origin, "size": int(size), "root": root}
    opened.output.answer(document, lambda output: output.verbatim(note))
    return 0


async def consistency(opened: Opened) -> int:
    """Print the consistency proof: its hashes in base64, one a line."""
    old, new = opened.args.old, opened.args.new
    proof: Document = await opened.services.log.consistency(old, new, actor=opened.actor)

    def say(output: Output) -> None:
        for hashed in proof["proof"]:
            output.line(hashed)
        output.line(f"Size {new:,} of the log continues size {old:,}")

    opened.output.answer(proof, say)
    return 0
