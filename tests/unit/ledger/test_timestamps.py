"""Responses of the real `openssl ts`, verified; and everything that must not be."""

import subprocess
import warnings
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.utils import CryptographyDeprecationWarning
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import decode_timestamp_response

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger import der
from archiver.preserve.ledger.entry import timestamp_entry
from archiver.preserve.ledger.timestamps import (
    ENTRY_PREFIX,
    Authority,
    entry_prefix,
    read_authorities,
    rejection,
    request,
    roots_file,
    verify_response,
)
from tests.fakes.timestamp_authority import EC, Tsa, openssl, openssl_verifies
from tests.unit.ledger.mutations import mutations

MESSAGE = b"archive.example.com/acme\n3\nroot\n\n\xe2\x80\x94 archive.example.com/acme sig\n"
NONCE = 0x8000000000000005


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("tsa") / "one", key=("rsa:2048",))


@pytest.fixture(scope="module")
def response(tsa: Tsa) -> bytes:
    return tsa.stamp(MESSAGE, NONCE)


def test_openssl_reads_the_request(tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(request(MESSAGE, NONCE))

    text = openssl(tmp_path, "ts", "-query", "-in", "q", "-text")

    assert "Hash Algorithm: sha256" in text
    assert "Nonce: 0x8000000000000005" in text
    assert "Certificate required: yes" in text
    dumped = "".join(line[11:58] for line in text.splitlines() if line.startswith("    00"))
    assert bytes.fromhex(dumped.replace("-", " ")) == sha256(MESSAGE).digest()


def test_a_response_says_when_by_whom_and_until_when_its_certificate_lasts(
    tsa: Tsa, response: bytes
) -> None:
    token = verify_response(response, MESSAGE, [tsa.root], nonce=NONCE)

    assert token.signer == "CN=Test TSA"
    assert token.policy == "1.2.3.4.1"
    assert token.hash_algorithm == "SHA-256"
    assert token.serial > 0
    assert token.time.utcoffset() == timedelta(0)
    assert timedelta(days=3649) < token.expires_at - token.time <= timedelta(days=3650)
    assert openssl_verifies(tsa, response, MESSAGE, int(token.time.timestamp()))


@pytest.mark.parametrize("key", [EC, ("rsa:3072",)])
def test_other_keys_of_authorities_are_good(tmp_path: Path, key: tuple[str, ...]) -> None:
    tsa = Tsa(tmp_path / "tsa", key=key)

    assert verify_response(tsa.stamp(MESSAGE, NONCE), MESSAGE, [tsa.root], nonce=NONCE).serial


def test_certificates_that_the_authority_did_not_sort_are_no_obstacle(tmp_path: Path) -> None:
    """`openssl ts` with a chain, and commercial authorities, write an unsorted SET."""
    tsa = Tsa(tmp_path / "tsa", with_chain=True)
    response = tsa.stamp(MESSAGE)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(response)

    token = verify_response(response, MESSAGE, [tsa.root])

    assert token.signer == "CN=Test TSA"
    assert openssl_verifies(tsa, response, MESSAGE, int(token.time.timestamp()))


def test_a_response_outlives_its_certificate_as_openssl_says_of_that_moment(
    tmp_path: Path,
) -> None:
    tsa = Tsa(tmp_path / "tsa", days=1)
    response = tsa.stamp(MESSAGE)
    token = verify_response(response, MESSAGE, [tsa.root])
    after = int((token.expires_at + timedelta(days=1)).timestamp())

    assert openssl_verifies(tsa, response, MESSAGE, int(token.time.timestamp()))
    with pytest.raises(subprocess.CalledProcessError):
        openssl_verifies(tsa, response, MESSAGE, after)


def test_every_byte_of_a_response_matters(tsa: Tsa, response: bytes) -> None:
    accepted = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # of altered certificates
        for altered in mutations(response):
            try:
                verify_response(altered, MESSAGE, [tsa.root])
            except IntegrityError:
                continue
            accepted.append(altered)

    assert accepted == []


def test_another_message_is_refused(tsa: Tsa, response: bytes) -> None:
    with pytest.raises(IntegrityError, match="Mismatch between messages"):
        verify_response(response, MESSAGE + b"\n", [tsa.root])


def test_a_replayed_response_is_refused(tsa: Tsa, response: bytes) -> None:
    with pytest.raises(IntegrityError, match="Nonce mismatch"):
        verify_response(response, MESSAGE, [tsa.root], nonce=NONCE + 1)


def test_roots_are_the_readers_own_and_never_the_tokens(tsa: Tsa, tmp_path: Path) -> None:
    stranger = Tsa(tmp_path / "stranger", with_chain=True)
    response = stranger.stamp(MESSAGE)

    with pytest.raises(IntegrityError, match="does not verify"):
        verify_response(response, MESSAGE, [tsa.root])
    assert verify_response(response, MESSAGE, [tsa.root, stranger.root]).serial


@pytest.mark.parametrize("roots", [[], [b""], [b"not PEM"]])
def test_without_roots_nothing_verifies(response: bytes, roots: list[bytes]) -> None:
    with pytest.raises(IntegrityError):
        verify_response(response, MESSAGE, roots)


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ("critical,timeStamping", ""),
        ("timeStamping", "certificate purpose"),
        ("critical,codeSigning", "certificate purpose"),
    ],
)
def test_a_certificate_that_is_not_for_timestamping_is_refused(
    tmp_path: Path, usage: str, problem: str
) -> None:
    tsa = Tsa(tmp_path / "tsa", usage=usage)  # first: no certificate is younger than what it signs
    said = _said(Tsa(tmp_path / "other").stamp(MESSAGE))

    response = _signed_anyhow(tsa, said)

    if not problem:
        assert verify_response(response, MESSAGE, [tsa.root]).serial
        return
    with pytest.raises(IntegrityError, match=problem):
        verify_response(response, MESSAGE, [tsa.root])


