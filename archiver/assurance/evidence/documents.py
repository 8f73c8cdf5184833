"""What people read in a bundle: pages, README, certificates. Made from templates, inert.

Archived text is hostile. Pages hold no script, no link out of the bundle and none to a part (a
part may be an HTML or SVG file that would run when opened); characters that steer terminals or
turn the reading direction are shown as U+FFFD. The verbatim bytes stand in `parts/`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from archiver.access.record_views import Json
from archiver.assurance.evidence.ledger_files import Token
from archiver.assurance.evidence.record_files import RecordFacts
from archiver.assurance.evidence.selection import Selection
from archiver.clock import from_millis, rfc3339
from archiver.db.archive import ArchiveRow

if TYPE_CHECKING:  # the command line starts faster for it, and seldom makes a bundle
    import jinja2

# C0 (but line feed), DEL, C1, and the characters that turn the reading direction (UAX #9).
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What holds for a whole bundle.

    `keys` are the log's keys as vkeys, each with the SHA-256 of the bare public key in hexadecimal;
    `locks_enforced` says whether the store itself refuses deletion, `gaps` in sentences what the
    bundle cannot show.
    """

    archive: ArchiveRow
    software: str
    selection: Selection
    tokens: tuple[Token, ...]
    tokens_of: Mapping[int, tuple[Token, ...]]
    keys: tuple[tuple[str, str], ...]
    locks_enforced: bool
    trail: bool
    gaps: tuple[str, ...]
    title: str

    @property
    def count(self) -> int:
        """How many records the bundle holds."""
        return len(self.selection.indexes)

    def tokens_over(self, size: int) -> tuple[Token, ...]:
        """Return the timestamps over the checkpoint of `size`."""
        return self.tokens_of.get(size, ())


def render(template: str, **context: object) -> bytes:
    """Return a document in UTF-8. `*.html` escapes whatever is put into it."""
    return _templates().get_template(template).render(**context).encode()


def render_record(template: str, about: About, record: RecordFacts) -> bytes:
    """Return a document about one record."""
    return render(template, about=about, record=record, post=record.manifest.post)


def describe_bundle(about: About) -> Json:
    """Return `bundle.json`: what the bundle is, for programs."""
    return {
        "v": 1,
        "archive": about.archive.id,
        "origin": about.archive.origin,
        "log_keys": [vkey for vkey, _ in about.keys],
        "software": about.software,
        "log_size": about.selection.head,
        "as_of": rfc3339(about.selection.as_of),
        "records": about.count,
        "title": about.title,
        "audit_trail": about.trail,
        "cannot_show": list(about.gaps),
    }


def timestamp_list(tokens: Sequence[Token]) -> bytes:
    """Return `timestamps.txt`: seconds since 1970, checkpoint and authority of each timestamp."""
    lines = (
        f"{int(token.time.timestamp())} {token.size:012d} {token.authority}\n" for token in tokens
    )
    return "".join(lines).encode("ascii")


@cache
def _templates() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 - as above

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("archiver.assurance.evidence"),
        autoescape=jinja2.select_autoescape(("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    filters: Mapping[str, object] = {
        "shown": _shown,
        "line": _line,
        "moment": rfc3339,
        "at": _at,
        "count": _count,
    }
    environment.filters.update(filters)
    return environment


def _shown(text: str) -> str:
    """Return text in which nothing steers what shows it; its lines stay."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def _line(text: object) -> str:
    """Return text that cannot begin a line of its own, as facts in a list must not."""
    return _shown(re.sub(r"\s+", " ", str(text)))


def _at(millis: int | None) -> str:
    return "" if millis is None else rfc3339(from_millis(millis))


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
