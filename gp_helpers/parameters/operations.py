"""Operations of a description: one HTTP request, and what is read from its response.

Over HTTP the root of every JMESPath expression is ``{status, headers, cookies, body}``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    field_validator,
    model_validator,
)

from gp_helpers.parameters.sendable import HeaderName, HeaderValue

SUCCESS = "status >= `200` && status < `300`"
"""What a response has to be like if the operation does not say."""


WholeNumber = Annotated[int, Strict()]
"""No ``true``, and no text that reads like a number."""
Number = Annotated[float, Strict(), AllowInfNan(False)]
Flag = Annotated[bool, Strict()]


class Described(BaseModel):
    """A part of a parameter file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def compiles(expression: str | None) -> str | None:
    """The expression, if it is JMESPath; ``ValueError`` says what is wrong with it."""
    if expression is not None:
        try:
            jmespath.compile(expression)
        except JMESPathError as error:
            raise ValueError(f"not a JMESPath expression: {error}") from error
    return expression


class Basic(Described):
    """Credentials that are sent as ``Authorization: Basic``."""

    username: str
    password: str


class Operation(Described):
    """One HTTP request, with placeholders, and how to tell that it succeeded."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    headers: dict[HeaderName, HeaderValue] = {}
    query: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    bearer: HeaderValue | None = None
    """A token template that is sent as ``Authorization: Bearer``."""
    basic: Basic | None = None
    cookies: dict[str, HeaderValue] = {}
    """Cookies by name; nothing that a server sets is kept from request to request."""
    accepted: str = SUCCESS
    """JMESPath predicate over the response: the request was accepted."""
    identity: str | None = None
    """JMESPath path to the user id for whom the response was made."""

    _expressions = field_validator("accepted", "identity")(compiles)


class OAuth2(Described):
    """The client credentials grant (RFC 6749, 4.4), from which the login follows."""

    token_url: str
    client_id: str = "{user.client_id}"
    client_secret: str = "{user.client_secret}"
    scope: str | None = None
    audience: str | None = None
    client_authentication: Literal["basic", "form"] = "basic"

    def login(self) -> dict[str, Any]:
        """The grant as an operation."""
        form = {"grant_type": "client_credentials"}
        if self.scope is not None:
            form["scope"] = self.scope
        if self.audience is not None:
            form["audience"] = self.audience
        login: dict[str, Any] = {"method": "POST", "url": self.token_url, "form": form}
        if self.client_authentication == "basic":
            login["basic"] = {"username": self.client_id, "password": self.client_secret}
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return login


class Token(Described):
    """Where the token is after logging in: exactly one of the three."""

    body: str | None = None
    """JMESPath path, from the response's root or from its body."""
    cookie: str | None = None
    static: HeaderValue | None = None
    """The token itself: a reference to the environment, or ``{user.…}`` of the accounts."""

    _body = field_validator("body")(compiles)

    @model_validator(mode="after")
    def _exactly_one(self) -> Token:
        if sum(place is not None for place in (self.body, self.cookie, self.static)) != 1:
            raise ValueError("state exactly one of body, cookie and static")
        return self


class Authentication(Described):
    """How a user gets a token, and everybody who validates it."""

    login: Operation | None = None
    oauth2: OAuth2 | None = None
    """In place of a login: OAuth2 client credentials."""
    token: Token = Token(body="body.access_token")
    user_id: str | None = None
    """JMESPath path to the user's id in the login's response."""
    expires_in: str | None = None
    refresh_token: str | None = None
    validators: dict[str, Operation] = {}
    refresh: Operation | None = None
    logout: Operation | None = None

    _paths = field_validator("user_id", "expires_in", "refresh_token")(compiles)

    @model_validator(mode="before")
    @classmethod
    def _login_of_oauth2(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("oauth2") is None:
            return data
        login = OAuth2.model_validate(data["oauth2"]).login()
        if data.get("login") is not None and Operation.model_validate(
            data["login"]
        ) != Operation.model_validate(login):
            raise ValueError("state login or oauth2, not both")
        return {**data, "login": login}

    @model_validator(mode="after")
    def _login_or_static(self) -> Authentication:
        if self.login is None and self.token.static is None:
            raise ValueError("state login, oauth2 or token.static")
        return self


class Accounts(Described):
    """Where users come from: a file, the environment's text, or a request that makes a fresh one.

    File and text hold a YAML or JSON list of mappings; ``{user.NAME}`` is any key of them.
    """

    file: str | None = None
    inline: str | None = None
    register_: Operation | None = Field(default=None, alias="register")

    @model_validator(mode="after")
    def _exactly_one(self) -> Accounts:
        if sum(place is not None for place in (self.file, self.inline, self.register_)) != 1:
            raise ValueError("state exactly one of file, inline and register")
        return self
