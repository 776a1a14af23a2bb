"""The people of a trial: fresh for each, each with a canary word that nobody else may ever see."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from gp_helpers.history.secret_forms import PUBLIC_OF_AN_ACCOUNT, names_a_secret

_LABELS = (
    "ada", "ben", "cleo", "dara", "eve", "finn", "gwen", "hugo", "iris", "jack", "kira", "liam",
)  # fmt: skip
_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"


@dataclass
class Person:
    """Somebody who uses the platform during one trial."""

    label: str
    email: str
    password: str
    canary: str
    """A word that appears in this person's data and answers, and must appear in nobody else's."""
    user_id: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: float | None = None
    thread_id: str | None = None
    account: Mapping[str, str] | None = None
    """The account that the target states for this person; None for one that is made afresh."""

    def take(self, account: Mapping[str, str]) -> None:
        """Use an account that the target states."""
        self.account = account
        self.email = account.get("email", self.email)
        self.password = account.get("password", self.password)
        self.user_id = account.get("id", self.user_id)

    @property
    def secrets(self) -> list[str]:
        """What of this person must never be recorded."""
        stated = self.account or {}
        return [self.password, *(text for key, text in stated.items() if names_a_secret(key))]

    @property
    def private(self) -> list[str]:
        """What else a stated account holds: it may be a secret under a name of its own."""
        stated = self.account or {}
        public = {self.email, *(stated[key] for key in PUBLIC_OF_AN_ACCOUNT & stated.keys())}
        return [
            text
            for key, text in stated.items()
            if key not in PUBLIC_OF_AN_ACCOUNT and not names_a_secret(key) and text not in public
        ]

    @property
    def name(self) -> str:
        """The display name to register with; it carries the canary into the person's data."""
        return f"{self.label.split('-')[0].capitalize()} {self.canary}"

    def as_variables(self) -> dict[str, str]:
        """What ``{user.…}`` stands for in templates."""
        return {
            **(self.account or {}),
            "email": self.email,
            "password": self.password,
            "name": self.name,
            "canary": self.canary,
            "id": self.user_id or "",
            "label": self.label,
        }


def label_of(index: int) -> str:
    """The label of the person with this number: ada, ben, …, then ada-2 and so on."""
    round_, place = divmod(index, len(_LABELS))
    return _LABELS[place] if round_ == 0 else f"{_LABELS[place]}-{round_ + 1}"


def new_canary(source: random.Random) -> str:
    """A word of eleven letters and a digit that looks like no other: about 10^11 of them."""
    syllables = "".join(source.choice(_CONSONANTS) + source.choice(_VOWELS) for _ in range(5))
    return f"{syllables}{source.choice(_CONSONANTS)}{source.randrange(10)}"


def new_person(index: int, source: random.Random, *, domain: str = "golden-path.example") -> Person:
    """A fresh person; address, password and canary come from the trial's own randomness."""
    label = label_of(index)
    canary = new_canary(source)
    return Person(
        label=label,
        email=f"{label}.{canary}@{domain}",
        password=f"{source.getrandbits(96):024x}-Pw!",
        canary=canary,
    )
