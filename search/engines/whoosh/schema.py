"""How documents are laid out in Whoosh: tokens that are looked up, and columns that are read."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from whoosh.columns import NumericColumn, VarBytesColumn
from whoosh.fields import COLUMN, FieldType, Schema
from whoosh.formats import Existence

from search.analyzer import ANALYZER_VERSION
from search.document import Document
from search.matcher import values
from search.query import FieldName

LAYOUT = f"layout-2 {ANALYZER_VERSION} whoosh3-{version('whoosh3')}"
"""What must be equal for an index to be used: fields, analyzer, library and its format."""

TEXT = "text"
PLACE = "place"

KEYWORDS = {
    FieldName.FROM: "author",
    FieldName.ACCOUNT: "account",
    FieldName.PLATFORM: "platform",
    FieldName.KIND: "kind",
    FieldName.LANG: "lang",
    FieldName.CLASS: "class_code",
    FieldName.TAG: "tag",
    FieldName.CHANGE: "change",
    FieldName.HAS: "has",
    FieldName.HASH: "hash",
}
"""The field of each keyword."""

NEVER = -(2**63)
"""Stands in the column of a clock for a time the platform did not give."""


class _Values(FieldType):  # type: ignore[misc]  # it is not typed here
    """Values that are looked up as they are: Whoosh analyses nothing.

    Only whether a value occurs is kept. Where it stands in a text is read in the text, by the rule
    that defines it; so none of Whoosh's queries for phrases and spans is needed.
    """

    def __init__(self, column: VarBytesColumn | None = None) -> None:
        super().__init__(Existence(), None)
        self.column_type = column

    def index(self, value: Iterable[str], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Yield each value once, as Whoosh takes them: bytes, frequency, weight and no payload."""
        for each in set(value):
            yield each.encode(), 1, 1.0, b""


class _Tokens(_Values):
    """A text's tokens joined by spaces, also kept whole in a column."""

    def index(self, value: Iterable[str], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Yield each token of `value`, which is one string, once."""
        yield from super().index("".join(value).split())


def _schema() -> Schema:
    # Columns of numbers are only read, never searched: Whoosh's unsigned ranges went wrong before.
    return Schema(
        **{TEXT: _Tokens(VarBytesColumn()), PLACE: _Values()},
        **{field: _Values() for field in KEYWORDS.values()},
        number=COLUMN(NumericColumn("Q")),
        time=COLUMN(NumericColumn("q")),
        posted=COLUMN(NumericColumn("q", default=NEVER)),
        captured=COLUMN(NumericColumn("q")),
    )


SCHEMA = _schema()


def laid_out(document: Document) -> dict[str, Any]:
    """Return `document` as Whoosh takes it."""
    return {
        TEXT: document.text,
        PLACE: (document.place,),
        **{field: values(document, name) for name, field in KEYWORDS.items()},
        "number": document.number,
        "time": document.time,
        "posted": document.posted_at,
        "captured": document.captured_at,
    }
