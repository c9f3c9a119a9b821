"""The egress guard: the only way by which nodes reach other machines.

A name is resolved once, every address is checked, and the connection goes to a checked address; the name stays in the
request and in the TLS handshake. The guard works at the level of connections, so redirects pass it as well.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import httpcore2
import httpx2

from engine.errors import NodeError
from engine.security.tls import check_certificate

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` is not enough: it accepts NAT64, multicast, 6to4 (before Python 3.13) and site-local addresses.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only IPv6 range that is assigned to the internet (RFC 4291); ranges assigned later stay refused."""
_REFUSED = tuple(
    ip_network(network)
    for network in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID and others
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    ]
)
_TRANSLATORS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))

_resolvers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")


class EgressRefused(NodeError):
    """The address is one that nodes may not reach."""

    default_code = "egress_refused"


class Resolver(Protocol):
    """Resolves a host name to its addresses."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses; raises OSError where the name has none."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of `host` from the system's resolver."""
    # A thread pool of its own: a look-up that hangs outlives its node and must not block writes to the history.
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, look_up)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_address(address: str, allowed: Iterable[Network] = ()) -> Address:
    """Return the address if nodes may reach it.

    Raises:
        EgressRefused: the address is loopback, link-local, private, multicast, reserved, or leads by a tunnel or a
            translator to such an IPv4 address, and is in none of the networks that the deployer allows.
    """
    parsed = ip_address(address.partition("%")[0])
    allowed = tuple(allowed)
    is_public = _is_public(parsed)
    is_allowed = is_public or _is_within(parsed, allowed)
    if is_allowed and isinstance(parsed, IPv6Address):
        # Also checked in a network that the deployer allows: whoever allows a translator's prefix allows no metadata.
        inside = [one for one in _embedded(parsed) if not (_is_public(one) or _is_within(one, allowed))]
        if inside:
            stands_for = f"it stands for {inside[0]}, a private, local or reserved address"
            raise EgressRefused(f"connections to {parsed} are not allowed: {stands_for}")
    if not is_allowed:
        raise EgressRefused(f"connections to {parsed} are not allowed: it is a private, local or reserved address")
    return parsed


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not _is_within(address, _REFUSED)


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """Return the IPv4 addresses embedded in an IPv6 address: by a tunnel, a translator or a mapping."""
    raw = address.packed
    if raw[:12] == bytes(12) and int(address) > 1:  # IPv4-compatible, except `::` and `::1`
        yield IPv4Address(raw[12:])
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if raw[8:12] in (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe"):  # ISATAP (RFC 5214)
        yield IPv4Address(raw[12:])
    if any(address in network for network in _TRANSLATORS):  # NAT64 (RFC 6052)
        yield IPv4Address(raw[12:])


async def checked_addresses(
    host: str, port: int, allowed: Iterable[Network] = (), resolver: Resolver = resolve
) -> list[str]:
    """Resolve a host once and return its checked addresses; the connection goes to one of them without another look-up.

    Raises:
        EgressRefused: one of the addresses is not allowed.
        OSError: the name has no address.
    """
    try:
        addresses = await resolver(host, port)
    except (OSError, UnicodeError):
        raise OSError(f"the name {host} cannot be resolved") from None
    if not addresses:
        raise OSError(f"the name {host} has no address")
    return [str(check_address(address, allowed)) for address in addresses]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, allowed: Sequence[Network] = (), resolver: Resolver = resolve) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check every address, then connect to the first that accepts.

        Raises:
            EgressRefused: one of the addresses is not allowed. One is enough: a name that mixes public and
                private addresses is an attack or a mistake.
            httpcore2.ConnectError: the name has no address, or none of them answers.
        """
        try:
            checked = await checked_addresses(host, port, self._allowed, self._resolver)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        failure: Exception = httpcore2.ConnectError(f"the name {host} has no address")
        for address in checked:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: Unix sockets are never allowed."""
        del timeout, socket_options
        raise EgressRefused(f"connections to the socket {path} are not allowed")

    async def sleep(self, seconds: float) -> None:
        """Sleep, as AsyncNetworkBackend requires."""
        await asyncio.sleep(seconds)


@cache
def _public_authorities() -> ssl.SSLContext:
    """Load the public CAs once in a process: reading all certificates takes longer than most calls."""
    return httpx2.create_ssl_context(trust_env=False)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """The transport of httpx over the guarded backend; proxies from the environment are not used."""

    def __init__(
        self, allowed: Sequence[Network] = (), resolver: Resolver = resolve, ca_certificate: str | None = None
    ) -> None:
        context = _public_authorities()
        if ca_certificate is not None:
            context = httpx2.create_ssl_context(trust_env=False)
            context.load_verify_locations(cadata=check_certificate(ca_certificate))
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(allowed, resolver),
        )


def guarded_client(
    allowed: Sequence[Network] = (), resolver: Resolver = resolve, ca_certificate: str | None = None
) -> httpx2.AsyncClient:
    """Return an HTTP client that uses the guard; it neither follows redirects nor keeps cookies.

    Args:
        allowed: private networks that may be reached.
        resolver: resolves host names.
        ca_certificate: certificate of a CA that is trusted in addition to the public ones.
    """
    # The client lives as long as the worker and serves every workspace: it must remember nothing of a response.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    transport = GuardedTransport(allowed, resolver, ca_certificate)
    return httpx2.AsyncClient(transport=transport, cookies=no_cookies, trust_env=False, follow_redirects=False)


def parse_networks(text: str) -> list[Network]:
    """Parse networks from a comma-separated list such as `10.1.0.0/16, 127.0.0.1/32`.

    Raises:
        ValueError: an item of the list is not a network.
    """
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]
