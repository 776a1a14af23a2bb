"""``golden-path target``: check a target against the live system, or write a first description."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gp_helpers.evidence import ExitStatus, redactor_for, stated_secrets
from gp_helpers.history import Redactor
from gp_helpers.parameters import (
    ParameterError,
    environment_of,
    folder,
    json_schema,
    load,
    resolved,
    schema_seen_from,
    validate,
)
from gp_helpers.parameters.first_version import ASKS, KINDS, answer_to, first_version, is_asked

if TYPE_CHECKING:
    from gp_helpers.targets import NotStartedError
    from gp_helpers.workbook.target_check import Checked
    from gp_helpers.workbook.target_stages import Stage

_SHOWN = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="walk it stage by stage, and say what can be judged")
    check.add_argument("--env", required=True, help="a name in parameters/, or a path")
    check.add_argument("--quiet", action="store_true", help="without what was sent and seen")
    check.add_argument("--json", action="store_true", help="as JSON, for scripts")
    new = actions.add_parser("new", help="ask a dozen questions and write a first version")
    new.add_argument("--output", type=Path, help="default: parameters/NAME.yaml")
    new.add_argument("--kind", choices=KINDS, help="asked for otherwise")
    new.add_argument("--defaults", action="store_true", help="do not ask, take every default")
    actions.add_parser("schema", help="print the JSON Schema of a parameter file")


def run(options: argparse.Namespace) -> ExitStatus:
    """Do what was asked."""
    match options.action:
        case "check":
            return asyncio.run(_check(options))
        case "new":
            return _new(options)
        case _:
            print(json.dumps(json_schema(), indent=2))
            return ExitStatus.MET


async def _check(options: argparse.Namespace) -> ExitStatus:
    from gp_helpers.cloud_run import CloudRunError
    from gp_helpers.probes import new_client
    from gp_helpers.targets import Arrangement, NotStartedError, open_target
    from gp_helpers.targets.requirements import require_usable
    from gp_helpers.targets.tls import verification
    from gp_helpers.workbook.target_check import check_target

    stated = load(options.env)
    require_usable(options.env, stated.target)
    parameters = resolved(stated)
    redactor = redactor_for(parameters.target, stated_secrets(stated.as_json()))
    with tempfile.TemporaryDirectory(prefix="golden-path-") as logs:
        try:
            async with (
                new_client(verify=verification(parameters.target)) as http,
                open_target(
                    parameters.target,
                    defects=frozenset(),
                    arrangement=Arrangement(),
                    folder=Path(logs),
                ) as target,
            ):
                checked = await check_target(target, parameters, http, redactor)
        except NotStartedError as error:
            _print_not_started(error, redactor, as_json=options.json)
            return ExitStatus.NOT_MET
        except CloudRunError as error:
            print(f"the target did not start: {redactor.text(str(error))}", file=sys.stderr)
            return ExitStatus.BROKEN
    if options.json:
        print(json.dumps(_as_json(checked), indent=2))
    else:
        _print(checked, quiet=options.quiet)
    return ExitStatus.MET if checked.went_well else ExitStatus.NOT_MET


def _print_not_started(error: NotStartedError, redactor: Redactor, *, as_json: bool) -> None:
    """An application that does not start is the first stage, and the last."""
    told, log = redactor.text(str(error)), [redactor.text(one) for one in error.log_tail]
    if as_json:
        stage = {"stage": "start", "outcome": "problem", "detail": told, "log": log}
        nothing: dict[str, Any] = {"cases": [], "unmentioned": [], "spent": {}}
        print(json.dumps({"stages": [stage], **nothing}, indent=2))
        return
    print(f"{'problem':12} {'start':14} {told}")
    for one in log:
        print(f"{'':12} {one}")


def _as_json(checked: Checked) -> dict[str, Any]:
    return {
        "stages": [
            {"stage": one.name, "outcome": one.outcome.value, "detail": one.detail}
            for one in checked.stages
        ],
        "cases": [
            {
                "case": one.case.id,
                "can_be_judged": one.can_be_judged,
                "reasons": list(one.reasons),
                "left_open": list(one.left_open),
                "through": list(one.through),
            }
            for one in checked.table
        ],
        "unmentioned": [
            {"what": one.what, "times": one.times, "example": one.example}
            for one in checked.unmentioned
        ],
        "spent": checked.spent,
    }


def _print(checked: Checked, *, quiet: bool) -> None:
    for stage in checked.stages:
        print(f"{stage.outcome.value:12} {stage.name:14} {stage.detail}")
        for line in () if quiet else _exchanges(stage):
            print(f"{'':12} {line}")
    if checked.unmentioned:
        print("\nWhat came, or did not come, and the file does not explain:")
        for found in checked.unmentioned:
            times = f"{found.times} × " if found.times else ""
            print(f"  {times}{found.what}\n      {found.example}")
            if found.predicate:
                print(f"      to recognise it: {found.predicate}")
    print(f"\nSpent: {checked.spent}")
    can = [one for one in checked.table if one.can_be_judged]
    print(f"\nOf the 23 cases {len(can)} can be judged here. Ready to paste:\n\ncases:")
    for row in checked.table:
        if row.can_be_judged:
            notes = [f"through {', '.join(row.through)}"] if row.through else []
            notes += [f"without {', '.join(row.left_open)}"] if row.left_open else []
            print(f"  - {row.case.id}" + (f"  # {'; '.join(notes)}" if notes else ""))
        else:
            print(f"  # {row.case.id}: {'; '.join(row.reasons)}")


def _exchanges(stage: Stage) -> list[str]:
    """What was sent and seen, redacted as it is in every history."""
    lines = []
    for entry in stage.entries:
        data = entry.data
        match entry.kind.value:
            case "request":
                lines.append(f"→ {data['method']} {data['url']} {_short(data.get('body'))}")
            case "response":
                lines.append(f"← {data['status']} {_short(data.get('body'))}")
            case "no_response":
                lines.append(f"← nothing: {data['error']}")
            case "ws_opening":
                lines.append(f"→ socket {data['url']} {_short(data.get('subprotocols') or None)}")
            case "ws_refused":
                lines.append(f"← refused: {data['status']} {data['reason']}")
            case "ws_sent":
                lines.append(f"→ {_short(data.get('message'))}")
            case "ws_received":
                seen = ", ".join(data.get("events", ())) or _mark(data)
                lines.append(f"← {_short(data.get('message', data.get('raw')))}  [{seen}]")
            case "ws_closed":
                lines.append(f"← closed with {data['code']} by {data['by']}")
    return lines


def _mark(data: Any) -> str:
    if data.get("part_of"):
        return f"part of {', '.join(data['part_of'])}"
    marks = [name for name in ("is_ready", "is_pong", "is_ignored") if data.get(name)]
    return ", ".join(mark.removeprefix("is_") for mark in marks) or "not recognised"


def _short(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _new(options: argparse.Namespace) -> ExitStatus:
    import yaml

    stated = {"kind": options.kind} if options.kind else {}
    answers: dict[str, str] = {}
    for ask in ASKS:
        if ask.key in stated:
            answers[ask.key] = stated[ask.key]
        elif is_asked(ask, answers):
            given = "" if options.defaults else input(f"{ask.text} [{ask.default}]: ").strip()
            answers[ask.key] = answer_to(ask, given)
        else:
            answers[ask.key] = ""
    path: Path = options.output or folder() / f"{answers['name']}.yaml"
    environment = environment_of(path)
    try:
        text = first_version(answers, environment=environment, schema=schema_seen_from(path))
    except ValueError as error:
        raise ParameterError("target new", [str(error)]) from None
    validate(yaml.safe_load(text), source=str(path))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ParameterError(str(path), ["is there already; name another with --output"]) from None
    except OSError as error:
        raise ParameterError(str(path), [f"cannot be written: {error.strerror}"]) from None
    print(f"wrote {path}\nnext: golden-path target check --env {environment}")
    return ExitStatus.MET
