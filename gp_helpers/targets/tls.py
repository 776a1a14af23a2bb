"""How the certificates of a platform are verified, the same for requests, sockets and proxies.

By default against what the system trusts; a target may name a file of a private authority as well.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from gp_helpers.parameters import AsgiTarget, DeploymentTarget, EmbeddedTarget, ParameterError


def tls_context(*, verify: bool = True, ca_file: str | None = None) -> ssl.SSLContext:
    """A client's context; ``ca_file`` holds certificates (PEM) to trust beside the system's.

    Raises `ParameterError` if the file is none.
    """
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file is not None:
        _trust(context, ca_file)
    return context


def verification(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> bool | ssl.SSLContext:
    """What the HTTP client of a target is made with; raises `ParameterError` likewise."""
    if isinstance(target, EmbeddedTarget):
        return True
    if not target.verify_tls or target.tls_ca_file is None:
        return target.verify_tls
    context = httpx.create_ssl_context(trust_env=False)
    _trust(context, target.tls_ca_file)
    return context


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(Path(ca_file).expanduser())
    except (OSError, ssl.SSLError) as error:
        source = f"target.tls_ca_file: {ca_file}"
        raise ParameterError(source, [f"is no file of certificates (PEM): {error}"]) from None
