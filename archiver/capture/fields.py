"""Foreign fields to a `Post`: the `--map field=path` mapping, and times read strictly.

A path is dotted and may hold list indexes (`user.screen_name`, `edits.0.id` or `edits[0].id`); for
CSV it is a column name. A time without a zone is refused unless the import names one, because a
guessed zone moves the end of a retention period.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.capture.html_text import decode_entities
from archiver.errors import InvalidInput
from archiver.model.post import Author, Post

FIELDS = (
    "post_id",
    "kind",
    "posted_at",
    "edited_at",
    "text",
    "lang",
    "permalink",
    "in_reply_to",
    "conversation_id",
    "author.id",
    "author.handle",
    "author.name",
    "account",
)

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 10 digits of seconds reach the year 2286, 13 of milliseconds and 16 of microseconds the same.
_EPOCH_DIGITS = re.compile(r"(?:(\d{9,10})|(\d{13})|(\d{16}))(\.\d+)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_X_ARCHIVE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", re.ASCII
)
_RFC_822 = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?\d{1,2} [A-Za-z]{3,9} \d{2,4} \d{1,2}:\d\d(?::\d\d)?(?: +(\S+))?",
    re.ASCII,
)
_SLASHES = re.compile(r"(\d{1,2}/\d{1,2}/)(\d{4}|\d\d),? (\d{1,2}:\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_UNSHOWABLE = re.compile("[\0\ud800-\udfff]")
_UNREADABLE = re.compile("[\0\ud800-\udfff\ufffd]")
_TIME_FORMS = (
    "RFC 3339 (2020-10-22T19:34:04-04:00), X's form (Wed Oct 10 20:19:24 +0000 2018), RFC 822, "
    "or epoch seconds or milliseconds"
)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which path of a foreign item fills which field of a `Post`. Pairs of (field, path)."""

    pairs: tuple[tuple[str, str], ...] = ()

    def post(self, item: Any, *, platform: str, account: str, zone: tzinfo | None) -> Post:
        """Return the post that `item` (parsed JSON, or a CSV row by column) describes.

        `account` stands where the map names none or the item leaves it empty; after it come the
        author's handle and the author's id.

        Raises:
            InvalidInput: a value is missing, of a wrong type or no time; `pointer` is the field.
        """
        times: dict[str, datetime | None] = {"posted_at": None, "edited_at": None}
        said: dict[str, str] = {}
        for field, path in self.pairs:
            value = _find(item, path)
            if field in times:
                times[field] = _time(value, zone, field=field, path=path)
            else:
                said[field] = _string(value, field=field, path=path)
        return _post(said, times, platform=platform, account=account)

    def paths(self) -> tuple[str, ...]:
        """Return the foreign paths, in the order given."""
        return tuple(path for _, path in self.pairs)


def parse_field_map(assignments: Iterable[str]) -> FieldMap:
    """Return the map that `field=path` assignments describe.

    Raises:
        InvalidInput: an unknown or repeated field, no path, or `post_id` missing.
    """
    pairs: dict[str, str] = {}
    for assignment in assignments:
        field, equals, path = (part.strip() for part in assignment.partition("="))
        if not equals or not path or field not in FIELDS:
            raise InvalidInput(
                f"expected field=path with a field of {', '.join(FIELDS)}; found {assignment!r}",
                pointer="map",
            )
        if field in pairs:
            raise InvalidInput(f"{field} is mapped twice: give it one path", pointer="map")
        pairs[field] = path
    if "post_id" not in pairs:
        raise InvalidInput("post_id is not mapped: say which path holds the id", pointer="map")
    return FieldMap(tuple(pairs.items()))


def parse_zone(name: str) -> tzinfo:
    """Return the zone called `name`: `UTC`, `Europe/Zurich` or a fixed `+02:00`.

    Raises:
        InvalidInput: no such zone.
    """
    if offset := _OFFSET.fullmatch(name):
        return _fixed_offset(*offset.groups())
    if name in {"UTC", "GMT", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"expected a time zone such as UTC, Europe/Zurich or +02:00; found {name!r}",
            pointer="zone",
        ) from error


def parse_time(value: object, *, zone: tzinfo | None = None) -> datetime:
    """Return the aware UTC moment that `value` names.

    Read are RFC 3339 (also with a space, without seconds or without the colon of the offset, as
    Facebook writes), X's archive form, RFC 822 as in feeds, and epoch seconds, milliseconds or
    microseconds told apart by their digits. With `zone`, also times without a zone and
    `10/16/17 22:59`, always month first. A local time that a clock change repeats is the first one.

    Raises:
        InvalidInput: another form, no such time, or no zone in the value and none given.
    """
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    try:
        moment = _read_time(text)
        if moment is None:
            raise InvalidInput(f"expected a time as {_TIME_FORMS}; found {value!r}")
        if moment.tzinfo is None:
            if zone is None:
                raise InvalidInput(
                    f"{value!r} names no time zone: say with --zone which one its source uses"
                )
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"there is no such time as {value!r}: {error}") from error


def search_text(text: str) -> str:
    """Return `text` as the archive may index it: HTML entities decoded, letters untouched.

    NUL and lone surrogates become U+FFFD; no Unicode normalisation happens here.
    """
    text = decode_entities(text)
    return _UNSHOWABLE.sub("\ufffd", text) if not text.isascii() or "\0" in text else text


