"""Lines are read as the standard library reads them, also where the quicker reader would not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gp_helpers.history import Entry, HistoryReadError, Kind, parse
from gp_helpers.history.decoding import reader_of

NESTED = 700


def line(data: str) -> bytes:
    entry = Entry(0, 0.5, "lab", Kind.TRIAL_ENDED, "", "", {"it": "HERE"}).to_json()
    return entry.replace('"HERE"', data).encode() + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        "9223372036854775807",
        "18446744073709551616",
        "-18446744073709551616",
        "[1.0, 123456789012345678901234567890, 2]",
        "0.1000000000000000055511151231257827",
        "1e400",
        "-0",
        "-0.0",
        "1E5",
        "NaN",
        "[-Infinity]",
        '"half \\ud83d of it"',
        '"\\ud83d\\ude00 whole"',
        '{"a": 1, "b": 2, "a": 3}',
        "[" * NESTED + "]" * NESTED,
    ],
)
def test_a_value_is_the_standard_librarys(data: str) -> None:
    [entry] = parse(line(data), "h")
    assert repr(entry.data["it"]) == repr(json.loads(data))


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    [entry] = parse(line('"?"').replace(b"?", b"a\xffb"), "h")
    assert entry.data["it"] == "a\ufffdb"


@pytest.mark.parametrize(
    "data",
    ["[" * 100_000 + "]" * 100_000, '{"a":' * 1010 + "1" + "}" * 1010, '"\t"', "01", "[1,]", "'a'"],
)
def test_what_the_standard_library_refuses_is_refused(data: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        json.loads(data)
    with pytest.raises(HistoryReadError, match="h, line 1: "):
        parse(line(data), "h")


def test_a_line_that_holds_the_beginning_of_the_next_is_refused() -> None:
    first, second = (line("1").decode().replace('"seq":0', f'"seq":{at}') for at in (0, 1))
    spread = f'{first[:-1]},{{"seq":1,"t":0.5,"actor":"","kind":"silence","subject":"","step":"",'
    spread += f'"data":{{}},"more":[\n{second[:-1]}]}}\n'
    assert len(json.loads(f"[{spread}]")) == 2
    with pytest.raises(HistoryReadError, match="h, line 1: Extra data"):
        parse(spread.encode(), "h")


def test_a_text_without_long_numbers_is_read_the_short_way() -> None:
    def way(content: bytes) -> Callable[[bytes], Any]:
        return reader_of(content)

    assert way(b'{"at": 1795866934.7078652}') is not way(b'{"at": 1795866934707865212}')
    assert way(b'{"at": 1795866934.7078652}') is way("‹token 1e510d768df9›".encode())
