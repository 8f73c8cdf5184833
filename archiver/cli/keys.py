"""`muniment key`: change the log's key and the root key, and give a third party its escrow copy."""

import argparse
import os
from pathlib import Path

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.named_files import bytes_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output
from archiver.preserve.escrow import open_escrow
from archiver.preserve.keyring import KEY_FILE, write_keyring, write_private


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    add_action(group, "show", sentence="the public side of every key").set_defaults(
        act=on_archive(show)
    )
    rotated = add_action(group, "rotate", sentence="bring a new key into service (servers stopped)")
    rotated.add_argument("which", choices=["log", "root"], help="the log's key or the root key")
    rotated.set_defaults(act=on_archive(rotate))

    retired = add_action(group, "retire", sentence="destroy an old log key (servers stopped)")
    retired.add_argument("vkey", metavar="VKEY", help="the key, as `muniment key show` prints it")
    retired.set_defaults(act=on_archive(retire))

    escrowed = add_action(group, "escrow", sentence="seal the root keys to a third party")
    escrowed.add_argument("--to", required=True, metavar="PEM", help="its X25519 public key")
    escrowed.add_argument("--out", metavar="FILE", help="also write the sealed copy here")
    escrowed.set_defaults(act=on_archive(escrow))

    opened = add_action(
        group, "open-escrow", sentence="for the third party: make a reading keyring of its copy"
    )
    opened.add_argument("file", metavar="FILE", help="the sealed copy")
    opened.add_argument("--key", required=True, metavar="PEM", help="its X25519 private key")
    opened.add_argument("--out", required=True, metavar="KEYRING", help="the keyring to write")
    opened.set_defaults(act=open_copy)


async def show(opened: Opened) -> int:
    """List log keys with their states, and the ids of the root keys."""
    document = await opened.services.keys.show(actor=opened.actor)
    keys = document["log_keys"], document["root_keys"]

    def say(output: Output) -> None:
        log_keys, root_keys = keys
        assert isinstance(log_keys, list) and isinstance(root_keys, list)  # noqa: S101, PT018
        for key in log_keys:
            output.line(f"log   {key['state']:10} {key['vkey']}")
        for place, key in enumerate(root_keys):
            output.line(f"root  {'retained' if place else 'active':10} {key}")

    opened.output.answer(document, say)
    return 0


async def rotate(opened: Opened) -> int:
    """Make a new key, and say what must be done with it."""
    keys, which = opened.services.keys, opened.args.which
    made = await (keys.rotate_log if which == "log" else keys.rotate_root)(actor=opened.actor)
    after = (
        "Give auditors this line of the trust file; the next start signs with both keys"
        if which == "log"
        else "Epoch keys made from now on are wrapped under it"
    )
    opened.output.answer(
        {"key": which, "id": made},
        lambda output: output.line(
            f"New {which} key {made}\n{after}. Back up the keyring now, and renew the escrow copy."
        ),
    )
    return 0


async def retire(opened: Opened) -> int:
    """Retire a log key."""
    await opened.services.keys.retire_log(opened.args.vkey, actor=opened.actor)
    opened.output.answer(
        {"retired": opened.args.vkey},
        lambda output: output.line(
            "Retired. It verifies what it signed and signs no more. Destroy the keyring's older "
            "backups: they hold its private half."
        ),
    )
    return 0


async def escrow(opened: Opened) -> int:
    """Store the sealed copy, and write it where asked."""
    pem = bytes_of(opened.args.to)
    name, body = await opened.services.keys.escrow(pem, actor=opened.actor)
    if opened.args.out:
        write_private(Path(opened.args.out), body)
    opened.output.answer(
        {"object": name, "file": opened.args.out},
        lambda output: output.line(f"Sealed copy stored at {name}"),
    )
    return 0


def open_copy(args: argparse.Namespace, output: Output) -> int:
    """Write a keyring that reads, with a key file beside it."""
    keyring = open_escrow(bytes_of(args.file), bytes_of(args.key))
    path = Path(args.out)
    secret, secret_path = os.urandom(32).hex().encode() + b"\n", path.with_suffix(".key")
    write_private(secret_path, secret)
    write_keyring(path, keyring, seal=KEY_FILE, secret=secret, randomness=os.urandom)
    output.answer(
        {"keyring": str(path), "secret": str(secret_path), "archive": keyring.archive_id},
        lambda output: output.line(
            f"Keyring of archive {keyring.archive_id} at {path}, opened by {secret_path}. It reads "
            "and does not sign: use it with `muniment verify --full --content --from`."
        ),
    )
    return 0
