"""The defects of the journey suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

_MODULE = "gp_helpers.platform.defects.journey"

_ANSWER = "journey.login_to_answer"
_ISOLATION = "journey.multi_user_isolation"
_RECOVERY = "journey.error_recovery"
_LOAD = "journey.performance_under_load"

DEFECTS: tuple[Defect, ...] = (
    Defect(
        id="journey.legacy_billing_account",
        title="Billing data is looked up under another id than the one in the token",
        case=_ANSWER,
        components={"billing_account": f"{_MODULE}:EmailAccount"},
        mechanism="Everything of a user is kept under the id in their token; the agents' tool "
        "still looks billing data up under the account number of an older import, which it "
        "derives from the e-mail address. Under that number there is nothing, and nothing is no "
        "error.",
        lever="Which id two parts use for the same user; no timing is involved.",
        symptom="Five events, and an answer without a single figure; GET /api/billing has them "
        "all, and every health endpoint answers 200.",
        finding_code="JOURNEY_ANSWER_NOT_GROUNDED",
        remedy="One id for a user everywhere: the subject of the token.",
        also_breaks=(
            _ISOLATION,
            _RECOVERY,
            "routing.state_pollution",
            "routing.load_balancing",
            "factory.user_context_isolation",
            "websocket.connection_interference",
        ),
        seen_in=(
            (
                "renku-python#1770",
                "https://github.com/SwissDataScienceCenter/renku-python/issues/1770",
            ),
        ),
    ),
    Defect(
        id="journey.prompt_cache",
        title="Answers are cached under the prompt alone",
        case=_ISOLATION,
        components={"completions": f"{_MODULE}:PromptCache"},
        mechanism="An answer is kept under the instructions and the question. The user's data, "
        "which it was computed from, comes in by the tool's result and is no part of the key: who "
        "asks the same question next gets the first one's answer.",
        lever="The call to the model: whoever asks while it runs waits for the same answer.",
        symptom="Several users ask the same question; all but one get another's figures.",
        finding_code="JOURNEY_FOREIGN_ANSWER",
        remedy="An answer belongs to whoever asked: ask anew, or key by user and data.",
        also_breaks=(
            "websocket.connection_interference",
            "routing.load_balancing",
            "factory.user_context_isolation",
        ),
        seen_in=(
            (
                "PDF-Assistant-RAG#640",
                "https://github.com/param20h/PDF-Assistant-RAG/issues/640",
            ),
            (
                "cosmosdb-nosql-copilot#29",
                "https://github.com/AzureCosmosDB/cosmosdb-nosql-copilot/issues/29",
            ),
        ),
    ),
    Defect(
        id="journey.forgotten_request_ids",
        title="A request's id is forgotten as soon as its work is done",
        case=_RECOVERY,
        components={"run_repetition": f"{_MODULE}:OnceWhileRunning"},
        mechanism="The id keeps a request from being worked on twice at the same time, and means "
        "nothing afterwards. A client whose connection was reset cannot know whether its request "
        "arrived, and sends it again; by then the work may be done, and is done once more.",
        lever="A reset of the connection while the agent thinks.",
        symptom="Two answers to one question after reconnecting.",
        finding_code="JOURNEY_DONE_TWICE",
        remedy="The id is an idempotency key: it is stored with what became of the request.",
        seen_in=(
            ("A2A#1987", "https://github.com/a2aproject/A2A/issues/1987"),
            (
                "anthropic-sdk-java#370",
                "https://github.com/anthropics/anthropic-sdk-java/issues/370",
            ),
        ),
    ),
    Defect(
        id="journey.logged_failures",
        title="A failure that cannot be told by an event is only logged",
        case=_RECOVERY,
        components={"run_failures": f"{_MODULE}:LoggedFailures"},
        mechanism="A run tells its failure by an event, and events are stored before they are "
        "sent. When the store itself is what failed, telling fails too; that second failure is "
        "logged and goes no further.",
        lever="The store's write lock, held past its busy timeout while the agent works.",
        symptom="The events of a question stop, and neither an answer nor an error ever comes.",
        finding_code="JOURNEY_GIVEN_UP",
        remedy="What cannot be told by an event is answered directly where the request came in, "
        "as retryable.",
        seen_in=(("air#1390", "https://github.com/phnx-im/air/pull/1390"),),
    ),
    Defect(
        id="journey.lasting_followers",
        title="Whoever followed a run stays on the list for ever",
        case=_LOAD,
        components={"run_followers": f"{_MODULE}:FollowersInOrder"},
        mechanism="Each run is followed by a few observers. They are closed when it is over, and "
        "stay on the one list that every event of every later run is walked along, with a copy "
        "made for each.",
        lever="The number of runs so far; load is not needed.",
        symptom="Each session is answered a little later than the one before.",
        finding_code="JOURNEY_LATENCY_GROWS_WITH_SESSIONS",
        remedy="Followers stand under their run, and go with it.",
        seen_in=(("noray#81", "https://github.com/foxssake/noray/issues/81"),),
    ),
)
