"""An audit from outside: the archive as the bucket shows it, trusted as far as a policy file goes.

Nothing of the archive's own installation is read: no home, no database, no settings. Which archive
it is comes from the store; who is believed comes from the policy alone, never from the bucket.
"""

from archiver.assurance.inventory import archives_in
from archiver.assurance.target import VerificationTarget
from archiver.clock import Clock, system_clock
from archiver.errors import ConfigurationError, InvalidInput
from archiver.ids import ulid_bytes
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.policy import Policy, verifier_identity
from archiver.preserve.store.opening import open_store


def outside_target(
    store_url: str, policy: Policy, archive_id: str | None = None, *, clock: Clock = system_clock
) -> VerificationTarget:
    """Return the archive in the store, to be verified by the keys of `policy`.

    Raises:
        InvalidInput: the policy names no log, or several; the store holds no archive, or several
            and `archive_id` names none of them.
        ConfigurationError, StorageUnavailable: the store cannot be opened or did not answer.
    """
    origins = {verifier_identity(log.vkey)[0] for log in policy.logs}
    if len(origins) != 1:
        raise InvalidInput(
            "expected a policy whose log lines are all of one log (one key, or the keys it had one "
            f"after another), found {len(origins)} logs: {', '.join(sorted(origins)) or 'none'}; "
            "give a policy of this archive alone"
        )
    return VerificationTarget(
        archive_id=_found(store_url, archive_id, clock),
        origin=origins.pop(),
        vkeys=tuple(log.vkey for log in policy.logs),
        store_url=store_url,
        policy=policy,
        clock=clock,
    )


def _found(store_url: str, archive_id: str | None, clock: Clock) -> str:
    if archive_id is not None:
        ulid_bytes(archive_id)  # a name of the store's folders, so it must be an id and no path
    store = open_store(store_url, clock=clock, create=False)
    try:
        present = archives_in(store)
    finally:
        store.close()
    if archive_id in present:
        return archive_id
    if archive_id is None and len(present) == 1:
        return present[0]
    if not present:
        raise InvalidInput(
            f"there is no archive's log under {store_url}: expected objects log/<archive>/…; check "
            "the URL and its prefix, and that you may list the bucket"
        )
    raise InvalidInput(
        f"the store holds {len(present)} archives, {', '.join(present)}; name one of them with "
        "--archive"
    )


def require_keyring_of(keyring: Keyring, target: VerificationTarget) -> None:
    """Check that a keyring is the one of the archive that is verified.

    Raises:
        ConfigurationError: it is another archive's.
    """
    if keyring.archive_id != target.archive_id:
        raise ConfigurationError(
            f"expected the keyring of archive {target.archive_id}, found that of "
            f"{keyring.archive_id}; leave it out to verify without content"
        )
