"""The query language, read strictly: what cannot be read in exactly one way is an error.

```
query   := unit | unit AND unit { AND unit } | unit OR unit { OR unit }
unit    := NOT unit | ( query ) | operand
operand := word | "quoted text" | field:value | field:"value"
```

- `AND`, `OR`, `NOT` in capitals. In lower case they are refused, not searched: quotes search them.
- Two things side by side are an error that offers `AND` and the phrase; neither is assumed.
- `AND` and `OR` at one level need brackets; the error shows them. `a AND NOT b` is fine, `NOT`
  takes the next unit only, and `NOT a` alone means all documents without a.
- A **word** is cut by `search.analyzer`. One token is a `Term`, which also finds its possessive and
  its hashtag; several (`COVID-19`, 東京) must stand next to each other, or be the hashtag `#東京`.
- A **quoted text** finds its tokens literally, in that order, next to each other. Straight and
  typographic double quotes are the same; single quotes do not quote.
- **Fields**, whole and ignoring case: `from:` (the author's handle, @ optional) `account:`
  `platform:` `kind:` `lang:` `class:` `tag:` (# optional) `is:created|edited|deleted` `has:media`.
- **Dates**, days in the given zone or RFC 3339 instants: `after:2026-03-01` is that day and later,
  `before:2026-03-01` is until the day before; `posted:` and `captured:` take a day or
  `2026-03-01..2026-03-31`, both days included, and one side may be left out.
- `* ? ~ w/5 pre/5` are reserved for wildcards, similar words and proximity and refused until then.
"""

from datetime import UTC, tzinfo
from typing import NamedTuple, NoReturn

from search.errors import QueryError
from search.lexemes import Kind, Lexeme, lexemes
from search.operands import operand
from search.query import And, Not, Or, Query

MAX_LENGTH = 20_000
"""Characters of a query: room for a list of a thousand names."""

MAX_DEPTH = 50
"""Brackets and NOTs inside each other; a bound for every recursive reader of a tree."""


def parse(text: str, *, zone: tzinfo = UTC, stem: bool = False) -> Query:
    """Return the tree of the query `text`; days are days in `zone`.

    With `stem`, each plain word that stands without quotes is read as if written `stem:word`.

    Raises:
        QueryError: the text is not in the language; the error points at the character.
    """
    if len(text) > MAX_LENGTH:
        message = f"A query has at most {MAX_LENGTH:,} characters; this one has {len(text):,}."
        raise QueryError(message, text=text, position=MAX_LENGTH)
    return _Parser(text, zone, stem=stem).query()


class _Unit(NamedTuple):
    """A tree and the part of the text it was read from."""

    tree: Query
    start: int
    end: int


