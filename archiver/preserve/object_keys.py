"""Names of stored objects. No personal data ever stands in one.

```
seg/<archive>/<class>/<YYYY-MM>/<segment>.seg       keys/<archive>/<class>/<YYYY-MM>/<segment>.keys
keys/<archive>/<class>/<YYYY-MM>/<segment>.keys.<generation, from 1>
keys/<archive>/<class>/<YYYY-MM>/epoch.json         blob/<archive>/<class>/<YYYY-MM>/<id>
log/<archive>/checkpoint  checkpoints/<size, 12 digits>  tile/…
log/<archive>/tsr/<size, 12 digits>/<authority>.tsr  cosignatures/<size, 12 digits>/<key id, hex>
log/<archive>/policy.txt  keys.vkey  tsa-roots.pem
probe/<archive>/<id>                                 canaries of the lock probe: no evidence
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


def keys_generation(first_keys: str, generation: int) -> str:
    """Return the key of a later generation of the `.keys` object that generation 0 is at."""
    return f"{first_keys}.{generation}" if generation else first_keys


def generation_of(keys_key: str) -> int | None:
    """Return which generation a key names, None where it names no `.keys` object."""
    _, dot, number = keys_key.rpartition(".keys")
    if not dot or not number:
        return 0 if dot else None
    digits = number.removeprefix(".")
    is_later = number[0] == "." and digits.isascii() and digits.isdecimal() and digits[0] != "0"
    return int(digits) if is_later else None


def first_keys_of(keys_key: str) -> str:
    """Return the key of generation 0 beside a `.keys` object of whatever generation."""
    return keys_key.rpartition(".keys")[0] + ".keys"


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


def timestamp_prefix(archive: str) -> str:
    """Return the prefix of all timestamp responses."""
    return f"log/{archive}/tsr/"


def timestamp_object(archive: str, size: int, authority: str) -> str:
    """Return the key of an authority's raw RFC 3161 response over the checkpoint of `size`."""
    return f"log/{archive}/tsr/{size:012d}/{authority}.tsr"


def cosignature_prefix(archive: str) -> str:
    """Return the prefix of all cosignatures."""
    return f"log/{archive}/cosignatures/"


def cosignature_object(archive: str, size: int, key_id: bytes) -> str:
    """Return the key of a witness's signature lines under the checkpoint of `size`."""
    return f"log/{archive}/cosignatures/{size:012d}/{key_id.hex()}"


def trust_object(archive: str, name: str) -> str:
    """Return the key of public trust material: `policy.txt`, `keys.vkey` or `tsa-roots.pem`."""
    return f"log/{archive}/{name}"


def probe_prefix(archive: str) -> str:
    """Return the prefix of the lock probe's canaries, which no log entry names."""
    return f"probe/{archive}/"


def escrow_object(archive: str, recipient: str, root_key: str) -> str:
    """Return the key of the copy of the root keys up to `root_key` that `recipient` can open."""
    return f"keys/{archive}/escrow/{recipient}-{root_key}.json"
