"""The authorities that a file of certificates names."""

import ssl
from datetime import UTC, datetime


def authorities(file: str) -> list[datetime]:
    """Say until when each authority of a PEM file may be trusted; none where it isn't told.

    Raises OSError (ssl.SSLError, too) where it can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    ends = (certificate.get("notAfter") for certificate in context.get_ca_certs())
    return [_moment(end) for end in ends if isinstance(end, str)]


def _moment(text: str) -> datetime:
    """Read `Jan  5 09:34:43 2035 GMT`."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
