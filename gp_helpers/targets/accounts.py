"""The users that a target states: a YAML or JSON list in a file or in the environment's text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gp_helpers.parameters import ParameterError
from gp_helpers.parameters.description import Accounts


def stated_accounts(accounts: Accounts | None) -> tuple[dict[str, str], ...]:
    """The accounts of a file or a text; none where users are made afresh.

    Raises `ParameterError`, which never quotes what it read.
    """
    if accounts is None or accounts.register_ is not None:
        return ()
    if accounts.file is not None:
        source, text = f"target.accounts.file: {accounts.file}", _read(accounts.file)
    else:
        source, text = "target.accounts.inline", accounts.inline or ""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ParameterError(source, ["is neither YAML nor JSON"]) from None
    return tuple(_account(source, number, one) for number, one in enumerate(_list(source, found)))


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"target.accounts.file: {path}", [f"cannot be read: {error}"]
        ) from None


def _list(source: str, found: Any) -> list[Any]:
    if not isinstance(found, list) or not found:
        expected = "expected a list of mappings, such as [{email: …, password: …}]"
        raise ParameterError(source, [f"{expected}; found {type(found).__name__}"])
    return found


def _account(source: str, number: int, account: Any) -> dict[str, str]:
    if not isinstance(account, dict):
        raise ParameterError(
            source, [f"entry {number + 1}: expected a mapping, found {type(account).__name__}"]
        )
    return {str(key): str(value) for key, value in account.items()}
