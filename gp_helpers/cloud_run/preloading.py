"""What a zygote imports before anything is forked, and that it has one thread only then.

A fork has the imports of its parent, and copies of the locks that its parent's threads held.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

from gp_helpers.cloud_run.garbage import spare_what_is_there
from gp_helpers.cloud_run.processes import thread_count

_END_OF_A_THREAD_S = 1.0


def preload(modules: list[str], sys_path: list[str]) -> dict[str, Any]:
    """Import `modules` here, so that services are forked with them; return what to answer.

    A name ``module:function`` has the function called, too: what it keeps is there in each fork.
    """
    sys.path[:] = sys_path
    for name in modules:
        module_name, _, function = name.partition(":")
        try:
            module = importlib.import_module(module_name)
            if function:
                getattr(module, function)()
        except Exception:
            return {"event": "preload_failed", "reason": f"{name}:\n{traceback.format_exc()}"}
        threads = thread_count(_END_OF_A_THREAD_S)
        if threads > 1:
            return {
                "event": "preload_failed",
                "reason": f"{name} starts threads ({threads - 1}), "
                "and a forked service must not inherit their locks",
            }
    spare_what_is_there()
    return {"event": "preloaded"}


WHAT_EVERY_SERVICE_NEEDS = [
    "anyio._backends._asyncio",
    "encodings.idna",
    "gp_helpers.cloud_run.logs:set_levels",
    "gp_helpers.cloud_run.process_host",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
]
"""Modules that uvicorn and Starlette would import, by name, in each service."""
