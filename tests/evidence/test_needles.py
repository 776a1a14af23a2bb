"""Looking for many secrets at once finds what looking for one after the other finds."""

from __future__ import annotations

import random

import pytest

from gp_helpers.evidence.needles import SHORTEST, Needles

_LETTERS = b"abc"
"""So few that beginnings and pieces are shared by many needles."""


def _word(generator: random.Random, length: int) -> bytes:
    return bytes(generator.choices(_LETTERS, k=length))


@pytest.mark.parametrize("size", [0, SHORTEST - 1, SHORTEST, 300, 1_999, 2_000, 2_001, 5_000])
def test_exactly_the_needles_that_are_there_are_found(size: int) -> None:
    generator = random.Random(size)
    needles = {_word(generator, length): "told" for length in range(SHORTEST, 24) for _ in "ab"}
    content = _word(generator, size)
    naive = {needle for needle in needles if needle in content}
    assert set(Needles(needles).present_in(content)) == naive
    assert size < 300 or naive


@pytest.mark.parametrize("length", [SHORTEST, 12, 13, 14, 40])
@pytest.mark.parametrize("size", [100, 4_000])
def test_a_needle_is_found_at_every_place(length: int, size: int) -> None:
    needle = bytes(range(1, length + 1))
    needles = Needles({needle: "told", b"something else": "told"})
    for at in [*range(20), *range(size - 20, size + 1)]:
        content = b"." * at + needle + b"." * (size - at)
        assert needles.present_in(content) == [needle], at
