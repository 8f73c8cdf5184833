"""What a failure that a cluster tells means to whoever asked, and what to do about it."""

import json

from search.engines.opensearch.place import Place
from search.errors import IndexDamaged, IndexUnavailable, QueryTooBroad, SearchError


class Conflict(Exception):  # noqa: N818 - it never leaves this package
    """A document was written by somebody else since it was read."""


def unreachable(place: Place, told: str) -> IndexUnavailable:
    """Return the error of a cluster that does not answer, or not in time."""
    return IndexUnavailable(
        f"The index {place} cannot be reached: {told}. Look whether the cluster runs, whether the "
        "search URL names it, and whether both speak https or both http."
    )


def untrusted(place: Place, told: str) -> IndexUnavailable:
    """Return the error of a cluster whose certificate is not what it must be."""
    return IndexUnavailable(
        f"The certificate of the index {place} is not trusted, so nothing was sent: {told}. Name "
        "the authority of the nodes' certificates (PEM) with ca_file in the search URL, look that "
        "they name the host that the URL does, and that they have not expired."
    )


def failure(place: Place, status: int, told: object) -> SearchError:
    """Return the error that the answer of a cluster, `told` with an HTTP `status`, stands for."""
    text, reason = json.dumps(told), _reason(told)
    for sign, kind, meaning in _MEANINGS:
        if sign in text:
            return kind(f"{meaning.format(place=place)} (OpenSearch: {reason})")
    if status in _REFUSED:
        return IndexUnavailable(
            f"The cluster refuses the index {place}: {reason}. Look at user, password_file and the "
            "permissions of its role."
        )
    return IndexUnavailable(f"The index {place} failed with status {status}: {reason}.")


_REFUSED = (401, 403)

_BROAD = "The query is more than the cluster answers at once. Use fewer or longer words."
_CLAUSES = f"{_BROAD} Or raise indices.query.bool.max_clause_count."
_PATTERN = "A pattern of the query has too many signs for the cluster. Give letters in their place."
_SHARDS = (
    "A part of the index {place} is not there now, and a part of an answer is none. Look at the "
    "cluster's health and ask again."
)
_READ_ONLY = (
    "The index {place} is read-only: the disk of a node is nearly full. Free space or add a node; "
    "the block ends by itself, and writing goes on."
)

_MEANINGS: tuple[tuple[str, type[SearchError], str], ...] = (
    ("index_not_found_exception", IndexDamaged, "The index {place} is gone; build it anew."),
    ("more than one ind", IndexDamaged, "The name {place} stands for more than one index."),
    ("search_context_missing", IndexUnavailable, "A view of {place} has ended. Ask again."),
    ("maxClauseCount", QueryTooBroad, _CLAUSES),
    ("too_many_clauses", QueryTooBroad, _CLAUSES),
    ("too_many_nested", QueryTooBroad, _BROAD),
    ("too_complex_to_determinize", QueryTooBroad, _PATTERN),
    ("Determinizing automaton", QueryTooBroad, _PATTERN),
    ("exceeded the allowed maximum", QueryTooBroad, _BROAD),
    ("too_many_buckets", QueryTooBroad, f"{_BROAD} Or raise search.max_buckets."),
    ("task_cancelled", QueryTooBroad, f"The query took too long. {_BROAD}"),
    ("[request] Data too large", QueryTooBroad, _BROAD),
    ("circuit_breaking", IndexUnavailable, "{place} is out of memory for now. Ask again later."),
    ("rejected_execution", IndexUnavailable, "{place} has too much to do. Ask again later."),
    ("read-only", IndexUnavailable, _READ_ONLY),
    ("search_phase_execution", IndexUnavailable, _SHARDS),
    ("unavailable_shards", IndexUnavailable, _SHARDS),
    ("no_shard_available", IndexUnavailable, _SHARDS),
)
"""Signs in an answer, what they mean and what to do; the first that is found tells."""


def _reason(told: object) -> str:
    """Return the innermost reason that an answer gives."""
    match told:
        case {"error": inner}:
            return _reason(inner)
        case {"root_cause": [{"type": kind, "reason": reason}, *_]}:
            return f"{kind}: {reason}"
        case {"type": kind, "reason": reason}:
            return f"{kind}: {reason}"
        case _:
            return str(told)[:500]
