"""HTTP that is no HTTP: closes at every stage, lies about length, endless and slow responses."""

from __future__ import annotations

from functools import partial
from itertools import count

from tests.hostile.server import Behaviour, Stage, Visit

CASE = "auth.validation_cascade"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def send_and_close(data: bytes, visit: Visit) -> None:
    """Some bytes, then the end of the connection."""
    await visit.send(data)
    visit.writer.close()
    await visit.until_gone()


async def send_and_wait(data: bytes, visit: Visit) -> None:
    """Some bytes, then nothing any more."""
    await visit.send(data)
    await visit.until_gone()


async def send_forever(first: bytes, more: bytes, visit: Visit) -> None:
    """Some bytes, then the same again and again, until the client has enough."""
    await visit.send(first)
    for _ in count():
        await visit.send(more)


async def drip(data: bytes, visit: Visit) -> None:
    await visit.drip(data)


def _login(name: str, act: object, *, is_heavy: bool = False) -> Behaviour:
    return Behaviour(name, Stage.LOGIN, act, CASE, is_heavy)  # type: ignore[arg-type]


BEHAVIOURS = (
    _login("login_closes_without_a_word", partial(send_and_close, b"")),
    _login("login_closes_in_the_status_line", partial(send_and_close, b"HTTP/1.1 20")),
    _login("login_closes_in_the_headers", partial(send_and_close, HEAD + b"X-Half: ")),
    _login(
        "login_closes_in_the_body",
        partial(send_and_close, HEAD + b'Content-Length: 999\r\n\r\n{"access_token": "ab'),
    ),
    _login("login_never_answers", partial(send_and_wait, b"")),
    _login("login_one_byte_a_second", partial(drip, HEAD + b"Content-Length: 2\r\n\r\n{}")),
    _login(
        "login_headers_never_end",
        partial(send_forever, HEAD, b"X: " + b"y" * 8000 + b"\r\n"),
        is_heavy=True,
    ),
    _login(
        "login_hundreds_of_headers",
        partial(
            send_and_close,
            HEAD + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(700)) + b"\r\n",
        ),
    ),
    _login("login_header_of_a_megabyte", partial(send_and_close, HEAD + b"X: " + b"y" * 1_000_000)),
    _login(
        "login_length_too_small",
        partial(send_and_close, HEAD + b'Content-Length: 9\r\n\r\n{"access_token": "abcdef"}'),
    ),
    _login(
        "login_length_too_large",
        partial(send_and_wait, HEAD + b'Content-Length: 99\r\n\r\n{"access_token": "abcdef"}'),
    ),
    _login(
        "login_two_lengths",
        partial(send_and_close, HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    ),
    _login("login_negative_length", partial(send_and_close, HEAD + b"Content-Length: -1\r\n\r\n")),
    _login(
        "login_chunked_garbage",
        partial(send_and_close, HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ),
    _login(
        "login_chunk_of_an_exabyte",
        partial(send_and_wait, HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{}"),
    ),
    _login(
        "login_chunks_never_end",
        partial(
            send_forever,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            b"10000\r\n" + b" " * 65536 + b"\r\n",
        ),
        is_heavy=True,
    ),
    _login(
        "login_body_never_ends", partial(send_forever, HEAD + b"\r\n", b"[" * 9999), is_heavy=True
    ),
    _login(
        "login_informational_responses_never_end",
        partial(send_forever, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 200),
        is_heavy=True,
    ),
    _login("login_speaks_ssh", partial(send_and_close, b"SSH-2.0-OpenSSH_9.6\r\n")),
    _login("login_speaks_http_0_9", partial(send_and_close, b'{"access_token": "abcdef"}')),
    _login("login_status_is_a_word", partial(send_and_close, b"HTTP/1.1 okay OK\r\n\r\n{}")),
    _login(
        "login_redirects_elsewhere",
        partial(
            send_and_close,
            b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/login\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    _login(
        "login_redirects_to_itself",
        partial(
            send_and_close,
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: login\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
)
