"""Secrets that are known before anything runs: of the environment, and of the stated accounts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gp_helpers.history import Redactor
from gp_helpers.history.redaction import ACCOUNT
from gp_helpers.history.secret_forms import PUBLIC_OF_AN_ACCOUNT, names_a_secret
from gp_helpers.parameters import DeploymentTarget, ParameterError
from gp_helpers.parameters.description import Accounts
from gp_helpers.parameters.schema import Target
from gp_helpers.parameters.templates import MissingEnvironmentError, resolve
from gp_helpers.targets.accounts import stated_accounts

_REFERENCE = re.compile(r"\$\{(\w+)\}")
_PATH = re.compile(r"(?:~|\.{1,2})?/[^=]*")
_KEY_NAME = re.compile(r"(^|_)(KEY|PAT|HMAC|AUTH|CREDS|SIG|SIGNATURE|WEBHOOK|DSN)$", re.IGNORECASE)
"""Names that are a secret's where parameters refer to them."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[\w.\[\]:-]+(?P<path>/[\w.~%+/-]*)?", re.IGNORECASE)
_PLAIN = (
    re.compile(r"[\w.-]+:\d{1,5}"),  # a host with a port
    re.compile(r"[\d.]+"),
    re.compile(r"[A-Za-z_.-]{1,16}"),  # a word
    re.compile(r"[^\s@]+@[\w-]+(?:\.[\w-]+)+"),  # an e-mail address
)


def stated_secrets(
    parameters: Any = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The secrets of the environment and of the accounts that parameters state: secret to kind.

    ``parameters``: as they were written, as JSON.
    """
    of_the_environment = dict.fromkeys(environment_secrets(parameters, environ), "environment")
    return of_the_environment | account_secrets(parameters, environ)


def redactor_for(
    target: Target, secrets: Mapping[str, str], *, also: Redactor | None = None
) -> Redactor:
    """The redactor of a trial on a target, which knows these secrets (to their kinds) already.

    ``also``: another one that learns what this one does.
    """
    redactor = Redactor(pseudonymise=isinstance(target, DeploymentTarget), also=also)
    for secret, kind in secrets.items():
        redactor.register(secret, kind)
    return redactor


def environment_secrets(
    parameters: Any = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Values of environment variables that are secrets.

    Those that the parameters refer to are, but for addresses, paths, words and numbers under a
    name that is no secret's. Of the others those are that have a secret's name and look like one,
    since ``PASSWORD=password`` would be found in every text.
    """
    environ = os.environ if environ is None else environ
    referred = set(_REFERENCE.findall(str(parameters)))
    return [
        value
        for name, value in environ.items()
        if (
            names_a_secret(name) or _KEY_NAME.search(name) or not _is_plain(value)
            if name in referred
            else names_a_secret(name) and _looks_secret(value)
        )
    ]


def account_secrets(
    parameters: Any = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What the accounts of parameters hold that may be a secret, to its kind.

    That is what stands under a secret's name, and what is no address or word under a name that
    does not say who somebody is.

    Accounts that cannot be read are told where they are needed.
    """
    target = parameters.get("target") if isinstance(parameters, Mapping) else None
    stated = target.get("accounts") if isinstance(target, Mapping) else None
    if not isinstance(stated, Mapping) or stated.get("register"):
        return {}
    try:
        accounts = resolve(dict(stated), os.environ if environ is None else environ)
        found = stated_accounts(Accounts.model_validate(accounts))
    except (MissingEnvironmentError, ParameterError, ValidationError):
        return {}
    members = [member for account in found for member in account.items()]
    own = {
        value: ACCOUNT
        for key, value in members
        if key not in PUBLIC_OF_AN_ACCOUNT and not _is_plain(value)
    }
    return own | {value: "password" for key, value in members if names_a_secret(key)}


def _is_plain(value: str) -> bool:
    """Whether a value is no secret by its looks: an address, a path, a word, a number."""
    if any(one.fullmatch(value) for one in _PLAIN):
        return True
    if _PATH.fullmatch(value):
        return not any(map(_looks_drawn, value.split("/")))
    url = _URL.fullmatch(value)
    return url is not None and not any(map(_looks_drawn, (url["path"] or "").split("/")))


def _looks_drawn(segment: str) -> bool:
    """Whether a part of a path looks drawn by lot, as a webhook's does: long, of one piece."""
    if len(segment) < 16 or re.search(r"[_.-]", segment):
        return False
    kinds = (r"\d", r"[a-z]", r"[A-Z]")
    return len(segment) >= 20 or sum(bool(re.search(one, segment)) for one in kinds) > 1


def _looks_secret(value: str) -> bool:
    return len(value) >= 12 and re.search(r"\d", value) is not None and "/" not in value
