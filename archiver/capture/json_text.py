"""JSON at its edges: what RFC 8259 allows and a fast decoder refuses, and where values stand."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

from archiver.errors import InvalidInput

# Reading escapes from left to right keeps pairs whole: what is left is a lone surrogate.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def parse_json(content: bytes) -> Any:
    """Return the Python value of a platform's JSON; big numbers and lone surrogates included.

    Raises:
        InvalidInput: not UTF-8, not JSON (`NaN` included), or nested too deep.
    """
    try:
        return msgspec.json.decode(content)
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    except RecursionError as error:
        raise too_deep() from error
    except msgspec.MsgspecError:
        return _parse_odd_json(content)


def members(content: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield key, start and end of each value of a JSON object already known to be valid."""
    text = content.decode("latin-1")  # one character per byte: offsets agree
    decode = json.JSONDecoder(parse_int=integer).raw_decode
    at = _skip_space(text, 0) + 1
    while text[at := _skip_space(text, at)] != "}":
        key, at = decode(text, at)
        start = _skip_space(text, _skip_space(text, at) + 1)
        _, end = decode(text, start)
        yield key, start, end
        at = _skip_space(text, end)
        at += text[at] == ","


def without_lone_surrogates(content: bytes) -> bytes:
    """Return `content` with U+FFFD, escaped, for each lone surrogate: same length and offsets."""
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], content)


def not_utf8(error: UnicodeDecodeError) -> InvalidInput:
    """Return the refusal of bytes that are not UTF-8: which byte, and where."""
    found = f"{error.object[error.start]:#04x} at byte {error.start:,}"
    return InvalidInput(f"expected UTF-8 (RFC 8259 section 8.1), found {found}")


def too_deep() -> InvalidInput:
    """Return the refusal of nesting beyond the interpreter's limit (some hundred levels)."""
    return InvalidInput("the JSON is nested too deep to be read safely: send a flatter payload")


def _parse_odd_json(content: bytes) -> Any:
    """Parse what msgspec refuses but RFC 8259 allows: lone surrogates and numbers of any size."""
    try:
        return json.loads(content.decode(), parse_constant=_refuse_constant, parse_int=integer)
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:
        raise InvalidInput(f"expected JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 section 6)")


def integer(digits: str) -> int | str:
    """Keep an integer beyond Python's digit limit as its digits."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _skip_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
