"""The public copies of trust material in the bucket: compared with the verifier's own, never used.

Whoever can write to the bucket can write them too. That they differ is worth a word all the same:
the archive may have got new witnesses or keys, or somebody tells other verifiers another story.
"""

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.inspection import Inspection
from archiver.errors import ConfigurationError, IntegrityError, NotFound
from archiver.preserve.ledger.policy import Policy, parse_policy
from archiver.preserve.object_keys import trust_object
from archiver.preserve.store import ObjectStore

_POLICY = "policy.txt"
_KEYS = "keys.vkey"


def compare_trust_copies(run: Inspection, head: LogHead) -> None:
    """Warn where the bucket's copies say something else than what the verifier trusts."""
    target, store, findings = run.target, run.store, run.findings
    if target.policy is not None and target.policy.logs:
        key = trust_object(target.archive_id, _POLICY)
        text = _text(store, key)
        if text is not None and not _is_same(text, target.policy):
            findings.warn(
                "the policy in the bucket is not the one you gave; yours was used. Ask the "
                "publisher which one is in force, over another channel",
                object_key=key,
            )
    key = trust_object(target.archive_id, _KEYS)
    lines = (_text(store, key) or "").split("\n")
    named = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    if unknown := named - set(head.vkeys):
        findings.warn(
            f"it names {len(unknown)} keys that neither you trust nor the log announced under a "
            "key you trust; they were not used",
            object_key=key,
        )


def _text(store: ObjectStore, key: str) -> str | None:
    try:
        return store.get(key).decode("utf-8", "replace")
    except (NotFound, IntegrityError):
        return None


def _is_same(text: str, policy: Policy) -> bool:
    try:
        return parse_policy(text) == policy
    except ConfigurationError:
        return False
