"""From a store URL to a store.

`file:relative/or/absolute/path` is a `FilesystemStore`; `s3://bucket/prefix?…` an `S3Store`.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from archiver.clock import Clock
from archiver.errors import ConfigurationError
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.filesystem_trial import FilesystemTrial
from archiver.preserve.store.trials import AccessKey, LockTrial


def open_store(url: str, *, clock: Clock, create: bool) -> ObjectStore:
    """Open the store at `url`.

    With `create`, make the folder or the bucket (with Object Lock) first. Without it nothing is
    ever made because it is missing: an unmounted disk must not become an empty archive. A missing
    folder is found here, a missing bucket by `ObjectStore.probe`.

    Raises:
        ConfigurationError: the URL is wrong, or there is no store.
        StorageUnavailable: it did not answer.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        root = _folder(url)
        if create:
            FilesystemStore.create(root)
        return FilesystemStore(root, clock=clock)
    if scheme == "s3":
        # boto3 costs every start 0.3 s and 30 MB: only archives on S3 pay.
        from archiver.preserve.store.s3 import S3Store  # noqa: PLC0415

        store = S3Store(url, clock=clock)
        if create:
            store.create_bucket()
        return store
    raise ConfigurationError(
        f"object stores of kind {scheme or 'without a scheme'!r} are not known; expected "
        f"file:/path/to/folder or s3://bucket/prefix?endpoint_url=…&region=…"
    )


def open_trial(url: str, *, clock: Clock, access_key: AccessKey | None = None) -> LockTrial:
    """Open the store at `url` for trying it, with its own credentials or those given.

    Raises:
        ConfigurationError: as `open_store`.
    """
    if urlsplit(url).scheme == "file":
        return FilesystemTrial(open_store(url, clock=clock, create=False), _folder(url))
    from archiver.preserve.store.s3 import S3Store  # noqa: PLC0415 - see `open_store`

    return S3Store(url, clock=clock).trial(access_key)


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not parts.path:
        raise ConfigurationError(
            f"not the URL of a folder: {url}; expected file:relative/path or file:/absolute/path"
        )
    return Path(unquote(parts.path))
