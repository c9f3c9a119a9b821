"""Whom the certificates of other servers are checked against: the public CAs, or one that a config names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from engine.errors import NodeError

if TYPE_CHECKING:
    import ssl


def check_certificate(pem: str) -> str:
    """A certificate, or some, as PEM.

    Raises:
        ValueError: it is none.
    """
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError(
            "a certificate is expected as PEM: `-----BEGIN CERTIFICATE-----`, base64, `-----END …`"
        ) from None
    return pem


CaCertificate = Annotated[str, Field(max_length=12_000), AfterValidator(check_certificate)]
"""Of a CA of one's own. The descriptions of the fields say whether it is the only one, or one more."""


def tls_context(ca_certificate: str | None) -> ssl.SSLContext:
    """Checks certificates and names against one CA, or the public ones.

    Raises:
        NodeError: code `config`: the CA certificate is none.
    """
    import ssl

    import certifi

    try:
        return ssl.create_default_context(cafile=None if ca_certificate else certifi.where(), cadata=ca_certificate)
    except (ssl.SSLError, ValueError):
        raise NodeError("ca_certificate is no certificate in PEM form", code="config") from None
