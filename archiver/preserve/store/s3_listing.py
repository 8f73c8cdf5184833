"""Listing a bucket folder by folder, in ascending byte order of keys.

A flat listing would do on AWS. Servers that keep a tree of folders (SeaweedFS 4.48) misplace,
repeat and *omit* entries at the page boundaries of a flat listing where names like `a`, `a-b` and
`a.p/…` meet, and an omitted version would look like destroyed evidence. Within one folder they
omit nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.preserve.store import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef

PAGE = 1000
"""Entries per request; S3 gives no more."""


def keys(
    client: S3Client, bucket: str, prefix: str, *, after: str, page: int = PAGE
) -> Iterator[str]:
    """Yield current keys under `prefix`, those greater than `after`."""
    # Only the folder of `after` itself may be entered half way: elsewhere a folder that sorts
    # before `after` can hold keys that sort behind it. One character less, since trees of folders
    # take "after a/c" to mean after all of `a/c/…`.
    start = after[:-1] if after.startswith(prefix) and "/" not in after[len(prefix) :] else ""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket,
        Prefix=prefix,
        Delimiter="/",
        StartAfter=start,
        PaginationConfig={"PageSize": page},
    )
    for answer in pages:
        # SeaweedFS lists a folder whose last object was deleted as one inside of itself.
        names = [entry["Key"] for entry in answer.get("Contents", [])]
        folders = [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]
        for name in sorted(names + folders):
            if not name.endswith("/"):
                if name > after:
                    yield name
            elif name != prefix and (name > after or after.startswith(name)):
                yield from keys(client, bucket, name, after=after, page=page)


def versions(
    client: S3Client, bucket: str, prefix: str, *, page: int = PAGE
) -> Iterator[StoredObject]:
    """Yield versions and delete markers under `prefix`, by full key, the newest of a key first."""
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": page}
    )
    for answer in pages:
        found = _versions_of(answer)
        folders = {entry["Prefix"] for entry in answer.get("CommonPrefixes", [])}
        for name in sorted(found.keys() | folders):
            if name in found:
                yield from found[name]
            elif name != prefix:
                yield from versions(client, bucket, name, page=page)


def _versions_of(answer: ListObjectVersionsOutputTypeDef) -> dict[str, list[StoredObject]]:
    """The page's versions and delete markers by key, newest first."""
    found: dict[str, list[StoredObject]] = {}
    for version in answer.get("Versions", []):
        found.setdefault(version["Key"], []).append(
            StoredObject(
                key=version["Key"],
                version_id=version["VersionId"],
                size=version["Size"],
                modified_at=version["LastModified"],
                is_latest=version["IsLatest"],
            )
        )
    for marker in answer.get("DeleteMarkers", []):
        found.setdefault(marker["Key"], []).append(
            StoredObject(
                key=marker["Key"],
                version_id=marker["VersionId"],
                size=0,
                modified_at=marker["LastModified"],
                is_latest=marker["IsLatest"],
                is_delete_marker=True,
            )
        )
    for several in found.values():
        several.sort(key=lambda one: (one.is_latest, one.modified_at), reverse=True)
    return found
