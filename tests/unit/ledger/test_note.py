from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.preserve.ledger.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Ed25519Signer,
    Ed25519Verifier,
    SignatureType,
    VerifierKey,
    decode_base64,
    decode_decimal,
    decode_hash,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from tests.unit.ledger.mutations import mutations

# The example of https://c2sp.org/signed-note.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_TEXT = "This is an example message.\n"
C2SP_NOTE = (
    C2SP_TEXT
    + "\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

SIGNER = Ed25519Signer.from_seed("log.example/acme", bytes(range(32)))
WITNESS = Ed25519Signer.from_seed("witness.example", b"\x07" * 32)
KNOWN = [Ed25519Verifier(SIGNER.vkey)]
TEXT = "a text\n\nwith an empty line: \u00e8 s\u00f9bito sera\n"
NOTE = sign_note(TEXT, [SIGNER])


class CosignatureVerifier:
    """A witness's Ed25519 cosignature (0x04) of https://c2sp.org/tlog-cosignature."""

    def __init__(self, signer: Ed25519Signer) -> None:
        public_key = signer.vkey.public_key
        vkey = VerifierKey(
            name=signer.name, type=SignatureType.ED25519_COSIGNATURE, public_key=public_key
        )
        self.name, self.key_id, self.vkey = vkey.name, vkey.key_id, vkey
        self._ed25519 = Ed25519Verifier(signer.vkey)
        self._signer = signer

    def sign(self, text: bytes) -> bytes:
        return (1_763_757_000).to_bytes(8, "big") + self._signer.sign(
            self._signed(text, 1_763_757_000)
        )

    def verify(self, text: bytes, signature: bytes) -> bool:
        timestamp = int.from_bytes(signature[:8], "big")
        return self._ed25519.verify(self._signed(text, timestamp), signature[8:])

    @staticmethod
    def _signed(text: bytes, timestamp: int) -> bytes:
        return b"cosignature/v1\ntime %d\n" % timestamp + text


def test_the_note_of_the_specification_opens() -> None:
    note = open_note(C2SP_NOTE, [Ed25519Verifier.from_vkey(C2SP_VKEY)])

    assert note.text == C2SP_TEXT
    assert [signature.name for signature in note.signatures] == ["example.com/foo"]
    assert note.to_bytes() == C2SP_NOTE


def test_the_vkey_of_the_specification_reads_and_writes() -> None:
    vkey = parse_vkey(C2SP_VKEY)

    assert str(vkey) == C2SP_VKEY
    assert vkey.type is SignatureType.ED25519
    assert vkey.key_id.hex() == "530d903a"


def test_a_signed_note_opens_and_is_the_same_each_time() -> None:
    assert open_note(NOTE, KNOWN).text == TEXT
    assert sign_note(TEXT, [SIGNER]) == NOTE


def test_the_text_ends_at_the_last_blank_line() -> None:
    for text in ("\n", "\n\n", "a\n\n", "\n\na\n", "a\n\nb\n\n"):
        assert open_note(sign_note(text, [SIGNER]), KNOWN).text == text


def test_unknown_signatures_are_ignored() -> None:
    other_key = Ed25519Signer.from_seed(SIGNER.name, b"\x01" * 32)
    garbage = "\u2014 somebody.example AAAAAGdhcmJhZ2U=\n".encode()

    note = open_note(sign_note(TEXT, [WITNESS, other_key, SIGNER]) + garbage, KNOWN)

    assert [(found.name, found.key_id) for found in note.signatures] == [
        (SIGNER.name, SIGNER.key_id)
    ]


def test_a_known_key_that_fails_condemns_the_note() -> None:
    witness = Ed25519Verifier(WITNESS.vkey)
    forged = sign_note("another text\n", [WITNESS]).split(b"\n\n")[1]

    assert open_note(NOTE + forged, KNOWN).text == TEXT
    with pytest.raises(IntegrityError, match="does not match"):
        open_note(NOTE + forged, [*KNOWN, witness])


def test_a_second_failing_line_of_the_same_key_condemns_the_note() -> None:
    forged = sign_note("another text\n", [SIGNER]).split(b"\n\n")[1]

    with pytest.raises(IntegrityError, match="does not match"):
        open_note(NOTE + forged, KNOWN)


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    for verifiers in ([], [Ed25519Verifier(WITNESS.vkey)]):
        with pytest.raises(IntegrityError, match="signed by a trusted key"):
            open_note(NOTE, verifiers)


def test_two_keys_of_one_name_and_id_are_ambiguous() -> None:
    with pytest.raises(IntegrityError, match="two alike"):
        open_note(NOTE, [*KNOWN, Ed25519Verifier(SIGNER.vkey)])


def test_another_signature_type_plugs_in() -> None:
    cosigner = CosignatureVerifier(WITNESS)
    note = sign_note(TEXT, [SIGNER, cosigner])

    opened = open_note(note, [*KNOWN, cosigner])

    assert [signature.name for signature in opened.signatures] == [SIGNER.name, WITNESS.name]
    assert open_note(note, KNOWN).text == TEXT
    assert cosigner.key_id != WITNESS.key_id


def test_one_hundred_signatures_are_accepted_and_one_more_is_not() -> None:
    signers = [Ed25519Signer.from_seed(f"w{n}.example", bytes([n]) * 32) for n in range(99)]
    line = NOTE.split(b"\n\n")[-1]
    note = sign_note(TEXT, [*signers, SIGNER])

    assert len(parse_note(note).signatures) == MAX_SIGNATURES
    assert open_note(note, KNOWN).text == TEXT
    with pytest.raises(IntegrityError, match="at most 100 signatures"):
        open_note(note + line, KNOWN)


def test_a_note_over_the_size_limit_is_refused() -> None:
    text = "x" * (MAX_NOTE_BYTES - len(sign_note("\n", [SIGNER]))) + "\n"

    assert open_note(sign_note(text, [SIGNER]), KNOWN).text == text
    with pytest.raises(IntegrityError, match="at most 1000000 bytes"):
        sign_note("x" + text, [SIGNER])


def test_every_mutated_note_is_refused() -> None:
    for data in (NOTE, C2SP_NOTE):
        known = [*KNOWN, Ed25519Verifier.from_vkey(C2SP_VKEY)]
        open_note(data, known)
        for mutated in mutations(data):
            with pytest.raises(IntegrityError):
                open_note(mutated, known)


SIGNATURE = NOTE.split(b" ")[-1].decode().strip()


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n",
        "\n\n",
        "text\n\n",
        "text\n",
        "text\n\nno dash\n",
        f"text\n\u2014 {SIGNER.name} {SIGNATURE}\n",
        f"text\n\n\u2014 {SIGNER.name} {SIGNATURE}",
        f"text\n\n\u2014 {SIGNER.name} {SIGNATURE}\r\n",
        f"text\n\n\u2014 {SIGNER.name}  {SIGNATURE}\n",
        f"text\n\n\u2014 {SIGNER.name} {SIGNATURE} \n",
        f"text\n\n\u2014  {SIGNATURE}\n",
        f"text\n\n\u2014 a\u00a0b {SIGNATURE}\n",
        f"text\n\n\u2014 a+b {SIGNATURE}\n",
        f"text\n\n- {SIGNER.name} {SIGNATURE}\n",
        f"text\n\n\u2014{SIGNER.name} {SIGNATURE}\n",
        f"text\n\n\u2014 {SIGNER.name} AAAAAA==\n",
        f"text\n\n\u2014 {SIGNER.name} {SIGNATURE}\n\u2014 other.example !!!!\n",
        f"tab\there\n\n\u2014 {SIGNER.name} {SIGNATURE}\n",
        f"null\0here\n\n\u2014 {SIGNER.name} {SIGNATURE}\n",
    ],
)
def test_a_malformed_note_is_refused_before_any_signature_counts(data: str) -> None:
    with pytest.raises(IntegrityError, match="expected"):
        parse_note(data.encode())


