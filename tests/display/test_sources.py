"""The as-reported and the remediated component as a diff, for every defect of the catalogue."""

import inspect
import re
from importlib import import_module

import pytest

from gp_helpers.display.sources import defect_sources, source_diff, source_of
from gp_helpers.platform.defects.catalogue import CATALOGUE
from gp_helpers.platform.seams import SEAMS


@pytest.mark.parametrize("defect", CATALOGUE)
def test_both_components_stand_in_the_diff(defect: str) -> None:
    told = repr(defect_sources([defect])).splitlines()
    assert CATALOGUE[defect].mechanism in told
    for seam, component in CATALOGUE[defect].components.items():
        assert f"{seam}: {component} (−) against {SEAMS[seam].remediated} (+)" in told
        for import_string, sign in ((component, "+"), (SEAMS[seam].remediated, "-")):
            own = [line[2:] for line in told if not line.startswith(f"{sign} ")]
            source = source_of(import_string).rstrip().splitlines()
            assert source[0] in own
            assert source[-1] in own


def test_a_component_is_shown_as_python_itself_finds_it() -> None:
    components = {one for defect in CATALOGUE.values() for one in defect.components.values()}
    for import_string in components | {seam.remediated for seam in SEAMS.values()}:
        module, _, name = import_string.partition(":")
        assert source_of(import_string) == inspect.getsource(getattr(import_module(module), name))


def test_the_colours_change_no_character() -> None:
    seam, defect = "chat_reply_reader", CATALOGUE["auth.chat_nested_payload"]
    diff = source_diff(seam, defect.components[seam], SEAMS[seam].remediated)
    pre = re.search(r"<pre>(.*)</pre>", diff.body, re.DOTALL)
    assert pre
    shown = re.sub(r"<[^>]+>", "", pre[1])
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&#x27;", "'"), ("&quot;", '"'),
                              ("&amp;", "&")):  # fmt: skip
        shown = shown.replace(entity, character)
    assert shown.splitlines() == repr(diff).splitlines()[1:]
    assert '<span class="k">class</span>' in pre[1]


def test_without_defects_there_is_nothing_to_compare() -> None:
    assert repr(defect_sources([])).startswith("No defect is on")
