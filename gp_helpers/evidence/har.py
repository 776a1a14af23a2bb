"""``traffic.har``: what was exchanged, as HTTP Archive 1.2 with WebSocket messages.

HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/. Fields that begin with an underscore are
custom ones, as it allows; ``_webSocketMessages`` is what Chromium's developer tools write and read.
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import isfinite
from typing import Any

from gp_helpers.evidence.files import encoded
from gp_helpers.history import LONGEST_S, Entry, History, Kind

_STARTS = (Kind.REQUEST, Kind.WS_OPENING)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_encode = json.JSONEncoder(ensure_ascii=False).encode
_A_PAIR = (list, tuple)
_BETWEEN = ",\n"
_TAIL = "\n]}}\n"
_quoted = json.encoder.encode_basestring
"""A text as JSON; texts are put together here, which takes a third of the time of an encoder."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What a HAR file has of one trial, without the text: a million entries make 400 MB."""

    size: int
    """Bytes; none for a trial without exchanges."""
    sha256: bytes


def archive(lines: Sequence[str], *, version: str, comment: str) -> str:
    """The text of a HAR file of these entries, one a line."""
    return f"{_head(version, comment)}{_BETWEEN.join(lines)}{_TAIL}"


def passage(lines: Iterable[str]) -> Passage:
    """What a HAR file has of a trial with these entries."""
    size, digest = 0, hashlib.sha256()
    for line in lines:
        part = encoded(f"{_BETWEEN}{line}" if size else line)
        digest.update(part)
        size += len(part)
    return Passage(size, digest.digest())


def is_archive_of(
    content: bytes, passages: Iterable[Passage], *, version: str, comment: str
) -> bool:
    """Whether a HAR file is the one of these trials, byte for byte."""
    head, between, tail = map(encoded, (_head(version, comment), _BETWEEN, _TAIL))
    if not content.startswith(head):
        return False
    left, is_first = memoryview(content)[len(head) :], True
    for one in (one for one in passages if one.size):
        if not is_first:
            if left[: len(between)] != between:
                return False
            left = left[len(between) :]
        if hashlib.sha256(left[: one.size]).digest() != one.sha256:
            return False
        left, is_first = left[one.size :], False
    return left == tail


def _head(version: str, comment: str) -> str:
    log = {
        "version": "1.2",
        "creator": {"name": "golden-path-workbook", "version": version},
        "pages": [],
        "comment": comment,
    }
    return f'{_as_json({"log": log})[:-2]}, "entries": [\n'


def lines_of(history: History, file: str) -> Iterator[str]:
    """The HAR entries of a history as JSON: a request each, a WebSocket with its messages each."""
    began = _began(history.header)
    answers = {
        entry.data.get("request"): entry for entry in history.of(Kind.RESPONSE, Kind.NO_RESPONSE)
    }
    for entry in history.of(*_STARTS):
        if entry.kind is Kind.REQUEST:
            told = _exchange(entry, answers.get(entry.seq), began)
        else:
            told = _socket(entry, history.about(entry.subject), began)
        yield (
            f'{{{told}, "_actor": {_quoted(entry.actor)}, "_step": {_quoted(entry.step)}, '
            f'"_history": {_quoted(f"{file}:{entry.seq + 1}")}}}'
        )


def _began(header: Mapping[str, Any]) -> datetime:
    """When a history began; 1970 where it states no time that can be counted from."""
    try:
        began = datetime.fromisoformat(str(header.get("wall")))
        _ = began + timedelta(seconds=LONGEST_S)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)
    return began if began.tzinfo is not None else began.replace(tzinfo=UTC)


def _exchange(asked: Entry, answer: Entry | None, began: datetime) -> str:
    milliseconds = float(answer.data.get("ms") or 0.0) if answer else 0.0
    request = _request(asked, str(asked.data.get("method", "GET")), _text(asked.data.get("body")))
    error = ""
    if answer is None or answer.kind is Kind.NO_RESPONSE:
        told = str(answer.data.get("error")) if answer else "no answer was recorded"
        error = f', "_error": {_quoted(told)}'
        response = _response(0, (), None)
    else:
        said = answer.data
        response = _response(
            said.get("status"),
            said.get("headers"),
            _text(said.get("body")),
            version=str(said.get("http_version") or "HTTP/1.1"),
        )
    purpose = _as_json(asked.data.get("purpose"))
    return f'{_entry(asked, began, milliseconds, request, response)}, "_purpose": {purpose}{error}'


