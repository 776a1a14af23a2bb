"""What a case shows of the trial at hand: figures, card, tables, sources, logs, a frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gp_helpers.checkers import ClaimState, Verdict
from gp_helpers.display.blast_radius import blast_radius
from gp_helpers.display.card import verdict_card
from gp_helpers.display.charts import latency_over_sessions, resources_over_sessions
from gp_helpers.display.gantt import decision_gantt
from gp_helpers.display.graphs import dependency_graph, wait_for_graph
from gp_helpers.display.html import Html, tag
from gp_helpers.display.logs import LogLine, parse, service_logs
from gp_helpers.display.matrix import decision_matrix
from gp_helpers.display.queue import queue_timeline
from gp_helpers.display.side_by_side import health_beside_journey
from gp_helpers.display.svg import Svg
from gp_helpers.display.wording import grounds, say
from gp_helpers.history import History

if TYPE_CHECKING:
    import pandas as pd


def line(told: str) -> Html:
    """One line to be looked at."""
    return Html(tag("p", escape(told)), told, is_plain=True)


class CaseViews(ABC):
    """Everything that can be looked at; each view of a case that is not taken says why."""

    @property
    @abstractmethod
    def history(self) -> History:
        """What the trial at hand did and saw so far."""

    @property
    @abstractmethod
    def result(self) -> Verdict:
        """The verdict as data; `verdict` shows it."""

    @property
    @abstractmethod
    def drawn(self) -> Svg:
        """The timeline of the trial at hand; `timeline` shows it."""

    @property
    @abstractmethod
    def defects(self) -> frozenset[str]:
        """The defects with which its next trial runs; none on a platform that is not ours."""

    @property
    @abstractmethod
    def logs_folder(self) -> Path:
        """Where the services of the trial at hand log."""

    @abstractmethod
    def why_not_taken(self) -> str | None:
        """Why there is nothing to look at here; None if there is."""

    def _when_taken(self, view: Callable[[], Any]) -> Any:
        reason = self.why_not_taken()
        if reason is not None:
            return line(reason)
        return view()

    def timeline(self) -> Any:
        """Who said what to whom, when; what a finding rests on is marked."""
        return self._when_taken(lambda: self.drawn)

    def verdict(self) -> Any:
        """The card: verdict, claims, and the history entries that they rest on."""
        return self._when_taken(lambda: verdict_card(self.result, self.history))

    def decisions(self, title: str = "Who decided what", step: str | None = None) -> Any:
        """Who decided what about the same token or message, disagreements first."""
        return self._when_taken(lambda: decision_matrix(self.history, title=title, step=step))

    def gantt(self) -> Any:
        """What each validator decided over the platform's own time."""
        return self._when_taken(lambda: decision_gantt(self.history))

    def blast_radius(self) -> Any:
        """Innocent users' requests over time, and the circuit breaker's state behind them."""
        return self._when_taken(lambda: blast_radius(self.history))

    def queue(self) -> Any:
        """Who waited in the platform's queue, and at which turn each was served."""
        return self._when_taken(lambda: queue_timeline(self.history))

    def wait_for(self) -> Any:
        """Which request waits for which, drawn; a cycle is marked."""
        return self._when_taken(lambda: wait_for_graph(self.history))

    def dependencies(self) -> Any:
        """What the objects of a session depend on, drawn; what is missing is marked."""
        return self._when_taken(lambda: dependency_graph(self.history))

    def resources(self) -> Any:
        """What the platform holds over the number of sessions so far."""
        return self._when_taken(lambda: resources_over_sessions(self.history))

    def latency(self) -> Any:
        """How long answers took, alone and under load, by the number of sessions so far."""
        return self._when_taken(lambda: latency_over_sessions(self.history))

    def health_beside_journey(self) -> Any:
        """What the components say of themselves, beside what the user gets."""
        return self._when_taken(lambda: health_beside_journey(self.history, self.result))

    def sources(self) -> Any:
        """The as-reported and the remediated component of each defect that is on, as a diff."""
        from gp_helpers.display.sources import defect_sources

        return self._when_taken(lambda: defect_sources(self.defects))

    def logs(self) -> Any:
        """What the services logged during the trial, by correlation id."""
        return self._when_taken(self._logs)

    def _logs(self) -> Html:
        lines: list[LogLine] = []
        for path in sorted(self.logs_folder.glob("*.log")):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines += parse(path.stem, text.splitlines())
        violated = [
            entry
            for claim in self.result.claims
            if claim.state is ClaimState.VIOLATED
            for entry in claim.entries
        ]
        basis = [entry.seq for entry in grounds(self.history, violated)]
        return service_logs(lines, self.history, basis)

    def history_frame(self) -> pd.DataFrame:
        """The history as a frame, an entry a row, for one's own questions."""
        import pandas as pd

        columns = ["seq", "ms", "step", "actor", "kind", "subject", "said", "data"]
        if self.why_not_taken() is not None:
            return pd.DataFrame(columns=columns)
        rows = [
            (e.seq, round(e.t * 1000, 3), e.step, e.actor, e.kind.value, e.subject, say(e), e.data)
            for e in self.history
        ]
        return pd.DataFrame(rows, columns=columns).set_index("seq")
