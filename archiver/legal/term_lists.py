"""Lists of search terms as counsel hand them in: one term a line, in the order given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from archiver.errors import InvalidInput
from archiver.legal.understanding import Syntax, understand
from search.normal_form import normalise
from search.query import Query

MAX_TERMS = 1_000
"""Terms of one list: each is a search over the whole set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a list, read. `tree` is None where it could not be: `error` says why.

    `notes` are what whoever wrote it should know, though it was understood.
    """

    position: int
    text: str
    tree: Query | None
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def normalised(self) -> str:
        """How it was understood; empty where it was not."""
        return "" if self.tree is None else normalise(self.tree)


def terms_of(text: str) -> tuple[str, ...]:
    """Return the terms of a list: its lines, without blanks around them and without empty ones.

    Nothing else is taken away: a line that begins with `#` is a hashtag.

    Raises:
        InvalidInput: there are none, or more than `MAX_TERMS`.
    """
    terms = tuple(line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip())
    if not 1 <= len(terms) <= MAX_TERMS:
        raise InvalidInput(
            f"expected 1 to {MAX_TERMS:,} search terms, one a line, found {len(terms):,}",
            pointer="terms",
        )
    return terms


def read_terms(
    texts: Sequence[str], zone: tzinfo, *, syntax: Syntax = Syntax.MUNIMENT, stem: bool = False
) -> tuple[Term, ...]:
    """Read every term of a list. One that cannot be read is kept with its error, never dropped."""
    read = (_read(n, text, zone, syntax, stem=stem) for n, text in enumerate(texts, 1))
    return tuple(_with_repeats(read))


def _read(position: int, text: str, zone: tzinfo, syntax: Syntax, *, stem: bool) -> Term:
    try:
        found = understand(text, zone, syntax=syntax, stem=stem, report=True)
    except InvalidInput as error:
        return Term(position=position, text=text, tree=None, error=str(error))
    notes = (*(each.message for each in found.notes), *(each.message for each in found.findings))
    return Term(position=position, text=text, tree=found.tree, notes=notes)


def _with_repeats(terms: Iterator[Term]) -> Iterator[Term]:
    """Note of each term which one before it means the same: neither has unique hits."""
    first: dict[Query, int] = {}
    for term in terms:
        if term.tree is None or first.setdefault(term.tree, term.position) == term.position:
            yield term
        else:
            note = f"means the same as term {first[term.tree]}, so neither has unique hits"
            yield Term(
                position=term.position,
                text=term.text,
                tree=term.tree,
                notes=(*term.notes, note),
            )
