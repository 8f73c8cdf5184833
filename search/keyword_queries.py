"""Reading queries in which a space means AND: what Purview's KQL and Google Vault have in common.

A system is told by its `Dialect`: what its properties are called here, and what it says of a word
or of nearness. Both write `-` and `+` before words, `property:value`, `property:(one OR other)`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from search.lexemes import QUOTES
from search.translation import Translation

_LEXEME = re.compile(
    r"(?P<card>\(c:[cs]\))|(?P<open>[({])|(?P<close>[)}])"
    r"|(?P<near>O?NEAR|AROUND)(?:\s?\(\s*(?:n\s*=\s*)?(?P<n>[0-9]+)\s*\)|\s(?P<m>[0-9]+))?(?=[\s(\"]|$)"
    r"|(?P<operator>AND|OR|NOT)(?![^\s()])"
    r"|(?P<sign>[-+])(?=[^\s)])"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]+)(?P<compare>:|<>|>=|<=|>|<|=)(?!//)"
    rf"(?:[{QUOTES}](?P<exact>[^{QUOTES}]*)[{QUOTES}]|(?P<value>[^\s(){{}}{QUOTES}]+)|(?=[({{]))?"
    rf"|[{QUOTES}](?P<quoted>[^{QUOTES}]*)[{QUOTES}]|(?P<word>[^\s(){{}}{QUOTES}]+)|(?P<stray>\S)"
)
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_LAST_QUESTION = re.compile(r"(?<=\w)\?+(?=[\s.,;!)]|$)")


class Property(NamedTuple):
    """A property with its value: `name`, the comparing sign, and the value without its quotes."""

    name: str
    sign: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one system's words mean here.

    `word` and `property_` return the text in this language; they note and refuse through the
    translation. `braces` says whether `{one other}` means OR. `usual_distance` is that of nearness
    without a number; None where there is none. `same_is_or` says whether a property given twice
    side by side means OR.
    """

    system: str
    word: Callable[[Translation, str, int], str]
    property_: Callable[[Translation, Property], str]
    operators: Mapping[str, str]
    near_note: str
    usual_distance: int | None
    braces: bool = False
    same_is_or: bool = False


