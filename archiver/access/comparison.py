"""What changed between two versions of a post: word by word in its text, and field by field.

Pure. Comparing texts costs up to the product of their repeated words, and posts are anybody's to
write, so the cost is bounded beforehand: what is over the bound is compared line by line, and what
is over that too is shown whole, before and after. `Comparison.grain` says which it was.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from archiver.preserve.segments.manifest import Manifest, PostEntry

MOST_PAIRS = 200_000
"""Pairs of equal pieces that a comparison may look at; about a tenth of a second."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class Op(StrEnum):
    """What became of a piece of text."""

    SAME = "equal"
    REMOVED = "delete"
    ADDED = "insert"


class Grain(StrEnum):
    """How finely two texts were compared."""

    WORDS = "words"
    LINES = "lines"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs. Empty: the platform did not say."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two versions side by side. `pieces` joined without the removed ones are the later text."""

    before: str
    after: str
    pieces: tuple[tuple[Op, str], ...]
    grain: Grain
    fields: tuple[FieldChange, ...]

    @property
    def text_changed(self) -> bool:
        """Whether the texts differ at all."""
        return any(op is not Op.SAME for op, _ in self.pieces)


def compare(before: Manifest, after: Manifest) -> Comparison:
    """Return what changed from one version of a post to another."""
    old, new = (_post(each) for each in (before, after))
    pieces, grain = compare_texts(old.text, new.text)
    return Comparison(
        before=before.id,
        after=after.id,
        pieces=pieces,
        grain=grain,
        fields=tuple(_changed_fields(before, after)),
    )


def compare_texts(before: str, after: str) -> tuple[tuple[tuple[Op, str], ...], Grain]:
    """Return the pieces of two texts, in reading order, and how finely they were compared."""
    for grain, pattern in ((Grain.WORDS, _WORDS), (Grain.LINES, _LINES)):
        old, new = pattern.findall(before), pattern.findall(after)
        start = _shared(old, new)
        end = _shared(old[start:][::-1], new[start:][::-1])
        middle = old[start : len(old) - end], new[start : len(new) - end]
        if _pairs(*middle) <= MOST_PAIRS:
            same, rest = old[:start], old[len(old) - end :]
            pieces = [(Op.SAME, "".join(same)), *_pieces(*middle), (Op.SAME, "".join(rest))]
            return tuple((op, text) for op, text in pieces if text), grain
    return tuple((op, text) for op, text in ((Op.REMOVED, before), (Op.ADDED, after))), Grain.WHOLE


def _shared(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many pieces the two begin with alike."""
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return number
    return min(len(old), len(new))


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many pairs of equal pieces there are: what SequenceMatcher goes through."""
    counted = Counter(new)
    return sum(times * counted[piece] for piece, times in Counter(old).items()) + len(old)


def _pieces(old: list[str], new: list[str]) -> Iterator[tuple[Op, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for op, i1, i2, j1, j2 in matcher.get_opcodes():
        if op == "equal":
            yield Op.SAME, "".join(old[i1:i2])
        else:
            yield Op.REMOVED, "".join(old[i1:i2])
            yield Op.ADDED, "".join(new[j1:j2])


_FIELDS: tuple[tuple[str, Callable[[PostEntry], str]], ...] = (
    ("State", lambda post: post.change),
    ("Kind", lambda post: post.kind),
    ("Posted", lambda post: post.posted_at),
    ("Edited", lambda post: post.edited_at),
    ("Author id", lambda post: post.author.id),
    ("Author handle", lambda post: post.author.handle),
    ("Author name", lambda post: post.author.name),
    ("Language", lambda post: post.lang),
    ("Address", lambda post: post.permalink),
    ("In reply to", lambda post: post.in_reply_to),
    ("Conversation", lambda post: post.conversation_id),
    ("Tags", lambda post: ", ".join(post.tags)),
)


def _changed_fields(before: Manifest, after: Manifest) -> Iterator[FieldChange]:
    old, new = _post(before), _post(after)
    for field, value in _FIELDS:
        if value(old) != value(new):
            yield FieldChange(field=field, before=value(old), after=value(new))
    files = [{part.name: part.sha256 for part in each.parts[1:]} for each in (before, after)]
    for name in sorted(files[0].keys() | files[1].keys()):
        was, now = (each.get(name, "") for each in files)
        if was != now:
            yield FieldChange(field=f"File {name}", before=was, after=now)


def _post(manifest: Manifest) -> PostEntry:
    if manifest.post is None:
        raise ValueError("events have no versions to compare")
    return manifest.post
