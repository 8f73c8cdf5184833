"""The verifier's own parts: containers, DER, timestamps; hostile input is refused, never raised."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance import evidence_verifier as verifier
from archiver.assurance.evidence.container import BundleWriter
from archiver.errors import TooLarge
from archiver.preserve.ledger.note import Ed25519Signer
from tests.fakes.evidence_bundles import failed, verify
from tests.fakes.timestamp_authority import Tsa

MESSAGE = b"archive.example.com/acme\n7\nroot\n\n-- signature\n"
SIGNER = Ed25519Signer.from_seed("archive.example.com/acme", bytes(32))
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REFUSALS = (verifier.Refused, *verifier.MALFORMED)

_names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}(/[a-z0-9][a-z0-9._-]{0,20})?", fullmatch=True)
_members = st.dictionaries(_names, st.binary(max_size=200), max_size=6)


def written(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with BundleWriter(file) as bundle:
        for name, content in members.items():
            bundle.add(name, content)
        bundle.seal(SIGNER.name, 7, [SIGNER])
    return file.getvalue()


class TestContainer:
    @given(_members)
    def test_what_is_written_reads_back_here_and_with_any_tool(
        self, members: dict[str, bytes]
    ) -> None:
        data = written(members)

        found = list(verifier.walk_container(io.BytesIO(data)))

        assert [each.name for each in found] == [*members, verifier.MANIFEST, verifier.SEAL]
        assert all(each.whole for each in found)
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            assert {name: opened.read(name) for name in members} == members

    @given(_members, st.data())
    def test_no_byte_can_change_unseen(
        self, members: dict[str, bytes], data: st.DataObject
    ) -> None:
        bundle = bytearray(written(members))
        place = data.draw(st.integers(0, len(bundle) - 1))
        bundle[place] ^= data.draw(st.integers(1, 255))

        try:
            found = list(verifier.walk_container(io.BytesIO(bytes(bundle))))
        except verifier.Refused:
            return
        assert not all(each.whole for each in found)

    @given(st.binary(max_size=400))
    def test_garbage_is_refused_in_a_report(self, garbage: bytes) -> None:
        assert failed(verify(garbage)) == {"container"} or failed(verify(garbage)) >= {"files"}

    @pytest.mark.parametrize(
        "name",
        [
            "../x",
            "/x",
            "a/../b",
            ".x",
            "a/.b",
            "a b",
            "a\\b",
            "",
            "a\nb",
            "-x",
            "x/",
            "a//b",
            "x" * 201,
        ],
    )
    def test_a_name_that_could_lead_elsewhere_is_refused(self, name: str) -> None:
        with pytest.raises(verifier.Refused, match="no name of a file"):
            list(verifier.walk_container(io.BytesIO(written({name: b""}))))

    def test_an_offset_over_4_gib_and_many_files_are_told_in_zip64(self) -> None:
        far = verifier.central_header("name", 1, 2, 2**33)
        near = verifier.central_header("name", 1, 2, 3)
        many = verifier.end_records(70_000, 5, 2**33)

        assert len(far) == len(near) + 12
        assert (2**33).to_bytes(8, "little") in far
        assert many.startswith(b"PK\x06\x06")
        assert len(verifier.end_records(3, 5, 7)) == 22

    def test_seventy_thousand_files_open_in_any_tool(self) -> None:
        data = written({f"f/{number}": b"" for number in range(70_000)})

        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            assert len(opened.namelist()) == 70_002
        assert sum(1 for _ in verifier.walk_container(io.BytesIO(data))) == 70_002

    def test_a_file_that_zip_cannot_tell_the_size_of_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("archiver.assurance.evidence.container.LARGEST_MEMBER", 10)

        with pytest.raises(TooLarge, match="11 bytes"):
            written({"large": b"x" * 11})


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("authority") / "tsa")


def roots_of(tsa: Tsa) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(tsa.root)


class TestTimestamps:
    def test_a_token_tells_its_time_and_authority(self, tsa: Tsa) -> None:
        stamp = verifier.verify_timestamp(tsa.stamp(MESSAGE), MESSAGE, roots_of(tsa))

        assert abs(stamp.time - datetime.now(UTC)) < timedelta(days=1)
        assert stamp.accuracy == timedelta(seconds=1)
        assert stamp.authority == "CN=Test TSA"

    @pytest.mark.parametrize(
        "make",
        [
            lambda folder: Tsa(folder, key=("rsa:2048",)),
            lambda folder: Tsa(folder, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-384")),
            lambda folder: Tsa(folder, with_chain=True),
        ],
        ids=["RSA", "ECDSA", "chain in an order that is not DER's"],
    )
    def test_tokens_of_other_authorities_verify(
        self, make: Callable[[Path], Tsa], tmp_path: Path
    ) -> None:
        other = make(tmp_path / "tsa")

        stamp = verifier.verify_timestamp(other.stamp(MESSAGE), MESSAGE, roots_of(other))

        assert stamp.authority == "CN=Test TSA"

    def test_a_token_stays_good_after_its_certificate_has_ended(
        self, tsa: Tsa, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        response, seen = tsa.stamp(MESSAGE), roots_of(tsa)
        read = verifier.read_timestamp

        def later(data: bytes) -> object:
            stamp, signed, info = read(data)
            return stamp._replace(time=stamp.time + timedelta(days=9000)), signed, info

        assert verifier.verify_timestamp(response, MESSAGE, seen)
        monkeypatch.setattr(verifier, "read_timestamp", later)
        with pytest.raises(verifier.Refused, match="not valid at the token's time"):
            verifier.verify_timestamp(response, MESSAGE, seen)

    def test_other_bytes_other_roots_and_no_roots_are_refused(
        self, tsa: Tsa, tmp_path: Path
    ) -> None:
        response = tsa.stamp(MESSAGE)

        with pytest.raises(verifier.Refused, match="other bytes"):
            verifier.verify_timestamp(response, MESSAGE + b"x", roots_of(tsa))
        for roots in ([], roots_of(Tsa(tmp_path / "other"))):
            with pytest.raises(verifier.Refused, match="no trusted root"):
                verifier.verify_timestamp(response, MESSAGE, roots)

    def test_a_chain_of_authorities_for_time_stamping_is_followed(self) -> None:
        root, middle, leaf = _chain()

        verifier._require_chain(leaf, [middle], [root], NOON)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"critical": False}, "time stamping alone"),
            ({"usages": ("time_stamping", "server_auth")}, "time stamping alone"),
            ({"ca": False}, "no trusted root"),
            ({"path_length": 0}, "no trusted root"),
            ({"signs": False}, "no trusted root"),
            ({"other_key": True}, "no trusted root"),
            ({"ended": True}, "not valid at the token's time"),
        ],
        ids=str,
    )
    def test_a_chain_that_does_not_hold_is_refused(
        self, change: dict[str, Any], problem: str
    ) -> None:
        root, middle, leaf = _chain(**change)

        with pytest.raises(verifier.Refused, match=problem):
            verifier._require_chain(leaf, [middle], [root], NOON)

    def test_what_the_authority_signs_cannot_change_by_a_byte(self, tsa: Tsa) -> None:
        response, roots = tsa.stamp(MESSAGE), roots_of(tsa)
        _, signed, info = verifier.read_timestamp(response)
        (signer,) = verifier.elements(signed[-1].body)
        attributes, _, signature = verifier.elements(signer.body)[3:6]
        covered = [info, attributes.raw, signature.body]

        for piece in covered:
            start = response.rindex(piece)
            for place in range(start, start + len(piece)):
                altered = bytearray(response)
                altered[place] ^= 1
                with pytest.raises(REFUSALS):
                    verifier.verify_timestamp(bytes(altered), MESSAGE, roots)

    @given(st.binary(max_size=300))
    def test_garbage_is_refused(self, garbage: bytes) -> None:
        with pytest.raises(REFUSALS):
            verifier.verify_timestamp(garbage, MESSAGE, [])

    @given(place=st.integers(0, 10_000), change=st.integers(1, 255))
    def test_a_damaged_token_raises_nothing_but_refusals(
        self, tsa: Tsa, place: int, change: int
    ) -> None:
        response = bytearray(_stamped(tsa))
        response[place % len(response)] ^= change

        with suppress(*REFUSALS):  # hypothesis reports whatever else is raised
            verifier.verify_timestamp(bytes(response), MESSAGE, roots_of(tsa))


_kept: dict[Path, bytes] = {}


def _stamped(tsa: Tsa) -> bytes:
    """One response for all examples: openssl takes its time."""
    if tsa.folder not in _kept:
        _kept[tsa.folder] = tsa.stamp(MESSAGE)
    return _kept[tsa.folder]


def _chain(
    *,
    critical: bool = True,
    usages: tuple[str, ...] = ("time_stamping",),
    ca: bool = True,
    path_length: int | None = None,
    signs: bool = True,
    other_key: bool = False,
    ended: bool = False,
) -> tuple[x509.Certificate, x509.Certificate, x509.Certificate]:
    """A root, an authority under it, and a certificate for time stamping; what is changed breaks.

    `path_length` is the root's, `ca`, `signs` and `other_key` are of the authority between.
    """
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(4)]
    oids = [getattr(ExtendedKeyUsageOID, usage.upper()) for usage in usages]
    root = _certificate("root", keys[0], "root", keys[0], [_ca(path_length=path_length), _usage()])
    middle = _certificate("middle", keys[1], "root", keys[0], [_ca(ca=ca), _usage(signs=signs)])
    issuer = keys[3] if other_key else keys[1]
    eku = (x509.ExtendedKeyUsage(oids), critical)
    return root, middle, _certificate("tsa", keys[2], "middle", issuer, [eku], ended=ended)


def _ca(*, ca: bool = True, path_length: int | None = None) -> tuple[x509.ExtensionType, bool]:
    return x509.BasicConstraints(ca=ca, path_length=path_length), True


def _usage(*, signs: bool = True) -> tuple[x509.ExtensionType, bool]:
    others = "content_commitment key_encipherment data_encipherment key_agreement crl_sign "
    others += "encipher_only decipher_only"
    flags = dict.fromkeys(others.split(), False) | {"digital_signature": True}
    return x509.KeyUsage(key_cert_sign=signs, **flags), True


def _certificate(
    subject: str,
    key: Ed25519PrivateKey,
    issuer: str,
    issuer_key: Ed25519PrivateKey,
    extensions: list[tuple[x509.ExtensionType, bool]],
    *,
    ended: bool = False,
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=2))
        .not_valid_after(NOON + timedelta(days=-1 if ended else 2))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, None)


@pytest.mark.parametrize(
    "data", [b"\x30\x80\x00\x00", b"\x30\x81\x05hello", b"\x30\x05hi", b"\x1f\x01\x00", b"\x30"]
)
def test_der_in_another_than_its_one_form_is_refused(data: bytes) -> None:
    with pytest.raises((verifier.Refused, IndexError)):
        verifier.elements(data)
