"""Cutting JSON: the cutter agrees with the json module to the byte, at every block boundary."""

import io
import json
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.importers.json_cutter import JsonCutter
from archiver.errors import InvalidInput, TooLarge

MOST = 1 << 20


class Dribble(io.BytesIO):
    """Gives a few bytes at a time, so that every token is cut by a block boundary somewhere."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002
        return super().read(self._step)


def cutter(content: bytes, step: int = 1 << 16, most: int = MOST) -> JsonCutter:
    stream: BinaryIO = Dribble(content, step)
    return JsonCutter(stream, most=most)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet='ab"\\[]{},: \n\u00e9\U0001f600'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
space = st.text(alphabet=" \t\r\n", max_size=3)


@given(st.lists(st.tuples(space, values, space), max_size=6), st.integers(1, 7), st.booleans())
def test_elements_are_cut_exactly(
    parts: list[tuple[str, Any, str]],
    step: int,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    raws = [json.dumps(value, ensure_ascii=ascii_only).encode() for _, value, _ in parts]
    spaced = [
        before.encode() + raw + after.encode()
        for (before, _, after), raw in zip(parts, raws, strict=True)
    ]
    text = b"\xef\xbb\xbf \n[" + b",".join(spaced) + b" ]\n"
    one = cutter(text, step)
    assert list(one.elements()) == raws
    one.end()
    assert one.offset == len(text)


@given(st.dictionaries(st.text(), values, max_size=5), st.integers(1, 7))
def test_members_are_walked_exactly(members: dict[str, Any], step: int) -> None:
    text = json.dumps(members, indent=1)
    one = cutter(text.encode(), step)
    found = [(json.loads(key), one.value()) for key in one.members()]
    one.end()
    assert [key for key, _ in found] == list(members)
    assert [value for _, value in found] == [
        json.dumps(value, indent=1).replace("\n", "\n ").encode() for value in members.values()
    ]


@given(st.binary(max_size=60), st.integers(1, 5))
def test_garbage_ends_in_invalid_input_and_never_hangs(content: bytes, step: int) -> None:
    for text in (b"[" + content, b'[{"a":"' + content, content):
        try:
            one = cutter(text, step)
            pieces = list(one.elements())
        except InvalidInput:
            continue
        assert sum(map(len, pieces)) <= len(text)


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        (b'[{"a":1},{"b":', [b'{"a":1}'], "ends inside the value that starts at byte 9"),
        (b'[1,"abc', [b"1"], "ends inside"),
        (b"[1", [b"1"], "expected , or ]"),
        (b"[1 2]", [b"1"], "expected , or ]"),
        (b"[1,]", [b"1"], "expected a value"),
        (b"[,1]", [], "expected a value"),
        (b"{}", [], r"expected \["),
        (b"", [], r"expected \["),
    ],
)
def test_what_came_before_an_error_is_kept(text: bytes, kept: list[bytes], reason: str) -> None:
    found: list[bytes] = []
    with pytest.raises(InvalidInput, match=reason):
        found.extend(cutter(text).elements())  # extend keeps what came before the error
    assert found == kept


def test_text_after_the_array_is_refused() -> None:
    one = cutter(b"[] []")
    assert list(one.elements()) == []
    with pytest.raises(InvalidInput, match="end of the text"):
        one.end()


@pytest.mark.parametrize("element", [b'"' + b"a" * 5000 + b'"', b"[" * 5000, b"1" * 5000])
def test_an_element_over_the_limit_is_refused(element: bytes) -> None:
    with pytest.raises(TooLarge, match="longer than 1,000 bytes"):
        list(cutter(b"[" + element, step=100, most=1000).elements())


def test_deep_nesting_is_cut_without_recursion() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    assert list(cutter(b"[" + deep + b",1]").elements()) == [deep, b"1"]
