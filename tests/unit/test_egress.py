"""The egress guard: every way to spell an address that nodes may not reach, and names that lie."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from engine.security.egress import EgressRefused, check_address, guarded_client, parse_networks

REFUSED_URLS = [
    "http://127.0.0.1/",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:0:a9fe:a9fe::]/",
    "http://[fd00:ec2::254]/",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://example@127.0.0.1/",
    "http://[100::1]/",
    "http://[400::1]/",
    "http://[1::1]/",
    "http://[4000::1]/",
    "http://[5f00::1]/",
    "http://[e000::1]/",
    "http://[3fff::1]/",
    "http://[2001:20::1]/",
    "http://[2606:4700::5efe:169.254.169.254]/",
    "http://[2606:4700::200:5efe:10.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[::ffff:0:10.0.0.1]/",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_no_spelling_of_a_refused_address_gets_through(url: str):
    async def get() -> None:
        async with guarded_client() as client:
            await client.get(url, timeout=2)

    with pytest.raises(EgressRefused):
        asyncio.run(get())


@pytest.mark.parametrize("url", ["http://localhost./", "http://169.254.169.254./"])
def test_trailing_dot_of_a_host_name_changes_nothing(url: str):
    async def get() -> None:
        async with guarded_client() as client:
            await client.get(url, timeout=2)

    with pytest.raises((EgressRefused, httpx2.ConnectError)):  # whether such a name is known is the resolver's matter
        asyncio.run(get())


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "11.0.0.1", "172.32.0.1", "100.128.0.1"]
)
def test_public_addresses_may_be_reached(address: str):
    assert str(check_address(address)) == address


@pytest.mark.parametrize(
    ("network", "address", "passes"),
    [
        ("64:ff9b::/96", "64:ff9b::8.8.8.8", True),
        ("64:ff9b::/96", "64:ff9b::169.254.169.254", False),
        ("64:ff9b::/96, 10.0.0.0/8", "64:ff9b::10.0.0.1", True),
        ("2002::/16", "2002:a9fe:a9fe::1", False),
        ("2002::/16", "2002:808:808::1", True),
        ("::ffff:0:0/96", "::ffff:127.0.0.1", False),
        ("fd00::/8", "fd00::5efe:127.0.0.1", False),
    ],
)
def test_a_network_that_is_allowed_lets_nobody_through_to_another(network: str, address: str, passes: bool):
    allowed = parse_networks(network)
    if passes:
        check_address(address, allowed)
    else:
        with pytest.raises(EgressRefused, match="stands for"):
            check_address(address, allowed)


def test_a_name_with_one_refused_address_among_good_ones_is_refused():
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    async def get() -> None:
        async with guarded_client(resolver=resolver) as client:
            await client.get("http://mixed.example/", timeout=2)

    with pytest.raises(EgressRefused):
        asyncio.run(get())


def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address():
    answers = [["127.0.0.1"], ["10.0.0.1"]]  # what a rebinding resolver would say the second time
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    async def get(port: int) -> httpx2.Response:
        async with guarded_client([ip_network("127.0.0.1/32")], resolver) as client:
            return await client.get(f"http://rebind.example:{port}/")

    with HTTPServer(host="127.0.0.1") as server:
        server.expect_request("/").respond_with_data("here")
        response = asyncio.run(get(server.port))

    assert response.text == "here"
    assert asked == ["rebind.example"]
    assert response.request.headers["host"].startswith("rebind.example")


def test_a_name_that_has_no_address_is_a_connection_error():
    async def get() -> None:
        async with guarded_client() as client:
            await client.get("http://no-such-name.invalid/", timeout=5)

    with pytest.raises(httpx2.ConnectError):
        asyncio.run(get())


def test_the_deployer_may_allow_a_network():
    allowed = parse_networks("10.1.0.0/16, fd00::/8")

    assert str(check_address("10.1.2.3", allowed)) == "10.1.2.3"
    assert str(check_address("fd00::1", allowed)) == "fd00::1"
    with pytest.raises(EgressRefused):
        check_address("10.2.0.1", allowed)
    with pytest.raises(ValueError, match="not appear"):
        parse_networks("everything")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")

    async def get() -> None:
        async with guarded_client() as client:
            await client.get("http://10.0.0.1/", timeout=2)

    with pytest.raises(EgressRefused):
        asyncio.run(get())
