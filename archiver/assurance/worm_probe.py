"""The lock probe: does this store really refuse what a compliance lock forbids?

Stores have claimed Object Lock and let locked versions go, so it is tried with canaries: small
objects under `probe/`, locked for five minutes. Each attempt is judged by the answer *and* by its
effect, read back afterwards: a store that says yes and does nothing lies, as does one that says no
and does it. The checks made here become a `worm` entry of the log.

`differences`, `refusal`, `success`, `lifting` and `control` judge; `run_probe` tries. A store that
could not be asked raises StorageUnavailable, which is neither a pass nor a failure.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice

from archiver.clock import Clock, rfc3339
from archiver.errors import ConfigurationError, NotFound, StorageUnavailable
from archiver.model.lock import Lock, LockMode
from archiver.preserve.ledger.entry import WormCheck
from archiver.preserve.object_keys import probe_prefix
from archiver.preserve.store import ObjectStore, StoredObject
from archiver.preserve.store.trials import Answer, LockTrial

LOCK_FOR = timedelta(minutes=5)
"""How long canaries are locked. A compliance lock cannot be taken back, not even from a canary."""

CANARIES = 3
"""How many objects one probe stores, or tries to."""

CONTROL = "delete when the hold is lifted"
"""The attempt that should succeed: it shows whether the credential may delete at all."""

UNCHANGED = "version unchanged"
_ONE_MINUTE = timedelta(minutes=1)
_WITHIN = timedelta(minutes=2)  # the store's clock may be as much ahead of ours again
_MOST_CLEARED = 200
_GONE = "the version is gone"
_NO_LOCK = (
    "HEAD shows no lock: it is not there, or the credential may not read locks "
    "(s3:GetObjectRetention)"
)
_NO_HOLD = (
    "HEAD shows no hold: it is not there, or the credential may not read holds "
    "(s3:GetObjectLegalHold)"
)
_NOT_ENTITLED = "what refused above may be this credential's missing rights, not the lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One stored version as it must be found again."""

    key: str
    version_id: str
    body: bytes
    lock: Lock | None
    legal_hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Another principal that tries too; `lifts_holds` is whether it is meant to."""

    name: str
    lifts_holds: bool
    trial: LockTrial


def differences(canary: Canary, seen: StoredObject | None, body: bytes) -> str:
    """Return in words how the version found differs from the canary; "" where it does not.

    `seen` None is a version the store no longer has.
    """
    if seen is None:
        return _GONE
    found = []
    digest = hashlib.sha256(canary.body).digest()
    if body != canary.body or seen.sha256 not in (None, digest):
        found.append("its bytes or checksum are others now")
    if canary.lock is not None and seen.lock is None:
        found.append(_NO_LOCK)
    elif seen.lock is not None and canary.lock not in (None, seen.lock):
        found.append(f"its lock is now {seen.lock.mode} until {rfc3339(seen.lock.until)}")
    if canary.legal_hold and not seen.legal_hold:
        found.append(_NO_HOLD)
    elif seen.legal_hold and not canary.legal_hold:
        found.append("it is under hold now")
    return "; ".join(found)


def refusal(name: str, answer: Answer, differing: str) -> WormCheck:
    """Judge an attempt that a sound store refuses and that must leave the version as it was."""
    found = f"{answer.said}; {differing or UNCHANGED}"
    if answer.accepted and not differing:
        found += ", although the store says it was done"
    return WormCheck(
        name=name,
        expected=f"refused; {UNCHANGED}",
        found=found,
        ok=not answer.accepted and not differing,
    )


def success(name: str, expected: str, answer: Answer, differing: str) -> WormCheck:
    """Judge an attempt that must be granted; `differing` is how its effect is not as asked."""
    return WormCheck(
        name=name,
        expected=expected,
        found=f"{answer.said}; {differing or 'as asked'}",
        ok=answer.accepted and not differing,
    )


def lifting(name: str, *, expected: bool | None, answer: Answer, lifted: bool) -> WormCheck:
    """Judge an attempt to lift a hold; `expected` None where either is right."""
    words = {None: "told here: may it or not", True: "may lift it", False: "may not lift it"}
    agrees = answer.accepted == lifted
    found = f"{answer.said}; {'it may: hold lifted' if lifted else 'it may not: hold stays'}"
    return WormCheck(
        name=name,
        expected=words[expected],
        found=found if agrees else f"{found}, although the store says otherwise",
        ok=agrees and expected in (None, lifted),
    )


def control(answer: Answer, *, gone: bool) -> WormCheck:
    """Judge the deletion that nothing forbids, of which only the right to it may be missing."""
    found = _GONE if gone else "the version stays"
    if not answer.accepted and not gone:
        found += f": {_NOT_ENTITLED}"
    return WormCheck(
        name=CONTROL,
        expected="done, so that hold and lock were what refused above",
        found=f"{answer.said}; {found}",
        ok=answer.accepted == gone,
    )


def was_entitled(checks: Sequence[WormCheck]) -> bool:
    """Whether the probe's own credential may delete: else its refusals do not show the lock."""
    return any(check.name == CONTROL and _GONE in check.found for check in checks)


