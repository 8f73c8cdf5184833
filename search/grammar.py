"""The query language, read strictly: what cannot be read in exactly one way is an error.

```
query   := unit | unit AND unit { AND unit } | unit OR unit { OR unit } | unit near unit
near    := w/5 | pre/5                                        (1 to 1,000 words)
unit    := NOT unit | ( query ) | operand
operand := word | "quoted text" | field:value | field:"value"
```

- `AND`, `OR`, `NOT` in capitals. In lower case they are refused, not searched: quotes search them.
- Two things side by side are an error that offers `AND` and the phrase; neither is assumed.
- `AND`, `OR`, `w/5` and `pre/5` mixed at one level need brackets, and so does a second `w/5`; the
  error shows them. `a AND NOT b` is fine, `NOT` takes the next unit only, and `NOT a` alone means
  all documents without a.
- **`a w/5 b`**: at most 5 words apart, in either order, never the same word twice; `pre/5`: a
  first. What stands beside them is words: words, quoted texts, `OR` of words, and bracketed
  `w/5` or `pre/5`. `AND`, `NOT` and fields belong outside, and the error writes it so.
- A **word** is cut by `search.analyzer`. One token is a `Term`, which also finds its possessive and
  its hashtag; several (`COVID-19`, 東京) must stand next to each other, or be the hashtag `#東京`.
- `*` is any run of characters, also none, and `?` exactly one: anywhere in a word, in quotes too,
  with two given letters or more. `word~1` finds words one letter away, `stem:word` its other
  English forms.
- A **quoted text** finds its tokens literally, in that order, next to each other. Straight and
  typographic double quotes are the same; single quotes do not quote.
- **Fields**, whole and ignoring case: `from:` (the author's handle, @ optional) `account:`
  `platform:` `kind:` `lang:` `class:` `tag:` (# optional) `is:created|edited|deleted|reply|held`
  `has:media|link|text` (`text`: any word; of a picture alone only `NOT has:text` is true) `hash:`
  (SHA-256 of a part, 64 digits).
- **Dates**, days in the given zone or RFC 3339 instants: `after:2026-03-01` is that day and later,
  `before:2026-03-01` is until the day before; `posted:` and `captured:` take a day or
  `2026-03-01..2026-03-31`, both days included, and one side may be left out.

What other languages write (`NEAR(5)`, `-word`, `&&`, `[a TO b]`, `fraud!`) is refused by name, with
what it is called here (`search.foreign`). A suggestion is always a query that can be read.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from typing import NoReturn

from search import foreign
from search.bracketing import Unit, bracketed, outside, readings
from search.errors import QueryError
from search.lexemes import Kind, Lexeme, lexemes
from search.operands import operand
from search.query import MAX_DISTANCE, And, Near, Not, Or, Query, is_words

MAX_LENGTH = 1_000_000
"""Characters of a query: room for a list of fifty thousand names."""

MAX_CLAUSES = 60_000
"""Words, quoted texts and fields of a query."""

MAX_DEPTH = 50
"""Brackets and NOTs inside each other; a bound for every recursive reader of a tree."""

_LONGEST_CORRECTED = 20_000
_MOST_CORRECTIONS = 30
_MOST_SUGGESTIONS = 3
_OPERATORS = frozenset({Kind.AND, Kind.OR, Kind.NEAR})
_OPERANDS = frozenset({Kind.WORD, Kind.QUOTED, Kind.FIELD})


def parse(text: str, *, zone: tzinfo = UTC, stem: bool = False) -> Query:
    """Return the tree of the query `text`; days are days in `zone`.

    With `stem`, each plain word that stands without quotes is read as if written `stem:word`.

    Raises:
        QueryError: the text is not in the language; the error points at the character, and each of
            its suggestions can be searched as it stands.
    """
    if len(text) > MAX_LENGTH:
        message = f"A query has at most {MAX_LENGTH:,} characters; this one has {len(text):,}."
        raise QueryError(message, text=text, position=MAX_LENGTH)
    try:
        return _Parser(text, zone, stem=stem).query()
    except QueryError as error:
        raise QueryError(
            error.message,
            text=text,
            position=error.position,
            suggestions=tuple(_readable(error, zone)),
        ) from error


def _readable(error: QueryError, zone: tzinfo) -> Iterator[str]:
    """Yield what corrects the whole text, where one correction may show the next fault."""
    if len(error.text) > _LONGEST_CORRECTED:
        return
    waiting = deque(error.suggestions)
    tried: set[str] = set()
    found = 0
    while waiting and len(tried) < _MOST_CORRECTIONS and found < _MOST_SUGGESTIONS:
        text = waiting.popleft().strip()
        if text in tried:
            continue
        tried.add(text)
        try:
            _Parser(text, zone, stem=False).query()
        except QueryError as fault:
            waiting.extend(fault.suggestions)
        else:
            found += 1
            yield text


class _Parser:
    """Recursive descent over the lexemes of one text."""

    def __init__(self, text: str, zone: tzinfo, *, stem: bool) -> None:
        self._text = text
        self._zone = zone
        self._stem = stem
        self._lexemes = lexemes(text)
        self._next = 0
        self._clauses = 0

    def query(self) -> Query:
        """Read the whole text."""
        if not self._lexemes:
            self._refuse("The query is empty.", 0)
        tree = self._level(depth=0)
        if surplus := self._peek():
            self._refuse(
                "This bracket closes nothing.",
                surplus.start,
                self._text[: surplus.start] + self._text[surplus.end :],
            )
        return tree

    def _level(self, *, depth: int) -> Query:
        """Read units joined by one operator, up to a closing bracket or the end."""
        units = [self._unit(depth=depth)]
        operators: list[Lexeme] = []
        while (lexeme := self._peek()) and lexeme.kind is not Kind.CLOSE:
            if lexeme.kind not in _OPERATORS:
                self._refuse_adjacency(units[-1], lexeme)
            operators.append(self._take())
            units.append(self._unit(depth=depth))
        if not operators:
            return units[0].tree
        kind = operators[0].kind
        if any(operator.kind is not kind for operator in operators):
            self._refuse_mixture(units, operators)
        if kind is Kind.NEAR:
            return self._near(units, operators)
        parts = tuple(unit.tree for unit in units)
        return And(parts) if kind is Kind.AND else Or(parts)

    def _near(self, units: Sequence[Unit], operators: Sequence[Lexeme]) -> Near:
        for operator in operators:
            if not 1 <= int(operator.value) <= MAX_DISTANCE:
                at = operator.start + len(operator.name) + 1
                nearest = min(max(int(operator.value), 1), MAX_DISTANCE)
                self._refuse(
                    f"Words are 1 to {MAX_DISTANCE:,} words apart, not {operator.value}.",
                    at,
                    f"{self._text[:at]}{nearest}{self._text[operator.end :]}",
                )
        for unit in units:
            if not is_words(unit.tree):
                self._refuse_inside(unit, units, operators)
        if len(operators) > 1:
            self._refuse(
                "Three in a row can be near each other in two ways; brackets must say which two "
                "belong together.",
                operators[1].start,
                *readings(self._text, units, operators),
            )
        left, right = (unit.tree for unit in units)
        operator = operators[0]
        if not (is_words(left) and is_words(right)):
            raise AssertionError("what is no words was refused")
        return Near(left, right, int(operator.value), ordered=operator.name == "pre")

    def _unit(self, *, depth: int) -> Unit:
        lexeme = self._peek()
        if lexeme is None or lexeme.kind is Kind.CLOSE or lexeme.kind in _OPERATORS:
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
                tree = self._operand(lexeme, depth)
        return Unit(tree, lexeme.start, self._lexemes[self._next - 1].end)

    def _operand(self, lexeme: Lexeme, depth: int) -> Query:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            self._refuse(
                f"A query has at most {MAX_CLAUSES:,} words, quoted texts and fields.", lexeme.start
            )
        tree = operand(lexeme, self._text, zone=self._zone, stem=self._stem)
        if isinstance(tree, Or) and depth >= MAX_DEPTH:  # its normal form has brackets
            self._refuse(f"More than {MAX_DEPTH} brackets and NOTs in each other.", lexeme.start)
        return tree

    def _peek(self) -> Lexeme | None:
        return self._lexemes[self._next] if self._next < len(self._lexemes) else None

    def _take(self) -> Lexeme:
        self._next += 1
        return self._lexemes[self._next - 1]

    def _refuse(self, message: str, position: int, *suggestions: str) -> NoReturn:
        raise QueryError(message, text=self._text, position=position, suggestions=suggestions)

    def _refuse_missing(self, lexeme: Lexeme | None) -> NoReturn:
        before = self._lexemes[self._next - 1] if self._next else None
        place = f"after {self._written(before)}" if before else "at the start"
        found = f"found {self._written(lexeme)}" if lexeme else "found the end"
        position = lexeme.start if lexeme else len(self._text)
        suggestions = [
            self._text[: each.start].rstrip() + " " + self._text[each.end :].lstrip()
            for each in (before, lexeme)
            if each and each.kind not in {Kind.OPEN, Kind.CLOSE}
        ]
        self._refuse(f"Expected something to search for {place}, {found}.", position, *suggestions)

    def _refuse_adjacency(self, previous: Unit, lexeme: Lexeme) -> NoReturn:
        """Refuse two things side by side, with what their reader may have meant."""
        if lexeme.kind is Kind.NOT and (meant := foreign.operator(self._text, lexeme.start)):
            self._refuse_operator(previous, meant)
        if lexeme.start == previous.end and self._text[lexeme.start] in "~^":
            self._refuse_after_phrase(previous, lexeme)
        if lexeme.kind not in {Kind.NOT, Kind.OPEN}:
            if meant := foreign.operator(self._text, lexeme.start):
                self._refuse_operator(previous, meant)
            # The fault of its own is the better message.
            operand(lexeme, self._text, zone=self._zone, stem=self._stem)
        self._refuse(
            "Expected AND or OR here. For words next to each other, put them in quotes.",
            lexeme.start,
            *self._joined(previous, lexeme),
        )

    def _joined(self, previous: Unit, lexeme: Lexeme) -> Iterator[str]:
        """Yield the whole run of things side by side joined by AND, and as a phrase."""
        run = [self._text[previous.start : previous.end]]
        end, plain = lexeme.start, self._lexemes[self._next - 1].kind is Kind.WORD
        for piece in self._lexemes[self._next :]:
            if piece.kind not in _OPERANDS or foreign.operator(self._text, piece.start):
                break
            run.append(self._text[piece.start : piece.end])
            plain = plain and piece.kind is Kind.WORD
            end = piece.end
        if len(run) == 1:  # a bracket or NOT follows: joining it is enough
            yield f"{self._text[: lexeme.start]}AND {self._text[lexeme.start :]}"
            return
        yield bracketed(self._text, " AND ".join(run), previous.start, end)
        if plain:
            phrase = " ".join(run)
            yield f'{self._text[: previous.start]}"{phrase}"{self._text[end:]}'

    def _refuse_operator(self, previous: Unit, meant: foreign.Meant) -> NoReturn:
        """Refuse an operator of another language, written as it is here."""
        left, right = self._text[previous.start : previous.end], self._after(meant.end)
        suggestions = []
        for template in meant.instead:
            if "{left}" not in template:
                suggestions.append(
                    f"{self._text[: meant.start]}{template}{self._text[meant.end :]}"
                )
            elif right:
                whole = template.replace("{left}", left).replace("{right}", right[0])
                suggestions.append(bracketed(self._text, whole, previous.start, right[1]))
        self._refuse(meant.message, meant.at, *suggestions)

    def _after(self, position: int) -> tuple[str, int] | None:
        """Return the text and the end of what stands at `position`: an operand or a bracket."""
        start, depth = None, 0
        for piece in self._lexemes:
            if piece.start < position:
                continue
            start = piece.start if start is None else start
            depth += (piece.kind is Kind.OPEN) - (piece.kind is Kind.CLOSE)
            if depth <= 0:
                is_whole = depth == 0 and piece.kind in {*_OPERANDS, Kind.CLOSE}
                return (self._text[start : piece.end], piece.end) if is_whole else None
        return None

    def _refuse_after_phrase(self, previous: Unit, lexeme: Lexeme) -> NoReturn:
        sign = self._text[lexeme.start]
        without = self._text[: lexeme.start] + self._text[lexeme.end :]
        words = self._text[previous.start + 1 : previous.end - 1].split()
        number = lexeme.value[1:]
        suggestions = [without]
        if sign == "~" and len(words) == 2 and number.isdecimal():  # noqa: PLR2004 - a pair
            near = f"{words[0]} w/{int(number) + 1} {words[1]}"
            suggestions.insert(0, bracketed(self._text, near, previous.start, lexeme.end))
        message = (
            "~ after a phrase is not part of this language; words near each other are written w/5."
            if sign == "~"
            else "^ (weights) is not part of this language: answers are ordered by time."
        )
        self._refuse(message, lexeme.start, *suggestions)

    def _refuse_mixture(self, units: Sequence[Unit], operators: Sequence[Lexeme]) -> NoReturn:
        """Refuse different operators at one level, showing the ways to bracket them."""
        odd = next(operator for operator in operators if operator.kind is not operators[0].kind)
        kinds = [self._text[operator.start : operator.end] for operator in (operators[0], odd)]
        suggestions = (
            readings(self._text, units, operators) if len(self._text) <= _LONGEST_CORRECTED else ()
        )
        self._refuse(
            f"{kinds[0]} and {kinds[1]} are mixed; brackets must say which goes first.",
            odd.start,
            *suggestions,
        )

    def _refuse_inside(
        self, unit: Unit, units: Sequence[Unit], operators: Sequence[Lexeme]
    ) -> NoReturn:
        """Refuse AND, NOT and fields near something, written outside of it."""
        faulty = next(
            (
                lexeme
                for lexeme in self._lexemes
                if unit.start <= lexeme.start < unit.end
                and lexeme.kind in {Kind.AND, Kind.NOT, Kind.FIELD}
                and lexeme.name != "stem"
            ),
            None,
        )
        sign = self._text[operators[0].start : operators[0].end]
        suggestions = []
        if len(operators) == 1:
            left, right = units
            if isinstance(left.tree, Not):
                rest = self._text[left.start + len("NOT") : right.end].strip()
                suggestions.append(
                    f"{self._text[: left.start]}NOT ({rest}){self._text[right.end :]}"
                )
            if whole := outside(left.tree, right.tree, sign):
                suggestions.append(bracketed(self._text, whole, left.start, right.end))
        self._refuse(
            f"Only words can be near each other: words, phrases, OR of words, and bracketed w/5 or "
            f"pre/5. {self._written(faulty) if faulty else 'This'} belongs outside {sign}.",
            faulty.start if faulty else unit.start,
            *suggestions,
        )

    def _written(self, lexeme: Lexeme) -> str:
        return self._text[lexeme.start : lexeme.end]
