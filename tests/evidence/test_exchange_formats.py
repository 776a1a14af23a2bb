"""HAR, JUnit and Markdown: what other people's programs make of what a run writes."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from haralyzer import HarParser
from junitparser import Error, Failure, JUnitXml, Skipped

from gp_helpers.evidence import Finalised, RunFolder, finalise
from gp_helpers.history import Kind, Recorder
from gp_helpers.plan import CASES
from tests.evidence.stories import CASE, OTHER, loaded, parameters, tell

HAR_SCHEMA = Path(__file__).parent / "har-1.2.schema.json"


def entries(final: Finalised, history: str) -> list[dict[str, Any]]:
    log = loaded(final.path / "traffic.har")["log"]
    return [one for one in log["entries"] if one["_history"].startswith(f"histories/{history}:")]


def test_the_archive_follows_har_1_2(final: Finalised) -> None:
    schema = loaded(HAR_SCHEMA)
    jsonschema.Draft202012Validator.check_schema(schema)
    checked = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert list(checked.iter_errors(loaded(final.path / "traffic.har"))) == []


def test_the_archive_holds_every_request_and_socket_of_trials_and_contrasts(
    final: Finalised,
) -> None:
    for history in (f"{CASE}.trial.1.jsonl", f"{CASE}.contrast.1.jsonl", f"{OTHER}.trial.1.jsonl"):
        assert len(entries(final, history)) == 4


def test_an_archive_is_written_as_the_standard_library_writes(final: Finalised) -> None:
    head, *lines, tail = (final.path / "traffic.har").read_text().splitlines()
    assert len(lines) > 4
    for line in lines:
        entry = line.removesuffix(",")
        assert json.dumps(json.loads(entry), ensure_ascii=False) == entry
    assert head.endswith('"entries": [')
    assert tail == "]}}"


def test_an_exchange_is_told_whole(final: Finalised) -> None:
    first = entries(final, f"{CASE}.trial.1.jsonl")[0]
    assert (first["_actor"], first["_step"], first["_purpose"]) == ("ada", "ask", "ask")
    assert first["_history"] == f"histories/{CASE}.trial.1.jsonl:4"
    assert (first["time"], first["timings"]) == (3.25, {"send": 0, "wait": 3.25, "receive": 0})
    assert first["startedDateTime"] == "2026-11-22T20:00:00.040+00:00"
    assert first["request"]["queryString"] == [
        {"name": "mode", "value": "main"},
        {"name": "x", "value": "a b"},
    ]
    assert first["request"]["postData"] == {
        "mimeType": "application/json",
        "params": [],
        "text": '{"content": "grüß <b>&"}',
    }
    assert first["request"]["headers"][0]["value"].startswith("Bearer ‹token ")
    assert (first["response"]["status"], first["response"]["statusText"]) == (401, "Unauthorized")
    assert first["response"]["content"] == {
        "size": 14,
        "mimeType": "application/json",
        "text": '{"answer": 42}',
    }


def test_sockets_have_their_messages_and_refusals_their_status(final: Finalised) -> None:
    told = entries(final, f"{CASE}.trial.1.jsonl")
    lost = next(one for one in told if one["request"]["url"].endswith("/slow"))
    opened = next(one for one in told if one["response"]["status"] == 101)
    refused = next(one for one in told if one.get("_error") == "no")
    assert (lost["response"]["status"], lost["_error"]) == (0, "ReadTimeout: 10 s")
    assert [(one["type"], one["data"]) for one in opened["_webSocketMessages"]] == [
        ("send", '{"type": "ping", "id": "1"}'),
        ("receive", '{"type": "pong", "id": "1"}'),
    ]
    assert opened["_webSocketClose"]["code"] == 1000
    assert opened["_resourceType"] == "websocket"
    assert (refused["response"]["status"], refused["_webSocketMessages"]) == (401, [])


def test_a_third_party_reader_opens_the_archive(final: Finalised) -> None:
    parsed = HarParser(loaded(final.path / "traffic.har"))
    assert parsed.har_data["creator"]["name"] == "golden-path-workbook"
    assert len(parsed.har_data["entries"]) == 12


def all_four(tmp_path: Path) -> Finalised:
    cases = ["auth", "websocket.cleanup_race"]
    with RunFolder.create(
        tmp_path, parameters(cases=cases, expectation="pass"), environment="e | <x>", run_id="run",
        not_selected={"journey.login_to_answer": "no model here"},
    ) as run:  # fmt: skip
        tell(run, CASE)
        tell(run, OTHER, status=500)
        tell(run, "auth.context_isolation", end="failed")
    return finalise(run.path)


def test_a_third_party_parser_reads_the_verdicts(tmp_path: Path) -> None:
    final = all_four(tmp_path)
    parsed = JUnitXml.fromfile(str(final.path / "junit.xml"))
    assert (parsed.tests, parsed.failures, parsed.errors, parsed.skipped) == (23, 1, 3, 18)
    results = {
        case.name: (type(case.result[0]) if case.result else None)
        for suite in parsed
        for case in suite
    }
    assert results[CASES[CASE].test_name] is None
    assert results[CASES[OTHER].test_name] is Failure
    assert results[CASES["auth.context_isolation"].test_name] is Error
    assert results[CASES["websocket.cleanup_race"].test_name] is Error
    assert results[CASES["journey.login_to_answer"].test_name] is Skipped
    assert set(results) == {info.test_name for info in CASES.values()}
    suite = next(suite for suite in parsed if suite.name == "Auth token cascades")
    failed = next(case for case in suite if case.name == CASES[OTHER].test_name)
    assert failed.classname == "tests.integration.test_issue_1176_golden_path_auth_token_cascades"
    assert failed.result[0].type == "NOT_ANSWERED"
    assert failed.result[0].message == "NOT_ANSWERED: status 500"
    assert "violated: every request is answered with 200: status 500" in failed.result[0].text


def test_what_is_no_xml_does_not_break_the_file(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, parameters(), environment="e", run_id="run") as run:
        run.write_json(
            f"verdicts/{CASE}.json",
            {
                "case": CASE,
                "outcome": "error",
                "reason": "bell \x07, ]]> & <b> \ud83d\ude00 \ufffe",
            },
        )
    text = (finalise(run.path).path / "junit.xml").read_text()
    told = ElementTree.fromstring(text).find(".//testcase/error")
    assert told is not None
    assert told.get("message") == "bell \ufffd, ]]> & <b> 😀 \ufffd"


def test_the_summary_says_what_and_why(tmp_path: Path) -> None:
    text = (all_four(tmp_path).path / "summary.md").read_text()
    assert text.startswith(
        "# Golden Path, e \\| &lt;x>: the workbook or the embedded platform broke\n\n"
        "Run `run`, expectation `pass`, exit status 4, "
        "1 pass, 1 fail, 2 inconclusive, 1 error.\n"
    )
    assert (
        "> **Partial run:** not reached: auth.error_amplification, websocket.cleanup_race" in text
    )
    assert f"| {CASE} | ✔ pass | as expected |  | 0.00 |" in text
    assert f"| {OTHER} | ✘ fail | **not as expected** | NOT_ANSWERED | 0.00 |" in text
    assert f"- **{OTHER}**: ✘ fail: NOT_ANSWERED: status 500" in text
    assert "- journey.login_to_answer: no model here" in text


@pytest.mark.parametrize(
    "strange",
    [{"headers": [["a"]]}, {"headers": {"a": 1}}, {"url": "http://["}, {"body": [1, None]}],
)
def test_strange_entries_make_a_har_that_is_one(strange: dict[str, Any], tmp_path: Path) -> None:
    def more(recorder: Recorder) -> None:
        asked = recorder.add(Kind.REQUEST, "ada", "http-9", **{"url": "http://h/", **strange})
        recorder.add(Kind.RESPONSE, "ada", "http-9", **{"request": asked.seq, **strange})
        recorder.add(Kind.WS_OPENING, "ada", "ws-9", **strange)
        recorder.add(Kind.WS_RECEIVED, "ada", "ws-9", undecodable="no JSON", raw="\x00{")

    with RunFolder.create(tmp_path, parameters(cases=[CASE]), environment="e", run_id="run") as run:
        tell(run, more=more)
    har = loaded(finalise(run.path).path / "traffic.har")
    jsonschema.Draft202012Validator(loaded(HAR_SCHEMA)).validate(har)
    assert len(har["log"]["entries"]) == 6
