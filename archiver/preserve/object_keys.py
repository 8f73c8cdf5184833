"""Names of stored objects. No personal data ever stands in one.

```
seg/<archive>/<class>/<YYYY-MM>/<segment>.seg       keys/<archive>/<class>/<YYYY-MM>/<segment>.keys
keys/<archive>/<class>/<YYYY-MM>/epoch.json         blob/<archive>/<class>/<YYYY-MM>/<id>
log/<archive>/checkpoint  checkpoints/<size, 12 digits>  tile/…  policy.txt
```
"""


def segment_prefix(archive: str) -> str:
    """Return the prefix of all segments."""
    return f"seg/{archive}/"


def segment_object(archive: str, class_code: str, period: str, segment: str) -> str:
    """Return the key of a segment."""
    return f"seg/{archive}/{class_code}/{period}/{segment}.seg"


def keys_object(archive: str, class_code: str, period: str, segment: str) -> str:
    """Return the key of a segment's wrapped record keys."""
    return f"keys/{archive}/{class_code}/{period}/{segment}.keys"


def keys_for_segment(segment_key: str) -> str:
    """Return the key of the `.keys` object beside the segment at `segment_key`."""
    return "keys/" + segment_key.removeprefix("seg/").removesuffix(".seg") + ".keys"


def segment_id_of(segment_key: str) -> str:
    """Return the segment id in a segment's object key."""
    return segment_key.rsplit("/", 1)[1].removesuffix(".seg")


def epoch_object(archive: str, class_code: str, period: str) -> str:
    """Return the key of the epoch key of a class and month."""
    return f"keys/{archive}/{class_code}/{period}/epoch.json"


def blob_object(archive: str, class_code: str, period: str, blob: str) -> str:
    """Return the key of a large part."""
    return f"blob/{archive}/{class_code}/{period}/{blob}"


def log_prefix(archive: str) -> str:
    """Return the prefix of the log: a C2SP tlog-tiles log stands under it."""
    return f"log/{archive}/"


def checkpoint_prefix(archive: str) -> str:
    """Return the prefix of all kept checkpoints."""
    return f"log/{archive}/checkpoints/"


def checkpoint_object(archive: str, size: int) -> str:
    """Return the key of the kept checkpoint of `size` entries."""
    return f"log/{archive}/checkpoints/{size:012d}"
