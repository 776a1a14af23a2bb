"""The report in a real Chromium: silent, offline, in both schemes, by keyboard, to a screen reader.

What is measured here is what the browser computes, not what the style sheet says.
"""

import base64
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.checkers import judging
from gp_helpers.evidence import finalise
from gp_helpers.plan import Suite
from tests.evidence.stories import a_run
from tests.support.browser import Page, browser_page

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text that is not large."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "_MODULES", dict.fromkeys(Suite, "tests.evidence.tiny_checks"))
        return finalise(a_run(tmp_path_factory.mktemp("outputs"))).index


@pytest.fixture(scope="module")
def chromium(chromium_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(chromium_path, tmp_path_factory.mktemp("chromium") / "profile") as opened:
        yield opened


@pytest.fixture
def page(chromium: Page, index: Path) -> Page:
    """The report, freshly opened."""
    chromium.send("Emulation.clearDeviceMetricsOverride")
    chromium.look()
    chromium.events.clear()
    chromium.open(index.as_uri())
    return chromium


def test_it_opens_from_a_file_in_silence_and_asks_for_nothing(page: Page) -> None:
    page.evaluate("document.querySelectorAll('img').forEach((one) => one.scrollIntoView())")
    assert page.of("Log.entryAdded") == []
    assert page.of("Runtime.consoleAPICalled") == []
    assert page.of("Runtime.exceptionThrown") == []
    asked = {one["request"]["url"] for one in page.of("Network.requestWillBeSent")}
    assert {url.partition(":")[0] for url in asked} == {"file", "data"}
    assert [url for url in asked if url.startswith("file:") and "index.html" not in url] == []
    assert page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)") is True


CONTRASTS = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((one) => one / 255).map(
      (one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const ink = rgba(getComputedStyle(element).color), below = ground(element);
    const [dark, light] = [luminance(ink), luminance(below)].sort((a, b) => a - b);
    found.push({contrast: (light + 0.05) / (dark + 0.05), ink: ink.join(), ground: below.join(),
                text: walker.currentNode.data.trim().slice(0, 40)});
  }
  return found;
})()
"""


def test_every_text_can_be_read_in_light_and_in_dark(page: Page) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page.look(scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        texts: list[dict[str, Any]] = page.evaluate(CONTRASTS)
        assert len(texts) > 100
        assert [one for one in texts if one["contrast"] < LEAST_CONTRAST] == []
        grounds[scheme] = {one["ground"] for one in texts}
    assert grounds["light"] & grounds["dark"] == set()


def test_a_text_that_cannot_be_read_would_be_found(page: Page) -> None:
    page.evaluate("document.querySelector('h1').style.color = '#d0d0d0'")
    texts: list[dict[str, Any]] = page.evaluate(CONTRASTS)
    weak = [one["text"] for one in texts if one["contrast"] < LEAST_CONTRAST]
    assert weak == ["Golden Path investigation"]


REACHABLE = "a[href], summary, [tabindex='0']"
NUMBERED = f'[...document.querySelectorAll("{REACHABLE}")]'
FOCUSED = """
(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {at: NUMBERED.indexOf(one), name: one.localName, closed: one.localName === 'summary'
            && !one.parentElement.open, outline: style.outlineStyle, left: box.right > 0};
})()
""".replace("NUMBERED", NUMBERED)


def test_everything_that_can_be_used_is_reached_and_opened_by_keyboard(page: Page) -> None:
    there = page.evaluate(f"{NUMBERED}.length")
    reached: list[int] = []
    opened = 0
    for _ in range(there + 2):
        page.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["name"] == "body" or focused["at"] in reached:
            break
        assert focused["outline"] != "none"
        assert focused["left"]
        reached.append(focused["at"])
        if focused["closed"]:
            page.press("Enter")
            assert not page.evaluate(FOCUSED)["closed"]
            opened += 1
    assert reached == list(range(there))
    assert opened == page.evaluate("document.querySelectorAll('details').length") > 2


def test_the_first_key_skips_to_the_verdicts(page: Page) -> None:
    page.press("Tab")
    page.press("Enter")
    assert page.evaluate("location.hash") == "#verdicts"


def tree_of(page: Page) -> list[dict[str, Any]]:
    """What a screen reader is told: role, name, and the rest by property."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", ""),
            **{one["name"]: one["value"].get("value") for one in node.get("properties", ())},
        }
        for node in page.send("Accessibility.getFullAXTree")["nodes"]
        if not node["ignored"]
    ]


def test_a_screen_reader_is_told_where_it_is_and_what_everything_is_called(page: Page) -> None:
    nodes = tree_of(page)
    roles = [node["role"] for node in nodes]
    assert page.evaluate("document.documentElement.lang") == "en"
    assert nodes[0]["name"] == "Golden Path, as_reported"
    assert [roles.count(one) for one in ("banner", "main", "contentinfo")] == [1, 1, 1]
    named = ("link", "image", "region", "article", "heading", "table", "DisclosureTriangle")
    assert {one for one in named if one not in roles} == set()
    assert [node for node in nodes if node["role"] in named and not node["name"].strip()] == []
    landmarks = [node["name"] for node in nodes if node["role"] == "region"]
    assert {"Verdicts", "Environment", "What was redacted", "Files"} <= set(landmarks)


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((one) => +one.localName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(below - above for above, below in pairwise(levels)) == 1


def test_every_table_has_a_name_and_headers_of_columns_and_rows(page: Page) -> None:
    tables = page.evaluate(
        "[...document.querySelectorAll('table')].map((one) => [one.caption?.innerText,"
        " [...one.tHead.rows[0].cells].every((cell) => cell.scope === 'col'),"
        " [...one.tBodies].flatMap((body) => [...body.rows])"
        "  .every((row) => ['row', 'rowgroup'].includes(row.cells[0].scope))])"
    )
    assert len(tables) >= 3
    assert [one for one in tables if not (one[0] and one[1] and one[2])] == []
    roles = [node["role"] for node in tree_of(page)]
    assert {"columnheader", "rowheader"} <= set(roles)


def test_it_prints_in_light_colours_with_everything_opened(page: Page) -> None:
    page.look(scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = page.evaluate(
        "[...document.querySelectorAll('details')]"
        ".filter((one) => !one.lastElementChild.checkVisibility()).length"
    )
    assert hidden == 0
    texts: list[dict[str, Any]] = page.evaluate(CONTRASTS)
    assert [one for one in texts if one["contrast"] < LEAST_CONTRAST] == []
    printed = base64.b64decode(page.send("Page.printToPDF")["data"])
    assert printed[:5] == b"%PDF-"
    assert printed.count(b"/Type /Page\n") > 2


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_of_it_needs_scrolling_sideways(page: Page, width: int) -> None:
    page.send("Emulation.setDeviceMetricsOverride",
              width=width, height=800, deviceScaleFactor=1, mobile=width < 800)  # fmt: skip
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
