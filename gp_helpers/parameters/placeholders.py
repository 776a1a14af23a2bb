"""Which placeholders may stand where in a target, and the unknown ones that stand there.

What a template is filled with is known before anything starts, except for the keys of stated
accounts: with those, every ``{user.NAME}`` is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gp_helpers.parameters.templates import placeholders_in

USER = tuple(f"user.{key}" for key in ("email", "password", "name", "canary", "id", "label"))
PERSON = (
    *USER, "token", "refresh_token", "thread_id", "thread_title", "token_base64url"
)  # fmt: skip
"""What is known about a person, wherever one acts."""
_IN_OPERATIONS = ("url", "headers", "query", "json", "form", "bearer", "basic", "cookies")
_OF_A_PERSON = (
    "auth.login",
    "auth.refresh",
    "auth.logout",
    "auth.validators.*",
    "accounts.register",
    "conversation.create",
    "conversation.close",
    "persistence",
    "billing",
)
_OF_NOBODY = ("health.*", "ready", "websocket.modes.advertised")
_WHERE: Mapping[str, tuple[str, ...]] = {
    **{f"{one}.{part}": PERSON for one in _OF_A_PERSON for part in _IN_OPERATIONS},
    **{f"{one}.{part}": () for one in _OF_NOBODY for part in _IN_OPERATIONS},
    "persistence.found": (*PERSON, "request_id", "text"),
    "auth.oauth2": PERSON,
    "auth.token.static": PERSON,
    "websocket.url": PERSON,
    "websocket.headers": PERSON,
    "websocket.token_subprotocol": PERSON,
    "websocket.first_message": PERSON,
    "websocket.options": PERSON,
    "websocket.request": (*PERSON, "request_id", "text"),
    "websocket.in_the_name_of": PERSON,
    "websocket.correlate": ("request_id",),
    "websocket.ping": ("ping_id",),
    "websocket.resume": ("last_event_id",),
    "websocket.modes.query": ("mode",),
    "questions": PERSON,
    "facts": PERSON,
    "applications.*.environment": (),
}
"""Path below the target (``*``: any key) to the placeholders that are known there."""


@dataclass(frozen=True, slots=True)
class UnknownPlaceholder:
    """A placeholder that nothing will ever be put in for."""

    path: tuple[Any, ...]
    """Keys from the top of the file."""
    name: str
    allowed: tuple[str, ...]


def unknown_placeholders(target: Mapping[str, Any]) -> Iterator[UnknownPlaceholder]:
    """The unknown placeholders of a target that is valid otherwise, as it stands in the file."""
    applications = target.get("applications")
    addresses = tuple(
        f"{name}.{kind}"
        for name in (applications if isinstance(applications, Mapping) else ())
        for kind in ("url", "ws_url")
    )
    accounts = target.get("accounts")
    has_stated = isinstance(accounts, Mapping) and not accounts.get("register")
    for path, text in _texts(target, ()):
        known = _known_at(path)
        if known is None:
            continue
        for name in placeholders_in(text):
            is_of_an_account = name.startswith("user.") and has_stated and set(USER) <= set(known)
            if name not in (*known, *addresses) and not is_of_an_account:
                yield UnknownPlaceholder(("target", *path), name, (*known, *addresses))


def _texts(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, number))


def _known_at(path: Sequence[Any]) -> tuple[str, ...] | None:
    """What is known at a path; None where no template stands."""
    for stated, known in _WHERE.items():
        parts = stated.split(".")
        if len(parts) <= len(path) and all(
            part in ("*", str(key)) for part, key in zip(parts, path, strict=False)
        ):
            return known
    return None