@dataclass(slots=True)
class Reading:
    """One text of a dialect being read."""

    translation: Translation
    dialect: Dialect
    _after_operand: bool = False
    _joiners: list[str] = field(default_factory=lambda: ["AND"])
    _properties: list[tuple[str, str]] = field(default_factory=lambda: [("", "")])
    _last: str = ""
    _opening: tuple[str, str] | None = None  # the property of the bracket that follows

    def read(self) -> None:  # noqa: C901, PLR0912 - one case per kind of piece
        """Put every piece of the text into the translation."""
        for found in _LEXEME.finditer(self.translation.source):
            kind = found.lastgroup or "word"
            start, end = found.span()
            if found["near"]:
                self._near(found)
            elif found["name"]:
                self._property(found)
            elif kind == "card":
                self._card(found.group(), start, end)
            elif kind == "open":
                self._open(found.group(), start)
            elif kind == "close":
                self._close(start)
            elif kind == "operator":
                self._operator(found.group(), start, end)
            elif kind == "sign":
                self._sign(found.group(), start)
            elif found["quoted"] is not None:
                self._operand(self._quoted(found), start, end)
            elif kind == "word":
                self._word(found.group(), start, end)
            else:
                self.translation.refuse("this quote is not closed.", start)

    def _operand(self, text: str, start: int, end: int) -> None:
        self._join(start)
        self.translation.put(text, start, end)
        self._after_operand, self._last = True, ""

    def _join(self, start: int) -> None:
        """Add the operator that a space stands for, where two operands stand side by side."""
        if not self._after_operand:
            return
        joiner = self._joiners[-1]
        self.translation.put(joiner, start, start)
        self.translation.note(
            f"Two things side by side are read as {joiner}, as {self.dialect.system} does.",
            start,
            start,
        )
        self._after_operand = False

    def _open(self, bracket: str, start: int) -> None:
        if bracket == "{" and not self.dialect.braces:
            self.translation.refuse("{ is not a bracket; write (.", start)
        self._join(start)
        self.translation.put("(", start, start + 1)
        self._joiners.append("OR" if bracket == "{" else "AND")
        self._properties.append(self._opening or self._properties[-1])
        self._opening = None

    def _close(self, start: int) -> None:
        self.translation.put(")", start, start + 1)
        if len(self._joiners) > 1:
            self._joiners.pop()
            self._properties.pop()
        self._after_operand = True

    def _operator(self, operator: str, start: int, end: int) -> None:
        if operator == "NOT":
            self._join(start)
        self.translation.put(operator, start, end)
        self._after_operand = False

    def _card(self, sign: str, start: int, end: int) -> None:
        """Put the operator that Purview's condition cards are joined by."""
        operator = self.dialect.operators.get(sign)
        if operator is None:
            self.translation.refuse(f"there is no operator {sign}.", start)
        self.translation.note(f"{sign}, between condition cards, is {operator}.", start, end)
        self._operator(operator, start, end)

    def _sign(self, sign: str, start: int) -> None:
        self._join(start)
        if sign == "-":
            self.translation.put("NOT", start, start + 1)

    def _near(self, found: re.Match[str]) -> None:
        start, end = found.span()
        operator = self.dialect.operators.get(found["near"])
        if operator is None:
            self.translation.refuse(f"there is no operator {found['near']}.", start)
        number = found["n"] or found["m"] or self.dialect.usual_distance
        if number is None:
            self.translation.refuse(
                f"how many words apart is missing after {found['near']}.", start
            )
        written = f"{operator}/{number}"
        self.translation.note(
            f"{found.group()} is read as {written}. {self.dialect.near_note}", start, end
        )
        self.translation.put(written, start, end)
        self._after_operand = False

    def _property(self, found: re.Match[str]) -> None:
        start, end = found.span()
        name, sign = found["name"].lower(), found["compare"]
        value = found["exact"] if found["exact"] is not None else found["value"]
        if value is None and self.translation.source[end : end + 1] in {"(", "{"}:
            self._join(start)
            self._opening = name, sign
            return
        if self._after_operand and self.dialect.same_is_or and self._last == name:
            self.translation.refuse(
                f"{self.dialect.system} reads {name} twice side by side as OR; write the OR.", start
            )
        if not value:
            self.translation.refuse(f"there is no value right after {name}{sign}.", start)
        self._operand(self._compared(Property(name, sign, value, start, end)), start, end)
        self._last = name

    def _compared(self, found: Property) -> str:
        if sign := next((each for each in "*?" if each in found.value), ""):
            self.translation.refuse(
                f"{found.name} is compared as a whole here, so {sign} stands for nothing in it; "
                "write the values, joined by OR.",
                found.end - len(found.value) + found.value.index(sign),
            )
        return self.dialect.property_(self.translation, found)

    def _word(self, word: str, start: int, end: int) -> None:
        name, sign = self._properties[-1]
        if name:
            self._operand(self._compared(Property(name, sign, word, start, end)), start, end)
        elif _ADDRESS.match(word):
            self._operand(f'"{word}"' if "?" in word else word, start, end)
        else:
            word = self._without_questions(word, start)
            if "~" in word:
                self.translation.refuse(
                    f"~ is no sign of {self.translation.system}; here ~1 would find similar words.",
                    start + word.index("~"),
                )
            self._operand(self.dialect.word(self.translation, word, start), start, end)

    def _without_questions(self, text: str, start: int) -> str:
        """Return words without the ? that end a question; any other would come to mean a letter."""
        if _ADDRESS.search(text):
            return text
        plain = _LAST_QUESTION.sub("", text)
        if plain != text:
            self.translation.note(
                f"? is no sign of {self.translation.system} and left out; here it would be any one "
                "letter.",
                start,
                start + len(text),
            )
        if "?" in plain:
            self.translation.refuse(
                f"? is no sign of {self.translation.system}; here it would be any one letter.",
                start + text.index("?"),
            )
        return plain

    def _quoted(self, found: re.Match[str]) -> str:
        name, sign = self._properties[-1]
        if name:
            return self._compared(Property(name, sign, found["quoted"], *found.span()))
        text = found.group()
        if text[0] != '"' or text[-1] != '"':
            self.translation.note("Typographic quotes are read as quotes.", *found.span())
        return f'"{self._without_questions(found["quoted"], found.start("quoted"))}"'


def value_of(text: str) -> str:
    """Return the value of a field as it is written here, in quotes where it needs them."""
    return text if re.fullmatch(r"[\w.@#/+-]+", text) else f'"{text}"'
