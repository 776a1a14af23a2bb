"""A real Chromium without a window, asked over its debugging pipe: no port, no driver, no script.

The pipe is two inherited descriptors, so that the browser ends when its owner does.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ANSWER_WITHIN_S = 30.0
_READ_BY_CHROMIUM, _WRITTEN_BY_CHROMIUM = 3, 4


class BrowserError(RuntimeError):
    """Chromium refused a command, did not answer, or ended."""


class Page:
    """One tab: commands of the Chrome DevTools Protocol, and the events that came meanwhile."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process = process
        self._to = to
        self._back = back
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Open a tab and listen to it."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number = self._number
        answer = self._until(lambda one: one.get("id") == number, method)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Go to a page, and wait until it has loaded."""
        self.send("Page.navigate", url=url)
        self._until(lambda one: one.get("method") == "Page.loadEventFired", f"loading {url}")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go: ``Tab`` or ``Enter``."""
        code = {"Tab": 9, "Enter": 13}[key]
        stated = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **stated, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **stated)

    def look(self, *, scheme: str = "light", media: str = "screen") -> None:
        """Show the page as somebody who prefers a colour scheme sees it, or as it is printed."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def of(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of one kind."""
        return [one["params"] for one in self.events if one.get("method") == method]

    def _until(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while True:
            message = self._next(deadline, what)
            if "id" not in message:
                self.events.append(message)
            if wanted(message):
                return message

    def _next(self, deadline: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._back], [], [], left)[0]:
                raise BrowserError(f"no answer within {ANSWER_WITHIN_S:g} s: {what}")
            received = os.read(self._back, 1 << 20)
            if not received:
                raise BrowserError(f"Chromium ended with {self._process.wait()}: {what}")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


@contextmanager
def browser_page(executable: Path, profile: Path) -> Iterator[Page]:
    """A tab of a Chromium of its own, which is gone afterwards."""
    its_input, to = os.pipe()
    back, its_output = os.pipe()

    def take_the_pipe() -> None:
        read, written = os.dup(its_input), os.dup(its_output)
        os.dup2(read, _READ_BY_CHROMIUM)
        os.dup2(written, _WRITTEN_BY_CHROMIUM)

    process = subprocess.Popen(
        [
            executable,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=take_the_pipe,
        pass_fds=(_READ_BY_CHROMIUM, _WRITTEN_BY_CHROMIUM),
        start_new_session=True,
    )
    os.close(its_input)
    os.close(its_output)
    try:
        page = Page(process, to, back)
        page.attach()
        yield page
    finally:
        os.close(to)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(back)
