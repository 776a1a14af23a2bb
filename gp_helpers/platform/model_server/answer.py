"""The grounded answer: computed from the billing data that the tool returned, nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_ACTIONS = {
    "Compute Engine": "move the steady machines of {project} to committed-use discounts",
    "Kubernetes Engine": "lower the requests of idle pods in {project} and let the pool scale in",
    "BigQuery": "partition the large tables of {project} and set a limit on bytes per query",
    "Cloud SQL": "stop the replicas of {project} at night and shrink the oversized instance",
    "Cloud Storage": "move objects of {project} that nobody reads to a colder storage class",
    "Cloud Run": "raise the concurrency of the services in {project} and drop minimum instances",
    "Vertex AI": "run the training jobs of {project} on spot machines",
    "Memorystore": "shrink the cache of {project} to what its hit rate needs",
    "Cloud Logging": "exclude debug logs of {project} and shorten their retention",
    "Pub/Sub": "batch the messages of {project} and delete subscriptions without readers",
}
_ANY_ACTION = "review what {project} runs and set a budget alert for it"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the user's billing data."""

    service: str
    project: str
    amount: float
    currency: str

    @property
    def price(self) -> str:
        return f"{self.amount:.2f} {self.currency}"


def billing_lines(messages: Sequence[dict[str, Any]]) -> list[Line] | None:
    """The lines of the last tool result, largest first; `None` where no tool has been called."""
    for message in reversed(messages):
        if message.get("role") == "tool":
            found = json.loads(message["content"])
            lines = [
                Line(item["service"], item["project"], item["amount"], item["currency"])
                for item in found["items"]
            ]
            return sorted(lines, key=lambda line: -line.amount)
    return None


def question(messages: Sequence[dict[str, Any]]) -> str:
    """What the user asked last."""
    asked = [message["content"] for message in messages if message.get("role") == "user"]
    return str(asked[-1]).strip() if asked else ""


def is_technical(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether the instructions prefer technical detail."""
    told = [str(message["content"]) for message in messages if message.get("role") == "system"]
    return any("Preference style: technical" in text for text in told)


def answer(messages: Sequence[dict[str, Any]], lines: Sequence[Line]) -> str:
    """The text: the question, the largest cost and its share, more detail if wished, actions."""
    asked = question(messages)
    if not lines:
        return (
            f"You asked: {asked}\nThere are no costs this month.\nRecommendations:\n"
            "- check that billing export is switched on\n- set a budget alert before you start"
        )
    largest, total = lines[0], sum(line.amount for line in lines)
    share = 100 * largest.amount / total if total else 0.0
    text = [
        f"You asked: {asked}",
        f"Your largest cost this month is {largest.service} in project {largest.project}: "
        f"{largest.price}, {share:.1f} % of {total:.2f} {largest.currency} in all.",
    ]
    if is_technical(messages):
        text.append("Technical detail, by service:")
        text += [f"{line.service} ({line.project}): {line.price}" for line in lines]
    else:
        text.append("In short: start there; everything else weighs less.")
    text.append("Recommendations:")
    text += [f"- {_action(line)} ({line.service}, {line.price})" for line in lines[:3]]
    text.append(f"- set a budget alert at {0.9 * total:.2f} {largest.currency}")
    return "\n".join(text)


def _action(line: Line) -> str:
    return _ACTIONS.get(line.service, _ANY_ACTION).format(project=line.project)
