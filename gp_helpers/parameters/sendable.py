"""What can be sent in the head of a request: names and values of headers (RFC 9110, 5.1 and 5.5).

A client refuses anything else before it sends a byte, which is no platform's failure.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


class UnsendableError(ValueError):
    """A text that no client sends in a header, and why."""


def sendable_name(name: str) -> str:
    """The name of a header, if it is one; the error quotes nothing."""
    if not _TOKEN.fullmatch(name):
        raise UnsendableError("is no name of a header: letters, digits and dashes")
    return name


def sendable_value(value: str) -> str:
    """The value of a header, if it can be sent; the error quotes nothing of it."""
    if not _VALUE.fullmatch(value):
        raise UnsendableError("cannot be sent in a header: it holds more than printable ASCII")
    if value != value.strip(" \t"):
        raise UnsendableError("cannot be sent in a header: it begins or ends with a space")
    return value


HeaderName = Annotated[str, AfterValidator(sendable_name)]
HeaderValue = Annotated[str, AfterValidator(sendable_value)]
