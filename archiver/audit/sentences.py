"""Telling an event to people: one English sentence, and its details in words.

The sentence is that of the action (`actions.SENTENCES`), what of the details belongs into it
(`TELLING`), and how it ended (`ENDINGS`). A part of a telling between square brackets is left out
where the event lacks a detail that it names: events are kept for decades, and older ones know less.
"""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

import msgspec

from archiver.audit.actions import SENTENCES, Action
from archiver.clock import from_millis, rfc3339

Detail = str | int | bool
Details = Mapping[str, Detail]

TELLING: Mapping[Action, str] = {
    Action.ARCHIVE_CREATED: "[ {origin}][ over the store {store}]",
    Action.ARCHIVE_RECOVERED: "[: {records:record}][ in {segments:segment}]",
    Action.ARCHIVE_REBUILT: "[, with {problems:problem} found]",
    Action.RECORD_VIEWED: "[: {what}]",
    Action.RECORD_EXPLAINED: "[; the answer was “{state}”]",
    Action.SEARCH_RUN: "[ for “{query}”][ and found {count:record}]",
    Action.SAVED_CREATED: "[ for “{normalised}”]",
    Action.SAVED_CHANGED: "[: version {version:} for “{normalised}”]",
    Action.SAVED_SHARED: "[: with {shared_with}]",
    Action.SAVED_VIEWED: "[: {what}]",
    Action.SAVED_RUN: "[, version {version:}]",
    Action.SUBSCRIPTION_CREATED: "[ by {channel}][ to {target}][, {pace}]",
    Action.SUBSCRIPTION_STOPPED: "[ by {channel}][ to {target}][, because {why}]",
    Action.SUBSCRIPTION_RESUMED: "[ by {channel}][ to {target}]",
    Action.SUBSCRIPTION_ENDED: "[ by {channel}][ to {target}]",
    Action.SUBSCRIPTION_TESTED: "[ at {target}][: {problem}]",
    Action.DELIVERY_SENT: "[ by {channel}][ to {target}][: {hits:hit}]",
    Action.DELIVERY_ABANDONED: "[ by {channel}][ to {target}][: {problem}]",
    Action.DELIVERY_RETRIED: "[ by {channel}][ to {target}]",
    Action.IMPORT_FINISHED: "[ from {object}][: {captured:post} kept][, {refused:post} refused]",
    Action.HOLD_PLACED: "[ in matter “{matter}”][ over {records:record}][, because “{reason}”]",
    Action.HOLD_RELEASED: "[ in matter “{matter}”][ over {records:record}][, because “{reason}”]",
    Action.HOLD_VIEWED: "[ in matter “{matter}”]",
    Action.SET_FROZEN: "[ in matter “{matter}”][ with {records:record}][ found by “{query}”]",
    Action.SET_VIEWED: "[ in matter “{matter}”]",
    Action.TERMS_REPORTED: "[ in matter “{matter}”][: {terms:term}][ over {documents:record}]",
    Action.TERMS_VIEWED: "[ in matter “{matter}”]",
    Action.TERMS_COMPARED: "[, {earlier}]",
    Action.TERMS_EXPORTED: "[ as {format}]",
    Action.PLAN_SIMULATED: "[: version {version:}][, over {records:record}][; listed {listed}]",
    Action.RETENTION_STATED: "[: {name}][ of {about}][ on {happened}][, {events:event}]",
    Action.RETENTION_CORRECTED: "[: {name}][ of {about}][ to {happened}][, because “{reason}”]",
    Action.RETENTION_WITHDRAWN: "[: {name}][ of {about}][, because “{reason}”]",
    Action.RECORDS_REFILED: "[ after {cause}][: {longer:record} longer][, {shorter:record} shorter]"
    "[, {due:record} due now]",
    Action.DISPOSAL_STOPPED: "[, because “{reason}”]",
    Action.DISPOSAL_RESUMED: "[, because “{reason}”]",
    Action.DRAFT_MADE: "[ of {of}][, because “{reason}”]",
    Action.DRAFT_EDITED: "[ of {of}]",
    Action.DRAFT_SUBMITTED: "[, of {of}]",
    Action.DRAFT_REFUSED: "[ of {of}][, because “{reason}”]",
    Action.DRAFT_WITHDRAWN: "[ of {of}][, because “{reason}”]",
    Action.SCHEDULE_APPROVED: "[: version {version:} of {of}][, in force from {since}]",
    Action.RULES_APPROVED: "[: version {version:} of {of}][, in force from {since}]",
    Action.CLASS_ADDED: "[: {title}][, on the authority of {authority}]",
    Action.CLASS_CHANGED: "[: {title}][, below {parent}][, because “{reason}”]",
    Action.CLASS_CLOSED: "[, because “{reason}”]",
    Action.CLASS_REOPENED: "[, because “{reason}”]",
    Action.RECORD_RECLASSIFIED: "[: {records:record}][, because “{reason}”]",
    Action.ACCOUNT_REGISTERED: "[, kept by {custodian}][, unit {unit}]",
    Action.ACCOUNT_CHANGED: "[, because “{reason}”]",
    Action.ACCOUNT_CLOSED: "[, because “{reason}”]",
    Action.ACCOUNT_REOPENED: "[, because “{reason}”]",
    Action.PERSON_INVITED: "[, {email}][, as {grants}]",
    Action.PERSON_LINKED: "[, {email}]",
    Action.PERSON_GRANTED: "[: now {grants}][, because “{reason}”]",
    Action.PERSON_DISABLED: "[, because “{reason}”]",
    Action.PERSON_ENABLED: "[, because “{reason}”]",
    Action.PERSON_LOCKED: "[ until {until}]",
    Action.PASSKEY_ADDED: "[ “{name}”]",
    Action.PASSKEY_RENAMED: "[: “{name}”]",
    Action.PASSKEY_REMOVED: "[ “{name}”]",
    Action.PASSKEY_COPIED: "[, “{name}”]",
    Action.SESSION_STARTED: "[ by {method}]",
    Action.SESSION_REFUSED: "[ by {method}][: {reason}]",
    Action.SESSION_CONFIRMED: "[ by {method}]",
    Action.GLASS_BROKEN: "[ until {until}][, because “{reason}”]",
    Action.APPROVAL_REQUESTED: "[: {act} of {about}][, because “{reason}”]",
    Action.APPROVAL_GRANTED: "[: {act} of {about}][, asked for by {requested_by}]",
    Action.APPROVAL_REFUSED: "[: {act} of {about}][, asked for by {requested_by}]",
    Action.APPROVAL_WITHDRAWN: "[: {act} of {about}]",
    Action.TOKEN_CREATED: "[ with the roles {roles}][ in unit {unit}][ in matter “{matter}”]",
    Action.VERIFICATION_FINISHED: "[: {checked:record} checked][, {problems:problem} found]",
    Action.TIMESTAMP_REFUSED: "[: {problem}]",
    Action.EVIDENCE_EXPORTED: "[ with {records:record}]",
    Action.INDEX_REBUILT: "[ up to log size {log_size:}][; before it was {analyzer_before}]",
    Action.INDEX_LOST: "[: {reason}]",
    Action.INDEX_MENDED: "[: {missing:post} missing][, {surplus:post} too many]",
    Action.OBJECT_DAMAGED: "[: {what}]",
    Action.REPAIR_STARTED: "[: {objects:object}]",
    Action.LOG_CONTRADICTED: "[: {words}]",
    Action.AUDIT_VIEWED: "[ of {about} {object}][: {how}][ ({filters})][, {shown:event} shown]",
    Action.AUDIT_EXPORTED: "[: {events:event}][ ({filters})]",
    Action.BATCH_FORMED: "[ of class {class_code}][, account {account}][: {records:record}]",
    Action.BATCH_SAMPLED: "[: {records:record}][ by the seed {seed}]",
    Action.BATCH_EXCLUDED: "[: {records:record}][ until {until}][, because “{reason}”]",
    Action.BATCH_INCLUDED: "[: {records:record}][, because “{reason}”]",
    Action.BATCH_PROPOSED: "[ with {records:record}][, because “{reason}”]",
    Action.BATCH_APPROVED: "[ with {records:record}][, because “{reason}”]",
    Action.BATCH_WITHDRAWN: "[, because “{reason}”]",
    Action.BATCH_EXPORTED: "[ with {records:record}]",
    Action.BATCH_CONFIRMED: "[ by {receiver}]",
    Action.BATCH_STARTED: "[ with {records:record}]",
    Action.BATCH_CANCELLED: "[, because “{reason}”]",
    Action.DISPOSAL_CONDEMNED: "[ with {records:record}][, because “{reason}”]",
    Action.DISPOSAL_KEPT: "[: {records:record}][, the first because {reason}]",
    Action.DISPOSAL_EXECUTED: "[: {records:record}][ and {kept:record} kept][ ({method})]",
    Action.PRIVACY_RECEIVED: "[ for {kind}][, reference {reference}]",
    Action.PRIVACY_EXTENDED: "[: {months:month}][, because “{reason}”]",
    Action.PRIVACY_FOUND: "[: {records:record}]",
    Action.PRIVACY_DECIDED: "[: {decision} {records:record}][, because “{reason}”]",
    Action.PRIVACY_LIFTED: "[ of {records:record}][, because “{reason}”]",
    Action.PRIVACY_CLOSED: "[ about {records:record}]",
    Action.CERTIFICATE_ISSUED: "[ over {records:record}][ of batch {batch_id}]",
}
"""What the sentence of an action tells of its details; `{name:noun}` counts."""