def run_probe(
    *,
    archive_id: str,
    store: ObjectStore,
    trial: LockTrial,
    principals: Sequence[Principal],
    clock: Clock,
    ids: Sequence[str],
) -> tuple[WormCheck, ...]:
    """Try everything once on fresh canaries and return what came of it, in the order tried.

    `store` observes, `trial` tries under the same credential; `ids` are `CANARIES` new names.
    Canaries of earlier probes whose lock has ended are removed first, where the credential may.

    Raises:
        StorageUnavailable: the store did not answer, or so late that the lock had almost ended.
        ConfigurationError: a credential is unknown to the store, or may not read canaries.
    """
    _clear_expired(archive_id, store, trial, clock)
    locked, held, damaged = (probe_prefix(archive_id) + each for each in ids)
    lock = Lock(mode=LockMode.COMPLIANCE, until=clock() + LOCK_FOR).in_whole_seconds()
    probe = _Probe(store, trial, lock, clock)
    checks = [*probe.on_locked(locked, principals)]
    if checks[1:]:  # else every put is refused, whatever its checksum
        checks.append(probe.wrong_checksum(damaged))
    return (*checks, *probe.on_held(held, principals))


@dataclass(frozen=True, slots=True)
class _Probe:
    """One run: who observes, who tries, and the lock of this run's canaries."""

    store: ObjectStore
    trial: LockTrial
    lock: Lock
    clock: Clock

    def on_locked(self, key: str, principals: Sequence[Principal]) -> Iterator[WormCheck]:
        """Try to be rid of a locked version, or of its lock."""
        body = b"canary of the lock probe " + key.encode()
        expected = "stored; HEAD shows this lock"
        answer = self.trial.put(key, body, lock=self.lock)
        if answer.version_id is None:
            yield success("put with a lock", expected, answer, "no version of it is kept")
            return
        canary = Canary(key=key, version_id=answer.version_id, body=body, lock=self.lock)
        yield success("put with a lock", expected, answer, self._differing(canary))
        yield self._second_put(canary)
        for name, attempt in self._attempts(canary):
            yield refusal(name, attempt(), self._differing(canary))
        for principal in principals:
            with _acting_as(principal) as other:
                answer = other.delete(key, version_id=canary.version_id, bypass=True)
            yield refusal(f"delete as {principal.name}", answer, self._differing(canary))
        longer = replace(self.lock, until=self.lock.until + _ONE_MINUTE)
        answer = self.trial.retain(key, version_id=canary.version_id, lock=longer)
        canary = replace(canary, lock=longer if answer.accepted else self.lock)
        differing = self._differing(canary)
        yield success("extend the lock", "done; HEAD shows the later end", answer, differing)
        yield self._overwriting(canary)
        behind = self.trial.destroy(key)
        if behind is not None:
            name = "delete behind the store's back"
            yield refusal(name, behind, self._differing(canary))

    def _attempts(self, canary: Canary) -> tuple[tuple[str, Callable[[], Answer]], ...]:
        """What a compliance lock forbids everybody."""
        delete = partial(self.trial.delete, canary.key, version_id=canary.version_id)
        retain = partial(self.trial.retain, canary.key, version_id=canary.version_id)
        shorter = replace(self.lock, until=self.lock.until - _ONE_MINUTE)
        weaker = replace(self.lock, mode=LockMode.GOVERNANCE)
        return (
            ("delete by version", delete),
            ("delete with bypass", partial(delete, bypass=True)),
            ("shorten the lock", partial(retain, lock=shorter)),
            ("change the mode", partial(retain, lock=weaker)),
            ("remove the lock", partial(retain, lock=None)),
        )

    def on_held(self, key: str, principals: Sequence[Principal]) -> Iterator[WormCheck]:
        """Try to delete a version that nothing but a hold keeps, and to lift the hold."""
        body = b"held canary of the lock probe " + key.encode()
        # Governance, which the attempts claim to bypass: a lock shorter than the bucket's default,
        # and none that could be taken for the hold.
        lock = replace(self.lock, mode=LockMode.GOVERNANCE)
        answer = self.trial.put(key, body, lock=lock, legal_hold=True)
        name, expected = "put with a legal hold", "stored; HEAD shows the hold"
        if answer.version_id is None:
            yield success(name, expected, answer, "no version of it is kept")
            return
        canary = Canary(
            key=key, version_id=answer.version_id, body=body, lock=lock, legal_hold=True
        )
        yield success(name, expected, answer, self._differing(canary))
        answer = self.trial.delete(key, version_id=canary.version_id, bypass=True)
        yield refusal("delete under hold", answer, self._differing(canary))
        if self._seen(key, canary.version_id) is None:
            return
        yield from self._lifting(canary, principals)
        if not self._is_held(canary):
            answer = self.trial.delete(key, version_id=canary.version_id, bypass=True)
            yield control(answer, gone=self._seen(key, canary.version_id) is None)

    def wrong_checksum(self, key: str) -> WormCheck:
        """Try to store bytes under a checksum that is not theirs."""
        wrong = hashlib.sha256(b"other bytes").digest()
        answer = self.trial.put(key, b"bytes", lock=self.lock, sha256=wrong)
        stored = self._seen(key) is not None
        return WormCheck(
            name="put with a wrong checksum",
            expected="refused; nothing stored",
            found=f"{answer.said}; {'stored all the same' if stored else 'nothing stored'}",
            ok=not answer.accepted and not stored,
        )

    def _lifting(self, canary: Canary, principals: Sequence[Principal]) -> Iterator[WormCheck]:
        """Try to lift the hold as everybody, and leave it lifted if anybody may."""
        key, version = canary.key, canary.version_id
        for principal in principals:
            with _acting_as(principal) as other:
                answer = other.hold(key, version_id=version, on=False)
            lifted = not self._is_held(canary)
            yield lifting(
                f"lift the hold as {principal.name}",
                expected=principal.lifts_holds,
                answer=answer,
                lifted=lifted,
            )
            self.trial.hold(key, version_id=version, on=True)
        answer = self.trial.hold(key, version_id=version, on=False)
        lifted = not self._is_held(canary)
        yield lifting("lift the hold", expected=None, answer=answer, lifted=lifted)
        for principal in principals:
            if self._is_held(canary):  # it has no end of its own
                principal.trial.hold(key, version_id=version, on=False)

    def _second_put(self, canary: Canary) -> WormCheck:
        """Try to create what exists (`If-None-Match: *`)."""
        answer = self.trial.put(canary.key, b"other bytes", lock=self.lock)
        differing = self._differing(canary)
        current = self._seen(canary.key)
        if not differing and (current is None or current.version_id != canary.version_id):
            differing = "another version is current"
        return refusal("put if none is there, twice", answer, differing)

    def _overwriting(self, canary: Canary) -> WormCheck:
        """Try to put other bytes in the place of a locked version."""
        answer = self.trial.put(canary.key, b"other bytes", lock=self.lock, create=False)
        differing = self._differing(canary)
        return WormCheck(
            name="overwrite",
            expected=f"a further version, or refused; locked {UNCHANGED}",
            found=f"{answer.said}; {differing or UNCHANGED}",
            ok=not differing,
        )

    def _differing(self, canary: Canary) -> str:
        if self.clock() > self.lock.until - LOCK_FOR + _WITHIN:
            raise StorageUnavailable(
                f"the lock probe took longer than {_WITHIN.seconds} s, so its canary's lock may "
                f"have ended: it proves nothing; try again when the store answers faster"
            )
        try:
            seen = self.store.head(canary.key, version_id=canary.version_id)
            body = self.store.get(canary.key, version_id=canary.version_id)
        except NotFound:
            return differences(canary, None, b"")
        return differences(canary, seen, body)

    def _is_held(self, canary: Canary) -> bool:
        seen = self._seen(canary.key, canary.version_id)
        return seen is not None and seen.legal_hold

    def _seen(self, key: str, version_id: str | None = None) -> StoredObject | None:
        return _head(self.store, key, version_id)


@contextmanager
def _acting_as(principal: Principal) -> Iterator[LockTrial]:
    try:
        yield principal.trial
    except ConfigurationError as error:
        raise ConfigurationError(
            f"the lock probe as {principal.name}, of MUNIMENT_WORM_CREDENTIALS_FILE: {error}"
        ) from error


def _head(store: ObjectStore, key: str, version_id: str | None) -> StoredObject | None:
    try:
        return store.head(key, version_id=version_id)
    except NotFound:
        return None


def _clear_expired(archive_id: str, store: ObjectStore, trial: LockTrial, clock: Clock) -> None:
    """Remove what earlier probes left, as far as the credential may: nothing depends on it."""
    for version in islice(store.list_versions(probe_prefix(archive_id)), _MOST_CLEARED):
        seen = _head(store, version.key, version.version_id)
        if seen is not None and seen.lock is not None and seen.lock.binds(clock()):
            continue
        if seen is not None and seen.legal_hold:  # a probe that ended before it lifted its hold
            trial.hold(version.key, version_id=version.version_id, on=False)
        trial.delete(version.key, version_id=version.version_id)
