"""An HTTP proxy that can hold requests, so that tests decide what happens first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

PATIENCE_S = 10.0


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """Poll until the condition gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError(f"still waiting for {what or condition}")


class Hop:
    """An HTTP proxy in front of one service; it can hold requests and let them go."""

    def __init__(self) -> None:
        self.upstream = ""
        self._open = threading.Condition()
        self._holding: Callable[[str], bool] = lambda _path: False
        self._held: list[str] = []
        self._timers: list[threading.Timer] = []
        self._client = httpx.Client(timeout=30, trust_env=False, verify=False)
        hop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hop.pass_on(self)

            def do_POST(self) -> None:
                hop.pass_on(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def held(self) -> int:
        """How many requests wait here."""
        return len(self._held)

    def hold(self, path: str = "/") -> None:
        """Keep requests whose path begins like this until `let_go`."""
        self._holding = lambda asked: asked.startswith(path)

    def let_go_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.let_go)
        timer.start()
        self._timers.append(timer)

    def let_go(self) -> None:
        with self._open:
            self._holding = lambda _path: False
            self._open.notify_all()

    def wait_for(self, number: int) -> None:
        wait_until(lambda: self.held >= number, f"{number} held requests")

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._open:
            self._held.append(request.path)
            self._open.wait_for(lambda: not self._holding(request.path), timeout=30)
            self._held.remove(request.path)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "content-length", "connection"}
        }
        reply = self._client.request(
            request.command, self.upstream + request.path, content=body, headers=headers
        )
        with suppress(OSError):
            request.send_response(reply.status_code)
            request.send_header("Content-Type", reply.headers.get("Content-Type", "text/plain"))
            request.send_header("Content-Length", str(len(reply.content)))
            request.end_headers()
            request.wfile.write(reply.content)

    def close(self) -> None:
        for timer in self._timers:
            timer.join()
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()
