"""What the error answers of S3 mean, and who must act.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Messages carry the code
and the request id, never the server's own text: that can repeat key ids and signed strings.
"""

from collections.abc import Mapping
from typing import Any

from archiver.errors import (
    ArchiverError,
    CallerError,
    ConfigurationError,
    NotFound,
    StorageUnavailable,
)

WRONG_CHECKSUM = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"})

# HEAD answers have no body, so botocore gives the status as their code. `InvalidArgument` and
# `MethodNotAllowed` are AWS's answers to a malformed version id and to reading a delete marker.
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"})
_RACED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "OperationAborted"})
_REFUSED = frozenset({"AccessDenied", "403"})
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_BUSY = frozenset({"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "429"})
_FIRST_SERVER_ERROR = 500


class PastTheEnd(CallerError):  # noqa: N818 - like its family
    """A range was asked for that begins behind the object's last byte."""


class Raced(CallerError):  # noqa: N818 - like its family
    """The key has a current version already, or another request for it was under way."""


def code_of(answer: Mapping[str, Any]) -> str:
    """Return the error code of a parsed answer."""
    return str(answer.get("Error", {}).get("Code", "unknown"))


def judges(answer: Mapping[str, Any]) -> bool:
    """Whether an error answer is a judgement of the request: yes or no, from a store that works.

    Not where the store was busy, or did not come to look at the request (credentials, clock, no
    such bucket).
    """
    code = code_of(answer)
    if code in _BUSY | _CREDENTIALS | _CLOCK | {"NoSuchBucket"}:
        return False
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code == "NotImplemented" or 0 < status < _FIRST_SERVER_ERROR


def is_writing(operation: str) -> bool:
    """Whether an unanswered `operation` (`PutObject`) may have changed something."""
    return operation.startswith(("Put", "Delete", "Create"))


def meaning(
    answer: Mapping[str, Any], *, operation: str, bucket: str, key: str, versioned: bool
) -> ArchiverError:
    """Return the error to raise for a parsed error answer.

    A server error after a write is `ambiguous`: the server gave up, perhaps after doing it.
    """
    code = code_of(answer)
    if code == "404" and not key:
        code = "NoSuchBucket"
    about = answer.get("ResponseMetadata", {})
    where = f"{operation} of {key or 'the bucket'} in bucket {bucket}"
    seen = f"{code}, request {about.get('RequestId') or 'without id'}"
    if code in _MISSING or (versioned and code == "InvalidArgument"):
        return NotFound(f"{where}: no such object or version ({seen})")
    if code == "InvalidRange":
        return PastTheEnd(f"{where}: the range begins behind its end ({seen})")
    if code in _RACED:
        return Raced(f"{where}: somebody else wrote it ({seen})")
    if code in _BUSY or about.get("HTTPStatusCode", 0) >= _FIRST_SERVER_ERROR:
        return StorageUnavailable(
            f"{where}: the store was busy or failed ({seen}); it was tried several times. Check "
            f"its health and try again",
            ambiguous=is_writing(operation),
        )
    return ConfigurationError(f"{where}: {_advice(code, bucket)} ({seen})")


def _advice(code: str, bucket: str) -> str:
    if code == "NoSuchBucket":
        return f"bucket {bucket} does not exist; `muniment init` creates it with Object Lock"
    if code in _CREDENTIALS:
        return "the store does not accept the credentials; check AWS_ACCESS_KEY_ID and its secret"
    if code in _REFUSED:
        return (
            "refused: the principal lacks this permission, the credentials are wrong, or the "
            "object is locked"
        )
    if code in _CLOCK:
        return "this machine's clock is wrong; correct it, locks depend on it"
    if code in ("InvalidRequest", "ObjectLockConfigurationNotFoundError"):
        return (
            "the store refused the request; is the bucket created with versioning and Object Lock?"
        )
    return "the store refused the request"
