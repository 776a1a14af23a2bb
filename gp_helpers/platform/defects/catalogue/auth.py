"""The defects of the auth suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

_MODULE = "gp_helpers.platform.defects.auth"

_CASCADE = "auth.validation_cascade"
_ISOLATION = "auth.context_isolation"
_TIMING = "auth.timing"
_AMPLIFICATION = "auth.error_amplification"
_JOURNEY = "journey.login_to_answer"

DEFECTS: tuple[Defect, ...] = (
    Defect(
        id="auth.chat_nested_payload",
        title="REST chat reads a reply that nobody sends",
        case=_CASCADE,
        components={"chat_reply_reader": f"{_MODULE}:NestedPayloadReader"},
        mechanism="Threads reads the validation reply flat, as the auth service sends it; chat "
        "expects the identity in a nested payload, finds none and takes the token for bad.",
        lever="The shape of the auth service's reply; no timing is involved.",
        symptom="One good token: GET /api/threads answers 200, POST /api/chat/messages 401.",
        finding_code="AUTH_GOOD_TOKEN_REFUSED",
        remedy="One result schema and one reader for all hops.",
        also_breaks=("auth.context_isolation", "auth.timing", "auth.error_amplification"),
    ),
    Defect(
        id="auth.gateway_local_secret",
        title="The gateway verifies with a secret of its own",
        case=_CASCADE,
        components={"gateway_validator": f"{_MODULE}:LocalGatewayValidator"},
        mechanism="The gateway verifies tokens in its own process, with the secret that it reads "
        "from JWT_SECRET_KEY; the auth service signs with JWT_SECRET. The default of the one is "
        "never the value of the other.",
        lever="The name of a configuration variable; no timing is involved.",
        symptom="A token that REST accepts is refused with 401 at every WebSocket handshake.",
        finding_code="AUTH_GOOD_TOKEN_REFUSED",
        remedy="The gateway uses the validator that REST uses.",
        also_breaks=(
            "auth.context_isolation",
            "auth.timing",
            "auth.error_amplification",
            "websocket.handshake_race",
            "websocket.event_manager_init",
            "websocket.cleanup_race",
            "websocket.connection_interference",
            "websocket.cloud_run_timeout",
            "routing.selection_conflict",
            "routing.priority",
            "routing.state_pollution",
            "routing.circular_deadlock",
            "routing.load_balancing",
            "factory.interface_mismatch",
            "factory.user_context_isolation",
            "factory.lifecycle",
            "factory.dependency_injection",
            "factory.error_propagation",
            _JOURNEY,
            "journey.multi_user_isolation",
            "journey.error_recovery",
            "journey.performance_under_load",
        ),
        seen_in=(
            ("pgwatch#1544", "https://github.com/cybertec-postgresql/pgwatch/issues/1544"),
            ("litellm#6926", "https://github.com/BerriAI/litellm/issues/6926"),
        ),
    ),
    Defect(
        id="auth.prefix_cache",
        title="Identities are cached under a token's first characters",
        case=_ISOLATION,
        components={"identity_cache": f"{_MODULE}:PrefixIdentityCache"},
        mechanism="Positive replies are kept under the token's first 32 characters. Those are the "
        "encoded header, which all HS256 tokens share, so the second user is taken for the first.",
        lever="The awaited hop to the auth service fills the cache; its life of 60 s keeps it.",
        symptom="GET /api/threads with B's token answers with A as the owner.",
        finding_code="AUTH_IDENTITY_MISMATCH",
        remedy="Key by a digest of the whole token, and keep nothing beyond the shared question.",
        also_breaks=(
            _CASCADE,
            _TIMING,
            _AMPLIFICATION,
            "websocket.event_manager_init",
            "websocket.connection_interference",
            "routing.state_pollution",
            "routing.circular_deadlock",
            "routing.load_balancing",
            "factory.user_context_isolation",
            "factory.lifecycle",
            _JOURNEY,
            "journey.multi_user_isolation",
        ),
        seen_in=(
            ("CVE-2026-35030", "https://nvd.nist.gov/vuln/detail/CVE-2026-35030"),
            ("GHSA-rp9m-7r4c-75qg", "https://github.com/advisories/GHSA-rp9m-7r4c-75qg"),
        ),
    ),
    Defect(
        id="auth.demo_user_fallback",
        title="A refused token connects as the demonstration user",
        case=_ISOLATION,
        components={"gateway_fallback": f"{_MODULE}:DemoUserFallback"},
        mechanism="When a token is refused at the handshake, the gateway goes on with a shared "
        "demonstration user instead of refusing.",
        lever="The refused token itself; no timing is involved.",
        symptom="A garbage token is greeted with connection_established for usr_demo.",
        finding_code="AUTH_GARBAGE_TOKEN_CONNECTED",
        remedy="Refuse with 401 before accepting.",
        also_breaks=(_CASCADE, _TIMING, _JOURNEY),
    ),
    Defect(
        id="auth.no_iat_leeway",
        title="A fresh token is refused by a clock that runs behind",
        case=_TIMING,
        components={"token_time_rules": f"{_MODULE}:StrictStartRules"},
        mechanism="The backend allows for skew at a token's end but not at its start: with its "
        "clock a little behind, a token that was just issued lies in the future.",
        lever="The skew between the backend's clock and the auth service's.",
        symptom="For as long as the skew a fresh token is refused with token_not_yet_valid by the "
        "backend, and accepted by the auth service.",
        finding_code="AUTH_SKEW_REFUSED",
        remedy="The same leeway at both ends, in every validator.",
        seen_in=(
            ("ministack#1033", "https://github.com/ministackorg/ministack/issues/1033"),
            ("ruby-jwt#83", "https://github.com/jwt/ruby-jwt/issues/83"),
        ),
    ),
    Defect(
        id="auth.refusal_cache",
        title="A token that was refused too early stays refused",
        case=_TIMING,
        components={"refusal_cache": f"{_MODULE}:MinuteRefusalCache"},
        mechanism="Refusals are kept for a minute under the token's digest, also those that only "
        "time decides: not valid yet.",
        lever="The cache's life of 60 s of platform time.",
        symptom="A token refused with token_not_yet_valid is still refused by the backend when it "
        "has become valid, and the auth service accepts it.",
        finding_code="AUTH_VALID_TOKEN_STAYS_REFUSED",
        remedy="Remember no refusal that time can change.",
    ),
    Defect(
        id="auth.local_revocation",
        title="Only the instance that logged a user out knows of it",
        case=_TIMING,
        components={"revocation_list": f"{_MODULE}:ProcessRevocationList"},
        mechanism="Revoked tokens are kept in the memory of one auth service process; the other "
        "instance goes on calling them valid.",
        lever="Two instances of the auth service, each asked by another backend instance.",
        symptom="After a log-out with 204, one backend instance answers 401 and the other 200.",
        finding_code="AUTH_REVOKED_TOKEN_ACCEPTED",
        remedy="Revocation in the store that all instances share.",
    ),
    Defect(
        id="auth.dishonest_expires_in",
        title="The advertised lifetime is not the token's",
        case=_TIMING,
        components={"token_lifetime": f"{_MODULE}:PromisedLifetime"},
        mechanism="expires_in is read from the session's promised lifetime, while exp is set from "
        "another setting: 3600 s advertised, 900 s real.",
        lever="Two settings for one fact; no timing is involved.",
        symptom="A client that trusts expires_in uses a token that expired long ago.",
        finding_code="AUTH_LIFETIME_MISREPORTED",
        remedy="Compute expires_in from the token's own claims.",
    ),
    Defect(
        id="auth.breaker_counts_refusals",
        title="One user's bad token locks everybody out",
        case=_AMPLIFICATION,
        components={"auth_client": f"{_MODULE}:BreakingAuthClient"},
        mechanism="A circuit breaker of the whole process counts refused tokens as failures of "
        "the auth service. Five of them open it, and for 30 s nobody is validated.",
        lever="The answers at the hop to the auth service; the cool-down of 30 s of platform time.",
        symptom="Innocent users get 503 with a Retry-After of up to 30 s, and another when the "
        "bad token comes back first.",
        finding_code="AUTH_INNOCENT_REQUEST_LOST",
        remedy="A refusal is an answer; retry once what got none.",
        also_breaks=(_CASCADE, _ISOLATION, _TIMING),
        seen_in=(
            ("sglang#25811", "https://github.com/sgl-project/sglang/issues/25811"),
            ("vllm-router#60", "https://github.com/vllm-project/router/pull/60"),
        ),
    ),
    Defect(
        id="auth.transient_as_401",
        title="A transient fault is told as unauthorized",
        case=_AMPLIFICATION,
        components={"auth_failure_edge": f"{_MODULE}:UnauthorizedFailureEdge"},
        mechanism="When nobody could say whether a token is good, the backend answers as if it "
        "were bad: clients throw their session away instead of trying again.",
        lever="The hop to the auth service: slow or 503 for longer than the bounded retry.",
        symptom="401 invalid_token for a good token while the auth service is away.",
        finding_code="AUTH_TRANSIENT_REPORTED_AS_UNAUTHORIZED",
        remedy="503 with Retry-After.",
    ),
)
