"""The push API's wire shape: what is read, kept verbatim and refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.decoding import decode_capture, decode_line
from archiver.errors import InvalidInput, TooLarge
from archiver.model.post import Arrival, Change, PartRole, Provenance, Refusal

PUSHED = Provenance(method="push", source="client-1")


def decode(body: bytes) -> Arrival:
    return decode_capture(body, provenance=PUSHED)


def capture(**fields: Any) -> bytes:
    return json.dumps({"platform": "x", "post_id": "1", "account": "acme", **fields}).encode()


def with_member(member: bytes) -> bytes:
    return b'{"platform":"x","post_id":"1","account":"acme",' + member + b"}"


def test_every_field_reaches_the_post() -> None:
    arrival = decode(
        capture(
            kind="reply",
            change="edited",
            posted_at="2020-10-22T19:34:04-04:00",
            edited_at="2020-10-23T00:00:00.5Z",
            text="Tom & Jerry &amp; co",
            lang="en",
            permalink="https://x.com/acme/status/1",
            in_reply_to="0",
            conversation_id="0",
            author={"id": "7", "handle": "acme", "name": "Acme"},
            tags=["#a", "b"],
            idempotency_key="k",
        )
    )
    post = arrival.post
    assert (post.platform, post.account, post.post_id, post.kind) == ("x", "acme", "1", "reply")
    assert post.change is Change.EDITED
    assert post.posted_at == datetime(2020, 10, 22, 23, 34, 4, tzinfo=UTC)
    assert post.posted_at.tzinfo is UTC
    assert post.edited_at == datetime(2020, 10, 23, 0, 0, 0, 500_000, tzinfo=UTC)
    assert post.text == "Tom & Jerry &amp; co", "text is plain already; nothing is decoded"
    assert (post.lang, post.in_reply_to, post.conversation_id) == ("en", "0", "0")
    assert (post.author.id, post.author.handle, post.author.name) == ("7", "acme", "Acme")
    assert post.tags == ("#a", "b")
    assert arrival.idempotency_key == "k"
    assert arrival.provenance is PUSHED


def test_a_deletion_needs_nothing_but_ids() -> None:
    post = decode(capture(change="deleted")).post
    assert (post.change, post.text, post.posted_at) == (Change.DELETED, "", None)


def test_without_a_payload_the_whole_body_is_the_verbatim_part() -> None:
    body = b' { "post_id" : "1",\n "platform":"x", "account":"a" , "text":null}\n'
    (part,) = decode(body).parts
    assert part.content == body
    assert (part.role, part.name, part.media_type) == (
        PartRole.RAW,
        "capture.json",
        "application/json",
    )


def test_a_body_may_come_as_a_memoryview() -> None:
    body = capture(text="t")
    arrival = decode_capture(memoryview(bytearray(body)), provenance=PUSHED)
    assert arrival.parts[0].content == body


PAYLOADS = [
    b'{"a": 1,  "b" : [ ] }',
    b"[1, 2]",
    b'"text"',
    b"17",
    b"true",
    b'{"id":1319421795007631361000000000000000000000}',
    b'{"id":1,"id":2}',
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b'{"text":"cut \\uD83D","post_id":"\\udc00"}',
    b'"\\u0000 and \\u0041"',
    b'"\\ud83d\\ude00"',
    "“ünïcödé” 😀".encode().join([b'"', b'"']),
    b'{"payload":{"payload":1}}',
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("position", [b"first", b"last"])
def test_a_payload_is_kept_to_the_byte(payload: bytes, position: bytes) -> None:
    member = b'"payload" : ' + payload + b"\t"
    rest = b'"platform":"x","post_id":"1","account":"a","text":"payload"'
    body = b"{" + b",".join([member, rest] if position == b"first" else [rest, member]) + b"}"
    (part,) = decode(body).parts
    assert part.content == payload
    assert part.name == "payload.json"


def test_a_payload_is_found_behind_a_value_that_reads_like_its_key() -> None:
    (part,) = decode(with_member(b'"kind":"payload","payload":{"kind":"payload"}')).parts
    assert part.content == b'{"kind":"payload"}'


def test_a_payload_whose_key_is_written_with_escapes_is_kept_to_the_byte() -> None:
    (part,) = decode(with_member(b'"p\\u0061yload": [1,\n2]')).parts
    assert part.content == b"[1,\n2]"


def test_a_null_payload_is_no_payload() -> None:
    body = with_member(b'"payload":null')
    assert decode(body).parts[0].content == body


def test_what_text_cannot_hold_is_shown_as_a_replacement_and_kept_verbatim() -> None:
    body = with_member(
        b'"text":"a\\u0000b\\ud800c","tags":["\\u0000"],"author":{"name":"n\\udfff"}'
    )
    arrival = decode(body)
    assert arrival.post.text == "a\ufffdb\ufffdc"
    assert arrival.post.tags == ("\ufffd",)
    assert arrival.post.author.name == "n\ufffd"
    assert arrival.parts[0].content == body


def test_an_escaped_backslash_before_a_u_is_no_surrogate() -> None:
    assert decode(with_member(b'"text":"\\\\ud800 \\ud83d\\ude00"')).post.text == "\\ud800 😀"


REFUSED = {
    "an unknown field": (with_member(b'"txt":"a"'), "txt"),
    "an unknown author field": (with_member(b'"author":{"nick":"a"}'), "nick"),
    "a key twice": (with_member(b'"text":"a","text":"b"'), "'text' stands twice"),
    "a key twice, once with escapes": (with_member(b'"te\\u0078t":"a","text":"b"'), "twice"),
    "a key twice, with spaces": (with_member(b'"text" :"a","text"\n:"b"'), "twice"),
    "a key twice around a payload": (with_member(b'"lang":"a","payload":{},"lang":"b"'), "twice"),
    "a payload twice": (with_member(b'"payload":{"a":1},"payload":{"a":1}'), "twice"),
    "an author's key twice": (with_member(b'"author":{"id":"1","id":"2"}'), "twice"),
    "a number as id": (b'{"platform":"x","account":"a","post_id":1}', "JSON strings"),
    "a number as author id": (with_member(b'"author":{"id":12}'), "JSON strings"),
    "an empty id": (b'{"platform":"x","account":"a","post_id":""}', "length >= 1"),
    "no id": (b'{"platform":"x","account":"a"}', "post_id"),
    "no platform": (b'{"post_id":"1","account":"a"}', "platform"),
    "a platform with spaces": (b'{"platform":"X Corp","post_id":"1","account":"a"}', "regex"),
    "no account at all": (b'{"platform":"x","post_id":"1"}', "account is missing"),
    "a lone surrogate in an id": (b'{"platform":"x","account":"a","post_id":"\\ud800"}', "surrog"),
    "NUL in an id": (b'{"platform":"x","account":"a","post_id":"1\\u0000"}', "NUL"),
    "a raw control character": (with_member(b'"text":"a\x01b"'), "malformed"),
    "a raw NUL": (with_member(b'"text":"a\x00b"'), "malformed"),
    "invalid UTF-8": (with_member(b'"text":"\xff"'), "UTF-8"),
    "overlong UTF-8": (with_member(b'"text":"\xc0\x80"'), "UTF-8"),
    "a surrogate in UTF-8": (with_member(b'"text":"\xed\xa0\x80"'), "UTF-8"),
    "invalid UTF-8 in the payload": (with_member(b'"payload":"\xff"'), "UTF-8"),
    "UTF-16": ('{"platform":"x"}'.encode("utf-16"), "UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + capture(), "malformed"),
    "NaN": (with_member(b'"payload":NaN'), "malformed"),
    "a trailing comma": (with_member(b'"payload":[1,]'), "malformed"),
    "two objects": (capture() + capture(), "trailing"),
    "an array": (b"[]", "object"),
    "nothing": (b"", "object"),
    "a cut": (capture()[:-5], "object"),
    "a time without a zone": (with_member(b'"posted_at":"2020-10-22T19:34:04"'), "timezone"),
    "an epoch number": (with_member(b'"posted_at":1603409644'), "got int"),
    "a time out of the calendar": (with_member(b'"posted_at":"0001-01-01T00:00:00+14:00"'), "year"),
    "an unknown change": (with_member(b'"change":"vanished"'), "vanished"),
    "a huge number": (with_member(b'"kind":1e999'), "kind"),
    "nesting in an envelope field": (with_member(b'"text":' + b"[" * 100_000), "str"),
    "nesting in the payload": (
        with_member(b'"payload":' + b"[" * 100_000 + b"]" * 100_000),
        "too deep",
    ),
    "nested keys in the payload": (
        with_member(b'"payload":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "too deep",
    ),
    "media without payload": (
        with_member(b'"media":[]').replace(
            b"[]",
            b"""[
        {"name":"a","media_type":"image/png","content_base64":""}]""",
        ),
        "needs payload",
    ),
    "too many tags": (with_member(b'"tags":[' + b",".join([b'"t"'] * 257) + b"]"), "tags"),
    "a text of a million characters and one": (capture(text="x" * 1_000_001), "text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_odd_bodies_are_refused_with_a_reason(name: str) -> None:
    body, reason = REFUSED[name]
    with pytest.raises(InvalidInput) as refused:
        decode(body)
    assert reason in f"{refused.value} {refused.value.pointer}"


@pytest.mark.parametrize(
    ("member", "pointer"),
    [
        (b'"author":{"id":1}', "/author/id"),
        (b'"payload":1,"media":[{"name":"a","media_type":"b/c"}]', "/media/0"),
        (b'"posted_at":"yesterday"', "/posted_at"),
        (b'"tags":["a",1]', "/tags/1"),
    ],
)
def test_a_refusal_points_at_the_field(member: bytes, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(with_member(member))
    assert refused.value.pointer == pointer


def test_media_become_parts_after_the_payload() -> None:
    arrival = decode(
        capture(
            payload={"id": 1},
            media=[
                {"name": "a.png", "media_type": "image/png", "content_base64": "AAEC"},
                {"name": "b.txt", "media_type": "text/plain; charset=utf-8", "content_base64": ""},
            ],
        )
    )
    assert [(part.name, part.role, part.content) for part in arrival.parts] == [
        ("payload.json", PartRole.RAW, b'{"id": 1}'),
        ("a.png", PartRole.MEDIA, b"\x00\x01\x02"),
        ("b.txt", PartRole.MEDIA, b""),
    ]


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", ".", "..", "a\nb", "", "x" * 256])
def test_media_names_are_plain_file_names(name: str) -> None:
    media = [{"name": name, "media_type": "image/png", "content_base64": ""}]
    with pytest.raises(InvalidInput):
        decode(capture(payload=1, media=media))


def test_media_names_are_unique_and_media_are_base64() -> None:
    item = {"name": "a", "media_type": "image/png", "content_base64": ""}
    with pytest.raises(InvalidInput, match="twice"):
        decode(capture(payload=1, media=[item, item]))
    with pytest.raises(InvalidInput, match="base64"):
        decode(capture(payload=1, media=[item | {"content_base64": "?"}]))


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"author": {"id": "7", "handle": "h"}}, "h"),
        ({"author": {"id": "7"}}, "7"),
        ({"author": {"id": "7"}, "account": "a"}, "a"),
    ],
)
def test_the_account_defaults_to_the_author(fields: dict[str, Any], account: str) -> None:
    body = json.dumps({"platform": "x", "post_id": "1", **fields}).encode()
    assert decode(body).post.account == account


def test_the_account_of_an_import_comes_before_the_author() -> None:
    body = b'{"platform":"x","post_id":"1","author":{"handle":"h"}}'
    assert decode_capture(body, provenance=PUSHED, account="given").post.account == "given"


def test_a_body_over_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        decode_capture(capture(), provenance=PUSHED, max_bytes=10)


def test_a_line_is_decoded_or_refused_with_its_number() -> None:
    line = capture()
    arrival = decode_line(line, number=3, provenance=PUSHED)
    assert isinstance(arrival, Arrival)
    assert arrival.parts[0].content == line
    refusal = decode_line(b'{"post_id":1}', number=4, provenance=PUSHED)
    assert isinstance(refusal, Refusal)
    assert refusal.line == 4
    assert "/post_id" in refusal.reason


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values, st.integers(0, 3), st.booleans())
def test_any_json_survives_as_payload(value: Any, indent: int, ascii_only: bool) -> None:  # noqa: FBT001
    payload = json.dumps(value, indent=indent or None, ensure_ascii=ascii_only)
    try:
        raw = payload.encode()
    except UnicodeEncodeError:  # a lone surrogate has no bytes unless escaped
        raw = json.dumps(value).encode()
    arrival = decode(with_member(b'"payload":' + raw))
    assert arrival.parts[0].content == (with_member(b'"payload":null') if raw == b"null" else raw)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_invalid_input(body: bytes) -> None:
    for candidate in (body, with_member(b'"text":' + body), with_member(b'"payload":' + body)):
        try:
            decode(candidate)
        except InvalidInput:
            continue
