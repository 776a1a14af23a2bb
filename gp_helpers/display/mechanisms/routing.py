"""The mechanisms of the routing suite."""

from __future__ import annotations

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note

DIAGRAMS: tuple[Diagram, ...] = (
    Diagram(
        "routing.selection_conflict",
        "Two routers decide about one message, and the wrong one counts",
        ("user", "gateway's router", "agents' router", "analysis", "planning"),
        (
            Message("user", "gateway's router", "“Can you plan how I spend less?”"),
            Note("gateway's router", "a question, so analysis: first match wins"),
            Note("agents' router", "“plan”, so planning"),
            Break("gateway's router", "its decision is the one that counts"),
            Message("gateway's router", "analysis", "work on it"),
            Message("analysis", "user", "an analysis, well formed", is_reply=True),
            Break("planning", "never heard of the message that was meant for it"),
        ),
    ),
    Diagram(
        "routing.priority",
        "The gateway counts urgency upwards, the queue serves the smallest number",
        ("user", "gateway", "queue", "agent"),
        (
            Message("user", "gateway", "six normal requests"),
            Message("gateway", "queue", "50 points each"),
            Message("user", "gateway", "an urgent one"),
            Message("gateway", "queue", "90 points: more is more urgent"),
            Message("agent", "queue", "what is next?"),
            Message("queue", "agent", "the smallest number: a normal one", is_reply=True),
            Break("queue", "to the queue, 90 is what can wait longest"),
            Message("agent", "user", "the urgent answer, last", is_reply=True),
        ),
    ),
    Diagram(
        "routing.state_pollution",
        "One router for everybody remembers what only one user said",
        ("ada", "ben", "gateway", "router (one for all)", "agent"),
        (
            Message("ada", "gateway", "in technical detail, please"),
            Message("gateway", "router (one for all)", "preferences, handler of ada"),
            Note("router (one for all)", "keeps both"),
            Message("ben", "gateway", "a question, in plain words"),
            Message("gateway", "router (one for all)", "who handles this?"),
            Break("router (one for all)", "the handler that ada's connection registered"),
            Message("router (one for all)", "agent", "ben's question, ada's preferences"),
            Message("ben", "gateway", "with user_id: ada in the body"),
            Break("gateway", "the body goes before the identity of the handshake"),
        ),
    ),
    Diagram(
        "routing.circular_deadlock",
        "Two hand-offs cross, each holding the desk that the other needs",
        ("request 1", "desk of analysis", "desk of planning", "request 2"),
        (
            Message("request 1", "desk of analysis", "lock, held while it delegates"),
            Message("request 2", "desk of planning", "lock, held while it delegates"),
            Message("desk of analysis", "desk of planning", "hand over request 1"),
            Note("desk of planning", "locked by request 2: request 1 waits"),
            Message("desk of planning", "desk of analysis", "hand over request 2"),
            Note("desk of analysis", "locked by request 1: request 2 waits"),
            Break("desk of analysis", "a cycle in the wait-for graph: neither ever ends"),
            Message("desk of planning", "desk of analysis", "rules that ask back"),
            Break("desk of planning", "nobody knows who has had the request: round and round"),
        ),
    ),
    Diagram(
        "routing.load_balancing",
        "The ingress spreads connections, the router spreads work, by different rules",
        ("user", "ingress", "instance 1", "instance 2"),
        (
            Message("user", "ingress", "connect"),
            Message("ingress", "instance 1", "round-robin: here"),
            Note("instance 1", "remembers the session, in its own memory"),
            Message("user", "instance 1", "a question"),
            Message("instance 1", "instance 2", "the hash of the thread says: you"),
            Break("instance 2", "almost the whole ring is its: it does all the work"),
            Note("instance 2", "makes the answer, looks for the session"),
            Message("instance 2", "user", "agent_completed", is_lost=True),
            Break("instance 2", "no such session here: the answer is lost"),
        ),
    ),
)
