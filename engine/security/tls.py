"""TLS trust: certificates of other servers are checked against the public CAs, or a CA that a config names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from engine.errors import NodeError

if TYPE_CHECKING:
    import ssl


def check_certificate(pem: str) -> str:
    """Check one or more certificates in PEM.

    Raises:
        ValueError: the text is no certificate.
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
"""A private CA. The fields' descriptions say whether it replaces the public CAs or is added to them."""


def tls_context(ca_certificate: str | None) -> ssl.SSLContext:
    """Return a context that checks certificates and host names against one CA, or the public ones.

    Raises:
        NodeError: code `config`: the CA certificate is not valid.
    """
    import ssl

    import certifi

    try:
        return ssl.create_default_context(cafile=None if ca_certificate else certifi.where(), cadata=ca_certificate)
    except (ssl.SSLError, ValueError):
        raise NodeError("ca_certificate is no certificate in PEM form", code="config") from None
