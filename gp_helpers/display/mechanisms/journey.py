"""The mechanisms of the journey suite."""

from __future__ import annotations

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note

DIAGRAMS: tuple[Diagram, ...] = (
    Diagram(
        "journey.login_to_answer",
        "Every light is green, and the answer is empty: billing is looked up under another id",
        ("user", "backend", "agent", "billing tool", "store"),
        (
            Message("user", "backend", "every health endpoint"),
            Message("backend", "user", "200, 200, 200", is_reply=True),
            Message("user", "backend", "log in, connect, ask for my costs"),
            Message("backend", "agent", "run, for the token's user id"),
            Message("agent", "billing tool", "get_billing"),
            Message("billing tool", "store", "account number, derived from the e-mail"),
            Break("billing tool", "figures are kept under the user id: nothing is found"),
            Message("store", "agent", "no lines, and no error", is_reply=True),
            Message("agent", "user", "five events, an answer without a figure", is_reply=True),
        ),
    ),
    Diagram(
        "journey.multi_user_isolation",
        "Answers are kept under the question alone; the data that made them is no part of the key",
        ("ada", "ben", "agent", "answer cache", "model"),
        (
            Message("ada", "agent", "“What costs the most?”"),
            Message("agent", "model", "question, and ada's figures by the tool"),
            Message("model", "agent", "ada's answer", is_reply=True),
            Message("agent", "answer cache", "question → ada's answer"),
            Message("ben", "agent", "“What costs the most?”"),
            Message("agent", "answer cache", "question?"),
            Message("answer cache", "agent", "a hit", is_reply=True),
            Break("agent", "the key says nothing about whose data it was"),
            Message("agent", "ben", "ada's figures", is_reply=True),
        ),
    ),
    Diagram(
        "journey.error_recovery",
        "After a fault, work is done twice, or given up without a word",
        ("client", "connection", "backend", "agent", "store"),
        (
            Message("client", "backend", "ask, request id 7"),
            Message("backend", "agent", "run"),
            Note("connection", "reset, while the agent works"),
            Message("agent", "store", "done; request id 7 is forgotten"),
            Message("client", "backend", "again, request id 7: did it arrive?"),
            Break("backend", "the id means nothing any more: done once more, two answers"),
            Message("client", "backend", "the next question"),
            Note("store", "locked"),
            Message("agent", "store", "store the error, before it is sent"),
            Break("agent", "telling fails too, is logged, and goes no further: silence"),
        ),
    ),
    Diagram(
        "journey.performance_under_load",
        "Observers of every run that ever was walk along with every event",
        ("user", "backend", "run", "list of observers"),
        (
            Message("user", "backend", "session 1: ask"),
            Message("run", "list of observers", "a few join"),
            Message("run", "user", "answer", is_reply=True),
            Note("list of observers", "closed, but still on the list"),
            Message("user", "backend", "session 200: ask"),
            Message("run", "list of observers", "each event, to each of them, copied"),
            Break("list of observers", "latency grows with sessions so far, not with load"),
            Message("run", "user", "the same answer, later", is_reply=True),
        ),
    ),
)
