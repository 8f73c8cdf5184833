"""Style sheets, scripts, fonts and icons: read once, served from memory, named by what they hold.

Files of our own have the hash of their bytes in their address; vendored ones the version of their
package, whose bytes `vendor.lock.json` fixes, so that a style sheet can name a font. Either may be
kept for ever. What shrinks is kept gzipped beside.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
_ICONS = "lucide-static"
_SPRITE = "icons.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as served: `integrity` is its SRI hash, `gzipped` empty where that is no gain."""

    url: str
    content: bytes
    gzipped: bytes
    media_type: str
    integrity: str


@cache
def load_assets() -> Mapping[str, StaticFile]:
    """Return every static file by its name, and `icons.svg`, one sprite of all vendored icons."""
    folder = resources.files("archiver.web") / "static"
    found = {file.name: _ours(file.name, file.read_bytes()) for file in _served(folder)}
    icons: dict[str, str] = {}
    packages = [each for each in (folder / "vendor").iterdir() if each.is_dir()]
    for package in sorted(packages, key=lambda each: each.name):
        for file in _served(package):
            if package.name.startswith(_ICONS):
                icons[file.name.removesuffix(".svg")] = file.read_text(encoding="utf-8")
            else:
                url = f"/static/vendor/{package.name}/{file.name}"
                found[file.name] = _static(url, file.name, file.read_bytes())
    found[_SPRITE] = _ours(_SPRITE, _sprite(icons))
    return found


def _served(folder: Traversable) -> Iterator[Traversable]:
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.is_file() and file.name.rpartition(".")[2] in _TYPES:
            yield file


def _ours(name: str, content: bytes) -> StaticFile:
    return _static(f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}", name, content)


def _static(url: str, name: str, content: bytes) -> StaticFile:
    packed = gzip.compress(content, 9, mtime=0)
    return StaticFile(
        url=url,
        content=content,
        gzipped=packed if len(packed) < len(content) * 0.95 else b"",
        media_type=_TYPES[name.rpartition(".")[2]],
        integrity="sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode(),
    )


def _sprite(icons: dict[str, str]) -> bytes:
    """Return one file of symbols, drawn as each icon says: lines in the colour of the text."""
    symbols = []
    for name, source in icons.items():
        drawn = re.search(r"<svg[^>]*>(.*)</svg>", source, re.DOTALL)
        assert drawn is not None  # noqa: S101 - the lock fixes these files
        shapes = " ".join(drawn[1].split())
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
        )
    body = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'.encode()
