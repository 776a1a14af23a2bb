"""auth.validation_cascade: all decisions about a token equal the right one, and each other."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.history import Entry, History, Kind


def check(history: History) -> Judgement:
    """Good token: accepted everywhere, as its subject. Bad tokens: refused everywhere."""
    accepted = Observed(
        "good_token_accepted",
        "every validator accepts a fresh token",
        "AUTH_GOOD_TOKEN_REFUSED",
    )
    refused = Observed(
        "bad_tokens_refused",
        "every validator refuses every token that has a flaw",
        "AUTH_BAD_TOKEN_ACCEPTED",
    )
    identity = Observed(
        "identity_is_subject",
        "whoever says whose token it is names its subject",
        "AUTH_IDENTITY_MISMATCH",
    )
    decisions = [entry for entry in history.of(Kind.DECISION) if entry.step != "components"]
    accepted.expected = refused.expected = 0
    for expected in history.of(Kind.EXPECTED):
        about = expected.data["token_about"]
        if expected.data["accepted"]:
            identity.expected = max(len(expected.data["naming"]), 1)
        claim = accepted if expected.data["accepted"] else refused
        for validator in expected.data["validators"]:
            claim.expected += 1
            made = [
                entry
                for entry in decisions
                if entry.data["about"] == about and entry.data["decider"] == validator
            ]
            if not made or made[-1].data["accepted"] is None:
                claim.unobserved(f"{validator} did not decide about the {about} token")
                continue
            decision = made[-1]
            said = decision.data["accepted"]
            claim.test(
                said == expected.data["accepted"],
                f"{validator} {'accepts' if said else 'refuses'} the {about} token",
                decision,
                expected,
            )
            if not said or not expected.data["accepted"]:
                continue
            if decision.data["identity"] is not None:
                identity.test(
                    decision.data["identity"] == expected.data["subject"],
                    f"{validator} takes it for {decision.data['identity_label']}'s",
                    decision,
                    expected,
                )
            elif validator in expected.data["naming"]:
                identity.unobserved(f"{validator} did not say whose token it takes this for")
    accepted.expected = max(accepted.expected, 1)
    refused.expected = max(refused.expected, 1)
    return Judgement(
        (accepted.claim(), refused.claim(), identity.claim()), first_disagreement(decisions)
    )


def first_disagreement(decisions: list[Entry]) -> Disagreement | None:
    """The first two decisions about one token that contradict each other."""
    seen: dict[str, list[Entry]] = {}
    for entry in decisions:
        said = entry.data["accepted"]
        if said is None:
            continue
        about = str(entry.data["about"])
        for other in seen.get(about, []):
            if other.data["accepted"] != said:
                words = {True: "accepts", False: "refuses"}
                return Disagreement(
                    other.seq,
                    entry.seq,
                    f"{other.data['decider']} {words[other.data['accepted']]} a token "
                    f"({about}), {entry.data['decider']} {words[said]} it",
                )
        seen.setdefault(about, []).append(entry)
    return None