def test_bytes_that_are_not_utf8_are_no_note() -> None:
    with pytest.raises(IntegrityError, match="UTF-8"):
        parse_note(NOTE.replace(b"a text", b"\xff text"))


@given(st.binary(max_size=200) | st.text(alphabet="\n\u2014 aA=+/", max_size=40).map(str.encode))
def test_garbage_is_no_note_or_one_that_writes_itself_back(data: bytes) -> None:
    try:
        note = parse_note(data)
    except IntegrityError:
        return

    assert note.to_bytes() == data


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\r\n"])
def test_a_text_that_could_not_be_read_back_is_not_signed(text: str) -> None:
    with pytest.raises(IntegrityError):
        sign_note(text, [SIGNER])


def test_a_note_needs_a_signer() -> None:
    with pytest.raises(IntegrityError):
        sign_note(TEXT, [])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x7f\tb"])
def test_a_key_name_is_checked(name: str) -> None:
    with pytest.raises(IntegrityError, match="key name"):
        Ed25519Signer.from_seed(name, bytes(32))


@given(st.sampled_from(list(SignatureType)), st.binary(min_size=1, max_size=64))
def test_a_vkey_of_any_assigned_type_reads_and_writes(
    kind: SignatureType, public_key: bytes
) -> None:
    vkey = VerifierKey(name="log.example/acme", type=kind, public_key=public_key)

    assert parse_vkey(str(vkey)) == vkey
    if kind is not SignatureType.ED25519:
        with pytest.raises(IntegrityError, match="verifies no other type"):
            Ed25519Verifier(vkey)


