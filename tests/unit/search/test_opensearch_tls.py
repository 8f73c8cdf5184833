"""Nothing is sent to a cluster whose certificate is not what it must be; the operator is told why.

The front has no cluster behind it: whoever got so far would be told that as something else.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from search.engines import opensearch
from search.errors import IndexUnavailable
from tests.fakes.tls_front import Authority, TlsFront


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _front(certificate: Path) -> TlsFront:
    return TlsFront("127.0.0.1:1", certificate, user="ann", password="secret")


@pytest.fixture
def front(authority: Authority) -> Iterator[TlsFront]:
    with _front(authority.issued()) as opened:
        yield opened


def _url(front: TlsFront, ca_file: Path | None, password_file: Path) -> str:
    password_file.write_text("secret\n")
    named = f"&ca_file={ca_file}" if ca_file else ""
    place = f"opensearch+https://ann@127.0.0.1:{front.port}/posts"
    return f"{place}?password_file={password_file}{named}"


def _require_untrusted(front: TlsFront, ca_file: Path | None, folder: Path, why: str) -> None:
    with pytest.raises(IndexUnavailable, match="is not trusted, so nothing was sent") as refused:
        opensearch.open_reader(_url(front, ca_file, folder / "password"))
    told = str(refused.value)
    assert why in told
    assert "ca_file in the search URL" in told
    assert "secret" not in told
    assert (front.passed, front.refused) == (0, 0)


def test_the_certificate_of_another_authority_is_refused(front: TlsFront, tmp_path: Path) -> None:
    _require_untrusted(front, Authority(tmp_path, "another").file, tmp_path, "verify failed")


def test_without_a_ca_file_only_the_usual_authorities_are_trusted(
    front: TlsFront, tmp_path: Path
) -> None:
    _require_untrusted(front, None, tmp_path, "verify failed")


def test_the_certificate_of_another_host_is_refused(authority: Authority, tmp_path: Path) -> None:
    with _front(authority.issued("192.0.2.7")) as front:
        _require_untrusted(front, authority.file, tmp_path, "IP address mismatch")


def test_a_certificate_that_has_expired_is_refused(authority: Authority, tmp_path: Path) -> None:
    expired = datetime.now(UTC) - timedelta(days=1)
    with _front(authority.issued(ends=expired)) as front:
        _require_untrusted(front, authority.file, tmp_path, "expired")


def test_a_trusted_front_is_asked_with_the_password_of_the_file(
    front: TlsFront, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(IndexUnavailable, match="cannot be reached"):
        opensearch.open_reader(_url(front, authority.file, tmp_path / "password"))
    assert (front.passed > 0, front.refused) == (True, 0)


def test_plain_requests_to_a_cluster_with_tls_are_told_as_such(
    front: TlsFront, tmp_path: Path
) -> None:
    plain = _url(front, None, tmp_path / "password").replace("+https", "+http")
    with pytest.raises(IndexUnavailable, match="whether both speak https or both http"):
        opensearch.open_reader(plain)
    assert (front.passed, front.refused) == (0, 0)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\0"])
def test_a_ca_file_that_holds_no_certificate_is_named(
    front: TlsFront, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(IndexUnavailable, match=r"Expected certificates \(PEM\).*ca\.pem"):
        opensearch.open_reader(_url(front, file, tmp_path / "password"))
