"""``traffic.har``: what was exchanged, as HTTP Archive 1.2 with WebSocket messages.

HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/. Fields that begin with an underscore are
custom ones, as it allows; ``_webSocketMessages`` is what Chromium's developer tools write and read.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from gp_helpers.evidence.files import encoded
from gp_helpers.history import Entry, History, Kind

_STARTS = (Kind.REQUEST, Kind.WS_OPENING)
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def archive(lines: Sequence[str], *, version: str, comment: str) -> str:
    """The text of a HAR file of these entries, one a line."""
    log = {
        "version": "1.2",
        "creator": {"name": "golden-path-workbook", "version": version},
        "pages": [],
        "comment": comment,
    }
    head = _as_json({"log": log})[:-2]
    body = ",\n".join(lines)
    return f'{head}, "entries": [\n{body}\n]}}}}\n'


def lines_of(history: History, file: str) -> Iterator[str]:
    """The HAR entries of a history as JSON: a request each, a WebSocket with its messages each."""
    return map(_as_json, _entries_of(history, file))


def _entries_of(history: History, file: str) -> Iterator[dict[str, Any]]:
    try:
        began = datetime.fromisoformat(str(history.header.get("wall")))
    except ValueError:
        began = datetime.fromtimestamp(0, UTC)
    if began.tzinfo is None:
        began = began.replace(tzinfo=UTC)
    answers = {
        entry.data.get("request"): entry for entry in history.of(Kind.RESPONSE, Kind.NO_RESPONSE)
    }
    for entry in history.of(*_STARTS):
        where = {"_actor": entry.actor, "_step": entry.step, "_history": f"{file}:{entry.seq + 1}"}
        if entry.kind is Kind.REQUEST:
            yield {**_exchange(entry, answers.get(entry.seq), began), **where}
        else:
            yield {**_socket(entry, history.about(entry.subject), began), **where}


def _exchange(asked: Entry, answer: Entry | None, began: datetime) -> dict[str, Any]:
    milliseconds = _number(answer.data.get("ms")) if answer else 0.0
    body = _text(asked.data.get("body"))
    request = _request(asked, str(asked.data.get("method", "GET")))
    if body is not None:
        mime = _header(request["headers"], "content-type") or "application/json"
        request["postData"] = {"mimeType": mime, "params": [], "text": body}
        request["bodySize"] = len(encoded(body))
    told: dict[str, Any] = {"_purpose": asked.data.get("purpose")}
    if answer is None or answer.kind is Kind.NO_RESPONSE:
        told["_error"] = str(answer.data.get("error")) if answer else "no answer was recorded"
        response = _response(0, [], None)
    else:
        response = _response(
            answer.data.get("status"), answer.data.get("headers"), _text(answer.data.get("body"))
        )
        response["httpVersion"] = str(answer.data.get("http_version") or "HTTP/1.1")
    return {**_entry(asked, began, milliseconds, request, response), **told}


def _socket(opening: Entry, about: Sequence[Entry], began: datetime) -> dict[str, Any]:
    opened = next((entry for entry in about if entry.kind is Kind.WS_OPENED), None)
    refused = next((entry for entry in about if entry.kind is Kind.WS_REFUSED), None)
    closed = next((entry for entry in about if entry.kind is Kind.WS_CLOSED), None)
    handshake = opened or refused
    milliseconds = (handshake.t - opening.t) * 1000 if handshake else 0.0
    told: dict[str, Any] = {"_resourceType": "websocket"}
    if refused is not None:
        response = _response(
            refused.data.get("status"), refused.data.get("headers"), _text(refused.data.get("body"))
        )
        told["_error"] = str(refused.data.get("reason", ""))
    else:
        response = _response(101 if opened else 0, [], None)
        chosen = opened.data.get("subprotocol") if opened else None
        if chosen:
            response["headers"].append({"name": "Sec-WebSocket-Protocol", "value": str(chosen)})
    told["_webSocketMessages"] = [
        {
            "type": "send" if entry.kind is Kind.WS_SENT else "receive",
            "time": (began + timedelta(seconds=entry.t)).timestamp(),
            "opcode": 1,
            "data": _text(entry.data.get("message", entry.data.get("raw"))) or "",
        }
        for entry in about
        if entry.kind in (Kind.WS_SENT, Kind.WS_RECEIVED)
    ]
    if closed is not None:
        told["_webSocketClose"] = {
            "time": (began + timedelta(seconds=closed.t)).timestamp(),
            "code": closed.data.get("code"),
            "reason": closed.data.get("reason"),
            "by": closed.data.get("by"),
        }
    request = _request(opening, "GET")
    return {**_entry(opening, began, milliseconds, request, response), **told}


def _entry(
    start: Entry,
    began: datetime,
    milliseconds: float,
    request: dict[str, Any],
    response: dict[str, Any],
) -> dict[str, Any]:
    milliseconds = max(0.0, round(milliseconds, 3))
    return {
        "startedDateTime": (began + timedelta(seconds=start.t)).isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _request(start: Entry, method: str) -> dict[str, Any]:
    url = str(start.data.get("url", ""))
    try:
        query = urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        query = []
    return {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(start.data.get("headers")),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": -1,
        "bodySize": 0,
    }


def _response(status: Any, headers: Any, body: str | None) -> dict[str, Any]:
    shown = _headers(headers)
    code = status if isinstance(status, int) else 0
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = ""
    content: dict[str, Any] = {
        "size": len(encoded(body or "")),
        "mimeType": _header(shown, "content-type") or "x-unknown",
    }
    if body is not None:
        content["text"] = body
    return {
        "status": code,
        "statusText": phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": shown,
        "content": content,
        "redirectURL": _header(shown, "location") or "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _headers(pairs: Any) -> list[dict[str, str]]:
    if isinstance(pairs, Mapping):
        pairs = list(pairs.items())
    return [
        {"name": str(pair[0]), "value": str(pair[1])}
        for pair in pairs or ()
        if isinstance(pair, list | tuple) and len(pair) == 2
    ]


def _header(headers: Sequence[Mapping[str, str]], name: str) -> str | None:
    return next((one["value"] for one in headers if one["name"].lower() == name), None)


def _text(body: Any) -> str | None:
    if body is None or isinstance(body, str):
        return body
    return _as_json(body)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
