"""Queries written for other systems, put into this language: what all translators share.

A translator cuts its text into pieces, each with the words of this language that mean the same. The
whole is then read by `search.grammar`, so nothing comes out that could not have been typed, and a
fault is pointed at in the text as it came. What changes a meaning is a note; what cannot be said
here is refused by name.
"""

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple, NoReturn

from search.errors import QueryError
from search.grammar import MAX_LENGTH, parse
from search.normal_form import normalise
from search.query import Query

_DATES = ("after:", "before:", "posted:", "captured:")


class Note(NamedTuple):
    """What a reader of the translation must know, about `text[position:end]` of what came."""

    message: str
    position: int
    end: int


class Translated(NamedTuple):
    """A query of another system in this language: its normal form, its tree, and the notes."""

    text: str
    tree: Query
    notes: tuple[Note, ...]


class _Piece(NamedTuple):
    text: str
    start: int
    end: int


@dataclass(slots=True)
class Translation:
    """A text being translated, piece by piece."""

    source: str
    system: str
    _pieces: list[_Piece] = field(default_factory=list)
    _notes: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.source) > MAX_LENGTH:
            message = f"A query has at most {MAX_LENGTH:,} characters."
            raise QueryError(message, text=self.source, position=MAX_LENGTH)

    def put(self, text: str, start: int, end: int) -> None:
        """Add what `source[start:end]` means."""
        self._pieces.append(_Piece(text, start, end))

    def note(self, message: str, start: int, end: int) -> None:
        """Tell what somebody who knows the other system would not expect; the same once."""
        if all(note.message != message for note in self._notes):
            self._notes.append(Note(message, start, end))

    def refuse(self, what: str, start: int, *, suggestions: tuple[str, ...] = ()) -> NoReturn:
        """Refuse a construct by name.

        Raises:
            QueryError: always.
        """
        raise QueryError(
            f"{self.system}: {what}", text=self.source, position=start, suggestions=suggestions
        )

    def read(self, zone: tzinfo) -> Translated:
        """Return the translation of all pieces.

        Raises:
            QueryError: together they are no query; the error points into the text as it came.
        """
        text, starts = "", []
        for piece in self._pieces:
            glued = not text or text.endswith("(") or piece.text == ")"
            text += "" if glued else " "
            starts.append(len(text))
            text += piece.text
        try:
            tree = parse(text, zone=zone)
        except QueryError as error:
            raise QueryError(
                error.message,
                text=self.source,
                position=self._came_from(error.position, starts),
                suggestions=error.suggestions,
            ) from error
        self._note_days(zone)
        notes = sorted(self._notes, key=lambda note: note.position)
        return Translated(normalise(tree), tree, tuple(notes))

    def _note_days(self, zone: tzinfo) -> None:
        dated = (piece for piece in self._pieces if piece.text.startswith(_DATES))
        if str(zone) != "UTC" and (first := next(dated, None)):
            self.note(
                f"Days are days in {zone} here; in {self.system} they may be those of another zone "
                "(UTC, or that of whoever asked), so posts near midnight may differ.",
                first.start,
                first.end,
            )

    def _came_from(self, position: int, starts: list[int]) -> int:
        """Return the place in the source of a place in the translated text."""
        for piece, start in zip(reversed(self._pieces), reversed(starts), strict=True):
            if start <= position:
                inside = position - start
                if self.source[piece.start : piece.end] == piece.text:
                    return min(piece.start + inside, piece.end)
                return piece.end if inside >= len(piece.text) else piece.start
        return 0
