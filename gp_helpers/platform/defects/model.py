"""What the catalogue says about one defect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """A named coordination gap: other components at certain seams."""

    id: str
    """`<suite>.<name>`."""
    title: str
    case: str
    """Id of the case that is about it."""
    components: Mapping[str, str]
    """Seam → import string of the as-reported component."""
    mechanism: str
    lever: str
    """The real I/O or limit that opens the gap, and that a fault may stretch."""
    symptom: str
    """What a user sees on the wire."""
    finding_code: str
    remedy: str
    also_breaks: tuple[str, ...] = ()
    """Ids of other cases that it may break as well."""
    seen_in: tuple[tuple[str, str], ...] = ()
    """Where the same mistake has been seen in public: (name, reference)."""
