"""How documents are laid out in OpenSearch."""

from typing import Any

from search.analyzer import ANALYZER_VERSION
from search.document import Document
from search.index import CHUNK
from search.matcher import values
from search.query import FieldName

LAYOUT = f"opensearch-2 {ANALYZER_VERSION}"
"""What must be equal for an index to be used. Not the server's version: it upgrades its files."""

PLACE = "place"
HASH = "hash"
SINCE = "since"
"""The commit that a document counts from."""

NEVER = 2**63 - 1
"""The `SINCE` of what is no document of the archive: the state document."""

KEYWORDS = {
    FieldName.FROM: "author",
    FieldName.ACCOUNT: "account",
    FieldName.PLATFORM: "platform",
    FieldName.KIND: "kind",
    FieldName.LANG: "lang",
    FieldName.CLASS: "class_code",
    FieldName.TAG: "tag",
    FieldName.CHANGE: "change",
    FieldName.HAS: "has",
    FieldName.HASH: HASH,
}
"""The field of each keyword."""

MOST_TERMS = 65_536
"""Values that one `terms` query may have: the server's own default."""

_KEYWORD = {"type": "keyword"}


def creation(shards: int, replicas: int) -> dict[str, Any]:
    """Return settings and mappings of a new index."""
    return {
        "settings": {
            "index": {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
                "refresh_interval": "-1",  # only a commit makes anything visible
                "translog.durability": "request",  # an acknowledged write survives a loss of power
                "max_result_window": CHUNK,
                "max_terms_count": MOST_TERMS,
                "max_regex_length": 10_000,  # a token has 200 characters, each may be escaped
            },
            "analysis": {
                "tokenizer": {"spaces": {"type": "whitespace", "max_token_length": 32_766}},
                "analyzer": {"spaces": {"type": "custom", "tokenizer": "spaces"}},
            },
        },
        "mappings": {
            "dynamic": "strict",
            "_meta": {"layout": LAYOUT},
            "_source": {"excludes": ["words"]},
            "properties": _fields(),
        },
    }


def _fields() -> dict[str, Any]:
    clock = {"type": "long"}
    return {
        "number": {"type": "unsigned_long"},
        SINCE: {"type": "long"},
        "text": {"type": "text", "analyzer": "spaces", "norms": False},
        # The different tokens of the text as a column: what patterns stand for (`vocabulary`).
        "words": {"type": "keyword", "index": False},
        PLACE: _KEYWORD,
        **dict.fromkeys(KEYWORDS.values(), _KEYWORD),
        "time": clock,
        "captured": clock,
        "posted": clock,
        "state": {"type": "object", "enabled": False},
    }


def laid_out(document: Document, since: int) -> dict[str, Any]:
    """Return `document`, counting from the commit `since`, as OpenSearch takes it."""
    fields: dict[str, Any] = {
        "number": document.number,
        SINCE: since,
        "text": document.text,
        "words": sorted(set(document.text.split())),
        PLACE: document.place,
        **{field: list(values(document, name)) for name, field in KEYWORDS.items()},
        "time": document.time,
        "captured": document.captured_at,
    }
    if document.posted_at is not None:
        fields["posted"] = document.posted_at
    return fields


def identity(number: int, since: int) -> str:
    """Return the `_id` of a document: of a commit and a number there is one, however often sent."""
    return f"{number}-{since}"
