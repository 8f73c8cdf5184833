"""What archived bytes are, by their first bytes, and which of them a page may show.

What a sender claims is not believed: a file that says image/png and holds HTML would be a page of
ours to a browser that looks for itself. Only raster images, films and sound whose bytes are what
they are claimed to be are shown; everything else is a download. SVG and HTML never are shown:
they are documents, and can hold script.
"""

from collections.abc import Callable, Mapping

OCTETS = "application/octet-stream"

_ALIASES: Mapping[str, str] = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "video/x-m4v": "video/mp4",
    "video/quicktime": "video/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
}
_IMAGES = frozenset({b"avif", b"avis"})  # brands of ISO 14496-12
_SOUND = frozenset({b"M4A ", b"M4B ", b"isom", b"mp42"})
_FILMS = frozenset(
    {
        *(b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"),
        *(b"dash", b"M4V ", b"M4VP", b"qt  ", b"mmp4", b"3gp4", b"3gp5", b"3gp6"),
    }
)
_MPEG_SYNC = 0xE0
_MPEG_LAYERS = 0x06


def verified_type(content: bytes, claimed: str) -> str:
    """Return the media type to show these bytes as, or "" where they are only for download.

    That is the claimed type without parameters, if the bytes begin as files of that type do.
    """
    plain = claimed.partition(";")[0].strip().lower()
    named = _ALIASES.get(plain, plain)
    begins = _BEGINNINGS.get(named)
    return named if begins is not None and begins(content) else ""


def may_be_shown(claimed: str) -> bool:
    """Return whether a claimed type is of a kind that is shown, should the bytes bear it out."""
    plain = claimed.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain) in _BEGINNINGS


def _with(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(beginnings)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda content: content[:4] == b"RIFF" and content[8:12] == form


def _brand(content: bytes) -> bytes:
    """Return the major brand of a file of ISO 14496-12, b"" of any other."""
    return content[8:12] if content[4:8] == b"ftyp" else b""


def _is_mp3(content: bytes) -> bool:
    if content.startswith(b"ID3"):
        return True
    # A frame: eleven set bits, then a layer that is not the reserved one.
    return (
        len(content) > 1
        and content[0] == 0xFF  # noqa: PLR2004 - the first eight of them
        and content[1] & _MPEG_SYNC == _MPEG_SYNC
        and content[1] & _MPEG_LAYERS != 0
    )


_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    "image/png": _with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _with(b"\xff\xd8\xff"),
    "image/gif": _with(b"GIF87a", b"GIF89a"),
    "image/webp": _riff(b"WEBP"),
    "image/avif": lambda content: _brand(content) in _IMAGES,
    "video/mp4": lambda content: _brand(content) in _FILMS,
    "video/webm": _with(b"\x1a\x45\xdf\xa3"),
    "video/ogg": _with(b"OggS"),
    "audio/ogg": _with(b"OggS"),
    "audio/mpeg": _is_mp3,
    "audio/mp4": lambda content: _brand(content) in _SOUND,
    "audio/wav": _riff(b"WAVE"),
    "audio/flac": _with(b"fLaC"),
}