def refuse_unreadable(post: Post) -> None:
    """Check that no id, name or address of `post` holds what a database or UTF-8 cannot.

    Raises:
        InvalidInput: NUL, a lone surrogate, or U+FFFD, which stands where bytes were no text.
    """
    for field, value in (
        ("post_id", post.post_id),
        ("account", post.account),
        ("platform", post.platform),
        ("kind", post.kind),
        ("lang", post.lang),
        ("permalink", post.permalink),
        ("in_reply_to", post.in_reply_to),
        ("conversation_id", post.conversation_id),
        ("author.id", post.author.id),
        ("author.handle", post.author.handle),
    ):
        if _UNREADABLE.search(value):
            raise InvalidInput(
                f"{value!r} holds a character that cannot be part of it (NUL, a lone surrogate or "
                "bytes that are not UTF-8)",
                pointer=f"/{field.replace('.', '/')}",
            )


def _post(
    said: Mapping[str, str],
    times: Mapping[str, datetime | None],
    *,
    platform: str,
    account: str,
) -> Post:
    author = Author(
        id=said.get("author.id", ""),
        handle=said.get("author.handle", ""),
        name=said.get("author.name", ""),
    )
    post_id = said.get("post_id", "")
    if not post_id:
        raise InvalidInput("post_id is missing or empty", pointer="post_id")
    owner = said.get("account") or account or author.handle or author.id
    if not owner:
        raise InvalidInput(
            "no account: give --account, or map account, author.handle or author.id",
            pointer="account",
        )
    return Post(
        platform=platform,
        account=owner,
        post_id=post_id,
        kind=said.get("kind") or "post",
        posted_at=times["posted_at"],
        edited_at=times["edited_at"],
        text=said.get("text", ""),
        lang=said.get("lang", ""),
        permalink=said.get("permalink", ""),
        in_reply_to=said.get("in_reply_to", ""),
        conversation_id=said.get("conversation_id", ""),
        author=author,
    )


def _find(item: Any, path: str) -> Any:
    """Follow `path` into `item`; a key that holds dots itself is found first. Absent is None."""
    if isinstance(item, dict) and path in item:
        return item[path]
    for segment in _segments(path):
        if isinstance(item, dict):
            item = item.get(segment)
        elif isinstance(item, list) and segment.isdecimal() and int(segment) < len(item):
            item = item[int(segment)]
        else:
            return None
    return item


@lru_cache(maxsize=256)
def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[", ".").replace("]", "").split("."))


def _string(value: Any, *, field: str, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if field in {"text", "author.name"}:
            return search_text(value)
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidInput(
        f"{field} (from {path}) must be a string or a whole number; found {value!r:.80}",
        pointer=field,
    )


def _time(value: Any, zone: tzinfo | None, *, field: str, path: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        return parse_time(value, zone=zone)
    except InvalidInput as error:
        raise InvalidInput(f"{field} (from {path}): {error}", pointer=field) from error


def _read_time(text: str) -> datetime | None:
    """Read one of the forms; naive when the form or the value names no zone."""
    if match := _ISO.fullmatch(text):
        day, clock, offset = match.groups()
        return datetime.fromisoformat(f"{day}T{clock}{_iso_offset(offset)}")
    if match := _EPOCH_DIGITS.fullmatch(text):
        return _from_epoch(match)
    if match := _X_ARCHIVE.fullmatch(text):
        month, day, clock, offset, year = match.groups()
        return datetime.fromisoformat(f"{year}-{_MONTHS.get(month, 0):02}-{day}T{clock}{offset}")
    if match := _RFC_822.fullmatch(text):
        return _from_rfc_822(text, match[1])
    if match := _SLASHES.fullmatch(text):
        return _from_slashes(match)
    return None


def _iso_offset(offset: str | None) -> str:
    return "Z" if offset in {"z", "UTC", "GMT"} else offset or ""


def _from_epoch(match: re.Match[str]) -> datetime:
    seconds, millis, micros, fraction = match.groups()
    unit = 1_000_000 if seconds else 1000 if millis else 1
    whole = int(seconds or millis or micros) * unit
    # Slack's and Reddit's fractions are kept to the microsecond without passing through a float.
    rest = int((fraction or ".0")[1:7].ljust(6, "0")) * unit // 1_000_000
    return _EPOCH + timedelta(microseconds=whole + rest)


def _from_rfc_822(text: str, zone_word: str | None) -> datetime:
    moment = parsedate_to_datetime(text)
    if moment.tzinfo is None and zone_word == "-0000":  # RFC 5322 section 3.3: UTC, place unknown
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None and zone_word:
        raise ValueError(f"the zone {zone_word!r} is not one of RFC 822")
    return moment


def _from_slashes(match: re.Match[str]) -> datetime:
    day, year, clock = match.groups()
    form = "%m/%d/%Y" if len(year) == len("2017") else "%m/%d/%y"
    return datetime.strptime(f"{day}{year} {clock}", f"{form} %H:%M")  # noqa: DTZ007 - it names no zone


def _fixed_offset(sign: str, hours: str, minutes: str) -> timezone:
    try:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if sign == "-" else offset)
    except ValueError as error:
        raise InvalidInput(f"no zone is {hours}:{minutes} from UTC", pointer="zone") from error
