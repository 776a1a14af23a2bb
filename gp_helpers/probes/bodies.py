"""Bodies of HTTP responses, read to a limit: of what is sent, and of what it decompresses to."""

from __future__ import annotations

import codecs
import zlib
from typing import Any

import httpx

from gp_helpers.targets.transports.decoding import UndecodableError, decoded_json

MAX_BODY_BYTES = 4_194_304
"""More than this of a response is neither read nor decompressed."""
ACCEPTED_CODINGS = "gzip, deflate"
MOST_SHOWN = 65_536
"""So many characters of a body that is no JSON are recorded."""
_CHARSETS = frozenset({"ascii", "cp1252", "iso8859-1", "utf-16", "utf-8"})
"""As `codecs` names them. What others may cost to decode is for the server to say."""
_GZIP_OR_ZLIB = 47


async def read_body(response: httpx.Response) -> bytes:
    """The beginning of a body, decompressed; as it came if it cannot be."""
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            break
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    return _decompressed(bytes(content), coding)


def _decompressed(content: bytes, coding: str) -> bytes:
    match coding:
        case "gzip" | "x-gzip":
            window = _GZIP_OR_ZLIB
        case "deflate":
            # Some servers send the bare format where the standard wants the one with a header.
            window = _GZIP_OR_ZLIB if content[:1] == b"\x78" else -zlib.MAX_WBITS
        case _:
            return content
    try:
        return zlib.decompressobj(window).decompress(content, MAX_BODY_BYTES)
    except zlib.error:
        return content


def decoded_body(response: httpx.Response, content: bytes) -> Any:
    """A body as JSON, or else as its text."""
    if not content:
        return None
    text = content.decode(_charset(response), "replace")
    if "json" in response.headers.get("content-type", "") or text[:1] in "{[":
        try:
            return decoded_json(text)
        except UndecodableError:
            pass
    return text.encode("utf-8", "replace").decode()


def _charset(response: httpx.Response) -> str:
    """The charset that the server states, if it is a common one; UTF-8 otherwise."""
    try:
        name = codecs.lookup(response.charset_encoding or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"
