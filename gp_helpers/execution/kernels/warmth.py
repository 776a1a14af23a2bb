"""What warm kernels have imported, by what their notebooks name: nobody waits for more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

WARM_MODULES = (
    "gp_helpers.execution.kernels.application",
    "ipykernel.ipkernel",
    "tornado.platform.asyncio",
    "tornado.queues",
    "sqlite3",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "psutil",
)
"""What a warm kernel has imported; the names that are not installed are passed over."""

WARM_WHERE_NAMED = {
    "gp_helpers": (
        "httpx",
        "websockets.asyncio.client",
        "pydantic",
        "yaml",
        "anyio._backends._asyncio",
        "httpcore._async.http11",
        "gp_helpers.workbook.case",
        "gp_helpers.workbook.lab",
        "gp_helpers.cases.auth",
        "gp_helpers.cases.factory",
        "gp_helpers.cases.journey",
        "gp_helpers.cases.routing",
        "gp_helpers.cases.websocket",
        "gp_helpers.checkers.auth",
        "gp_helpers.checkers.factory",
        "gp_helpers.checkers.journey",
        "gp_helpers.checkers.routing",
        "gp_helpers.checkers.websocket",
        "gp_helpers.cloud_run.process_host",
        "gp_helpers.display.mechanisms.auth",
        "gp_helpers.display.mechanisms.factory",
        "gp_helpers.display.mechanisms.journey",
        "gp_helpers.display.mechanisms.routing",
        "gp_helpers.display.mechanisms.websocket",
        "gp_helpers.display.sources",
        "gp_helpers.faults",
        "gp_helpers.platform.factories.conformance",
        "gp_helpers.platform.gateway.readiness",
        "gp_helpers.platform.routing.placement",
        "gp_helpers.targets.embedded",
        "gp_helpers.targets.transports.json_text",
    ),
    "numpy": ("numpy.random",),
    "pandas": ("pandas", "pandas.io.formats.html", "pandas.io.formats.string"),
    # Not matplotlib_inline.backend_inline: imported before there is a shell, it shows no figures.
    "matplotlib": (
        "numpy.random",
        "matplotlib.pyplot",
        "matplotlib.backends.backend_agg",
        "matplotlib.dates",
        "PIL.PngImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.BmpImagePlugin",
        "PIL.PpmImagePlugin",
    ),
}
"""What it has imported besides, by a name that stands somewhere in the notebooks: half a second."""


def warm_modules(sources: Iterable[Path]) -> list[str]:
    """What kernels for these notebooks have imported; what cannot be read is told later."""
    texts = []
    for source in sources:
        with contextlib.suppress(OSError):
            texts.append(source.read_bytes())
    named = [
        module
        for name, modules in WARM_WHERE_NAMED.items()
        if any(name.encode() in text for text in texts)
        for module in modules
    ]
    return [*WARM_MODULES, *dict.fromkeys(named)]
