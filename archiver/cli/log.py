"""`muniment log`: checkpoint, proofs and timestamps of the transparency log, in open formats."""

from collections.abc import Sequence

from archiver.assurance.timestamp_view import Stamp
from archiver.cli import record
from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.exits import OK, PROBLEMS, UNAVAILABLE
from archiver.cli.log_policy import add_policy_actions
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.clock import rfc3339
from archiver.jobs.timestamping import Outcome, Result
from archiver.preserve.ledger.note import decode_base64

_SHOWN = 20


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

    add_policy_actions(group)

    stamped = add_action(
        group, "timestamp", sentence="have the newest checkpoint stamped by every authority now"
    )
    stamped.set_defaults(act=on_archive(timestamp))

    listed = add_action(
        group, "timestamps", sentence="the tokens there are, and which covers which"
    )
    listed.add_argument(
        "--newest", type=int, default=_SHOWN, metavar="N", help=f"so many of them ({_SHOWN})"
    )
    listed.set_defaults(act=on_archive(timestamps))


async def checkpoint(opened: Opened) -> int:
    """Print the note byte for byte, so that others can verify its signature.

    As JSON it has the root as the note does, in base64, and in hex, as `muniment verify` does.
    """
    note = await opened.services.log.checkpoint(actor=opened.actor)
    origin, size, root, *_ = note.decode().split("\n")
    document = {
        "note": note.decode(),
        "origin": origin,
        "size": int(size),
        "root": root,
        "root_hex": decode_base64(root).hex(),
    }
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


async def timestamp(opened: Opened) -> int:
    """Seal what there is, and have its checkpoint stamped."""
    timestamping = opened.services.timestamping
    timestamping.require_authorities()
    await opened.catch_up()
    outcomes = await timestamping.stamp_now(actor=opened.actor)
    items = [_outcome(outcome) for outcome in outcomes]

    def say(output: Output) -> None:
        columns = ("authority", "size", "result", "time", "problem")
        output.table(columns, [[item[column] for column in columns] for item in items])
        stamped = sum(outcome.stamp is not None for outcome in outcomes)
        output.line(
            f"Size {outcomes[0].size:,} of the log is stamped by {stamped} of the "
            f"{len(outcomes)} configured"
        )

    opened.output.answer({"items": items}, say)
    return _code(outcomes)


async def timestamps(opened: Opened) -> int:
    """List the newest tokens, oldest first."""
    view = opened.services.timestamping.view
    stamps = await view.stamps(newest=opened.args.newest, actor=opened.actor)
    items = [_stamp(stamp, stamps) for stamp in stamps]

    def say(output: Output) -> None:
        columns = ("size", "authority", "time", "log_index", "expires_at", "covered_by", "problem")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line(counted(len(items), "timestamp"))

    opened.output.answer({"items": items}, say)
    return OK


def _outcome(outcome: Outcome) -> Document:
    token = outcome.stamp.token if outcome.stamp else None
    return {
        "authority": outcome.authority,
        "size": outcome.size,
        "result": outcome.result.value,
        "time": rfc3339(token.time) if token else None,
        "object_key": outcome.stamp.object_key if outcome.stamp else None,
        "problem": outcome.problem,
    }


def _stamp(stamp: Stamp, all_of_them: Sequence[Stamp]) -> Document:
    """Return a token's document. It is covered by the first token whose checkpoint holds it."""
    cover = next((each for each in all_of_them if each.covers(stamp)), None)
    token = stamp.token
    return {
        "size": stamp.size,
        "authority": stamp.authority,
        "time": rfc3339(token.time) if token else None,
        "log_index": stamp.log_index,
        "expires_at": rfc3339(token.expires_at) if token else None,
        "covered_by": f"{cover.authority} at size {cover.size}" if cover else None,
        "signer": token.signer if token else None,
        "policy": token.policy if token else None,
        "serial": str(token.serial) if token else None,
        "hash_algorithm": token.hash_algorithm if token else None,
        "object_key": stamp.object_key,
        "response_sha256": stamp.response_sha256.hex(),
        "problem": stamp.problem,
    }


def _code(outcomes: Sequence[Outcome]) -> int:
    """Return the exit code of the worst outcome."""
    results = {outcome.result for outcome in outcomes}
    if Result.REFUSED in results:
        return PROBLEMS
    return UNAVAILABLE if Result.UNAVAILABLE in results else OK