NAMELESS: Mapping[Action, str] = {
    Action.HOLD_VIEWED: "{actor} looked at the list of holds",
    Action.SET_VIEWED: "{actor} looked at the list of frozen result sets",
    Action.TERMS_VIEWED: "{actor} looked at the list of search term reports",
    Action.EVIDENCE_EXPORTED: "{actor} made an evidence bundle",
    Action.SAVED_VIEWED: "{actor} looked at the list of saved searches",
    Action.BATCH_FORMED: "{actor} formed disposal batches",
    Action.BATCH_VIEWED: "{actor} looked at what is due for disposal",
    Action.CERTIFICATE_VIEWED: "{actor} looked at the list of certificates of destruction",
    Action.PRIVACY_VIEWED: "{actor} looked at the list of privacy requests",
}
"""The sentence where no one object is meant."""

ENDINGS: Mapping[str, str] = {
    "ok": "",
    "preview": ". It was a preview: nothing was changed",
    "integrity": ". Something was not as it was promised",
    "denied": ". It was not permitted",
    "refused": ". It was refused",
    "failed": ". It failed",
    "cancelled": ". It was cancelled",
}
"""How it ended, by result. A result that is not here is told as it is."""

_GLASS = "[, behind broken glass because “{broken_glass}”]"
_SAYS_ITS_END = frozenset(
    {
        Action.TIMESTAMP_REFUSED,
        Action.SESSION_REFUSED,
        Action.RECORD_REFUSED,
        Action.PERSON_LOCKED,
        Action.PASSKEY_COPIED,
        Action.LOG_CONTRADICTED,
        Action.OBJECT_DAMAGED,
        Action.DELIVERY_ABANDONED,
    }
)
_OF_SEVERAL_TYPES = {Action.EVIDENCE_EXPORTED}
_NAMED_TYPES = {
    "saved-search",
    "subscription",
    "hold",
    "token",
    "account",
    "person",
    "job",
    "set",
    "term report",
    "certificate",
}
_LABELS = {
    "sha256": "SHA-256",
    "bundle_sha256": "SHA-256 of the bundle",
    "members_sha256": "SHA-256 of the member ids",
    "records_sha256": "SHA-256 of the record ids",
    "log_size": "size of the log",
    "objects_pending": "stored objects not held yet",
    "normalised": "query as understood",
}
_MOMENTS = re.compile(r"(?:^|_)(?:at|until)$")
_EARLIEST_MS, _LATEST_MS = 10**11, 253_402_300_800_000
"""Milliseconds that a detail can mean as a moment: 1973 to the year 10000, where dates end."""
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_LONGEST = 160


