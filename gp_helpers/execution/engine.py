"""The papermill engine ``golden-path``: stock papermill around, our truthful execution inside.

``papermill --engine golden-path in.ipynb out.ipynb -f params.yaml``. It differs from stock
papermill where that is not truthful: unknown and mistyped parameters are refused, a cell whose
kernel dies or that takes too long fails, what it printed is kept, a stopped papermill saves first.

papermill imports every engine while it is being imported itself, so this module imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode


class GoldenPathEngine:
    """Executes one notebook for papermill; has the interface of `papermill.engines.Engine`."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:
        """Execute a notebook; see `gp_helpers.execution.for_papermill.execute_for_papermill`."""
        from gp_helpers.execution.for_papermill import execute_for_papermill

        return execute_for_papermill(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel to use: ``name``, or the one that the notebook asks for."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """The language to put parameters in."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
