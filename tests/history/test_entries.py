"""Entries: one line each, read back as they were, anything else refused."""

import json

import pytest

from gp_helpers.history import Entry, Kind

ENTRY = Entry(3, 0.25, "ada", Kind.RESPONSE, "http-1", "log_in", {"status": 200, "body": "grüß\n€"})


def test_an_entry_is_one_line_of_json_with_its_keys_in_order() -> None:
    line = ENTRY.to_json()
    assert line == (
        '{"seq":3,"t":0.25,"actor":"ada","kind":"response","subject":"http-1","step":"log_in",'
        '"data":{"status":200,"body":"grüß\\n€"}}'
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_read_back_as_it_was(kind: Kind) -> None:
    entry = Entry(0, 1.5, "lab", kind, "", "", {"a": [1, None, {"b": True}]})
    assert Entry.from_json(entry.to_json()) == entry


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{}",
        "not json",
        ENTRY.to_json()[:-2],
        ENTRY.to_json().replace('"response"', '"telepathy"'),
        ENTRY.to_json().replace("0.25", '"soon"'),
        *(ENTRY.to_json().replace("0.25", t) for t in ("1e999", "1e17", "NaN", "-0.5", "true")),
        *(ENTRY.to_json().replace('"seq":3', f'"seq":{seq}') for seq in ("1e999", "3.0", "true")),
        *(ENTRY.to_json().replace('"ada"', actor) for actor in ("null", "1", "[]")),
        *(
            ENTRY.to_json().replace('"status":200', one)
            for one in (
                '"headers":1.5',
                '"headers":"x"',
                '"ms":"slow"',
                '"ms":NaN',
                '"ms":1e999',
                '"ms":-1',
                '"request":[]',
                '"request":1.0',
            )
        ),
        json.dumps(json.loads(ENTRY.to_json()) | {"data": [["status", 200]]}),
    ],
)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the JSON decoder's own message is as good
        Entry.from_json(line)