class _Words(Formatter):
    """Formats details as people read them; `{name:noun}` is a counted noun."""

    def get_value(self, key: int | str, _args: Any, kwargs: Mapping[str, Any]) -> Any:
        value = kwargs[str(key)]
        if value == "" or value is None:
            raise KeyError(key)  # an empty detail is none
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int):
            return _counted(value, format_spec)
        return _shortened(str(value))


_words = _Words()


def sentence(
    action: str,
    *,
    actor: str,
    object_type: str = "",
    object_id: str = "",
    result: str = "ok",
    details: Details | None = None,
    names: Mapping[str, str] | None = None,
) -> str:
    """Return the sentence of an event.

    Total: an action or result of another version of the software, and details that are missing or
    of another type, are told as well as can be.

    Args:
        action: what was done, `archiver.audit.actions.Action` by its value.
        actor: who did it.
        object_type: the kind of what it was done to.
        object_id: its id.
        result: how it ended.
        details: what else the event knows.
        names: what people call objects, by id, where the event does not say it itself.
    """
    details = details or {}
    known = _known(action)
    facts: dict[str, Detail] = {
        **details,
        "actor": actor_in_words(actor),
        "object": _named(object_type, object_id, details, names or {}),
    }
    if known is Action.RECORD_VIEWED:
        facts["what"] = _part_in_words(details)
    if "grants" in details:
        facts["grants"] = ", ".join(str(details["grants"]).splitlines())
    if known in _OF_SEVERAL_TYPES and facts["object"]:
        facts["object"] = f"{object_type} {facts['object']}"
    if known is None:
        told = f"{facts['actor']} did “{action}” {facts['object']}".rstrip()
        return told + _ending(None, result) + "."
    named = bool(facts["object"])
    template = SENTENCES[known] if named else NAMELESS.get(known, SENTENCES[known])
    told = template.format(actor=facts["actor"], object=facts["object"]).rstrip()
    return told + _optional(TELLING.get(known, "") + _GLASS, facts) + _ending(known, result) + "."


