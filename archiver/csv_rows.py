"""CSV that a spreadsheet opens without acting on it.

A cell that begins like a formula is run by spreadsheets, and what people posted, or a hostile file
said, would then act on the reader's machine (CWE-1236; OWASP "CSV Injection"). Such a cell gets an
apostrophe in front, and every cell stands in quotes, so that no separator of another language
starts a new one. The text is UTF-8 with a byte order mark: spreadsheets take it for Latin-1 else.
Programs read the JSON of the API instead.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff".encode()

# Also the wide forms that some locales take for operators, and what blanks may stand before.
_FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet runs; None is empty.

    Numbers stay numbers, negative ones too.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Yield the file in pieces: mark, header, then a line a row (RFC 4180, CRLF)."""
    yield BOM + _line(columns)
    for row in rows:
        yield _line([cell(value) for value in row])


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode("utf-8", "replace")
