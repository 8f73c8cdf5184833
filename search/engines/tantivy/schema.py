"""How documents and the state of an index are laid out in tantivy."""

from secrets import token_hex
from typing import NamedTuple

import tantivy
from tantivy.tantivy import __version__ as _library

from search.analyzer import ANALYZER_VERSION
from search.document import Document
from search.matcher import values
from search.query import FieldName

LAYOUT = f"layout-6 {ANALYZER_VERSION} {_library}"
"""What must be equal for an index to be used: fields, analyzer, library and its format."""

SPACES = "spaces"
"""The name of the tokenizer that splits at spaces; to be registered on every open."""

STATE = "state"
PLACE = "place"
HASH = "hash"

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
}
"""The field of each keyword that a query looks into; all are raw and indexed as "basic"."""

SETS = {FieldName.CHANGE: "change_set", FieldName.HAS: "has_set"}
"""Fields whose values of one document are counted together, as one word.

There are few different sets, and tantivy counts a field of one value in 1 ms at a million documents
where a field of several takes 24.
"""

BETWEEN = "\x1f"
"""What stands between the values of a set."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", indexed=True, fast=True)
    # Stored, for words whose places engines cannot compare (`search.verification`).
    builder.add_text_field("text", stored=True, tokenizer_name=SPACES, index_option="position")
    builder.add_text_field(STATE, tokenizer_name="raw", index_option="basic")
    for keyword, field in KEYWORDS.items():  # fast, to be counted by value
        builder.add_text_field(
            field, tokenizer_name="raw", index_option="basic", fast=keyword not in SETS
        )
    for field in (*SETS.values(), PLACE):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field(HASH, tokenizer_name="raw", index_option="basic")  # never counted
    for name in ("posted", "captured", "time"):
        builder.add_integer_field(name, indexed=False, fast=True)
    builder.add_unsigned_field("watermark", stored=True)
    builder.add_text_field("stamp", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("layout", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


SCHEMA = _schema()


def laid_out(document: Document) -> tantivy.Document:
    """Return `document` as tantivy takes it."""
    keywords = {name: values(document, name) for name in KEYWORDS}
    # With the schema, so that numbers become unsigned or signed as the field says.
    fields = {
        "number": document.number,
        "text": document.text,
        PLACE: document.place,
        **{field: list(keywords[name]) for name, field in KEYWORDS.items()},
        **{field: BETWEEN.join(keywords[name]) or [] for name, field in SETS.items()},
        HASH: list(document.hashes),
        "time": document.time,
        "captured": document.captured_at,
        "posted": [] if document.posted_at is None else document.posted_at,
    }
    return tantivy.Document.from_dict(fields, SCHEMA)


class State(NamedTuple):
    """What an index says about itself.

    That is how far it has read the log, its `LAYOUT`, and a stamp that no other commit has, of this
    index or of one in its place.
    """

    watermark: int
    layout: str
    stamp: str


def state_document(watermark: int) -> tantivy.Document:
    """Return the state document of a commit."""
    values = {STATE: STATE, "watermark": watermark, "layout": LAYOUT, "stamp": token_hex(16)}
    return tantivy.Document.from_dict(values, SCHEMA)


def state_of(document: tantivy.Document) -> State:
    """Return what a stored state document says."""
    stored = document.to_dict()
    stamp = stored.get("stamp", [""])  # which older layouts lack
    return State(stored["watermark"][0], stored["layout"][0], stamp[0])
