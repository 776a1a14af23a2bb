"""The embedded model server: OpenAI's shapes, and answers computed from the tool's data."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gp_helpers.platform.agents.runner import read_answer
from gp_helpers.platform.services import build_model

KEY = {"Authorization": "Bearer embedded"}
TOOLS = [{"type": "function", "function": {"name": "get_billing", "parameters": {}}}]
ITEMS = [
    {"service": "Cloud Run", "project": "fern-search", "amount": 10.5, "currency": "USD"},
    {"service": "BigQuery", "project": "fern-reports", "amount": 900.25, "currency": "USD"},
]


def conversation(style: str = "plain", items: Any = ITEMS) -> list[dict[str, Any]]:
    found = json.dumps({"owner": "u", "items": items})
    return [
        {"role": "system", "content": f"You analyse.\nPreference style: {style}"},
        {"role": "user", "content": "Why is it so much?"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "call_1", "content": found},
    ]


@pytest.fixture
def url(serve: Any) -> str:
    settings = {"diagnostics_secret": "diagnostics"}
    return f"{serve(build_model({'settings': settings})).url}/v1"


def ask(url: str, messages: Any, **more: Any) -> httpx.Response:
    body = {"model": "m", "messages": messages, **more}
    return httpx.post(
        f"{url}/chat/completions", json=body, headers=KEY, trust_env=False, verify=False
    )


def text_of(reply: httpx.Response) -> str:
    return str(reply.json()["choices"][0]["message"]["content"])


def test_it_asks_for_the_tool_first(url: str) -> None:
    reply = ask(url, [{"role": "user", "content": "Why?"}], tools=TOOLS).json()
    choice = reply["choices"][0]
    assert reply["object"] == "chat.completion"
    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"] for call in choice["message"]["tool_calls"]] == [
        {"name": "get_billing", "arguments": "{}"}
    ]


def test_the_answer_is_grounded_in_the_tools_data(url: str) -> None:
    result, recommendations = read_answer(text_of(ask(url, conversation(), tools=TOOLS)))
    assert "Why is it so much?" in result
    assert "BigQuery in project fern-reports: 900.25 USD, 98.8 % of 910.75 USD" in result
    assert len(recommendations) >= 2
    assert "fern-reports" in recommendations[0]
    raised = [{**ITEMS[0], "amount": 2000.0}, ITEMS[1]]
    changed, _ = read_answer(text_of(ask(url, conversation(items=raised))))
    assert "Cloud Run in project fern-search: 2000.00 USD" in changed


def test_style_decides_about_detail(url: str) -> None:
    detail = "Cloud Run (fern-search): 10.50 USD"
    assert detail in text_of(ask(url, conversation("technical"))).partition("Recommend")[0]
    assert detail not in text_of(ask(url, conversation("plain"))).partition("Recommend")[0]


def test_no_costs_is_an_answer_too(url: str) -> None:
    result, recommendations = read_answer(text_of(ask(url, conversation(items=[]))))
    assert "no costs" in result
    assert len(recommendations) == 2


@pytest.mark.parametrize("tools", [TOOLS, []])
def test_a_stream_says_the_same_as_the_whole(url: str, tools: Any) -> None:
    messages = conversation() if not tools else [{"role": "user", "content": "Why?"}]
    whole = ask(url, messages, tools=tools).json()["choices"][0]
    lines = ask(url, messages, tools=tools, stream=True).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == (
        whole["message"]["content"] or ""
    )
    called = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    assert called == [call["function"] for call in whole["message"].get("tool_calls", ())]
    assert chunks[-1]["choices"][0]["finish_reason"] == whole["finish_reason"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_keys_and_bodies_are_checked(url: str) -> None:
    stranger = httpx.get(
        f"{url}/models", headers={"Authorization": "Bearer x"}, trust_env=False, verify=False
    )
    assert stranger.status_code == 401
    models = httpx.get(f"{url}/models", headers=KEY, trust_env=False, verify=False).json()
    assert [model["id"] for model in models["data"]] == ["golden-path-embedded"]
    broken = [{"role": "tool", "content": "no JSON"}]
    assert ask(url, broken).json()["error"]["code"] == "invalid_request"
    assert ask(url, "no list").status_code == 400
