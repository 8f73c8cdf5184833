"""Objects in an S3 bucket with Object Lock: WORM, where the store keeps its word.

The only module that knows boto3. `s3_putting` decides what follows from an answer, `s3_answers` who
must act on an error, `s3_listing` works round servers that list badly.

The SHA-256 is computed here and sent as a header: botocore's default checksum goes in a trailer
that many S3-compatible stores refuse, and without any checksum a locked put is refused.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from archiver.errors import ConfigurationError, NotFound, StorageUnavailable
from archiver.model.lock import Lock, LockMode, longest
from archiver.preserve.store import StoredObject, s3_answers, s3_bucket, s3_listing
from archiver.preserve.store.names import check_key, check_prefix
from archiver.preserve.store.promises import binding, check_range, refuse_if_kept
from archiver.preserve.store.s3_address import S3Address
from archiver.preserve.store.s3_putting import Putting, Wanted
from archiver.preserve.store.s3_trial import S3Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from archiver.clock import Clock
    from archiver.preserve.store.trials import AccessKey


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Patience:
    """How long one request may take (seconds) and how often botocore tries it."""

    connect_s: float = 5.0
    read_s: float = 30.0
    attempts: int = 3


class S3Store:
    """An `ObjectStore` in an S3 bucket with versioning and Object Lock."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        patience: S3Patience | None = None,
        connections: int = 32,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect to the store at `url` (see `s3_address`); nothing is asked of it yet.

        Credentials come from where botocore looks for them: environment, files, machine role.

        Raises:
            ConfigurationError: the URL is wrong.
        """
        self._address = S3Address.parse(url)
        self._bucket = self._address.bucket
        self._clock = clock
        self._putting = Putting(self, sleep=sleep)
        # One extension of a key at a time: some servers (SeaweedFS 4.48) check and write in two
        # steps, and of two extensions that race the shorter may win.
        self._extending = tuple(threading.Lock() for _ in range(64))
        self._client = _client(self._address, patience or S3Patience(), connections)

    @property
    def url(self) -> str:
        """The canonical URL, without secrets."""
        return str(self._address)

    @property
    def enforces_locks(self) -> bool:
        """True: deletion is refused by the store itself."""
        return True

    def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Store `body` at `key` for good. See `ObjectStore.put`."""
        wanted = self._wanted(key, body, lock, legal_hold=legal_hold, create=True)
        return self._putting.until_known(wanted)

    def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:
        """Store a new version at `key`. See `ObjectStore.replace`."""
        wanted = self._wanted(key, body, lock, legal_hold=False, create=False)
        return self._putting.until_known(wanted)

    def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Put the true bytes over lost or altered ones. See `ObjectStore.restore`."""
        wanted = self._wanted(key, body, lock, legal_hold=legal_hold, create=False)
        return self._putting.restored(wanted)

    def send(self, wanted: Wanted) -> tuple[str | None, str | None]:
        """One request of `Putting`."""
        options: dict[str, Any] = {"IfNoneMatch": "*"} if wanted.create else {}
        if wanted.lock:
            options["ObjectLockMode"] = wanted.lock.mode.upper()
            options["ObjectLockRetainUntilDate"] = wanted.lock.until
        if wanted.legal_hold:
            options["ObjectLockLegalHoldStatus"] = "ON"
        with self._calling("PutObject", wanted.key):
            answer = self._client.put_object(
                **self._target(wanted.key, None),
                Body=wanted.body,
                ChecksumSHA256=wanted.checksum,
                **options,
            )
        return answer.get("VersionId"), answer.get("ChecksumSHA256")

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """Return the whole object. See `ObjectStore.get`."""
        return self._read(key, version_id)

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """Return part of the object. See `ObjectStore.get_range`."""
        check_range(key, offset, length)
        if not length:  # HTTP has no empty range
            self.head(key, version_id=version_id)
            return b""
        try:
            return self._read(key, version_id, Range=f"bytes={offset}-{offset + length - 1}")
        except s3_answers.PastTheEnd:
            return b""

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """Describe one object. A lock this principal may not read is silently absent."""
        target = self._target(key, version_id)
        with self._calling("HeadObject", key, versioned=version_id is not None):
            answer = self._client.head_object(**target, ChecksumMode="ENABLED")
        if "LastModified" not in answer:  # a 200 without what every object has is no answer
            raise StorageUnavailable(
                f"HeadObject of {key}: an answer without Last-Modified, so not of {self.url}; "
                "check what stands between"
            )
        return StoredObject(
            key=key,
            version_id=answer.get("VersionId", "null"),
            size=answer["ContentLength"],
            sha256=_whole_sha256(answer.get("ChecksumSHA256")),
            lock=_lock(answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")),
            legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
            modified_at=answer["LastModified"],
        )

    def list_versions(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every version and delete marker under `prefix`, by key, without locks."""
        check_prefix(prefix)
        with self._calling("ListObjectVersions", prefix):
            for found in s3_listing.versions(
                self._client, self._bucket, self._address.prefix + prefix
            ):
                yield replace(found, key=found.key.removeprefix(self._address.prefix))

    def list_keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield current keys under `prefix` in ascending byte order."""
        check_prefix(prefix)
        own = self._address.prefix
        with self._calling("ListObjectsV2", prefix):
            for key in s3_listing.keys(self._client, self._bucket, own + prefix, after=own + after):
                yield key.removeprefix(own)

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """Set or lift the hold of one version. See `ObjectStore.set_legal_hold`."""
        with self._calling("PutObjectLegalHold", key, versioned=True):
            self._client.put_object_legal_hold(
                **self._target(key, version_id), LegalHold={"Status": "ON" if on else "OFF"}
            )

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """Make the lock last until `lock.until` at least. See `ObjectStore.extend_lock`.

        Making a governance lock a compliance lock needs s3:BypassGovernanceRetention.
        """
        with self._extending[hash(key) % len(self._extending)]:
            self._extend_lock(key, version_id, lock)

    def delete(self, key: str, *, version_id: str) -> None:
        """Delete one version for good. See `ObjectStore.delete`."""
        with suppress(NotFound):  # a delete marker, which HEAD does not show, or gone
            refuse_if_kept(self.head(key, version_id=version_id), self._clock())
        with suppress(NotFound), self._calling("DeleteObject", key, versioned=True):
            self._client.delete_object(**self._target(key, version_id))

    def probe(self) -> None:
        """Check bucket, versioning, Object Lock, credentials and the right to write.

        Nothing is stored. Raises OperatorError with advice, IntegrityError where the store does
        not verify checksums.
        """
        with self._calling("Probe", ""):
            s3_bucket.check(self._client, self._bucket)
            s3_bucket.check_writing(self._client, self._bucket, self._address.prefix + "probe")

    def lock_faults(self) -> tuple[str, ...]:
        """Return in words what of the bucket's settings leaves objects without protection."""
        with self._calling("GetObjectLockConfiguration", ""):
            return s3_bucket.lock_faults(self._client, self._bucket)

    def create_bucket(self, *, default_days: int | None = 1) -> None:
        """Create the bucket with Object Lock, or check that ours has it.

        `default_days` of compliance lock are a safety net for an object stored without a lock of
        its own; None sets no default.
        """
        with self._calling("CreateBucket", ""):
            s3_bucket.create(
                self._client,
                self._bucket,
                region=self._address.region,
                default_days=default_days,
            )

    def server_time(self) -> datetime:
        """Return the store's clock (whole seconds): locks end by it, not by ours."""
        with self._calling("HeadBucket", ""):
            answer = self._client.head_bucket(Bucket=self._bucket)
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def trial(self, access_key: AccessKey | None = None) -> S3Trial:
        """Return a trial of this bucket under the store's own credentials, or others.

        Raises:
            ConfigurationError: as at the start.
        """
        client = _client(self._address, S3Patience(attempts=1), 1, access_key)
        return S3Trial(client, self._bucket, self._address.prefix, self._calling)

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _wanted(
        self, key: str, body: bytes, lock: Lock | None, *, legal_hold: bool, create: bool
    ) -> Wanted:
        return Wanted(
            key=key,
            body=body,
            sha256=hashlib.sha256(body).digest(),
            lock=binding(lock, self._clock()),
            legal_hold=legal_hold,
            create=create,
        )

    def _target(self, key: str, version_id: str | None) -> dict[str, Any]:
        check_key(key)
        target = {"Bucket": self._bucket, "Key": self._address.prefix + key}
        return target if version_id is None else {**target, "VersionId": version_id}

    def _read(self, key: str, version_id: str | None, **options: Any) -> bytes:
        """Read an object; a broken answer is asked for once more, which botocore does not do."""
        target = self._target(key, version_id)

        def once() -> bytes:
            with self._calling("GetObject", key, versioned=version_id is not None):
                return self._client.get_object(**target, **options)["Body"].read()

        try:
            return once()
        except StorageUnavailable:
            return once()

    def _extend_lock(self, key: str, version_id: str, lock: Lock) -> None:
        present = self.head(key, version_id=version_id).lock
        kept = longest(present, binding(lock, self._clock()))
        if kept is None or kept == present:
            return
        stricter = present is not None and present.mode is not kept.mode
        try:
            with self._calling("PutObjectRetention", key, versioned=True):
                self._client.put_object_retention(
                    **self._target(key, version_id),
                    Retention={
                        "Mode": "COMPLIANCE" if kept.mode is LockMode.COMPLIANCE else "GOVERNANCE",
                        "RetainUntilDate": kept.until,
                    },
                    BypassGovernanceRetention=stricter,
                )
        except ConfigurationError:
            # Refused as shortening, if somebody else has extended it further since it was read.
            present = self.head(key, version_id=version_id).lock
            if longest(present, kept) != present:
                raise

    @contextmanager
    def _calling(self, operation: str, key: str, *, versioned: bool = False) -> Iterator[None]:
        """Turn what botocore raises into the family of who must act."""
        try:
            yield
        except ClientError as error:
            raise s3_answers.meaning(
                error.response,
                operation=operation,
                bucket=self._bucket,
                key=key,
                versioned=versioned,
            ) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ConfigurationError(
                "there are no credentials for the object store; set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or give the machine a role"
            ) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise StorageUnavailable(
                f"{operation} of {key or 'the bucket'}: no whole answer from {self.url} "
                f"({type(error).__name__}); check that it is up and reached from here",
                ambiguous=s3_answers.is_writing(operation),
            ) from error


def _client(
    address: S3Address, patience: S3Patience, connections: int, key: AccessKey | None = None
) -> S3Client:
    config = Config(
        connect_timeout=patience.connect_s,
        read_timeout=patience.read_s,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=connections,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if address.endpoint_url else "auto"},
    )
    # The session is not thread-safe, the client is. Building it may ask the machine's metadata
    # service, so it is built once.
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=key.id if key else None,
            aws_secret_access_key=key.secret if key else None,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"cannot set up a client for {address}: {type(error).__name__}"
        ) from error


def _lock(mode: str | None, until: datetime | None) -> Lock | None:
    if mode is None or until is None:
        return None
    return Lock(mode=LockMode(mode.lower()), until=until.astimezone(UTC))


def _whole_sha256(checksum: str | None) -> bytes | None:
    """The digest of the whole object; a multipart upload has one of its parts (`…-3`) instead."""
    if checksum is None or "-" in checksum:
        return None
    return base64.b64decode(checksum)
