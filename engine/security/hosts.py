"""The hosts that a secret may be sent to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_HOST = re.compile(
    r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?"
)
_PORTS = {"https": 443, "http": 80}


def check_pattern(pattern: str) -> str:
    """Check a host pattern in lower case: `api.example.com`, `*.example.com`, `10.1.2.3:8443`.

    Raises:
        ValueError: the text is no host pattern, or it would match whole top-level domains.
    """
    pattern = pattern.strip().lower()
    if not _HOST.fullmatch(pattern):
        raise ValueError("a host is expected, such as api.example.com, *.example.com or api.example.com:8443")
    if pattern.startswith("*.") and pattern.count(".") < 2:  # noqa: PLR2004
        raise ValueError("`*` stands for what is before a domain of one's own, such as *.example.com")
    return pattern.rstrip(".")


HostPattern = Annotated[
    str,
    Field(min_length=1, max_length=260, examples=["api.example.com", "*.example.com"]),
    AfterValidator(check_pattern),
]


@dataclass(frozen=True, slots=True)
class Binding:
    """The hosts that a secret is bound to. A pattern without a port means the port of its scheme."""

    patterns: Sequence[str]
    plain_http: bool = False
    trust: str = ""
    """The CA that the server's certificate is checked against, if not the public CAs."""
    addresses: frozenset[str] = frozenset()
    """Other config fields that say where a secret goes, such as `token_url=https://…`; each is compared as a whole."""

    @classmethod
    def of_url(cls, url: str, trust: str = "") -> Binding:
        """Return the binding to the origin of a URL."""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
        port = parts.port or _PORTS.get(parts.scheme)
        return cls((f"{host}:{port}",), plain_http=parts.scheme == "http", trust=trust)

    def allows(self, url: str) -> bool:
        """Return whether the secret may be sent with a request to this URL."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            return False
        if parts.scheme == "http" and not self.plain_http:
            return False
        host = (parts.hostname or "").lower().rstrip(".")
        host = f"[{host}]" if ":" in host else host
        return any(_fits(pattern, host, port, _PORTS[parts.scheme]) for pattern in self.patterns)

    def beyond(self, other: Binding) -> list[str]:
        """Return the destinations that this binding allows and the other does not; empty if there are none."""
        found = [one for one in self.patterns if one not in other.patterns]
        found += sorted(self.addresses - other.addresses)
        if self.plain_http and not other.plain_http:
            found.append("connections without TLS")
        if self.trust != other.trust:
            found.append("another CA")
        return found

    def __str__(self) -> str:
        return ", ".join(self.patterns) or "no host"


def _fits(pattern: str, host: str, port: int, usual: int) -> bool:
    name, _, wanted = pattern.rpartition(":") if re.search(r":\d+$", pattern) else (pattern, "", "")
    if port != (int(wanted) if wanted else usual):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