class _Parser:
    """Recursive descent over the lexemes of one text."""

    def __init__(self, text: str, zone: tzinfo, *, stem: bool) -> None:
        self._text = text
        self._zone = zone
        self._stem = stem
        self._lexemes = lexemes(text)
        self._next = 0

    def query(self) -> Query:
        """Read the whole text."""
        if not self._lexemes:
            self._refuse("The query is empty.", 0)
        tree = self._level(depth=0)
        if surplus := self._peek():
            self._refuse("This bracket closes nothing.", surplus.start)
        return tree

    def _level(self, *, depth: int) -> Query:
        """Read units joined by one operator, up to a closing bracket or the end."""
        units = [self._unit(depth=depth)]
        operators: list[Lexeme] = []
        while (lexeme := self._peek()) and lexeme.kind is not Kind.CLOSE:
            if lexeme.kind not in {Kind.AND, Kind.OR}:
                self._refuse_adjacency(units[-1], lexeme)
            operators.append(self._take())
            units.append(self._unit(depth=depth))
        kinds = {operator.kind for operator in operators}
        if len(kinds) > 1:
            self._refuse_mixture(units, operators)
        parts = tuple(unit.tree for unit in units)
        if not operators:
            return parts[0]
        return And(parts) if Kind.AND in kinds else Or(parts)

    def _unit(self, *, depth: int) -> _Unit:
        lexeme = self._peek()
        if lexeme is None or lexeme.kind in {Kind.CLOSE, Kind.AND, Kind.OR}:
            self._refuse_missing(lexeme)
        if depth > MAX_DEPTH:
            self._refuse(f"More than {MAX_DEPTH} brackets and NOTs in each other.", lexeme.start)
        self._take()
        tree: Query
        match lexeme.kind:
            case Kind.NOT:
                tree = Not(self._unit(depth=depth + 1).tree)
            case Kind.OPEN:
                tree = self._level(depth=depth + 1)
                if self._peek() is None:
                    self._refuse("This bracket is not closed.", lexeme.start, f"{self._text})")
                self._take()
            case _:
                tree = operand(lexeme, self._text, zone=self._zone, stem=self._stem)
        return _Unit(tree, lexeme.start, self._lexemes[self._next - 1].end)

    def _peek(self) -> Lexeme | None:
        return self._lexemes[self._next] if self._next < len(self._lexemes) else None

    def _take(self) -> Lexeme:
        self._next += 1
        return self._lexemes[self._next - 1]

    def _refuse(self, message: str, position: int, suggestion: str = "") -> NoReturn:
        raise QueryError(message, text=self._text, position=position, suggestion=suggestion)

    def _refuse_missing(self, lexeme: Lexeme | None) -> NoReturn:
        before = self._lexemes[self._next - 1] if self._next else None
        place = f"after {before.value}" if before else "at the start"
        found = f"found {lexeme.value}" if lexeme else "found the end"
        position = lexeme.start if lexeme else len(self._text)
        self._refuse(f"Expected something to search for {place}, {found}.", position)

    def _refuse_adjacency(self, previous: _Unit, lexeme: Lexeme) -> NoReturn:
        """Refuse two things side by side, with the whole run joined by AND as suggestion."""
        if lexeme.kind not in {Kind.NOT, Kind.OPEN}:
            operand(
                lexeme, self._text, zone=self._zone, stem=self._stem
            )  # its own fault is the better message
        run = [self._text[previous.start : previous.end]]
        end = lexeme.start
        for piece in self._lexemes[self._next :]:
            if piece.kind not in {Kind.WORD, Kind.QUOTED, Kind.FIELD}:
                break
            run.append(self._text[piece.start : piece.end])
            end = piece.end
        if len(run) == 1:  # a bracket or NOT follows: joining it is enough
            suggestion = f"{self._text[: lexeme.start]}AND {self._text[lexeme.start :]}"
        else:
            suggestion = self._bracketed(" AND ".join(run), previous.start, end)
        self._refuse(
            "Expected AND or OR here. For words next to each other, put them in quotes.",
            lexeme.start,
            suggestion,
        )

    def _refuse_mixture(self, units: list[_Unit], operators: list[Lexeme]) -> NoReturn:
        """Refuse AND and OR at one level, showing both ways to bracket them."""
        readings = [
            self._bracketed(self._grouped(units, operators, tight), units[0].start, units[-1].end)
            for tight in (Kind.AND, Kind.OR)
        ]
        odd = next(operator for operator in operators if operator.kind != operators[0].kind)
        self._refuse(
            f"AND and OR are mixed; brackets must say which goes first: {' or '.join(readings)}",
            odd.start,
            readings[0],
        )

    def _grouped(self, units: list[_Unit], operators: list[Lexeme], tight: Kind) -> str:
        """Return the units' text with brackets around each run joined by the `tight` operator."""
        groups = [[self._text[units[0].start : units[0].end]]]
        for operator, unit in zip(operators, units[1:], strict=True):
            if operator.kind is not tight:
                groups.append([])
            groups[-1].append(self._text[unit.start : unit.end])
        loose = Kind.OR if tight is Kind.AND else Kind.AND
        return f" {loose} ".join(
            f"({f' {tight} '.join(group)})" if len(group) > 1 else group[0] for group in groups
        )

    def _bracketed(self, replacement: str, start: int, end: int) -> str:
        """Return the text with `start` to `end` replaced, in brackets if there is other text."""
        before, after = self._text[:start], self._text[end:]
        enclosed = before.rstrip().endswith("(") and after.lstrip().startswith(")")
        if enclosed or not (before.strip() or after.strip()):
            return f"{before}{replacement}{after}"
        return f"{before}({replacement}){after}"
