"""Trust policies: which logs, which witnesses, and how many (https://c2sp.org/tlog-policy).

A policy is what a verifier trusts: it comes from outside the archive, never from the bucket it
judges. `open_cosigned` is the one place that decides whether a checkpoint satisfies it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, parse_checkpoint
from archiver.preserve.ledger.cosignature import (
    Ed25519CosignatureVerifier,
    MLDSA44CosignatureVerifier,
    cosigned_at,
)
from archiver.preserve.ledger.note import (
    Ed25519Verifier,
    SignatureType,
    Verifier,
    decode_decimal,
    open_note,
    parse_vkey,
)

MAX_POLICY_CHARS = 1_000_000

_NONE = "none"
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A log that is believed: its key, named like its origin, and where it is served (or "")."""

    vkey: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """A witness that counts: its name in this policy, its key, its submission prefix (or "")."""

    name: str
    vkey: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Has witnessed a checkpoint when `threshold` of its members, witnesses or groups, have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whom a verifier trusts. Groups stand in order: each after the groups it names.

    `quorum` names a witness or a group; None asks for no cosignature. Several logs may share one
    origin: these are the keys of a log whose key was changed.
    """

    logs: tuple[LogKey, ...]
    witnesses: tuple[WitnessKey, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    def is_met(self, cosigners: Collection[str]) -> bool:
        """Return whether the witnesses with these names, taken together, are a quorum."""
        met = {witness.name for witness in self.witnesses}.intersection(cosigners)
        for group in self.groups:
            if len(met.intersection(group.members)) >= group.threshold:
                met.add(group.name)
        return self.quorum is None or self.quorum in met

    def to_text(self) -> str:
        """Return the policy file, which `parse_policy` reads back to an equal policy."""
        lines = [f"log {log.vkey} {log.url}" for log in self.logs]
        lines += [f"witness {seen.name} {seen.vkey} {seen.url}" for seen in self.witnesses]
        lines += [
            f"group {group.name} {group.threshold} {' '.join(group.members)}"
            for group in self.groups
        ]
        lines.append(f"quorum {self.quorum or _NONE}")
        return "".join(line.rstrip(" ") + "\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A witness of the policy, by its name there, saw the checkpoint at `time`."""

    witness: str
    key_id: bytes
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint that a log of the policy signed, and who of the policy cosigned it.

    `quorum_met` says whether they suffice; a checkpoint without its quorum is the log's word only.
    """

    checkpoint: Checkpoint
    log_vkey: str
    cosignatures: tuple[Cosignature, ...]
    quorum_met: bool


def open_cosigned(note: bytes, policy: Policy) -> Cosigned:
    """Return the checkpoint in `note` with all that `policy` says of its signatures.

    Raises:
        IntegrityError: malformed, no log key of the policy signed it, or the signature of a key
            of the policy fails.
    """
    logs = {verifier_identity(log.vkey): log for log in policy.logs}
    witnesses = {verifier_identity(seen.vkey): seen for seen in policy.witnesses}
    opened = open_note(note, policy_verifiers(policy))
    checkpoint = parse_checkpoint(opened.text)
    signed_by = [logs.get((line.name, line.key_id)) for line in opened.signatures]
    log = next(
        (log for log in signed_by if log and parse_vkey(log.vkey).name == checkpoint.origin), None
    )
    if log is None:
        raise IntegrityError(
            f"expected a checkpoint of {checkpoint.origin} signed by that log's key in the policy, "
            f"found only the signatures of {', '.join(line.name for line in opened.signatures)}"
        )
    cosignatures = tuple(
        Cosignature(witness=witness.name, key_id=line.key_id, time=time)
        for line in opened.signatures
        if (witness := witnesses.get((line.name, line.key_id)))
        and (time := cosigned_at(line.signature))
    )
    return Cosigned(
        checkpoint=checkpoint,
        log_vkey=log.vkey,
        cosignatures=cosignatures,
        quorum_met=policy.is_met({seen.witness for seen in cosignatures}),
    )


def policy_verifiers(policy: Policy) -> list[Verifier]:
    """Return a verifier for each key of the policy, logs first. Raises IntegrityError."""
    return [
        *(log_verifier(log.vkey) for log in policy.logs),
        *(witness_verifier(witness.vkey) for witness in policy.witnesses),
    ]


def verifier_identity(vkey: str) -> tuple[str, bytes]:
    """Return the name and key id that a vkey's signature lines carry. Raises IntegrityError."""
    key = parse_vkey(vkey)
    return key.name, key.key_id


def log_verifier(vkey: str) -> Verifier:
    """Return the verifier of a log's own signatures. Raises IntegrityError: no key of a log."""
    key = parse_vkey(vkey)
    if key.type is SignatureType.ML_DSA_44_COSIGNATURE:
        return MLDSA44CosignatureVerifier(key)
    return Ed25519Verifier(key)


