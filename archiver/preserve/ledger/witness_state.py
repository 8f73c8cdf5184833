"""A witness's memory: its key, the logs it watches, and the newest checkpoint it cosigned of each.

Everything lies in one folder, which one process holds at a time:

```
witness.key        the private key, for its owner's eyes alone (0600)
logs.policy        the logs' keys, as a C2SP tlog-policy
<origin hash>      the newest cosigned checkpoint of a log; empty before the first
```

A checkpoint is on the disk before its cosignature leaves. A memory that is gone is never taken for
an empty one: forgetting is what a fork needs.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.clock import Clock
from archiver.errors import ConfigurationError, IntegrityError, StorageUnavailable
from archiver.ids import Randomness
from archiver.preserve.keyring import write_private
from archiver.preserve.ledger.checkpoint import parse_checkpoint
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.note import (
    VerifierKey,
    decode_base64,
    encode_base64,
    is_key_name,
    open_note,
)
from archiver.preserve.ledger.policy import (
    LogKey,
    Policy,
    log_verifier,
    parse_policy,
    witness_verifier,
)
from archiver.preserve.ledger.witness import (
    Judgement,
    WitnessedLog,
    judge,
    origin_hash,
)
from archiver.preserve.store.disk import INCOMING, Disk

KEY_FILE = "witness.key"
LOGS_FILE = "logs.policy"

_PRIVATE = "PRIVATE+KEY"
_SEED_BYTES = 32
_FOLDER_MODE = 0o700


def create_witness(folder: Path, name: str, randomness: Randomness) -> VerifierKey:
    """Make a witness's folder and key; return the public key that its clients are given.

    Raises:
        ConfigurationError: there is a witness in the folder already, or the name is no key name.
        StorageUnavailable: the folder cannot be written.
    """
    if not is_key_name(name) or "/" not in name:
        raise ConfigurationError(
            "expected a witness name like 'witness.example.com/auditor' (no spaces, no '+'), "
            f"found {name!r}"
        )
    seed = randomness(_SEED_BYTES)
    vkey = Ed25519Cosigner.from_seed(name, seed).vkey
    key = f"{_PRIVATE}+{name}+{vkey.key_id.hex()}+{encode_base64(bytes([vkey.type]) + seed)}\n"
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        (folder / INCOMING).mkdir(mode=_FOLDER_MODE, exist_ok=True)
        write_private(folder / KEY_FILE, key.encode())
    except OSError as error:
        raise StorageUnavailable(f"cannot make a witness in {folder}: {error}") from error
    return vkey


class WitnessState:
    """One witness. Open it with `open_witness`; threads may share it, processes may not."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        fsync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._disk = Disk(folder, fsync=fsync)
        self._cosigner = _read_key(folder / KEY_FILE)
        self._alone = threading.Lock()
        self.logs = _read_logs(folder, self._cosigner.vkey)

    @property
    def vkey(self) -> VerifierKey:
        """The public key of the witness."""
        return self._cosigner.vkey

    def watch(self, vkey: str) -> WitnessedLog:
        """Believe a log's key from now on; a further key of a known log keeps what is remembered.

        Raises:
            ConfigurationError: not the key of a log.
            StorageUnavailable: not kept.
        """
        try:
            origin = log_verifier(vkey).name
        except IntegrityError as error:
            raise ConfigurationError(f"no key of a log: {error}") from error
        known = [LogKey(vkey=each, url="") for log in self.logs.values() for each in log.vkeys]
        if vkey not in {each.vkey for each in known}:
            logs = (*known, LogKey(vkey=vkey, url=""))
            policy = Policy(logs=logs, witnesses=(), groups=(), quorum=None).to_text()
            parse_policy(policy)
            if origin not in self.logs:
                self._write(origin_hash(origin), b"")
            self._write(LOGS_FILE, policy.encode())
            self.logs = _read_logs(self._folder, self.vkey)
        return self.logs[origin]

    def answer(self, body: bytes) -> Judgement:
        """Judge an `add-checkpoint` request; what it cosigns is on the disk when this returns.

        Raises:
            StorageUnavailable: it could not be kept; no cosignature leaves.
        """
        with self._alone:  # from the look at the memory to the change of it
            self._disk.refuse_after_failure()
            judgement = judge(self.logs, body, self._cosigner, at=self._clock())
            if judgement.log is not None and judgement.log.latest is not None:
                log = judgement.log
                self._write(origin_hash(log.origin), judgement.log.latest)
                self.logs = {**self.logs, log.origin: log}
            return judgement

    def checkpoint(self, name: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log with this origin hash, if any."""
        return next(
            (log.latest for origin, log in self.logs.items() if origin_hash(origin) == name), None
        )

    def _write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole: after a crash it is the old one or the new one."""
        try:
            with self._disk.unfinished(content) as path:
                path.replace(self._folder / name)
            self._disk.sync_folder(self._folder)
        except OSError as error:
            raise StorageUnavailable(
                f"{self._folder / name} was not written ({error}); nothing was cosigned. Check the "
                "disk; the log asks again"
            ) from error


@contextmanager
def open_witness(folder: Path, *, clock: Clock) -> Iterator[WitnessState]:
    """Yield the witness in `folder`, which no other process may open meanwhile.

    Raises:
        ConfigurationError: there is none, part of its memory is missing, or it is in use.
        IntegrityError: its memory is not what it cosigned.
    """
    try:
        descriptor = os.open(folder / KEY_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(
            f"there is no witness in {folder} ({error.strerror}); make one with "
            "`muniment witness init`"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigurationError(
            f"another process runs the witness in {folder}; two would forget what each other saw. "
            "Stop it first"
        ) from error
    try:
        yield WitnessState(folder, clock=clock)
    finally:
        os.close(descriptor)


def _read_key(path: Path) -> Ed25519Cosigner:
    # The form of golang.org/x/mod/sumdb/note, which other witnesses write their keys in.
    text = _read(path).decode("utf-8", errors="replace").removesuffix("\n")
    try:
        name, _, material = text.removeprefix(f"{_PRIVATE}+").split("+", 2)
        decoded = decode_base64(material)
        kind, seed = decoded[:1], decoded[1:]
        cosigner = Ed25519Cosigner.from_seed(name, seed)
    except (ValueError, IntegrityError) as error:
        raise ConfigurationError(
            f"{path} holds no private key of a witness; restore it from its backup"
        ) from error
    expected = f"{_PRIVATE}+{name}+{cosigner.vkey.key_id.hex()}+{material}"
    if text != expected or kind != bytes([cosigner.vkey.type]):
        raise ConfigurationError(
            f"{path} does not hold the private key it names; restore it from its backup"
        )
    return cosigner


def _read_logs(folder: Path, witness: VerifierKey) -> dict[str, WitnessedLog]:
    """Return what is remembered of each log, by origin."""
    if not (folder / LOGS_FILE).exists():
        return {}
    policy = parse_policy(_read(folder / LOGS_FILE).decode("utf-8", errors="replace"))
    vkeys: dict[str, list[str]] = {}
    for log in policy.logs:
        vkeys.setdefault(log_verifier(log.vkey).name, []).append(log.vkey)
    return {
        origin: WitnessedLog(
            origin=origin, vkeys=tuple(keys), latest=_read_latest(folder, origin, witness)
        )
        for origin, keys in vkeys.items()
    }


def _read_latest(folder: Path, origin: str, witness: VerifierKey) -> bytes | None:
    path = folder / origin_hash(origin)
    if not path.exists():
        raise ConfigurationError(
            f"the witness's memory of {origin} is missing ({path}): it may have cosigned any tree "
            "of that log. Never go on with this key: make a new witness, and let the log's policy "
            "name that one"
        )
    note = _read(path)
    if not note:
        return None
    opened = open_note(note, [witness_verifier(str(witness))])
    if parse_checkpoint(opened.text).origin != origin:
        raise IntegrityError(f"{path} holds a checkpoint of another log than {origin}")
    return note


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
