"""A judge model's word on an answer, where a target names one: asked once, put on record."""

from __future__ import annotations

import json
from typing import Any

from gp_helpers.cases.trial import Trial
from gp_helpers.history import Kind
from gp_helpers.parameters.description import Judge, Operation
from gp_helpers.probes.client import Question

_WITHIN_S = 60.0
_TASK = (
    "You judge one answer of a chat platform. Reply with JSON alone: "
    '{"accepted": true or false, "reason": "one sentence"}. Accept it if: '
)


async def judge_answer(trial: Trial, question: Question, answer: str) -> None:
    """Ask the judge about an answer; nothing where the target names no judge.

    ``accepted`` is None on record where the judge gave no answer that can be read.
    """
    judge = trial.target.description.judge
    if judge is None:
        return
    said = json.dumps({"question": question.text, "answer": answer}, ensure_ascii=False)
    exchange = await trial.client.http.send(
        "judge",
        _operation(judge),
        {"task": _TASK + judge.criteria, "said": said},
        purpose="judge an answer",
        timeout_s=_WITHIN_S,
        to_the_target=False,
    )
    accepted, reason = _read(exchange.find("body.choices[0].message.content"))
    trial.recorder.add(
        Kind.DECISION,
        "judge",
        question.request_id,
        decider="judge",
        about=question.request_id,
        accepted=accepted,
        model=judge.model,
        reason=reason,
        rests_on=[exchange.answer.seq],
    )


def _operation(judge: Judge) -> Operation:
    messages = [
        {"role": "system", "content": "{task}"},
        {"role": "user", "content": "{said}"},
    ]
    return Operation.model_validate(
        {
            "method": "POST",
            "url": judge.url,
            "json": {"model": judge.model, "messages": messages, "temperature": 0},
            "bearer": judge.api_key,
        }
    )


def _read(content: Any) -> tuple[bool | None, str]:
    if not isinstance(content, str):
        return None, "the judge gave no answer"
    try:
        found = json.loads(content[content.index("{") : content.rindex("}") + 1])
    except ValueError:
        return None, "the judge's answer is not JSON"
    accepted = found.get("accepted") if isinstance(found, dict) else None
    if not isinstance(accepted, bool):
        return None, "the judge does not say whether it accepts the answer"
    return accepted, str(found.get("reason", ""))
