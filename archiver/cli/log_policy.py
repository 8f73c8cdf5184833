"""`muniment log policy` and `muniment log audit`: whom to trust, and whether the log kept its word.

The policy is what a verifier outside takes away once, over a channel that is not the bucket; the
audit compares the log with something taken away earlier.
"""

from archiver.assurance.continuation import compare_with_held
from archiver.cli.arguments import Subcommands, add_action
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.named_files import bytes_of
from archiver.cli.opening import Opened, on_archive
from archiver.preserve.ledger.policy import log_verifier


def add_policy_actions(group: Subcommands) -> None:
    """Declare the two actions."""
    printed = add_action(
        group, "policy", sentence="print the public trust file: log keys, witnesses, quorum"
    )
    printed.set_defaults(act=on_archive(policy))

    audited = add_action(
        group, "audit", sentence="compare the log with a checkpoint, proof or receipt kept earlier"
    )
    audited.add_argument("file", metavar="FILE", help="what was kept; - is stdin")
    audited.set_defaults(act=on_archive(audit))


async def policy(opened: Opened) -> int:
    """Print the C2SP tlog-policy of this archive."""
    trusted = opened.services.witnessing.policy
    text = trusted.to_text()
    document = {
        "policy": text,
        "logs": [log.vkey for log in trusted.logs],
        "witnesses": [
            {"name": witness.name, "vkey": witness.vkey, "url": witness.url}
            for witness in trusted.witnesses
        ],
        "quorum": trusted.quorum,
    }
    opened.output.answer(document, lambda output: output.verbatim(text.encode()))
    return OK


async def audit(opened: Opened) -> int:
    """Compare; exit 1 when the log does not continue what was kept."""
    services, data = opened.services, bytes_of(opened.args.file)
    found = await compare_with_held(
        data,
        origin=services.archive.origin,
        verifiers=tuple(log_verifier(log.vkey) for log in services.witnessing.policy.logs),
        database=services.database,
        log=services.log,
        actor=opened.actor,
    )
    opened.output.answer(found.to_dict(), lambda output: output.line(found.words))
    return OK if found.ok else PROBLEMS
