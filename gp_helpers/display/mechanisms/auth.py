"""The mechanisms of the auth suite."""

from __future__ import annotations

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note

DIAGRAMS: tuple[Diagram, ...] = (
    Diagram(
        "auth.validation_cascade",
        "One token, three readings: flat reply, nested reply, another secret",
        ("user", "threads (REST)", "chat (REST)", "gateway (WebSocket)", "auth service"),
        (
            Message("user", "auth service", "log in: a fresh token"),
            Message("user", "threads (REST)", "token"),
            Message("threads (REST)", "auth service", "whose token is this?"),
            Message("auth service", "threads (REST)", "{valid, user_id, …}, flat", is_reply=True),
            Message("threads (REST)", "user", "200", is_reply=True),
            Message("user", "chat (REST)", "the same token"),
            Message("chat (REST)", "auth service", "whose token is this?"),
            Message("auth service", "chat (REST)", "the same flat reply", is_reply=True),
            Break("chat (REST)", "reads payload.sub, which nobody sends: 401"),
            Message("user", "gateway (WebSocket)", "the same token, in the handshake"),
            Note("gateway (WebSocket)", "verifies by itself with JWT_SECRET_KEY"),
            Break("gateway (WebSocket)", "signed with JWT_SECRET: 401, no socket"),
        ),
    ),
    Diagram(
        "auth.context_isolation",
        "Identities cached under what all tokens share, and a guest for every refused one",
        ("ada", "ben", "backend", "identity cache", "auth service"),
        (
            Message("ada", "backend", "token eyJhbGciOiJI…a"),
            Message("backend", "auth service", "whose token is this?"),
            Message("auth service", "backend", "ada's", is_reply=True),
            Message("backend", "identity cache", "first 32 characters → ada"),
            Message("ben", "backend", "token eyJhbGciOiJI…b"),
            Message("backend", "identity cache", "first 32 characters?"),
            Message("identity cache", "backend", "ada", is_reply=True),
            Break("backend", "every HS256 token begins alike: ben is taken for ada"),
            Message("ben", "backend", "garbage, in a handshake"),
            Message("auth service", "backend", "refused", is_reply=True),
            Break("backend", "falls back to the demonstration user: connected"),
        ),
    ),
    Diagram(
        "auth.timing",
        "Around the edges of a token's life the validators disagree for longer than their clocks",
        ("user", "backend 1", "backend 2", "auth 1", "auth 2"),
        (
            Message("user", "auth 1", "log in"),
            Message("auth 1", "user", "exp in 900 s, expires_in 3600", is_reply=True),
            Break("auth 1", "the advertised lifetime is not the token's"),
            Message("user", "backend 1", "token, on a clock that is a little behind"),
            Break("backend 1", "no leeway on iat: “not yet valid”, for as long as the skew"),
            Note("backend 1", "the refusal is kept for a minute"),
            Message("user", "backend 1", "the same token, valid by now"),
            Break("backend 1", "still refused, from the cache"),
            Message("user", "auth 1", "log out"),
            Note("auth 1", "revoked, in this process's memory"),
            Message("user", "backend 2", "the dead token"),
            Message("backend 2", "auth 2", "whose token is this?"),
            Break("auth 2", "never heard of the log-out: accepted"),
        ),
    ),
    Diagram(
        "auth.error_amplification",
        "A breaker that counts refusals takes everybody down with one bad token",
        ("one user", "everybody else", "backend", "breaker", "auth service"),
        (
            Message("one user", "backend", "a revoked token, again and again"),
            Message("backend", "auth service", "whose token is this?"),
            Message("auth service", "backend", "refused: a correct answer", is_reply=True),
            Message("backend", "breaker", "a failure"),
            Note("breaker", "after five: open for 30 s"),
            Message("everybody else", "backend", "a good token"),
            Message("breaker", "backend", "open", is_reply=True),
            Break("backend", "innocent requests are refused without asking"),
            Message("backend", "auth service", "later: one slow answer, one 503"),
            Break("backend", "“could not ask” is told as 401: clients log their users out"),
        ),
    ),
)
