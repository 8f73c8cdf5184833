"""Trying an S3 store: each attempt is one request, sent as it is and never repeated.

botocore's retries would make the second request fail because of the first, which is just what the
probe looks for. The client comes from `s3`, with retries off.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from archiver.preserve.store import s3_answers
from archiver.preserve.store.trials import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from mypy_boto3_s3 import S3Client

    from archiver.model.lock import Lock

    Request = Callable[[], Mapping[str, Any]]


class S3Trial:
    """A `LockTrial` of one principal on a bucket.

    `prefix` stands before every key; `calling` names what is no answer at all (see `s3`).
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        prefix: str,
        calling: Callable[[str, str], AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._calling = calling

    def put(
        self,
        key: str,
        body: bytes,
        *,
        lock: Lock,
        create: bool = True,
        legal_hold: bool = False,
        sha256: bytes | None = None,
    ) -> Answer:
        """See `LockTrial.put`."""
        options: dict[str, Any] = {"IfNoneMatch": "*"} if create else {}
        if legal_hold:
            options["ObjectLockLegalHoldStatus"] = "ON"
        checksum = base64.b64encode(sha256 or hashlib.sha256(body).digest()).decode()
        return self._ask(
            "PutObject",
            key,
            lambda: self._client.put_object(
                **self._target(key),
                Body=body,
                ChecksumSHA256=checksum,
                ObjectLockMode="COMPLIANCE" if lock.mode == "compliance" else "GOVERNANCE",
                ObjectLockRetainUntilDate=lock.until,
                **options,
            ),
        )

    def delete(self, key: str, *, version_id: str, bypass: bool = False) -> Answer:
        """See `LockTrial.delete`."""
        claim: dict[str, Any] = {"BypassGovernanceRetention": True} if bypass else {}
        return self._ask(
            "DeleteObject",
            key,
            lambda: self._client.delete_object(**self._target(key), VersionId=version_id, **claim),
        )

    def retain(self, key: str, *, version_id: str, lock: Lock | None) -> Answer:
        """See `LockTrial.retain`."""
        retention: Any = {}  # an empty retention is how S3 is asked to remove one
        if lock is not None:
            retention = {"Mode": lock.mode.upper(), "RetainUntilDate": lock.until}
        return self._ask(
            "PutObjectRetention",
            key,
            lambda: self._client.put_object_retention(
                **self._target(key),
                VersionId=version_id,
                Retention=retention,
                BypassGovernanceRetention=True,
            ),
        )

    def hold(self, key: str, *, version_id: str, on: bool) -> Answer:
        """See `LockTrial.hold`."""
        return self._ask(
            "PutObjectLegalHold",
            key,
            lambda: self._client.put_object_legal_hold(
                **self._target(key),
                VersionId=version_id,
                LegalHold={"Status": "ON" if on else "OFF"},
            ),
        )

    def destroy(self, key: str) -> Answer | None:  # noqa: ARG002 - nothing here but the S3 interface
        """None: behind the gateway there may be a way, but none this process knows."""
        return None

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _target(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _ask(self, operation: str, key: str, request: Request) -> Answer:
        with self._calling(operation, key):
            try:
                answer = request()
            except self._client.exceptions.ClientError as error:
                if not s3_answers.judges(error.response):
                    raise
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                return Answer(
                    accepted=False, said=f"{status} {s3_answers.code_of(error.response)}".strip()
                )
        version_id = answer.get("VersionId")
        return Answer(
            accepted=True,
            said=str(answer["ResponseMetadata"]["HTTPStatusCode"]),
            version_id=None if version_id == "null" else version_id,
        )
