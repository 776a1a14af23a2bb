"""People for the tests of targets."""

import random

from gp_helpers.probes import Person, new_person


def somebody(number: int = 0) -> Person:
    """A person; the same number gives the same one."""
    return new_person(number, random.Random(number))
