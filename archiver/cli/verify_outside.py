"""`muniment verify --from`: an audit with the bucket and a policy file, and nothing else.

No settings are read, no home, no database. What reads the bucket are the credentials in the
environment, which need no right but to list and to read.
"""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from archiver.assurance.outside import outside_target, require_keyring_of
from archiver.assurance.target import Held, VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.logs import log_problems
from archiver.cli.named_files import bytes_of
from archiver.cli.output import Output
from archiver.cli.verify_report import say_report
from archiver.errors import InvalidInput
from archiver.preserve.keyring import open_keyring
from archiver.preserve.ledger.policy import parse_policy

_ONLY_OUTSIDE = (
    "policy",
    "archive",
    "tsa_roots",
    "checkpoint",
    "receipt",
    "keyring",
    "keyring_secret",
    "passphrase",
)


def configure(parser: Parser) -> None:
    """Declare the arguments of an audit from outside."""
    outside = parser.add_argument_group("from outside, without settings or database")
    outside.add_argument(
        "--from", dest="store", metavar="STORE_URL", help="the bucket or folder to verify"
    )
    outside.add_argument("--policy", metavar="FILE", help="whom you trust (C2SP tlog-policy)")
    outside.add_argument("--archive", metavar="ID", help="which one, where a store holds several")
    outside.add_argument(
        "--tsa-roots", metavar="FILE", action="append", help="PEM roots of timestamp authorities"
    )
    outside.add_argument(
        "--checkpoint", metavar="FILE", action="append", help="a checkpoint you kept earlier"
    )
    outside.add_argument(
        "--receipt", metavar="FILE", action="append", help="a receipt somebody was given"
    )
    outside.add_argument("--keyring", metavar="FILE", help="open every record as well: level B")
    outside.add_argument("--keyring-secret", metavar="FILE", help="what opens the keyring")
    outside.add_argument(
        "--passphrase", action="store_true", help="that file holds a passphrase, not a key"
    )


def refuse_without_store(args: argparse.Namespace) -> None:
    """Check that nothing is given that belongs to an audit from outside. Raises InvalidInput."""
    given = [name for name in _ONLY_OUTSIDE if getattr(args, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InvalidInput(f"{names} belong to an audit from outside: give --from STORE_URL too")


def act(args: argparse.Namespace, output: Output, workers: int) -> int:
    """Verify from outside; end with 1 if there is a problem.

    Raises:
        InvalidInput: files are missing or not what they should be, or fit no archive in the store.
        OperatorError: the store did not answer, or a worker process died.
    """
    if args.sample is not None or args.seed is not None:
        raise InvalidInput("a sample is drawn from the database: without it everything is verified")
    log_problems("error")
    target = _target(args)
    with output.progress("Verifying") as show:

        def progress(_phase: str, done: int, total: int) -> None:
            show(done, total)

        report = asyncio.run(
            verify_full(
                target, workers=workers, content=target.keyring is not None, progress=progress
            )
        )
    document = report.to_dict() | {"archive": target.archive_id, "origin": target.origin}
    output.answer(document, lambda said: say_report(said, document))
    return OK if report.ok else PROBLEMS


def _target(args: argparse.Namespace) -> VerificationTarget:
    if args.policy is None:
        raise InvalidInput(
            "--from needs --policy FILE, which says whose signatures count; take it from a place "
            "that the archive's operators cannot change"
        )
    if args.content and args.keyring is None:
        raise InvalidInput("--content needs --keyring FILE and --keyring-secret FILE")
    policy = parse_policy(bytes_of(args.policy).decode("utf-8", "replace"))
    target = replace(
        outside_target(args.store, policy, args.archive),
        tsa_roots=tuple(map(bytes_of, args.tsa_roots or ())),
        checkpoints=tuple(Held(name=name, data=bytes_of(name)) for name in args.checkpoint or ()),
        receipts=tuple(Held(name=name, data=bytes_of(name)) for name in args.receipt or ()),
    )
    if args.keyring is None:
        return target
    secret = Path(args.keyring_secret) if args.keyring_secret else None
    keyring = open_keyring(Path(args.keyring), secret, passphrase=args.passphrase)
    require_keyring_of(keyring, target)
    return replace(target, keyring=keyring)
