import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.web.media_types import may_be_shown, verified_type

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
MP4 = b"\0\0\0\x18ftypisom" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("content", "claimed", "shown"),
    [
        (PNG, "image/png", "image/png"),
        (JPEG, "image/jpg", "image/jpeg"),
        (PNG, 'IMAGE/PNG; name="x"', "image/png"),
        (b"GIF89a" + bytes(9), "image/gif", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", "image/webp"),
        (b"\0\0\0\x1cftypavif", "image/avif", "image/avif"),
        (MP4, "video/mp4", "video/mp4"),
        (b"\x1a\x45\xdf\xa3", "video/webm", "video/webm"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime", "video/mp4"),
        (b"OggS\0", "audio/ogg", "audio/ogg"),
        (b"ID3\x04", "audio/mpeg", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mp3", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", "audio/wav"),
        (b"fLaC\0", "audio/flac", "audio/flac"),
    ],
)
def test_media_are_shown_as_what_their_bytes_bear_out(
    content: bytes, claimed: str, shown: str
) -> None:
    assert verified_type(content, claimed) == shown
    assert may_be_shown(claimed)


@pytest.mark.parametrize(
    ("content", "claimed"),
    [
        (HTML, "image/png"),
        (SVG, "image/png"),
        (SVG, "image/svg+xml"),
        (HTML, "text/html"),
        (JPEG, "image/png"),
        (PNG, "application/octet-stream"),
        (PNG, "text/html"),
        (PNG, ""),
        (b"", "image/png"),
        (b"\xff", "audio/mpeg"),
        (b"RIFF\0\0\0\0WEBP", "audio/wav"),
        (PNG, "image/png\r\nX-Evil: 1"),
    ],
)
def test_what_is_not_what_it_claims_is_a_download(content: bytes, claimed: str) -> None:
    assert verified_type(content, claimed) == ""


@given(st.binary(max_size=64), st.text(max_size=40))
def test_any_bytes_and_claims_are_judged_and_never_shown_as_a_document(
    content: bytes, claimed: str
) -> None:
    shown = verified_type(content, claimed)

    assert shown == "" or shown.startswith(("image/", "video/", "audio/"))
    assert "svg" not in shown
