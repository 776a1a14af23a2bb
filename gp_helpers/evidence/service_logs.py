"""What services print, before it becomes evidence.

The embedded platform logs no secret. Somebody's own applications print what they like, so theirs is
written where nobody looks for evidence, and published without secrets when the trial has ended. If
the process dies before, it is never published: nobody knows any more which secrets it holds. Nor
does anybody where a secret was asked for and the answer never came.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gp_helpers.evidence.folder import unpublished
from gp_helpers.history import Redactor
from gp_helpers.parameters import AsgiTarget, DeploymentTarget, EmbeddedTarget


class ServiceLogs:
    """The logs of the services of one trial."""

    def __init__(
        self,
        target: EmbeddedTarget | AsgiTarget | DeploymentTarget,
        published: Path,
        redactor: Redactor,
    ) -> None:
        self._published = published
        self._redactor = redactor
        self.written_to = unpublished(published) if isinstance(target, AsgiTarget) else published
        """The folder that services write into."""

    def publish(self) -> None:
        """Move what was written to where it is evidence, without secrets."""
        if self.written_to == self._published or not self.written_to.is_dir():
            return
        for path in sorted(self.written_to.rglob("*")):
            if path.is_file():
                shown = self._published / path.relative_to(self.written_to)
                shown.parent.mkdir(parents=True, exist_ok=True)
                shown.write_text(self._shown(path), encoding="utf-8")
        shutil.rmtree(self.written_to)

    def _shown(self, path: Path) -> str:
        if self._redactor.unseen:
            exchanges = ", ".join(self._redactor.unseen)
            return (
                f"‹withheld: {exchanges} may have issued a secret, but the answer never came, "
                "so what this log tells of it is not known›\n"
            )
        return self._redactor.text(path.read_text(encoding="utf-8", errors="replace"))
