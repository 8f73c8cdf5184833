"""Sealing: canonical manifests, facts that recovery finds again, fields that are refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.preparation import identify
from archiver.clock import from_millis, rfc3339
from archiver.errors import IntegrityError, InvalidInput
from archiver.ids import ulid_bytes
from archiver.model.lock import LockMode
from archiver.model.post import Arrival, Author, Change, Part, PartRole, Post, Provenance
from archiver.preserve.event_record import EventBody, event_part, event_row, parse_event
from archiver.preserve.lanes import Lane
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.sealing import SECRET_BYTES, Draft, record_facts, seal
from archiver.preserve.segments.frame import frame_hash, open_frame
from archiver.preserve.segments.manifest import (
    Retention,
    content_key,
    describe_source,
    encode_manifest,
    parse_manifest,
    restore_post,
)

ARCHIVE, RECORD = "01JD4M8X7ZK3Q9V5T2W6Y8B1C0", "01JD4M8X7ZK3Q9V5T2W6Y8B1C1"
LANE = Lane("general", "2033-11", LockMode.GOVERNANCE)
NOW = datetime(2026, 11, 21, 22, 1, 26, 123_000, tzinfo=UTC)
RAW = Part(name="post.json", role=PartRole.RAW, media_type="application/json", content=b"{}")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
moments = st.none() | st.integers(-62_135_510_400_000, 253_402_214_399_999).map(from_millis)
posts = st.builds(
    Post,
    platform=texts,
    account=texts,
    post_id=texts,
    kind=texts,
    change=st.sampled_from(Change),
    posted_at=moments,
    edited_at=moments,
    text=texts,
    lang=texts,
    permalink=texts,
    in_reply_to=texts,
    conversation_id=texts,
    author=st.builds(Author, id=texts, handle=texts, name=texts),
    tags=st.lists(texts, max_size=3).map(tuple),
)
names = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=9)
provenances = st.builds(
    Provenance,
    method=texts,
    source=texts,
    connector=texts,
    version=texts,
    details=st.dictionaries(names, texts, max_size=4).map(lambda found: tuple(found.items())),
)
parts = st.builds(
    Part,
    name=texts,
    role=st.sampled_from(PartRole),
    media_type=texts,
    content=st.binary(max_size=50),
)
arrivals = st.builds(
    Arrival,
    post=posts,
    parts=st.lists(parts, max_size=3).map(lambda more: (RAW, *more)),
    provenance=provenances,
    idempotency_key=texts,
)


def draft_of(arrival: Arrival) -> Draft:
    identified = identify(arrival, "sender")
    return Draft(
        record_id=RECORD,
        entry_type="rec",
        lane=LANE,
        source=describe_source(arrival),
        parts=arrival.parts,
        retention=Retention(
            class_code="general", rule="1/x", schedule_version=1, until=rfc3339(NOW)
        ),
        post=arrival.post,
        idempotency_key=identified.idempotency_key,
    )


@given(arrivals)
def test_a_manifest_is_canonical_json_and_gives_everything_back(arrival: Arrival) -> None:
    sealed = seal(ARCHIVE, draft_of(arrival), NOW, bytes(SECRET_BYTES))
    manifest_bytes, inline = open_frame(ulid_bytes(ARCHIVE), sealed.key, sealed.frame)
    manifest = parse_manifest(manifest_bytes)

    assert manifest_bytes == rfc8785.dumps(json.loads(manifest_bytes)), "RFC 8785"
    assert encode_manifest(manifest) == manifest_bytes
    assert manifest.post is not None
    assert restore_post(manifest.post) == arrival.post
    assert dict(manifest.source.details) == dict(arrival.provenance.details)
    assert inline == b"".join(part.content for part in arrival.parts)
    assert record_facts(manifest) == sealed.facts, "recovery comes to the same row"


@given(arrivals)
def test_the_entry_commits_to_frame_and_manifest(arrival: Arrival) -> None:
    sealed = seal(ARCHIVE, draft_of(arrival), NOW, bytes(SECRET_BYTES))
    entry = decode_entry(sealed.entry)

    assert isinstance(entry, RecordEntry)
    assert entry.frame_sha256 == frame_hash(sealed.frame)
    assert (entry.id, entry.expiry) == (RECORD, "2033-11")
    assert len(sealed.entry) <= 200


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb", "\0", "x\0"])
@pytest.mark.parametrize(
    "field",
    [
        "platform",
        "account",
        "post_id",
        "kind",
        "text",
        "lang",
        "permalink",
        "in_reply_to",
        "conversation_id",
        "tags",
        "author",
        "source",
        "detail",
        "detail-name",
        "part",
    ],
)
def test_a_field_that_cannot_be_stored_is_refused_before_anything_is_sealed(
    field: str, bad: str
) -> None:
    with pytest.raises(InvalidInput):
        identify(arrival_with(field, bad), "sender")


def arrival_with(field: str, bad: str) -> Arrival:
    post = Post(platform="x", account="a", post_id="1")
    sound = Arrival(post=post, parts=(RAW,), provenance=Provenance(method="push"))
    details = {"detail": (("name", bad),), "detail-name": ((bad, "value"),)}
    if field in details:
        return replace(sound, provenance=replace(sound.provenance, details=details[field]))
    if field == "source":
        return replace(sound, provenance=replace(sound.provenance, source=bad))
    if field == "part":
        return replace(sound, parts=(RAW, replace(RAW, name=bad)))
    values: dict[str, Any] = {"tags": ("ok", bad), "author": Author(name=bad)}
    return replace(sound, post=replace(post, **{field: values.get(field, bad)}))


def test_a_detail_whose_name_would_sort_otherwise_is_refused() -> None:
    # RFC 8785 sorts by UTF-16 units: an emoji before U+E000, unlike by bytes.
    with pytest.raises(InvalidInput, match="ASCII"):
        identify(arrival_with("detail-name", "\U0001f600"), "sender")


def test_the_same_bytes_of_another_version_have_another_content_key() -> None:
    post = Post(platform="x", account="a", post_id="1")
    keys = {
        content_key(each, raw)
        for raw in (bytes(32), b"\1" * 32)
        for each in (
            post,
            replace(post, change=Change.EDITED),
            replace(post, post_id="2"),
            replace(post, account="a\0", post_id="1"),
        )
    }
    assert len(keys) == 8


def test_an_idempotency_key_counts_for_its_sender_only() -> None:
    arrival = replace(arrival_with("lang", "en"), idempotency_key="key")

    assert identify(arrival, "a").idempotency_key != identify(arrival, "b").idempotency_key


@given(text=st.text(max_size=20) | st.sampled_from(["\0", "\ud800", "a\0\udfff"]))
def test_any_text_in_an_event_can_be_stored_and_read_again(text: str) -> None:
    body = EventBody(
        at=rfc3339(NOW),
        actor=text,
        roles=["auditor"],
        via="api",
        action="access:denied",
        object_type="record",
        object_id=text,
        result="ok",
        details={"query": text, "count": 3},
    )
    stored = parse_event(event_part(body).content)

    assert event_row(RECORD, stored) == event_row(RECORD, body), "recovery comes to the same row"
    for value in event_row(RECORD, body):
        if isinstance(value, str):
            assert "\0" not in value.encode().decode()


def test_an_event_that_does_not_parse_is_named_an_integrity_error() -> None:
    for content in (b"", b"\xff", b"{}", b"[]"):
        with pytest.raises(IntegrityError):
            parse_event(content)
