"""Where an S3 store is: `s3://bucket/prefix?endpoint_url=http://…&region=…`."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from archiver.errors import ConfigurationError, InvalidInput
from archiver.preserve.store.names import check_key

_EXAMPLE = "s3://bucket/optional/prefix?endpoint_url=https://s3.example.com&region=eu-central-1"
_DEFAULT_REGION = "us-east-1"  # what S3-compatible servers answer to when none was configured


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """A bucket, the prefix of all keys in it ("" or ending in a slash), and who serves it.

    `endpoint_url` None is AWS; `region` None leaves the region to the environment.
    """

    bucket: str
    prefix: str
    endpoint_url: str | None
    region: str | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a store URL.

        Raises:
            ConfigurationError: it is none, or it holds credentials: those come from the
                environment, a file or the machine's role, as botocore looks them up.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.fragment:
            raise ConfigurationError(f"not the URL of an S3 store; expected {_EXAMPLE}")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        endpoint_url = options.pop("endpoint_url", None)
        region = options.pop("region", None)
        if options:
            raise ConfigurationError(
                f"the store URL has unknown options {sorted(options)}; expected {_EXAMPLE}"
            )
        if "@" in parts.netloc or (endpoint_url and "@" in urlsplit(endpoint_url).netloc):
            raise ConfigurationError(
                "the store URL holds credentials; give them as AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or in a credentials file"
            )
        if endpoint_url and urlsplit(endpoint_url).scheme not in ("http", "https"):
            raise ConfigurationError(f"endpoint_url is not an http(s) URL; expected {_EXAMPLE}")
        return cls(
            bucket=parts.netloc,
            prefix=_prefix(parts.path),
            endpoint_url=endpoint_url or None,
            region=region or (_DEFAULT_REGION if endpoint_url else None),
        )

    def __str__(self) -> str:
        options = {"endpoint_url": self.endpoint_url, "region": self.region}
        query = urlencode({name: value for name, value in options.items() if value}, safe=":/")
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/") + (f"?{query}" if query else "")


def _prefix(path: str) -> str:
    name = path.strip("/")
    if not name:
        return ""
    try:
        check_key(name)
    except InvalidInput as error:
        raise ConfigurationError(f"the store URL's path cannot prefix keys: {error}") from error
    return name + "/"
