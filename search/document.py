"""What is searched: one document per record.

The number of a document is the record's index in the log, so it never changes and grows with time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from search.analyzer import ADDRESSES, token_string
from search.query import FieldName, field_value
from search.query import place as place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The searchable values of one record, analysed and folded; build it with `document`.

    `number` is the record's log index (unsigned, 64 bits), `text` the tokens joined by spaces,
    times are Unix milliseconds; `posted_at` is None where the platform gave none. An empty string
    means the platform did not say, and equals no field of a query. `place` is the exact account
    (`search.query.place`), where `platform` and `account` are folded. `has_link`: a web address
    stands in the text. `hashes` are the SHA-256 of the parts, in hex.
    """

    number: int
    text: str
    place: str
    platform: str
    account: str
    author: str
    kind: str
    change: str
    lang: str
    class_code: str
    tags: tuple[str, ...]
    is_reply: bool
    has_media: bool
    has_link: bool
    hashes: tuple[str, ...]
    posted_at: int | None
    captured_at: int

    def numbered(self, number: int) -> "Document":
        """Return this document with its log index, which is known only after the commit."""
        return replace(self, number=number)

    def filed(self, class_code: str) -> "Document":
        """Return this document in the class that its record is in now."""
        now = field_value(FieldName.CLASS, class_code)
        return self if self.class_code == now else replace(self, class_code=now)

    def reading(self, text: str) -> "Document":
        """Return this document with the token string that another analyzer made of its text."""
        return replace(self, text=text, has_link=_has_link(text))

    @property
    def has_text(self) -> bool:
        """Whether it holds any words: without one, nothing but a field or a time finds it."""
        return bool(self.text)

    @property
    def time(self) -> int:
        """When it happened, for ordering: when posted, or when captured if that is not known."""
        return self.captured_at if self.posted_at is None else self.posted_at


def document(
    *,
    number: int,
    text: str,
    captured_at: int,
    posted_at: int | None = None,
    platform: str = "",
    account: str = "",
    author_handle: str = "",
    kind: str = "",
    change: str = "",
    lang: str = "",
    class_code: str = "",
    tags: Iterable[str] = (),
    is_reply: bool = False,
    has_media: bool = False,
    hashes: Iterable[str] = (),
) -> Document:
    """Return the document of a record from plain values; runs the analyzer on `text`.

    Pure, and the result pickles: worker processes build documents and send them back.
    """
    words = token_string(text)
    return Document(
        number=number,
        text=words,
        place=place_of(platform, account),
        platform=field_value(FieldName.PLATFORM, platform),
        account=field_value(FieldName.ACCOUNT, account),
        author=field_value(FieldName.FROM, author_handle),
        kind=field_value(FieldName.KIND, kind),
        change=field_value(FieldName.CHANGE, change),
        lang=field_value(FieldName.LANG, lang),
        class_code=field_value(FieldName.CLASS, class_code),
        tags=tuple(field_value(FieldName.TAG, tag) for tag in tags),
        is_reply=is_reply,
        has_media=has_media,
        has_link=_has_link(words),
        hashes=tuple(each.lower() for each in hashes),
        posted_at=posted_at,
        captured_at=captured_at,
    )


def _has_link(words: str) -> bool:
    spaced = f" {words}"
    return any(f" {start}" in spaced for start in ADDRESSES)
