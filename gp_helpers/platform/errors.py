"""The platform's one error type, so that each failure is told once and translated at one edge.

PlatformError
  TokenRefused      the token is bad; nobody's retry helps
  AuthUnavailable   nobody could say whether the token is good; try again later
  StoreUnavailable  the store did not take the work in time
  ModelUnavailable  the model server did not answer in time
"""

from __future__ import annotations

from typing import Any

from gp_helpers.platform.contract import ERRORS


class PlatformError(Exception):
    """A failure with a code of the registry; status and retryability follow from the code.

    `retry_after` is in seconds; `None` means that no time is advised.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        retry_after: float | None = None,
        correlation_id: str | None = None,
    ) -> None:
        specification = ERRORS[code]
        self.code = code
        self.message = message or specification.message
        self.status = specification.status
        self.retryable = specification.retryable
        self.retry_after = retry_after
        self.correlation_id = correlation_id
        super().__init__(f"{code}: {self.message}")

    def to_wire(self, correlation_id: str | None = None) -> dict[str, Any]:
        """The error object that goes over HTTP (in `error`) and over a socket (in `data`)."""
        return {
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "correlation_id": self.correlation_id or correlation_id,
        }


class TokenRefused(PlatformError):
    """Raised when a token is bad: 401, and the code says why."""

    def __init__(self, code: str = "invalid_token", message: str | None = None) -> None:
        super().__init__(code, message)


class AuthUnavailable(PlatformError):
    """Raised when the auth service could not be asked: 503, retryable."""

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__("auth_unavailable", message, retry_after=retry_after)


class StoreUnavailable(PlatformError):
    """Raised when the store is locked past its time or cannot be reached: 503, retryable."""

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__("store_unavailable", message, retry_after=retry_after)


class ModelUnavailable(PlatformError):
    """Raised when the model server fails or stays silent on every attempt: 503, retryable."""

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__("model_unavailable", message, retry_after=retry_after)
