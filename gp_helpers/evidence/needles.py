"""Many literal secrets, looked for in many contents: which of them are there.

A run makes some hundred secrets, each in a score of forms. To ask for one after the other reads
every content as often; here a content is read once, by pieces of six bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

SHORTEST = 6
"""A shorter secret cannot be looked for: it would be found everywhere."""
_STRIDE = 8
"""In a long content only each eighth piece is looked at; so many pieces of a needle are known."""
_LONG = 2_000


class Needles:
    """Literal forms of secrets, each with what is told where it is found."""

    def __init__(self, told: Mapping[bytes, str]) -> None:
        self.told = told
        self._by_beginning: dict[bytes, list[bytes]] = defaultdict(list)
        self._by_any_piece: dict[bytes, list[bytes]] = defaultdict(list)
        self._too_short_to_stride: list[bytes] = []
        for needle in told:
            self._by_beginning[needle[:SHORTEST]].append(needle)
            if len(needle) < SHORTEST + _STRIDE - 1:
                self._too_short_to_stride.append(needle)
                continue
            # Wherever it stands, one of its first eight pieces is at a place that is looked at.
            for at in range(_STRIDE):
                self._by_any_piece[needle[at : at + SHORTEST]].append(needle)

    def present_in(self, content: bytes) -> list[bytes]:
        """The needles that are somewhere in `content`."""
        if not self.told:
            return []
        if len(content) < _LONG:
            return self._among(content, self._by_beginning, 1)
        return [
            *self._among(content, self._by_any_piece, _STRIDE),
            *(needle for needle in self._too_short_to_stride if needle in content),
        ]

    @staticmethod
    def _among(
        content: bytes, candidates: Mapping[bytes, Iterable[bytes]], stride: int
    ) -> list[bytes]:
        ends = range(SHORTEST, len(content) + 1, stride)
        pieces = {content[end - SHORTEST : end] for end in ends}
        wanted = dict.fromkeys(
            needle for piece in candidates.keys() & pieces for needle in candidates[piece]
        )
        return [needle for needle in wanted if needle in content]
