"""`muniment witness`: be a witness of logs, on a machine that their operators do not run.

Needs no archive, no database and no settings: all it knows is in the folder `--state`.
"""

import argparse
import asyncio
import os
from pathlib import Path

from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.logs import log_everything
from archiver.cli.output import Document, Output, counted
from archiver.clock import system_clock
from archiver.errors import ConfigurationError
from archiver.preserve.ledger.note import encode_base64
from archiver.preserve.ledger.witness_state import WitnessState, create_witness, open_witness
from archiver.web.witness import serve_witness

HOST = "127.0.0.1"
PORT = 8180
_LAST_PORT = 65_535


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    made = _action(group, "init", "make a witness: its folder and its key")
    made.add_argument("--name", required=True, help="as in witness.example.com/auditor")
    made.set_defaults(act=init)

    added = _action(group, "add", "watch a log from now on")
    added.add_argument("vkey", metavar="LOG_VKEY", help="the log's key (muniment log policy)")
    added.set_defaults(act=add)

    served = _action(group, "serve", "answer logs that ask for cosignatures")
    served.add_argument("--host", default=HOST, help=f"address to listen on ({HOST})")
    served.add_argument("--port", type=port, default=PORT, help=f"port; 0: any free ({PORT})")
    served.set_defaults(act=serve)

    _action(group, "show", "the witness's key, and what it cosigned last").set_defaults(act=show)


def _action(group: Subcommands, name: str, sentence: str) -> Parser:
    action = add_action(group, name, sentence=sentence)
    action.add_argument("--state", required=True, type=Path, metavar="DIR", help="its folder")
    return action


def port(text: str) -> int:
    """Return a TCP port, or 0 for any that is free. Raises ValueError, which argparse reports."""
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise ValueError(text)
    return number


def init(args: argparse.Namespace, output: Output) -> int:
    """Make a witness and tell its public key."""
    vkey = create_witness(args.state, args.name, os.urandom)
    document = {"name": vkey.name, "vkey": str(vkey), "state": str(args.state.resolve())}

    def say(output: Output) -> None:
        output.facts([("Public key", document["vkey"]), ("Folder", document["state"])])
        output.line(
            "Give the public key to whoever runs the logs, and to whoever checks them. Never bring "
            "this folder back from a backup: a witness that forgets helps a log to fork"
        )
        output.line(f"Witness {vkey.name} made; next: muniment witness add LOG_VKEY")

    output.answer(document, say)
    return 0


def add(args: argparse.Namespace, output: Output) -> int:
    """Watch a log."""
    with open_witness(args.state, clock=system_clock) as witness:
        log = witness.watch(args.vkey)
    document = {"origin": log.origin, "vkeys": list(log.vkeys), "size": log.head.size}
    output.answer(document, lambda output: output.line(f"Watching {log.origin}"))
    return 0


def serve(args: argparse.Namespace, output: Output) -> int:
    """Serve until SIGTERM; the log is JSON lines on stderr."""
    log_everything("info")
    with open_witness(args.state, clock=system_clock) as witness:

        def started(url: str) -> None:
            document = {"url": url, "vkey": str(witness.vkey)}
            output.answer(
                document,
                lambda output: output.line(
                    f"Witness {witness.vkey.name} of {counted(len(witness.logs), 'log')} on {url}; "
                    "stop with Ctrl-C"
                ),
            )

        try:
            asyncio.run(serve_witness(witness, args.host, args.port, started=started))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {args.host}:{args.port}: {error}; choose another --host or "
                "--port"
            ) from error
    return 0


def show(args: argparse.Namespace, output: Output) -> int:
    """Show the witness; it may be serving meanwhile."""
    witness = WitnessState(args.state, clock=system_clock)
    document = _describe(witness)
    output.answer(document, lambda output: output.describe(document))
    return 0


def _describe(witness: WitnessState) -> Document:
    return {
        "name": witness.vkey.name,
        "vkey": str(witness.vkey),
        "logs": [
            {
                "origin": log.origin,
                "size": log.head.size,
                "root": encode_base64(log.head.root),
                "vkeys": " ".join(log.vkeys),
            }
            for log in witness.logs.values()
        ],
    }
