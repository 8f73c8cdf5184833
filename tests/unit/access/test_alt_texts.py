"""Alternative texts as platforms give them, found beside the file they describe."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.alt_texts import alt_texts

MASTODON = {
    "content": "Look",
    "media_attachments": [
        {"type": "image", "url": "https://files.example/a/map.png?x=1", "description": "A map"},
        {"type": "image", "url": "https://files.example/b/dog.png", "description": None},
    ],
}
ACTIVITY = {
    "name": "A title of the note",
    "attachment": [
        {"type": "Document", "mediaType": "image/png", "url": "/media/map.png", "name": "A map"}
    ],
}
X = {
    "extended_entities": {
        "media": [{"media_url_https": "https://pbs.example/map.png", "ext_alt_text": "A map"}]
    }
}
BLUESKY = {
    "embed": {"images": [{"alt": "A map", "image": {"ref": {"$link": "map.png"}, "size": 12}}]}
}


@pytest.mark.parametrize("payload", [MASTODON, ACTIVITY, X, BLUESKY])
def test_the_text_beside_a_files_address_is_its_own(payload: object) -> None:
    found = alt_texts(json.dumps(payload).encode(), ["map.png", "dog.png", "other.png"])

    assert found == {"map.png": "A map"}


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "Acme", "icon": "/map.png"},
        {"description": "A gallery", "items": [{"url": "/map.png"}]},
        {"description": " ", "url": "/map.png"},
    ],
)
def test_names_of_people_and_words_about_a_list_describe_no_file(payload: object) -> None:
    assert alt_texts(json.dumps(payload).encode(), ["map.png"]) == {}


@pytest.mark.parametrize("payload", [b"", b"<html>", b"\xff", b"[" * 50_000, b"12", b'"x"'])
def test_a_payload_that_tells_nothing_gives_nothing(payload: bytes) -> None:
    assert alt_texts(payload, ["map.png"]) == {}


@given(
    st.recursive(
        st.none() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)
    )
)
def test_any_document_can_be_read(document: object) -> None:
    payload = json.dumps(document).encode("utf-8", "surrogatepass")

    assert set(alt_texts(payload, ["a", "b"])) <= {"a", "b"}