def _said(response: bytes) -> bytes:
    """The TSTInfo in a response."""
    _, token = der.decode(response, der.SEQUENCE).children()
    signed = token.children()[1].children()[0]
    return signed.children()[2].children()[1].children()[0].content


def _signed_anyhow(tsa: Tsa, said: bytes) -> bytes:
    """A response by `openssl cms`, which signs with any certificate, as `openssl ts` would not."""
    (tsa.folder / "said").write_bytes(said)
    openssl(
        tsa.folder,
        *("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4"),
        *("-md", "sha256", "-signer", "tsa.pem", "-inkey", "tsa.key"),
        *("-in", "said", "-outform", "DER", "-out", "signed"),
    )
    status = der.encode(der.SEQUENCE, der.encode_integer(0))
    return der.encode(der.SEQUENCE, status, (tsa.folder / "signed").read_bytes())


def test_a_rejection_is_told_from_a_bad_token(tsa: Tsa, response: bytes) -> None:
    rejected = tsa.answer(b"no query")

    assert rejection(rejected).startswith("status 2 Bad request format")
    assert rejection(response) == ""
    assert rejection(b"<html>") == ""
    with pytest.raises(IntegrityError):
        verify_response(rejected, MESSAGE, [tsa.root])


@given(data=st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: der.encode(0x30, b)))
def test_garbage_is_refused_by_its_family(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        verify_response(data, MESSAGE, [])
    assert isinstance(rejection(data), str)


@given(number=st.integers(min_value=0, max_value=2**80), content=st.binary(max_size=700))
def test_der_is_read_as_it_is_written(number: int, content: bytes) -> None:
    written = der.encode(
        der.SEQUENCE, der.encode_integer(number), der.encode(der.OCTET_STRING, content)
    )

    whole = der.decode(written, der.SEQUENCE)
    first, second = whole.children()

    assert int.from_bytes(first.content, "big", signed=True) == number
    assert (second.content, second.tag) == (content, der.OCTET_STRING)
    assert whole.encoded == written


def test_the_entry_of_a_token_begins_as_it_is_looked_for() -> None:
    entry = timestamp_entry(
        size=12, authority="one", token_sha256=b"\1" * 32, time_ms=1000, ts_ms=2000
    )

    assert entry.startswith(entry_prefix(12, "one"))
    assert entry.startswith(ENTRY_PREFIX)
    assert not entry.startswith(entry_prefix(1, "one"))
    assert not entry.startswith(entry_prefix(12, "on"))


def test_authorities_are_read_with_their_roots_beside_the_file(tmp_path: Path, tsa: Tsa) -> None:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "one.pem").write_bytes(b"# a comment\n" + tsa.root)
    path = tmp_path / "authorities.toml"
    path.write_text(
        '[[authority]]\nname = "one"\nurl = "https://tsa.example/tsr"\nroots = "roots/one.pem"\n'
    )

    (found,) = read_authorities(path)

    assert found == Authority(name="one", url="https://tsa.example/tsr", roots=(tsa.root,))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "authority: Field required"),
        ("authority = []", "authority: List should have at least 1 item"),
        ('[[authority]]\nname = "One"\nurl = "http://x"\nroots = "r"', "authority.0.name"),
        ('[[authority]]\nname = "one"\nurl = "ftp://x"\nroots = "r"', "authority.0.url"),
        ('[[authority]]\nname = "one"\nurl = "http://x"', "authority.0.roots"),
        ('[[authority]]\nname = "one"\nurl = "http://x"\nroots = "none"', "none"),
        ('[[authority]]\nname = "one"\nurl = "http://x"\nroots = "a.toml"', "PEM certificates"),
        (2 * '[[authority]]\nname = "one"\nurl = "http://x"\nroots = "r"\n', "each name once"),
        ("[[authority", "could not be read"),
        ('more = 1\n[[authority]]\nname = "one"\nurl = "http://x"\nroots = "r"', "more"),
    ],
)
def test_an_authorities_file_that_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=problem):
        read_authorities(path)


def test_an_authorities_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TIMESTAMP_AUTHORITIES_FILE"):
        read_authorities(tmp_path / "missing.toml")


def test_the_public_copy_keeps_roots_that_are_no_longer_configured(
    tmp_path: Path, tsa: Tsa
) -> None:
    old = Tsa(tmp_path / "old")
    before = roots_file([Authority(name="old", url="http://o", roots=(old.root,))], b"")
    one = Authority(name="one", url="http://x", roots=(tsa.root,))

    after = roots_file([one], before)

    assert before == b"# old http://o\n" + old.root
    assert after == b"# one http://x\n" + tsa.root + b"# no longer asked\n" + old.root
    assert roots_file([one], after) == after
    assert roots_file([one], b"\xff no PEM") == b"# one http://x\n" + tsa.root
