"""auth.context_isolation: every reply's identity is its token's subject; garbage never connects."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.history import History, Kind


def check(history: History) -> Judgement:
    """Identities per user and validator, then the token that nobody issued."""
    own = Observed(
        "identity_is_subject",
        "every reply is made for the subject of the token that was shown",
        "AUTH_IDENTITY_MISMATCH",
        threshold="contamination",
    )
    garbage = Observed(
        "garbage_refused",
        "a token that nobody issued is refused by everybody",
        "AUTH_GARBAGE_TOKEN_CONNECTED",
    )
    served = Observed(
        "good_tokens_accepted",
        "good tokens are accepted while others validate theirs",
        "AUTH_GOOD_TOKEN_REFUSED",
    )
    decisions = [entry for entry in history.of(Kind.DECISION) if entry.step != "components"]
    disagreement = None
    own.expected = served.expected = 0
    foreign = 0
    for expected in history.of(Kind.EXPECTED):
        if expected.data.get("garbage"):
            garbage.expected = len(expected.data["validators"])
            for entry in decisions:
                if entry.data["about"] == "garbage" and entry.data["accepted"] is not None:
                    garbage.test(
                        not entry.data["accepted"],
                        f"{entry.data['decider']} accepts a token that nobody issued, as "
                        f"{entry.data['identity_label']}",
                        entry,
                    )
            continue
        person, subject = expected.data["person"], expected.data["subject"]
        wanted = len(expected.data["validators"]) * expected.data["rounds"]
        own.expected += len(expected.data["naming"]) * expected.data["rounds"]
        served.expected += wanted
        for entry in decisions:
            if entry.actor != person or entry.data["about"] != "good":
                continue
            decider, accepted = entry.data["decider"], entry.data["accepted"]
            if accepted is None:
                continue
            served.test(accepted, f"{decider} refuses {person}'s good token", entry)
            identity = entry.data["identity"]
            if identity is None:
                if accepted and decider in expected.data["naming"]:
                    own.unobserved(f"{decider} did not say whose token it takes this for")
                continue
            is_own = identity == subject
            foreign += not is_own
            own.test(
                is_own,
                f"{decider} takes {person} for {entry.data['identity_label']}",
                entry,
                expected,
            )
            if not is_own and disagreement is None:
                disagreement = Disagreement(
                    expected.seq,
                    entry.seq,
                    f"the auth service issued the token to {person}, "
                    f"{decider} takes it for {entry.data['identity_label']}'s",
                )
    own.measured["foreign_identities"] = foreign
    own.expected = max(own.expected, 1)
    served.expected = max(served.expected, 1)
    return Judgement((own.claim(), served.claim(), garbage.claim()), disagreement)
