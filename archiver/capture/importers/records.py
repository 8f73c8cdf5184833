"""What `ndjson` and `json` share: one JSON object per post, to be decoded.

With a field map the objects are a platform's own; without one they have the wire shape of
`archiver.capture.decoding`. The verbatim part of a post is the exact bytes of its line or element
(or of its `payload`, in the wire shape).
"""

from collections.abc import Iterable

from archiver.capture.decoding import decode_capture
from archiver.capture.importers.chunks import (
    Chunk,
    ImportOptions,
    RawItem,
    converted,
    provenance,
    raw_part,
)
from archiver.capture.json_text import parse_json
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Refusal


def require_platform(options: ImportOptions) -> None:
    """Check that mapped items will have a platform.

    Raises:
        InvalidInput: there is a field map and no platform.
    """
    if options.fields.pairs and not options.platform:
        raise InvalidInput(
            "the field map says nothing of the platform: give --platform", pointer="platform"
        )


def record_arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode a chunk of JSON objects."""
    return converted(chunk, lambda item: _record(item, chunk))


def _record(item: RawItem, chunk: Chunk) -> Iterable[Arrival]:
    options = chunk.options
    origin = provenance(chunk, item.line)
    if not options.fields.pairs:
        yield decode_capture(item.content, provenance=origin, account=options.account)
        return
    post = options.fields.post(
        parse_json(item.content),
        platform=options.platform,
        account=options.account,
        zone=options.zone,
    )
    part = raw_part("post.json", "application/json", item.content)
    yield Arrival(post=post, parts=(part,), provenance=origin)
