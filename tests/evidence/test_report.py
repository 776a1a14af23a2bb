"""The report and the notebooks as HTML: whole, offline, escaped, small, and seen in a browser."""

import base64
import html
import os
import re
import shlex
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.cli.main import main
from gp_helpers.evidence import Finalised, RunFolder, finalise, rerun_command
from gp_helpers.evidence.markup import data_uri
from gp_helpers.evidence.notebook_html import self_contained
from gp_helpers.history import Kind, Recorder
from gp_helpers.plan import CASES
from tests.evidence.stories import CASE, FIGURE, OTHER, a_run, loaded, parameters, tell

ELSEWHERE = re.compile(r"""(?:src|href|action|data|poster)\s*=\s*["']?\s*(?:[a-z+]+:)?//"""
                       r"""|@import|url\(\s*["']?(?!data:|#)""", re.IGNORECASE)  # fmt: skip
VOID = {"meta", "img", "br", "hr", "input", "wbr", "link"}


class Page(HTMLParser):
    """What a reader of the page relies on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.files: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.images_without_text = 0
        self.tables_without_caption = 0
        self._caption_due = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if self._caption_due and tag != "caption":
            self.tables_without_caption += 1
        self._caption_due = tag == "table"
        if known.get("id"):
            self.ids.append(str(known["id"]))
        href = known.get("href")
        if href is not None:
            (self.targets if href.startswith("#") else self.files).append(href.removeprefix("#"))
        if tag == "img" and not known.get("alt"):
            self.images_without_text += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def index(final: Finalised) -> str:
    return final.index.read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_every_link_leads_somewhere(final: Finalised) -> None:
    page = Page(index(final))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)
    assert page.files
    assert [name for name in page.files if not (final.path / name).exists()] == []
    assert (page.images_without_text, page.tables_without_caption) == (0, 0)
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert "script" not in page.tags


def test_nothing_comes_from_elsewhere(final: Finalised) -> None:
    text = index(final)
    assert ELSEWHERE.findall(text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize("sign", ["src=//x", 'href="https://x"', "@import 'x'", "url(http://x)"])
def test_the_search_for_what_comes_from_elsewhere_finds_it(sign: str) -> None:
    assert ELSEWHERE.search(sign)


def test_a_case_is_told_from_its_claim_to_the_line_that_runs_it_again(final: Finalised) -> None:
    text = re.sub(r"<[^>]+>", "", index(final))
    article = text[text.index("Would be seen as") - 200 :]
    told = [
        CASES[CASE].hypothesis,
        "NOT_ANSWERED: status 401",
        "every request is answered with 200",
        "slowest ms 3.25",
        "ada asks, and the platform says no",
        "First divergence from the remediated platform",
        "The exchange that proves it",
        "sends POST http://127.0.0.1:4711/api/chat/messages?mode=main&amp;x=a%20b",
        "gets 401 Unauthorized after 3.25 ms",
        "Why it matters",
        *(
            said.replace("'", "&#x27;")
            for part in CASES[CASE].value.stated().items()
            for said in part
        ),
        "golden-path run --env as_reported --case auth.validation_cascade --seed 1176",
        f"histories/{CASE}.trial.1.jsonl",
    ]
    for one in told:
        assert one in article
        article = article[article.index(one) + len(one) :]


@pytest.mark.parametrize(
    ("name", "wiring", "command"),
    [
        ("as_reported", "as_reported", "--env as_reported --case auth.timing --seed 7"),
        ("mine.yaml", None, "--env mine.yaml --case auth.timing --seed 7"),
        ("a b", "remediated", "--env 'a b' --case auth.timing --wiring remediated --seed 7"),
        ("defects", {"defects": ["x.y", "x.z"]},
         "--env as_reported --case auth.timing --defect x.y --defect x.z --seed 7"),
    ],
)  # fmt: skip
def test_the_line_that_runs_it_again(name: str, wiring: object, command: str) -> None:
    environment = {"environment": name, "seed": 7, "parameters": {"target": {"wiring": wiring}}}
    assert rerun_command(environment, {"case": OTHER, "trials": [], "outcome": "error"}) == (
        f"golden-path run {command}"
    )


def line_that_checks_again(index: Path) -> list[str]:
    [line] = re.findall(r"<code>(golden-path recheck [^<]*)</code>", index.read_text())
    return shlex.split(html.unescape(line))


def test_the_line_that_checks_it_again_works_where_the_run_was_made(
    final: Finalised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = final.path.parent.rename(final.path.parents[1] / "my outputs")
    for here in (outputs.parent, outputs):
        monkeypatch.chdir(here)
        reported = finalise(outputs / final.path.name)
        _, *words = line_that_checks_again(reported.index)
        assert words[1] == os.path.relpath(reported.path)
        words[words.index("DIGEST")] = reported.digest
        assert main(words) == 0
        assert "everything agrees" in capsys.readouterr().out


def test_the_line_that_checks_it_again_names_no_folder_of_a_machine(
    final: Finalised, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    index = finalise(final.path).index
    assert line_that_checks_again(index)[2] == f"outputs/{final.path.name}"
    assert "give the one at which it is now" in index.read_text()


def test_what_was_redacted_and_what_the_scan_found_is_told(final: Finalised) -> None:
    text = index(final)
    assert '<tr><th scope="row">token</th><td class="number">6</td></tr>' in text
    assert "None was found." in text
    assert loaded(final.path / "secrets.json")["findings"] == []


def test_a_figure_is_shown_inside_the_page(final: Finalised) -> None:
    assert 'src="data:image/svg+xml,%3Csvg xmlns=%22http%3A//' in index(final)
    assert (final.path / "figures" / f"{CASE}.timeline.svg").read_text() == FIGURE


def test_what_a_platform_says_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    evil = "</pre><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"

    def more(recorder: Recorder) -> None:
        asked = recorder.add(
            Kind.REQUEST, evil, evil, method=evil, url=evil, headers=[[evil, evil]]
        )
        recorder.add(
            Kind.RESPONSE, evil, evil, request=asked.seq, status=599, ms=1.0, body={evil: evil}
        )

    with RunFolder.create(
        tmp_path, parameters(), environment="e", run_id="run", not_selected={"auth.timing": evil}
    ) as run:
        tell(run, more=more)
        run.record_case(OTHER, Outcome.ERROR, evil)
        run.log_path(OTHER).write_text(evil)
    final = finalise(run.path)
    page = Page(index(final))
    assert final.verdicts["cases"][0]["outcome"] == "fail"
    assert "script" not in page.tags
    assert page.tags.count("img") == 0
    assert ELSEWHERE.findall(re.sub(r">[^<]*<", "><", index(final))) == []


def test_a_partial_run_says_so_first(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, parameters(), environment="e", run_id="run") as run:
        tell(run, end=None)
    text = index(finalise(run.path, reason="killed"))
    assert "<b>Partial run.</b> killed; not reached: auth.timing; not whole: " in text
    assert text.index("Partial run") < text.index('id="verdicts"')


def test_a_whole_run_with_large_figures_stays_under_5_mb(tmp_path: Path) -> None:
    large = FIGURE.replace("</svg>", f"<desc>{'<x/>' * 75_000}</desc></svg>")
    with RunFolder.create(tmp_path, parameters(cases=[]), environment="e", run_id="run") as run:
        for case in CASES:
            tell(run, case, status=500)
            run.figure_path(case).write_text(large)
    final = finalise(run.path)
    assert final.index.stat().st_size < 5_000_000
    page = Page(index(final))
    assert page.tags.count("img") == 4
    assert len([name for name in page.files if name.startswith("figures/")]) == len(CASES) - 4


def notebook(path: Path) -> None:
    cells = [
        nbformat.v4.new_markdown_cell(
            "# Auth\n[RFC](https://www.rfc-editor.org/rfc/rfc7519) [next](02_next.ipynb) "
            "![x](https://img.example/x.png)"
        ),
        nbformat.v4.new_code_cell(
            "1 + 1",
            execution_count=1,
            outputs=[
                nbformat.v4.new_output(
                    "execute_result",
                    {
                        "text/html": "<b onclick='x()'>two</b><script>fetch('//evil')</script>"
                        "<link rel=stylesheet href='https://cdn.example/x.css'>"
                        "<style>@import url(http://cdn.example/y.css); b {color: red}</style>"
                    },
                    execution_count=1,
                ),
                nbformat.v4.new_output("stream", name="stderr", text="a <warning> & more\n"),
            ],
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_a_notebook_becomes_a_page_that_needs_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    notebook(run / "01_auth_token_cascades.ipynb")
    (run / "02_broken.ipynb").write_text("{not json")
    final = finalise(run)
    text = (run / "01_auth_token_cascades.html").read_text()
    assert ELSEWHERE.findall(text) == []
    assert "<script" not in text
    assert "onclick" not in text
    assert "<a>RFC <span" in text
    assert "(https://www.rfc-editor.org/rfc/rfc7519)" in text
    assert 'href="02_next.html"' in text
    assert "b {color: red}" in text
    assert "a &lt;warning&gt; &amp; more" in text
    assert 'href="01_auth_token_cascades.html"' in index(final)
    assert len(final.problems) == 1
    assert "02_broken.ipynb" in final.problems[0]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("a &lt; b &#233;", "a &lt; b &#233;"),
        (
            '<svg viewBox="0 0 1 1"><path d="M0"/></svg>',
            '<svg viewbox="0 0 1 1"><path d="M0"/></svg>',
        ),
        ('<a href="//evil/x">y</a>', '<a>y <span class="elsewhere">(//evil/x)</span></a>'),
        (
            '<a href="javascript:x()">y</a>',
            '<a>y <span class="elsewhere">(javascript:x())</span></a>',
        ),
        ('<a href="#there">y</a>', '<a href="#there">y</a>'),
        (
            '<img alt="a" src="data:image/png;base64,AA">',
            '<img alt="a" src="data:image/png;base64,AA">',
        ),
        ('<img src="data:text/html,x">', '<img alt="a figure without a description">'),
        (
            f'<img src="data:image/svg+xml;base64,{base64.b64encode(FIGURE.encode()).decode()}">',
            f'<img src="{html.escape(data_uri(FIGURE))}" alt="one">',
        ),
        (
            "<style>b {color: red}</style>1<style>b {color: red}</style>2<style>i {}</style>",
            "<style>b {color: red}</style>12<style>i {}</style>",
        ),
        ("<iframe src=x>in<b>side</b></iframe>after", "after"),
        ('<p style="background:url(http://x)">y</p>', '<p style="background:">y</p>'),
    ],
)
def test_what_is_kept_of_a_notebooks_html(body: str, kept: str) -> None:
    assert self_contained(body) == kept


def chromium(executable: Path, profile: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [executable, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={profile}", "--virtual-time-budget=3000", *arguments],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return ran.stdout


def test_chromium_opens_it_from_a_file_and_prints_it(
    final: Finalised, chromium_path: Path, tmp_path: Path
) -> None:
    log = tmp_path / "net.json"
    dom = chromium(
        chromium_path,
        tmp_path / "profile",
        "--dump-dom",
        f"--log-net-log={log}",
        final.index.as_uri(),
    )
    assert "One token, read differently at every hop" in dom
    asked = set(re.findall(r'"url":"(https?://[^"]*)"', log.read_text()))
    assert [url for url in asked if "golden" in url or "127.0.0.1" in url] == []
    printed = tmp_path / "report.pdf"
    chromium(chromium_path, tmp_path / "profile", f"--print-to-pdf={printed}", final.index.as_uri())
    assert printed.read_bytes()[:5] == b"%PDF-"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_ground_in_both_schemes(scheme: str) -> None:
    style = (Path(__file__).parents[2] / "gp_helpers/evidence/page.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[scheme == "dark"]))

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    pairs = [
        (ink, ground)
        for ink in ("ink", "quiet", "link")
        for ground in ("ground", "raised", "sunken")
    ]
    pairs += [
        (tone, f"{tone}-ground") for tone in ("pass", "fail", "inconclusive", "error", "none")
    ]
    pairs += [("ink", f"{tone}-ground") for tone in ("pass", "fail", "inconclusive", "error")]
    for ink, ground in pairs:
        light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
