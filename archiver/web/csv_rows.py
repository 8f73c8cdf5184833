"""Tables to take away, as CSV that a spreadsheet opens and does not run (`archiver.csv_rows`)."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from aiohttp import web

from archiver.csv_rows import csv_lines


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> web.Response:
    """Return a table as a download called `name`."""
    return web.Response(
        body=b"".join(csv_lines(columns, rows)),
        headers={
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        },
    )