def test_every_mutated_vkey_is_refused() -> None:
    for mutated in mutations(C2SP_VKEY.encode()):
        with pytest.raises(IntegrityError):
            Ed25519Verifier.from_vkey(mutated.decode("latin-1"))


@given(st.text(max_size=60) | st.text(alphabet="+/=aA0 \ud800", max_size=60))
def test_a_garbage_vkey_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        parse_vkey(text)


def test_a_vkey_of_an_unassigned_type_is_refused() -> None:
    key_id = sha256(b"a.example\n\x02key").hexdigest()[:8]
    material = b64encode(b"\x02key").decode()

    with pytest.raises(IntegrityError, match="known type"):
        parse_vkey(f"a.example+{key_id}+{material}")


def test_a_signature_of_another_length_does_not_verify() -> None:
    assert not KNOWN[0].verify(b"text\n", b"")
    assert not KNOWN[0].verify(b"text\n", SIGNER.sign(b"text\n") + b"\0")


def test_signatures_are_plain_ed25519() -> None:
    private_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    private_key.public_key().verify(SIGNER.sign(b"text\n"), b"text\n")
    with pytest.raises(InvalidSignature):
        private_key.public_key().verify(SIGNER.sign(b"text\n"), b"text")


@pytest.mark.parametrize(
    "text", ["AA", "AA=", "AB==", "AA==\n", " AA==", "A A=", "AA-_", "\u0660A=="]
)
def test_another_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        decode_base64(text)


def test_a_hash_is_32_bytes() -> None:
    assert decode_hash(b64encode(bytes(32)).decode()) == bytes(32)
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(IntegrityError, match="32 bytes"):
            decode_hash(b64encode(wrong).decode())


@pytest.mark.parametrize(
    "text", ["", "01", "+1", "-1", "1_0", " 1", "1\n", "\u0661", "1e3", "9" * 20]
)
def test_another_spelling_of_a_decimal_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        decode_decimal(text)


@given(st.integers(0, 10**19 - 1))
def test_a_decimal_is_read(number: int) -> None:
    assert decode_decimal(str(number)) == number
