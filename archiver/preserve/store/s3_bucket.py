"""Creating and examining the bucket itself."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.store import s3_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

_SERVER_DEFAULT_REGION = "us-east-1"  # S3 refuses it as a LocationConstraint


def create(client: S3Client, bucket: str, *, region: str | None, default_days: int | None) -> None:
    """Create `bucket` with Object Lock; where it is ours already, check that it has it.

    `default_days` is the compliance lock of an object stored without one of its own.
    """
    options: dict[str, Any] = {}
    if region not in (None, _SERVER_DEFAULT_REGION):
        options["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **options)
    except client.exceptions.BucketAlreadyOwnedByYou:
        check(client, bucket)
        return
    if default_days is not None:
        client.put_object_lock_configuration(
            Bucket=bucket,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": default_days}},
            },
        )


def check(client: S3Client, bucket: str) -> None:
    """Raise ConfigurationError unless `bucket` keeps versions and can lock them."""
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ConfigurationError(
            f"bucket {bucket} has no versioning, so nothing in it can be locked; choose another "
            f"bucket and create it with `muniment init`"
        )
    found = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    if found.get("ObjectLockEnabled") != "Enabled":
        raise ConfigurationError(
            f"bucket {bucket} has no Object Lock; choose another bucket and create it with "
            f"`muniment init`"
        )


def lock_faults(client: S3Client, bucket: str) -> tuple[str, ...]:
    """Return in words which of the bucket's own settings leaves objects without protection."""
    fault = ""
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        fault = "keeps no versions any more: a delete would be for good. Enable versioning again"
    else:
        found = _lock_settings(client, bucket)
        if found.get("ObjectLockEnabled") != "Enabled":
            fault = "has no Object Lock any more: no lock is kept. Enable it again"
        elif not found.get("Rule", {}).get("DefaultRetention"):
            fault = (
                "has no default retention: what is stored without a lock of its own can be deleted "
                "at once. Set one day, compliance"
            )
    return (f"bucket {bucket} {fault}",) if fault else ()


def _lock_settings(client: S3Client, bucket: str) -> Mapping[str, Any]:
    try:
        return client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except client.exceptions.ClientError as error:
        if s3_answers.code_of(error.response) != "ObjectLockConfigurationNotFoundError":
            raise
        return {}


def check_writing(client: S3Client, bucket: str, key: str) -> None:
    """Try a write that a sound store refuses, after it has accepted credentials and permission.

    The checksum sent is wrong, so nothing is stored, and nothing is left under a default lock.

    Raises:
        IntegrityError: the store took bytes that do not match their checksum.
    """
    wrong = base64.b64encode(hashlib.sha256(b"other bytes").digest()).decode()
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"probe", ChecksumSHA256=wrong)
    except client.exceptions.ClientError as error:
        if s3_answers.code_of(error.response) in s3_answers.WRONG_CHECKSUM:
            return
        raise
    raise IntegrityError(
        f"the store of bucket {bucket} accepted bytes with a wrong SHA-256; it cannot keep "
        f"evidence. Use another store",
        object_key=key,
    )
