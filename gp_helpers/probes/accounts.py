"""Accounts and tokens: register, log in, refresh, log out, as the target describes it."""

from __future__ import annotations

from collections.abc import Mapping

from gp_helpers.history import ACCOUNT, Kind, fingerprint
from gp_helpers.parameters.templates import render
from gp_helpers.probes.acting import Actor, NotDescribedError
from gp_helpers.probes.expressions import search
from gp_helpers.probes.http import MOST_TOKEN_CHARACTERS, Exchange
from gp_helpers.probes.own_values import hold_own_headers
from gp_helpers.probes.people import Person


class WithAccounts(Actor):
    """Gets people their accounts and tokens."""

    async def register(self, person: Person) -> Exchange | None:
        """Make the person's account where the target registers afresh, or give them a stated one.

        Raises `NotDescribedError` if the stated accounts do not suffice.
        """
        if self.target.accounts:
            person.take(self._next_account())
        for secret in person.secrets:
            self.recorder.redactor.register(secret, "password")
        for text in person.private:
            self.recorder.redactor.register(text, ACCOUNT)
        self.people[person.label] = person
        accounts = self.target.description.accounts
        if accounts is None or accounts.register_ is None:
            return None
        return await self._send(person, accounts.register_, "register")

    def _next_account(self) -> Mapping[str, str]:
        """An account that nobody in this trial has; component checks are done with the first."""
        accounts = self.target.accounts
        if self.recorder.step == "components":
            return accounts[0]
        if self._accounts_taken >= len(accounts):
            raise NotDescribedError(f"more than {len(accounts)} accounts: another user is needed")
        self._accounts_taken += 1
        return accounts[self._accounts_taken - 1]

    async def log_in(self, person: Person) -> Exchange | None:
        """Log in and keep the tokens; None for a target with a static token."""
        auth = self.target.description.auth
        if auth.login is None:
            hold_own_headers(
                {"auth.token.static": auth.token.static or ""}, self._variables(person)
            )
            person.access_token = render(auth.token.static or "", self._variables(person))
            self._remember(person, "static")
            self._introduce(person)
            return None
        exchange = await self._send(person, auth.login, "log in", secrets=self._secret_paths())
        self._keep_tokens(person, exchange, "log in")
        user_id = exchange.find(auth.user_id)
        if user_id is not None:
            person.user_id = str(user_id)
        self._introduce(person)
        return exchange

    def _introduce(self, person: Person) -> None:
        self.recorder.add(Kind.USER, person.label, user_id=person.user_id, canary=person.canary)

    def _secret_paths(self) -> tuple[str | None, ...]:
        auth = self.target.description.auth
        cookie = f'cookies."{auth.token.cookie}"' if auth.token.cookie is not None else None
        return (auth.token.body, cookie, auth.refresh_token)

    async def refresh(self, person: Person, *, refresh_token: str | None = None) -> Exchange:
        """Rotate the tokens; with an older ``refresh_token`` the person's own stay as they are."""
        auth = self.target.description.auth
        if auth.refresh is None:
            raise NotDescribedError("auth.refresh")
        exchange = await self._send(
            person,
            auth.refresh,
            "refresh",
            variables={"refresh_token": refresh_token or person.refresh_token},
            secrets=self._secret_paths(),
        )
        if refresh_token is None:
            self._keep_tokens(person, exchange, "refresh")
        return exchange

    async def log_out(self, person: Person) -> Exchange:
        """Log out, so that the token is dead."""
        auth = self.target.description.auth
        if auth.logout is None:
            raise NotDescribedError("auth.logout")
        return await self._send(person, auth.logout, "log out")

    def _keep_tokens(self, person: Person, exchange: Exchange, purpose: str) -> None:
        auth = self.target.description.auth
        if auth.token.cookie is not None:
            token = exchange.cookies.get(auth.token.cookie)
        else:
            token = exchange.find(auth.token.body) or search(auth.token.body, exchange.body)
        if not isinstance(token, str) or not exchange.accepted:
            return
        if len(token) > MOST_TOKEN_CHARACTERS:
            return
        person.access_token = token
        person.expires_in = exchange.find(auth.expires_in)
        refresh_token = exchange.find(auth.refresh_token)
        if isinstance(refresh_token, str):
            person.refresh_token = refresh_token
        self._remember(person, purpose)

    def _remember(self, person: Person, purpose: str) -> None:
        if person.access_token is None:
            return
        self.recorder.redactor.register(person.access_token, "token")
        self.recorder.add(
            Kind.TOKEN,
            person.label,
            token=fingerprint(person.access_token),
            purpose=purpose,
            subject=person.label,
            flaw=None,
            expires_in=person.expires_in,
        )