def witness_verifier(vkey: str) -> Verifier:
    """Return the verifier of a witness's cosignatures. Raises IntegrityError: no witness's key."""
    key = parse_vkey(vkey)
    if key.type is SignatureType.ML_DSA_44_COSIGNATURE:
        return MLDSA44CosignatureVerifier(key)
    return Ed25519CosignatureVerifier(key)


def archive_policy(vkeys: Iterable[str], asked: Policy | None) -> Policy:
    """Return the policy of one archive: its own log keys, and the witnesses it asks, if any.

    Log lines in `asked` are left out: which key is the archive's own is not for a file to say.
    """
    logs = tuple(LogKey(vkey=vkey, url="") for vkey in vkeys)
    if asked is None:
        return Policy(logs=logs, witnesses=(), groups=(), quorum=None)
    return replace(asked, logs=logs)


def parse_policy(text: str) -> Policy:
    """Read a policy file.

    Stricter than the specification in one thing: no key may be a log's and a witness's at once.

    Raises:
        ConfigurationError: not a policy; the message names the line and the cause.
    """
    if len(text) > MAX_POLICY_CHARS:
        raise ConfigurationError(
            f"expected a trust policy of at most {MAX_POLICY_CHARS:,} characters, found {len(text)}"
        )
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            reading.read(line)
        except (ConfigurationError, IntegrityError) as error:
            raise ConfigurationError(f"line {number} of the trust policy: {error}") from error
    return reading.finish()


@dataclass(slots=True)
class _Reading:
    """A policy while its lines are read, with the names and keys that are taken."""

    logs: list[LogKey] = field(default_factory=list)
    witnesses: list[WitnessKey] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorums: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)
    identities: set[tuple[str, bytes]] = field(default_factory=set)

    def read(self, line: str) -> None:
        if found := _FORBIDDEN.search(line):
            raise ConfigurationError(
                f"expected no control characters but tab and newline, found {found[0]!r}; "
                "save the file with Unix line ends"
            )
        content = line.strip(" \t")
        if not content or content.startswith("#"):
            return
        keyword, *words = _BLANKS.split(content)
        match keyword, words:
            case "log", [vkey, *url] if len(url) <= 1:
                self._take_key(vkey, log_verifier)
                self.logs.append(LogKey(vkey=vkey, url="".join(url)))
            case "witness", [name, vkey, *url] if len(url) <= 1:
                self._take_name(name)
                self._take_key(vkey, witness_verifier)
                self.witnesses.append(WitnessKey(name=name, vkey=vkey, url="".join(url)))
            case "group", [name, threshold, *members]:
                self._take_group(name, threshold, members)
            case "quorum", [name]:
                self._take_quorum(name)
            case _:
                raise ConfigurationError(
                    "expected 'log VKEY [URL]', 'witness NAME VKEY [URL]', 'group NAME K|any|all "
                    f"NAME…' or 'quorum NAME|none', found {content!r}"
                )

    def finish(self) -> Policy:
        if not self.quorums:
            raise ConfigurationError(
                "the trust policy has no quorum line; add 'quorum NAME', or 'quorum none' to ask "
                "for no cosignature"
            )
        quorum = self.quorums[0]
        return Policy(
            logs=tuple(self.logs),
            witnesses=tuple(self.witnesses),
            groups=tuple(self.groups),
            quorum=None if quorum == _NONE else quorum,
        )

    def _take_name(self, name: str) -> None:
        if name == _NONE or name in self.names:
            raise ConfigurationError(
                f"expected a name not used before, and not '{_NONE}', found {name!r}"
            )
        self.names.add(name)

    def _take_key(self, vkey: str, verifier_of: Callable[[str], Verifier]) -> None:
        verifier = verifier_of(vkey)
        public_key = parse_vkey(vkey).public_key
        identity = (verifier.name, verifier.key_id)
        if public_key in self.keys or identity in self.identities:
            raise ConfigurationError(f"expected each key once, found the key of {vkey!r} again")
        self.keys.add(public_key)
        self.identities.add(identity)

    def _take_group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        for member in members:
            if member not in self.names:
                raise ConfigurationError(
                    f"expected witnesses and groups defined above, found {member!r}"
                )
            if member in self.members:
                raise ConfigurationError(
                    f"expected each name as the member of one group, found {member!r} again"
                )
            self.members.add(member)
        shorthand = {"any": 1, "all": len(members)}
        least = shorthand[threshold] if threshold in shorthand else decode_decimal(threshold)
        if not 1 <= least <= len(members):
            raise ConfigurationError(
                f"expected 'any', 'all' or a number from 1 to the {len(members)} members, "
                f"found {threshold!r}"
            )
        self._take_name(name)
        self.groups.append(Group(name=name, threshold=least, members=tuple(members)))

    def _take_quorum(self, name: str) -> None:
        if self.quorums:
            raise ConfigurationError("expected one quorum line, found a second")
        if name != _NONE and name not in self.names:
            raise ConfigurationError(
                f"expected '{_NONE}' or a witness or group defined above, found {name!r}"
            )
        self.quorums.append(name)
