import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, IntegrityError, InvalidInput
from archiver.preserve.ledger.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    require_origin,
    sign_checkpoint,
)
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier, sign_note
from archiver.preserve.object_keys import checkpoint_object
from tests.unit.ledger.mutations import mutations

ORIGIN = "archive.example.com/acme"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
NEXT_SIGNER = Ed25519Signer.from_seed(ORIGIN, b"\x02" * 32)
WITNESS = Ed25519Signer.from_seed("witness.example", b"\x07" * 32)
KNOWN = [Ed25519Verifier(SIGNER.vkey), Ed25519Verifier(WITNESS.vkey)]
CHECKPOINT = Checkpoint(origin=ORIGIN, size=70_000, root=bytes(range(32)))
TEXT = "archive.example.com/acme\n70000\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_a_checkpoint_has_the_text_of_the_specification() -> None:
    assert CHECKPOINT.to_text() == TEXT
    assert parse_checkpoint(TEXT) == CHECKPOINT


def test_kept_checkpoints_are_listed_in_order_of_their_sizes() -> None:
    assert checkpoint_object("A", 70_000) == "log/A/checkpoints/000000070000"
    assert checkpoint_object("A", 999_999) < checkpoint_object("A", 1_000_000)


def test_a_signed_checkpoint_opens() -> None:
    assert open_checkpoint(sign_checkpoint(CHECKPOINT, [SIGNER]), ORIGIN, KNOWN) == CHECKPOINT


def test_two_log_keys_overlap_while_the_key_is_changed() -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNER, NEXT_SIGNER])

    for signer in (SIGNER, NEXT_SIGNER):
        assert open_checkpoint(note, ORIGIN, [Ed25519Verifier(signer.vkey)]) == CHECKPOINT


def test_a_witness_may_join_but_cannot_speak_for_the_log() -> None:
    both = sign_note(TEXT, [SIGNER, WITNESS])
    witness_only = sign_note(TEXT, [WITNESS])

    assert open_checkpoint(both, ORIGIN, KNOWN) == CHECKPOINT
    with pytest.raises(IntegrityError, match="signed by archive"):
        open_checkpoint(witness_only, ORIGIN, KNOWN)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNER])

    with pytest.raises(IntegrityError, match="expected a checkpoint of other"):
        open_checkpoint(note, "other.example", KNOWN)


def test_a_key_named_otherwise_signs_no_checkpoint() -> None:
    with pytest.raises(ConfigurationError, match="check the keyring"):
        sign_checkpoint(CHECKPOINT, [WITNESS])


def test_extension_lines_of_other_logs_are_read_and_ours_are_never_written() -> None:
    extended = Checkpoint(origin=ORIGIN, size=1, root=bytes(32), extensions=("one", "two"))

    assert parse_checkpoint(extended.to_text()) == extended
    with pytest.raises(InvalidInput, match="extension lines"):
        sign_checkpoint(extended, [SIGNER])


def test_the_empty_log_has_the_empty_trees_root() -> None:
    assert parse_checkpoint(Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT).to_text()).size == 0
    with pytest.raises(IntegrityError, match="empty tree"):
        Checkpoint(origin=ORIGIN, size=0, root=bytes(32))


def test_a_receipt_cannot_pass_for_a_checkpoint() -> None:
    lookalike = "muniment-receipt/v1\n1\n" + TEXT.split("\n")[2] + "\n"

    with pytest.raises(IntegrityError, match="origin"):
        parse_checkpoint(lookalike)
    with pytest.raises(InvalidInput):
        require_origin("muniment-receipt/v1")


@pytest.mark.parametrize(
    "origin",
    ["", "https://example.com/acme", "example.com/acme/", "exa mple.com", "a+b", "a\nb", "\ud800"],
)
def test_an_origin_is_a_url_without_scheme(origin: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_origin(origin)
    assert caught.value.pointer == "origin"


def test_usual_origins_are_accepted() -> None:
    for origin in ("example.com/acme", "localhost", "archive.example.com:8443/acme/eu"):
        require_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "extension\n\nextension\n",
        TEXT.replace("70000", "070000"),
        TEXT.replace("70000", "-1"),
        TEXT.replace("70000", "7e4"),
        TEXT.replace("70000", ""),
        TEXT.replace("Hh8=", "Hh9="),
        TEXT.replace("AAEC", "AAE"),
        "\n" + TEXT,
        "archive.example.com/acme\n70000\n",
    ],
)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(IntegrityError):
        parse_checkpoint(text)


def test_every_mutated_checkpoint_is_refused() -> None:
    for mutated in mutations(sign_checkpoint(CHECKPOINT, [SIGNER])):
        with pytest.raises(IntegrityError):
            open_checkpoint(mutated, ORIGIN, KNOWN)


@given(st.text(max_size=80) | st.text(alphabet="\n0123A=", max_size=80))
def test_garbage_is_no_checkpoint_or_one_that_writes_itself_back(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except IntegrityError:
        return

    assert checkpoint.to_text() == text
