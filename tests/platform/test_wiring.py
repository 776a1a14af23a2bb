"""The composition root and the catalogue: any subset of defects fits together."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.platform.seams import SEAMS
from gp_helpers.platform.services import build_auth
from gp_helpers.platform.wiring import UnknownDefect, Wiring


def test_the_remediated_wiring_has_no_component_of_a_defect() -> None:
    wiring = Wiring()
    for seam in SEAMS:
        assert ".defects." not in wiring.import_string(seam)
        assert inspect.isclass(wiring.component(seam))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_each_defect_puts_a_component_of_the_same_shape_at_its_seams(name: str) -> None:
    defect = CATALOGUE[name]
    remediated, reported = Wiring(), Wiring([name])
    changed = {seam for seam in SEAMS if remediated.component(seam) is not reported.component(seam)}
    assert changed == set(defect.components)
    for seam in changed:
        ours, theirs = remediated.component(seam), reported.component(seam)
        assert _arguments(theirs) == _arguments(ours)
        methods = {name for name, _ in inspect.getmembers(ours, inspect.isfunction)}
        public = {name for name in methods if not name.startswith("_")}
        assert all(callable(getattr(theirs, name, None)) for name in public), (seam, public)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_each_entry_says_everything(name: str) -> None:
    defect = CATALOGUE[name]
    assert defect.id.split(".")[0] == defect.case.split(".")[0]
    assert defect.case not in defect.also_breaks
    for text in (
        defect.title,
        defect.mechanism,
        defect.lever,
        defect.symptom,
        defect.remedy,
        defect.finding_code,
    ):
        assert text.strip()


def test_all_defects_fit_together() -> None:
    wiring = Wiring.all_defects()
    for defect in CATALOGUE.values():
        for seam, component in defect.components.items():
            assert wiring.import_string(seam) == component


def test_as_reported_is_a_cases_own_defects() -> None:
    wiring = Wiring.as_reported("auth.validation_cascade")
    assert wiring.defects == defects_of("auth.validation_cascade")
    assert wiring.defects == {"auth.chat_nested_payload", "auth.gateway_local_secret"}


def test_an_unknown_defect_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownDefect, match=r"did you mean 'auth\.prefix_cache'"):
        Wiring(["auth.prefix_cash"])


@pytest.mark.parametrize(
    ("change", "named"),
    [({"jwt_secrets": "x"}, "jwt_secrets"), ({"store": {"url": 3}}, "url")],
)
def test_settings_that_do_not_fit_name_the_key(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build_auth({"settings": {"diagnostics_secret": "x", **change}})


def _arguments(component: type) -> list[str]:
    parameters = inspect.signature(component).parameters.values()
    return [
        parameter.name.lstrip("_")
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty
    ]
