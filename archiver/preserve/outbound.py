"""Which addresses may be reached for URLs that people give: the guard against SSRF.

Whoever may subscribe could otherwise make the archive's machine talk to what only it can reach:
services on itself, the private network, a cloud's metadata. So only addresses of the public
internet are let through, and the networks an operator names. Pure; no name is resolved here, for
a name may mean another address a moment later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from errno import EACCES
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from archiver.errors import InvalidInput

Network = IPv4Network | IPv6Network

_SITE_LOCAL = IPv6Network("fec0::/10")  # given up by RFC 3879, and to Python public since
_NAT64 = IPv6Network("64:ff9b::/96")
_MAX_URL = 2_000


@dataclass(frozen=True, slots=True)
class Outbound:
    """Lets public addresses through, and those of `networks`; plain HTTP to the latter only."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Outbound":
        """Return the guard that lets these networks through. Raises ValueError: one is none."""
        return cls(tuple(ip_network(text) for text in texts))

    def check_url(self, text: str) -> str:
        """Return a URL that may be posted to, as far as it can be told without asking the network.

        Raises:
            InvalidInput: it is not `https://host…`, or names an address that is not let through.
        """
        try:
            url = urlsplit(text.strip())
            host, _ = url.hostname or "", url.port
        except ValueError as error:
            raise _bad_url(text) from error
        schemes = {"https", "http"} if self.networks else {"https"}
        sound = text.strip().isascii() and text.strip().isprintable() and " " not in text.strip()
        if url.scheme not in schemes or not host or url.username is not None or not sound:
            raise _bad_url(text)
        if len(text) > _MAX_URL or url.fragment:
            raise _bad_url(text)
        try:
            self.require(host, text.strip())
        except PermissionError as error:
            raise InvalidInput(error.strerror or "", pointer="target") from error
        except ValueError:
            pass  # a name; what it means is asked when a connection is made
        return text.strip()

    def require(self, address: str, url: str) -> None:
        """Pass if a connection to `address` may be made for `url`.

        Raises:
            PermissionError: it may not; an OSError, as a refusal by the system would be.
            ValueError: this is no address.
        """
        found = ip_address(address.partition("%")[0])
        meant = _meant(found)
        if any(each in network for network in self.networks for each in (found, meant)):
            return
        if not meant.is_global or meant.is_multicast or meant.is_reserved or meant in _SITE_LOCAL:
            raise PermissionError(
                EACCES,
                f"the address {address} is not on the public internet; an operator can name its "
                "network in MUNIMENT_WEBHOOK_NETWORKS",
            )
        if not url.startswith("https:"):
            raise PermissionError(
                EACCES,
                "plain http is let through to the networks of MUNIMENT_WEBHOOK_NETWORKS only; use "
                "https",
            )


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address at the other end: an IPv6 one may hide an IPv4 one."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _bad_url(text: str) -> InvalidInput:
    return InvalidInput(
        f"expected a URL like https://hooks.example.com/muniment, without a user name, found "
        f"{text[:120]!r}",
        pointer="target",
    )