def actor_in_words(actor: str) -> str:
    """Return how people read who acted: `cli:root` is somebody on the archive's own machine."""
    if actor == "system":
        return "The archive itself"
    if actor.startswith("cli:"):
        return f"{actor.removeprefix('cli:')} (command line)"
    return actor


def action_in_words(action: str) -> str:
    """Return what was done, without who and to what, for lists to choose from."""
    known = _known(action)
    if known is None:
        return action
    words = SENTENCES[known].format(actor="", object="…").strip()
    return words[0].upper() + words[1:]


def details_in_words(details: Details) -> list[tuple[str, str]]:
    """Return every detail as a label and a text, by label; empty ones are left out."""
    return sorted(
        (_label(name), _detail(name, value)) for name, value in details.items() if value != ""
    )


def read_details(text: str) -> dict[str, Detail]:
    """Return the details of an event's row; none where it holds something else."""
    try:
        return msgspec.json.decode(text, type=dict[str, str | int | bool])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _known(action: str) -> Action | None:
    return Action(action) if action in Action.__members__.values() else None


def _named(object_type: str, object_id: str, details: Details, names: Mapping[str, str]) -> str:
    if object_type == "evidence":  # its id is the bundle's hash, which says nothing to people
        return ""
    name = details.get("name") if object_type in _NAMED_TYPES else None
    found = name or names.get(object_id, "")
    return f"“{_shortened(str(found))}”" if found else object_id


def _part_in_words(details: Details) -> str:
    """Return what of a record was looked at; empty where it was the record and no more."""
    what, part = str(details.get("what", "")), str(details.get("part", ""))
    if what.startswith("page "):
        return f"its page, {what.removeprefix('page ')}"
    if what in {"part", "content"}:
        return f"the file {part}"
    words = {"record": "", "raw": "its payload", "parts": "all its files"}
    return words.get(what, f"its {what}" if what else "")


def _optional(telling: str, facts: Mapping[str, Detail]) -> str:
    def part(found: re.Match[str]) -> str:
        try:
            return _words.vformat(found[1], (), facts)
        except KeyError:
            return ""

    return _OPTIONAL.sub(part, telling)


def _ending(action: Action | None, result: str) -> str:
    if action in _SAYS_ITS_END:
        return ""
    return ENDINGS.get(result, f". Result: {result}")


def _counted(number: int, noun: str) -> str:
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _label(name: str) -> str:
    words = _LABELS.get(name, name.replace("_", " "))
    return words[0].upper() + words[1:] if words else "?"


def _detail(name: str, value: Detail) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        moment = _MOMENTS.search(name) and _EARLIEST_MS < value < _LATEST_MS
        return rfc3339(from_millis(value)) if moment else f"{value:,}"
    return _scope(value) if name == "scope" else value


def _scope(text: str) -> str:
    """Return what a hold covers in words; the text itself where it is another thing."""
    try:
        told = msgspec.json.decode(text, type=dict[str, str | list[str] | None])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return text
    parts = (
        f"{_label(name)}: {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in told.items()
        if value
    )
    return "; ".join(parts)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
