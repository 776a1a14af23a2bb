"""The mechanisms of the factory suite."""

from __future__ import annotations

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note

DIAGRAMS: tuple[Diagram, ...] = (
    Diagram(
        "factory.interface_mismatch",
        "Factories meet by name in a registry that no type checker sees through",
        ("client", "gateway", "registry", "connection factory", "execution factory"),
        (
            Message("client", "gateway", "GET /ws/config"),
            Message("gateway", "client", "modes: main, factory, isolated", is_reply=True),
            Message("client", "gateway", "connect, mode factory"),
            Message("gateway", "registry", "“connection”, mode factory"),
            Message("registry", "connection factory", "websocket_manager=…"),
            Break("connection factory", "takes `manager`: the handshake ends with 500"),
            Message("client", "gateway", "connect, mode isolated; ask"),
            Message("registry", "execution factory", "context=…"),
            Break("execution factory", "wants `user_context` and a configuration: close 1011"),
        ),
    ),
    Diagram(
        "factory.user_context_isolation",
        "Agents are made for each request, connections are cached for everybody",
        ("ada", "ben", "connection factory", "agent factory"),
        (
            Message("ada", "connection factory", "connect, no device id"),
            Note("connection factory", "cache[no device] = ada's connection"),
            Message("ben", "connection factory", "connect, no device id either"),
            Break("connection factory", "the same key: ben gets ada's connection"),
            Message("ben", "agent factory", "a question"),
            Note("agent factory", "a fresh agent, for ben"),
            Message("agent factory", "connection factory", "ben's events, to his connection"),
            Message("connection factory", "ada", "ben's figures"),
        ),
    ),
    Diagram(
        "factory.lifecycle",
        "Set up in one order, closed in another: something stays, every time",
        ("user", "session", "connection", "engine", "store"),
        (
            Message("user", "session", "connect"),
            Message("session", "connection", "1. set up, with a record"),
            Message("session", "engine", "2. set up; its record refers to the connection's"),
            Message("user", "session", "leave"),
            Message("session", "connection", "1. close first"),
            Message("connection", "store", "delete my record"),
            Break("store", "the engine's record still refers to it: refused"),
            Note("session", "closing ends here"),
            Break("engine", "stays, with its task"),
            Message("user", "session", "leave while an answer is being made"),
            Break("session", "busy, so later; later, nobody comes back"),
        ),
    ),
    Diagram(
        "factory.dependency_injection",
        "The sender is made from the bridge before the bridge has its connection",
        ("client", "gateway", "bridge", "engine", "log"),
        (
            Message("gateway", "bridge", "make (constructor)"),
            Message("bridge", "engine", "sender, made from what is there now"),
            Break("engine", "its sender holds no connection"),
            Message("gateway", "bridge", "set connection (setter), too late"),
            Message("client", "gateway", "a question"),
            Message("gateway", "engine", "run"),
            Message("engine", "log", "“event sent”, five times"),
            Message("engine", "client", "the five events", is_lost=True),
        ),
    ),
    Diagram(
        "factory.error_propagation",
        "One fault of the store, four outcomes, two of them silent",
        ("client", "connection factory", "agent factory", "execution factory", "store"),
        (
            Note("store", "the write lock is held for longer than the time-out"),
            Message("connection factory", "store", "write my record"),
            Break("connection factory", "mode factory: 500 without an error object"),
            Break("connection factory", "mode isolated: goes on without; 1011 later"),
            Message("agent factory", "store", "write my record"),
            Break("agent factory", "an agent that does nothing: silence"),
            Message("execution factory", "store", "write my record"),
            Break("execution factory", "an exception that nobody knows: close 1011"),
            Message("execution factory", "client", "{code, message, retryable}", is_lost=True),
        ),
    ),
)
