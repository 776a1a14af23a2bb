"""A Python process that owns services, for the tests of what is left when it ends.

It starts an ingress that has started an instance, a plain service and, if asked, a frozen one,
prints their process ids and the zygote's as JSON, waits for a line of input, and then ends in the
way that it was told to.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from gp_helpers.cloud_run import (
    Isolation,
    RevisionSettings,
    ServiceSpec,
    ingress_spec,
    open_host,
)
from gp_helpers.cloud_run.zygote_owner import own_zygote

APP = "tests.cloud_run.apps:build"


async def own(logs: Path, ending: str) -> None:
    async with open_host(
        Isolation.PROCESS, logs=logs, preload=["tests.cloud_run.apps"], grace_s=0.5
    ) as host:
        plain = await host.start(ServiceSpec(name="plain", entry=APP))
        frozen = await host.start(ServiceSpec(name="frozen", entry=APP))
        ingress = await host.start(
            ingress_spec(
                settings=RevisionSettings(min_instances=1),
                secret="known-to-the-test",
                template=ServiceSpec(name="backend", entry=APP),
            )
        )
        await frozen.freeze()
        pids = {one.name: one.pid for one in (plain, frozen, ingress)}
        print(json.dumps({**pids, "zygote": own_zygote().pid}), flush=True)
        told_to_end = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, told_to_end.set)
        await told_to_end.wait()
        if ending == "exception":
            raise RuntimeError("an exception of the owner's")
        if ending == "exit":
            os._exit(0)


def main() -> None:
    logs, ending = Path(sys.argv[1]), sys.argv[2]
    # Whatever the tests were started by (nohup, a shell's background) may have them ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if ending == "started-from-a-thread-that-ended":
        starter = threading.Thread(target=own_zygote)
        starter.start()
        starter.join()
    if ending == "sigterm-handled":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asyncio.run(own(logs, ending))


if __name__ == "__main__":
    main()
