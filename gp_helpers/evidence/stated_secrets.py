"""Secrets that are known before anything runs: of the environment, and of the stated accounts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from gp_helpers.history import Redactor
from gp_helpers.history.secret_forms import names_a_secret
from gp_helpers.parameters import AsgiTarget, DeploymentTarget, EmbeddedTarget, ParameterError
from gp_helpers.parameters.description import Accounts
from gp_helpers.parameters.templates import MissingEnvironmentError, resolve
from gp_helpers.targets.accounts import stated_accounts

Target = EmbeddedTarget | AsgiTarget | DeploymentTarget
_REFERENCE = re.compile(r"\$\{(\w+)\}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[\w.\[\]:-]+(?P<path>/[\w.~%+/-]*)?", re.IGNORECASE)
_PLAIN = (
    re.compile(r"[\w.-]+:\d+"),  # a host with a port
    re.compile(r"(?:~|\.{1,2})?/.*"),  # a path
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
    return dict.fromkeys(environment_secrets(parameters, environ), "environment") | dict.fromkeys(
        account_secrets(parameters, environ), "password"
    )


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
            names_a_secret(name) or not _is_plain(value)
            if name in referred
            else names_a_secret(name) and _looks_secret(value)
        )
    ]


def account_secrets(parameters: Any = None, environ: Mapping[str, str] | None = None) -> list[str]:
    """What the accounts of parameters hold under the names of secrets; none if there are none.

    Accounts that cannot be read are told where they are needed.
    """
    target = parameters.get("target") if isinstance(parameters, Mapping) else None
    stated = target.get("accounts") if isinstance(target, Mapping) else None
    if not isinstance(stated, Mapping) or stated.get("register"):
        return []
    try:
        accounts = resolve(dict(stated), os.environ if environ is None else environ)
        found = stated_accounts(Accounts.model_validate(accounts))
    except (MissingEnvironmentError, ParameterError, ValidationError):
        return []
    return list(dict.fromkeys(_secrets_of(found)))


def _secrets_of(accounts: tuple[dict[str, str], ...]) -> Iterator[str]:
    for account in accounts:
        yield from (value for key, value in account.items() if names_a_secret(key) and value)


def _is_plain(value: str) -> bool:
    """Whether a value is no secret by its looks: an address, a path, a word, a number."""
    if any(one.fullmatch(value) for one in _PLAIN):
        return True
    url = _URL.fullmatch(value)
    return url is not None and not any(map(_looks_drawn, (url["path"] or "").split("/")))


def _looks_drawn(segment: str) -> bool:
    """Whether a part of a path looks drawn by lot, as that of a webhook does."""
    has_both = re.search(r"\d", segment) and re.search(r"[A-Za-z]", segment)
    return len(segment) >= 16 and has_both is not None


def _looks_secret(value: str) -> bool:
    return len(value) >= 12 and re.search(r"\d", value) is not None and "/" not in value
