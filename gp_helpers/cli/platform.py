"""``golden-path platform serve``: the embedded platform alone, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from gp_helpers.cli.selecting import known_defects
from gp_helpers.cloud_run.ending import signals_to_end
from gp_helpers.evidence import ExitStatus
from gp_helpers.parameters import Isolation
from gp_helpers.targets.requirements import require_foundations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    serve = actions.add_parser("serve", help="start it, print its addresses, stop on Ctrl-C")
    serve.add_argument(
        "--wiring",
        default="remediated",
        help="remediated (default), all_defects, or defects by name, separated by commas",
    )
    serve.add_argument("--backends", type=int, default=1, choices=range(1, 9), metavar="1-8")
    serve.add_argument(
        "--isolation", choices=[one.value for one in Isolation], default=Isolation.PROCESS.value
    )
    serve.add_argument("--logs", type=Path, help="folder for the services' logs")
    serve.add_argument("--json", action="store_true", help="print the addresses as JSON")


def run(options: argparse.Namespace) -> ExitStatus:
    """Serve until a signal to end."""
    require_foundations()
    return asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> ExitStatus:
    from gp_helpers.cloud_run import CloudRunError
    from gp_helpers.parameters import EmbeddedTarget
    from gp_helpers.targets import Arrangement, open_target

    target = EmbeddedTarget(wiring="remediated", isolation=Isolation(options.isolation))
    defects = _defects(options.wiring)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals_to_end():
        loop.add_signal_handler(number, stop.set)
    with TemporaryDirectory(prefix="golden-path-") as temporary:
        logs = options.logs or Path(temporary)
        try:
            async with open_target(
                target,
                defects=defects,
                arrangement=Arrangement(backends=options.backends),
                folder=logs,
            ) as running:
                _print(dict(running.controls.services()), defects, options.json)
                await stop.wait()
        except CloudRunError as error:
            print(f"the platform did not start: {error}")
            return ExitStatus.BROKEN
    print("stopped", flush=True)
    return ExitStatus.MET


def _defects(wiring: str) -> frozenset[str]:
    from gp_helpers.platform.wiring import Wiring

    if wiring == "remediated":
        return frozenset()
    if wiring == "all_defects":
        return Wiring.all_defects().defects
    return known_defects(
        (name.strip() for name in wiring.split(",")),
        source="--wiring (remediated, all_defects, or defects by name)",
    )


def _print(services: dict[str, str], defects: frozenset[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"services": services, "defects": sorted(defects)}), flush=True)
        return
    on = ", ".join(sorted(defects)) or "none: remediated"
    print(f"defects on: {on}")
    for name, url in services.items():
        print(f"{name:12} {url}")
    websocket = services["ingress"].replace("http://", "ws://") + "/ws"
    print(f"{'WebSocket':12} {websocket}\nCtrl-C stops it", flush=True)