def _socket(opening: Entry, about: Sequence[Entry], began: datetime) -> str:
    opened = next((entry for entry in about if entry.kind is Kind.WS_OPENED), None)
    refused = next((entry for entry in about if entry.kind is Kind.WS_REFUSED), None)
    closed = next((entry for entry in about if entry.kind is Kind.WS_CLOSED), None)
    handshake = opened or refused
    milliseconds = (handshake.t - opening.t) * 1000 if handshake else 0.0
    error = end = ""
    if refused is not None:
        response = _response(
            refused.data.get("status"), refused.data.get("headers"), _text(refused.data.get("body"))
        )
        error = f', "_error": {_quoted(str(refused.data.get("reason", "")))}'
    else:
        chosen = opened.data.get("subprotocol") if opened else None
        headers = (("Sec-WebSocket-Protocol", chosen),) if chosen else ()
        response = _response(101 if opened else 0, headers, None)
    messages = ", ".join(
        f'{{"type": "{"send" if entry.kind is Kind.WS_SENT else "receive"}", '
        f'"time": {_seconds(began, entry)}, "opcode": 1, "data": {_quoted(_message(entry))}}}'
        for entry in about
        if entry.kind is Kind.WS_SENT or entry.kind is Kind.WS_RECEIVED
    )
    if closed is not None:
        end = (
            f', "_webSocketClose": {{"time": {_seconds(began, closed)}, '
            f'"code": {_as_json(closed.data.get("code"))}, '
            f'"reason": {_as_json(closed.data.get("reason"))}, '
            f'"by": {_as_json(closed.data.get("by"))}}}'
        )
    request = _request(opening, "GET", None)
    return (
        f"{_entry(opening, began, milliseconds, request, response)}, "
        f'"_resourceType": "websocket"{error}, "_webSocketMessages": [{messages}]{end}'
    )


def _message(entry: Entry) -> str:
    return _text(entry.data.get("message", entry.data.get("raw"))) or ""


def _seconds(began: datetime, entry: Entry) -> str:
    return repr((began + timedelta(seconds=entry.t)).timestamp())


def _entry(start: Entry, began: datetime, milliseconds: float, request: str, response: str) -> str:
    waited = _plain(max(0.0, round(milliseconds, 3)))
    at = (began + timedelta(seconds=start.t)).isoformat(timespec="milliseconds")
    return (
        f'"startedDateTime": "{at}", "time": {waited}, "request": {request}, '
        f'"response": {response}, "cache": {{}}, '
        f'"timings": {{"send": 0, "wait": {waited}, "receive": 0}}'
    )


def _request(start: Entry, method: str, body: str | None) -> str:
    url = str(start.data.get("url", ""))
    headers, mime, _ = _headers(start.data.get("headers"))
    sent, size = "", 0
    if body is not None:
        kind = _quoted(mime or "application/json")
        sent = f', "postData": {{"mimeType": {kind}, "params": [], "text": {_quoted(body)}}}'
        size = _size(body)
    return (
        f'{{"method": {_quoted(method)}, "url": {_quoted(url)}, "httpVersion": "HTTP/1.1", '
        f'"cookies": [], "headers": {headers}, "queryString": {_query(url)}, '
        f'"headersSize": -1, "bodySize": {size}{sent}}}'
    )


def _query(url: str) -> str:
    if "?" not in url:
        return "[]"
    try:
        query = urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        query = []
    return _as_json([{"name": name, "value": value} for name, value in query])


def _response(status: Any, headers: Any, body: str | None, *, version: str = "HTTP/1.1") -> str:
    shown, mime, location = _headers(headers)
    code = status if isinstance(status, int) else 0
    text = f', "text": {_quoted(body)}' if body is not None else ""
    return (
        f'{{"status": {_plain(code)}, "statusText": "{_PHRASES.get(code, "")}", '
        f'"httpVersion": {_quoted(version)}, "cookies": [], "headers": {shown}, '
        f'"content": {{"size": {_size(body or "")}, '
        f'"mimeType": {_quoted(mime or "x-unknown")}{text}}}, '
        f'"redirectURL": {_quoted(location or "")}, "headersSize": -1, "bodySize": -1}}'
    )


def _headers(pairs: Any) -> tuple[str, str | None, str | None]:
    """Headers as JSON, and the first that say which type a body has and where to go from here."""
    if not isinstance(pairs, list) and isinstance(pairs, Mapping):
        pairs = list(pairs.items())
    shown, mime, location = [], None, None
    for pair in pairs or ():
        if not isinstance(pair, _A_PAIR) or len(pair) != 2:
            continue
        name, value = str(pair[0]), str(pair[1])
        shown.append(f'{{"name": {_quoted(name)}, "value": {_quoted(value)}}}')
        if len(name) == 12 and mime is None and name.lower() == "content-type":
            mime = value
        elif len(name) == 8 and location is None and name.lower() == "location":
            location = value
    return f"[{', '.join(shown)}]", mime, location


def _as_json(value: Any) -> str:
    """A value as JSON; the decoder nests a little deeper than the encoder."""
    try:
        return _encode(value)
    except RecursionError:
        return _quoted("‹nested too deep›")


def _text(body: Any) -> str | None:
    if body is None or isinstance(body, str):
        return body
    return _as_json(body)


def _size(text: str) -> int:
    """Bytes as which a text is written."""
    return len(text) if text.isascii() else len(encoded(text))


def _plain(number: float) -> str:
    is_so = type(number) is int or (type(number) is float and isfinite(number))
    return repr(number) if is_so else _as_json(number)
