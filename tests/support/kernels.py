"""Stock kernels that take no ports.

jupyter_client looks for free ports and lets them go again; the kernel binds them half a second
later, and beside hundreds of services that bind others one may be taken by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from traitlets.config import Config


@contextmanager
def over_unix_sockets() -> Iterator[Config]:
    """The configuration of a kernel manager; its sockets have short paths, as they must."""
    with TemporaryDirectory(prefix="k-", dir="/tmp") as folder:
        yield Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/k"}})
