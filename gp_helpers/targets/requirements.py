"""What has to be there before a target is opened: told with its place, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from gp_helpers.parameters import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    ListedDefects,
    ParameterError,
    refusal,
    require_references,
)

_STORE = "postgresql://USER:PASSWORD@HOST/DATABASE"
_MODEL = "http:// or https://, a host, and the path up to /v1"


def require_usable(
    environment: str, target: EmbeddedTarget | AsgiTarget | DeploymentTarget
) -> None:
    """Raise `ParameterError` unless what an environment's target names is there.

    ``target`` is that of the environment's file, or what the command line has made of it.
    """
    require_references(environment)
    if not isinstance(target, EmbeddedTarget):
        from gp_helpers.targets.transports import require_transport

        require_transport(target)
        return
    _require_defects(environment, target)
    require_foundations()


def _require_defects(environment: str, target: EmbeddedTarget) -> None:
    from gp_helpers.platform.defects.catalogue import CATALOGUE
    from gp_helpers.platform.wiring import UnknownDefect

    stated = target.wiring.defects if isinstance(target.wiring, ListedDefects) else ()
    for number, name in enumerate(stated):
        if name not in CATALOGUE:
            keys = ("target", "wiring", "defects", number)
            raise refusal(environment, keys, str(UnknownDefect(name)))


def require_foundations(environ: Mapping[str, str] | None = None) -> None:
    """Raise `ParameterError` unless the embedded platform can stand on what the environment names.

    What stands in the variables is not told: there are passwords in it.
    """
    known = os.environ if environ is None else environ
    store, model = known.get("DATABASE_URL"), known.get("MODEL_BASE_URL")
    if store:
        _require_store(store)
    if model and not _is_web_address(model):
        raise ParameterError("MODEL_BASE_URL", [_found(model, _MODEL)])


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _require_store(url: str) -> None:
    from sqlalchemy.exc import ArgumentError

    from gp_helpers.platform.store.engine import driver_url

    try:
        parsed = driver_url(url)
        dialect = parsed.get_dialect()
        if parsed.get_backend_name() != "postgresql" or dialect.is_async:
            raise ArgumentError
        dialect.import_dbapi()
    except ImportError as error:
        told = f"its driver cannot be imported ({error}); allowed: {_STORE}"
        raise ParameterError("DATABASE_URL", [told]) from None
    except (ArgumentError, ValueError):
        raise ParameterError("DATABASE_URL", [_found(url, _STORE)]) from None


def _found(url: str, allowed: str) -> str:
    scheme, separator, _ = url.partition("://")
    return f"found {scheme}://…; allowed: {allowed}" if separator else f"no URL; allowed: {allowed}"
