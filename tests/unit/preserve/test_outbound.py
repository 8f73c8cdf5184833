"""Which addresses a URL that somebody gave may lead to."""

import pytest

from archiver.errors import InvalidInput, PeerUnavailable
from archiver.preserve.ledger.exchange import GuardedExchange
from archiver.preserve.outbound import Outbound
from tests.fakes.webhook_receiver import webhook_receiver

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"]
PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:5ef5:79fd:0:0:80ff:fffe",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached_by_https_only(address: str) -> None:
    Outbound().require(address, "https://a.example/")
    with pytest.raises(PermissionError, match="https"):
        Outbound().require(address, "http://a.example/")


@pytest.mark.parametrize("address", PRIVATE)
def test_no_other_address_is_reached_however_it_is_written(address: str) -> None:
    with pytest.raises(PermissionError, match="MUNIMENT_WEBHOOK_NETWORKS"):
        Outbound().require(address, "https://a.example/")


def test_a_network_that_an_operator_names_is_reached_and_no_other() -> None:
    outbound = Outbound.of(["10.1.0.0/16", "fd00::/8"])

    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::7"):
        outbound.require(address, "http://a.example/")
    for address in ("10.2.0.1", "127.0.0.1", "fe80::1"):
        with pytest.raises(PermissionError):
            outbound.require(address, "http://a.example/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:port/",
        "https://hooks.example.com/ two",
        "https://hooks.example.com/\r\nX: y",
        "https://h\N{LATIN SMALL LETTER O WITH DIAERESIS}oks.example.com/",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://hooks.example.com/" + "a" * 2_000,
    ],
)
def test_a_url_that_is_not_let_through_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Outbound().check_url(url)
    assert error.value.pointer == "target"


def test_a_url_is_kept_as_it_was_given() -> None:
    assert Outbound().check_url(" https://hooks.example.com:8443/a?b=c ") == (
        "https://hooks.example.com:8443/a?b=c"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1"])
async def test_the_guard_is_asked_about_the_address_that_is_connected_to(host: str) -> None:
    async with webhook_receiver() as receiver:
        port = receiver.url.partition("127.0.0.1:")[2]
        with pytest.raises(PeerUnavailable, match=r"public internet|canonical"):
            await GuardedExchange(Outbound()).post(f"http://{host}:{port}", b"{}", {})
        assert receiver.requests == []

        allowed = GuardedExchange(Outbound.of(["127.0.0.0/8", "::1/128"]))
        assert (await allowed.post(receiver.url, b"{}", {})).status == 204
        assert len(receiver.requests) == 1


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with webhook_receiver() as receiver:
        receiver.answers = [302]
        exchange = GuardedExchange(Outbound.of(["127.0.0.0/8"]))
        assert (await exchange.post(receiver.url, b"{}", {})).status == 302
    assert len(receiver.requests) == 1
