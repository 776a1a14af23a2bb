"""What can go wrong when services are hosted.

CloudRunError
├── ServiceStartError        a service ended, or was not ready, before its start-up probe passed
│   └── PortTakenError       the fixed port that was asked for is in use
├── EntryError               an import string names nothing that can be served
├── PreloadError             a module that the zygote should import first cannot be imported there
├── NotSupportedError        this isolation cannot do what was asked
└── HostClosedError          the host, or the zygote behind it, has ended
"""

from __future__ import annotations

from collections.abc import Sequence

CUT_OFF = "what starts the platform's services has ended, and they too"


class CloudRunError(Exception):
    """Base of all errors of this package."""


class ServiceStartError(CloudRunError):
    """Raised when a service ends, or is not ready in time, before its start-up probe passed."""

    def __init__(self, service: str, reason: str, log_tail: Sequence[str] = ()) -> None:
        self.service = service
        self.reason = reason
        self.log_tail = tuple(log_tail)
        message = f"service {service!r} did not start: {reason}"
        if self.log_tail:
            message += "\nits last log lines:\n" + "\n".join(f"  {line}" for line in self.log_tail)
        super().__init__(message)


class PortTakenError(ServiceStartError):
    """Raised when a service asks for a fixed port that another socket holds."""

    def __init__(self, service: str, host: str, port: int) -> None:
        self.host = host
        self.port = port
        super().__init__(
            service,
            f"port {port} on {host} is taken; name another one, or 0 to let the kernel choose",
        )


class EntryError(CloudRunError):
    """Raised when an import string (``package.module:name``) cannot be resolved."""

    def __init__(self, entry: str, reason: str) -> None:
        self.entry = entry
        super().__init__(f"cannot resolve {entry!r}: {reason}")


class PreloadError(CloudRunError):
    """Raised when the zygote cannot import a module that it was asked to preload."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the zygote could not preload: {reason}")


class NotSupportedError(CloudRunError):
    """Raised when the chosen isolation cannot do what was asked."""

    def __init__(self, operation: str, isolation: str) -> None:
        super().__init__(f"{operation} is not possible in {isolation} isolation")


class HostClosedError(CloudRunError):
    """Raised when a service is asked of a host that has been closed, or whose zygote ended."""
