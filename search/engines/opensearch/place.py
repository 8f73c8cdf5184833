"""What the URL of an index says.

`opensearch+https://user@host:9200,host2:9200/muniment?password_file=/run/secrets/search&shards=3`:
the nodes, the name (an alias) and, after `?`, what is not the default. `/muniment/000002` is one
generation of that name to be written, whether it is the one that answers or not. A password never
stands in a URL, because URLs are shown; the file that holds it is named instead.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from search.errors import IndexUnavailable

SCHEMES = ("opensearch+http", "opensearch+https")

_NAME = re.compile(r"([a-z0-9][a-z0-9._-]{0,149})(?:/([0-9]{6}))?")
_OPTIONS = ("password_file", "ca_file", "shards", "replicas", "lease_s")
_EXAMPLE = "opensearch+https://user@host:9200/muniment?password_file=/path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an index lies, and how it is made there if it is not.

    `hosts` are base URLs of nodes, tried in turn. `generation` is "" for whichever answers.
    `shards` and `replicas` count only when an index is created. `lease_s`: a writer not heard of
    for so many seconds is taken for dead.
    """

    hosts: tuple[str, ...]
    name: str
    generation: str = ""
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    shards: int = 1
    replicas: int = 1
    lease_s: float = 10.0

    def __str__(self) -> str:
        return f"{self.index} at {', '.join(self.hosts)}"

    @property
    def index(self) -> str:
        """What the cluster calls it: an index, or the alias of the one that answers."""
        return f"{self.name}-{self.generation}" if self.generation else self.name

    def password(self) -> str:
        """Return the password, read now, so that a changed one needs no new URL.

        Raises:
            IndexUnavailable: its file cannot be read.
        """
        if self.password_file is None:
            return ""
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise IndexUnavailable(
                f"The password of {self.user} cannot be read from {self.password_file}: {error}."
            ) from error

    def authority(self) -> str | None:
        """Return the file of the authority that certificates are checked with; None: the usual.

        Raises:
            IndexUnavailable: it holds no certificate, or cannot be read.
        """
        if self.ca_file is None:
            return None
        try:
            ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise IndexUnavailable(
                f"Expected certificates (PEM) in the file that ca_file names, {self.ca_file}: "
                f"{error}."
            ) from error
        return str(self.ca_file)


def place_of(url: str) -> Place:
    """Return what `url` says.

    Raises:
        IndexUnavailable: it is not the URL of an index; the message says what is wrong with it.
    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise _wrong("a URL") from error
    if parts.scheme not in SCHEMES:
        raise _wrong(f"one of the schemes {' and '.join(SCHEMES)}")
    login, _, nodes = parts.netloc.rpartition("@")
    if ":" in login:
        raise _wrong("no password (name its file: ?password_file=/path)")
    if parts.fragment or not (found := _NAME.fullmatch(parts.path.removeprefix("/"))):
        raise _wrong("a name of lower-case letters, digits, '-' and '_' after the host")
    name, generation = found.groups(default="")
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise _wrong(f"only the options {', '.join(_OPTIONS)}, not {unknown[0]}")
    transport = parts.scheme.removeprefix("opensearch+")
    return Place(
        hosts=tuple(f"{transport}://{_node(node)}" for node in nodes.split(",")),
        name=name,
        generation=generation,
        user=unquote(login),
        password_file=_path(options, "password_file"),
        ca_file=_path(options, "ca_file"),
        shards=_number(options, "shards", least=1, default=1),
        replicas=_number(options, "replicas", least=0, default=1),
        lease_s=_number(options, "lease_s", least=1, default=10),
    )


def with_name(url: str, name: str, generation: str = "") -> str:
    """Return `url` with another name, and generation, in the place of its own."""
    path = f"/{name}/{generation}" if generation else f"/{name}"
    return urlunsplit(urlsplit(url)._replace(path=path))


def _node(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", text):
        raise _wrong("host:port, or several with commas between")
    return text if re.search(r":[0-9]+$", text) else f"{text}:9200"


def _path(options: Mapping[str, str], name: str) -> Path | None:
    return Path(options[name]) if name in options else None


def _number(options: Mapping[str, str], name: str, *, least: int, default: int) -> int:
    text = options.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < least:
        raise _wrong(f"{name} to be a number of {least} or more, not {text!r}")
    return int(text)


def _wrong(expected: str) -> IndexUnavailable:
    # The URL is not repeated: whoever put a password into it does not want it shown.
    return IndexUnavailable(f"Expected in the search URL {expected}. It is like {_EXAMPLE}.")
