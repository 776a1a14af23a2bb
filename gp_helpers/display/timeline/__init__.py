"""The timeline of a trial: its title states the finding, its rings what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.display.svg import Svg, element, figure, group, shorten, text, wrap
from gp_helpers.display.timeline.canvas import Canvas, disagreement_line, number_badge
from gp_helpers.display.timeline.drawing import draw_bands, draw_lane, legend
from gp_helpers.display.timeline.marks import LAB, PLATFORM, Lane, lanes_of
from gp_helpers.display.timeline.scale import Band, Scale, scale_of
from gp_helpers.display.wording import grounds, line
from gp_helpers.history import History, Kind
from gp_helpers.plan import CASES

__all__ = ["timeline"]

_WIDTH = 980.0
_LEFT = 148.0
_RIGHT = _WIDTH - 14.0
_MOST_LANES = 16
_AXIS = (
    "The axis is ms since the trial began; every step has a scale of its own; // is idle time that "
    "is not drawn to scale."
)


def timeline(history: History, verdict: Verdict | None = None) -> Svg:
    """Draw a history; with a verdict the title states it and its grounds are ringed.

    Stays legible from five entries to several hundred: what overlaps is put together, and lanes
    that no finding rests on are folded when there are too many.
    """
    violated = _violated(verdict)
    numbered = {
        entry.seq: number
        for number, claim in reversed(list(enumerate(violated, 1)))
        for entry in grounds(history, claim.entries)
    }
    lanes, folded = _fold(lanes_of(history), set(numbered))
    canvas = Canvas(_scale(history, lanes, numbered), _LEFT, _RIGHT, numbered)
    title = _title(history, verdict)
    parts: list[str] = []
    y = 24.0
    for heading in wrap(title, _WIDTH - 40, 15.4)[:3]:
        parts.append(text(16, y, heading, "h"))
        y += 19
    parts.append(text(16, y, shorten(_subtitle(history, folded), _WIDTH - 40), "soft"))
    top = y + 12
    header = 32.0
    names = _band_names(canvas.scale, top)
    row = top + header
    lane_parts: list[str] = []
    for lane in lanes:
        height = draw_lane(canvas, lane, row)
        lane_parts.append(
            text(_LEFT - 10, row + min(height, 26) / 2 + 4, shorten(lane.name, _LEFT - 22), "end")
        )
        row += height
        lane_parts.append(element("line", class_="rule", x1=16, x2=_RIGHT, y1=row, y2=row))
    parts += draw_bands(canvas, top, header, row)
    parts += [*names, *lane_parts, *canvas.drawn]
    connected = _disagreement(canvas, verdict, history) if verdict is not None else ""
    parts.append(connected)
    parts.append(text(_LEFT - 10, row + 15, "ms →", "small soft end"))
    y = row + 40
    explained, y = legend(canvas.used, bool(violated), 16, _RIGHT, y)
    parts += explained
    parts.append(text(16, y, _AXIS, "small soft"))
    y += 22
    for number, claim in enumerate(violated, 1):
        told = wrap(f"{claim.finding}: {claim.detail}", _WIDTH - 60)
        parts.append(number_badge(23, y - 4, number))
        for part in told[:3]:
            parts.append(text(36, y, part))
            y += 15
        y += 3
    if connected and verdict is not None and verdict.first_disagreement is not None:
        parts.append(disagreement_line(17, y - 4, 30, y - 4))
        for part in wrap(f"First: {verdict.first_disagreement.description}", _WIDTH - 60)[:2]:
            parts.append(text(36, y, part))
            y += 15
    return figure(_WIDTH, y + 2, title, _description(history, verdict, lanes), parts)


def _violated(verdict: Verdict | None) -> list[Claim]:
    if verdict is None:
        return []
    return [claim for claim in verdict.claims if claim.state is ClaimState.VIOLATED]


def _title(history: History, verdict: Verdict | None) -> str:
    case = CASES.get(str(history.header.get("case")))
    name = case.title if case else str(history.header.get("case") or "A history without a header")
    if history.header.get("role") == "contrast":
        return f"{name}: the contrast, on the remediated wiring"
    if verdict is None:
        return name
    violated = _violated(verdict)
    if violated:
        return f"{name}: {violated[0].detail.split('; ')[0]}"
    if verdict.outcome is Outcome.PASS:
        return f"{name}: it does not happen here, {verdict.reason}"
    return f"{name}: {verdict.outcome.value}, {verdict.reason}"


def _subtitle(history: History, folded: int) -> str:
    header = history.header
    about = [
        f"{header.get('case')}, {header.get('role')} {header.get('trial')}",
        f"seed {header.get('seed')}",
        str(header.get("target")),
        f"{len(history)} entries",
    ]
    if history.truncated:
        about.append(f"partial: {history.truncated}")
    if folded:
        about.append(f"{folded} lanes without a finding are folded")
    return " · ".join(about)


def _bands(history: History, lanes: Sequence[Lane]) -> list[Band]:
    bands: list[Band] = []
    open_step: tuple[str, float] | None = None
    last = history.entries[-1].t if history.entries else 0.0
    for entry in history.of(Kind.STEP_STARTED, Kind.STEP_ENDED):
        if entry.kind is Kind.STEP_STARTED:
            open_step = (entry.subject, entry.t)
        elif open_step is not None:
            bands.append(Band(open_step[0], open_step[1], entry.t))
            open_step = None
    if open_step is not None:
        bands.append(Band(open_step[0], open_step[1], last))
    moments = sorted(
        {
            moment
            for lane in lanes
            for marks in (lane.marks, *(connection.marks for connection in lane.connections))
            for mark in marks
            for moment in (mark.start, mark.end)
        }
    )
    edges = [0.0, *(edge for band in bands for edge in (band.start, band.end)), last]
    for before, after in zip(edges[::2], edges[1::2], strict=True):
        if any(before < moment < after for moment in moments):
            bands.append(Band("between steps" if bands else "", before, after))
    bands.sort(key=lambda band: band.start)
    for moment in moments:
        for band in bands:
            if band.start <= moment <= band.end:
                band.times.append(moment)
                break
    return bands or [Band("", 0.0, max(last, 0.001))]


def _scale(history: History, lanes: Sequence[Lane], marked: Iterable[int]) -> Scale:
    bands = _bands(history, lanes)
    moments = [history.entries[number].t for number in marked]
    for band in bands:
        band.grounds = sum(band.start <= moment <= band.end for moment in moments)
    return scale_of(bands, _LEFT, _RIGHT)


def _band_names(scale: Scale, top: float) -> list[str]:
    out = []
    for band in scale.bands:
        width = band.right - band.left - 8
        words = wrap(band.name.replace("_", " "), width, 12)
        if len(words) > 2:
            words = [words[0], shorten(" ".join(words[1:]), width, 12)]
        for number, part in enumerate(words):
            out.append(text(band.left + 5, top + 13 + 13 * number, part, "strong soft"))
    return out


def _fold(lanes: list[Lane], marked: set[int]) -> tuple[list[Lane], int]:
    """Leave out lanes that no finding rests on, from the last, until the rest can be read."""
    kept = list(lanes)
    for lane in reversed(lanes):
        if len(kept) <= _MOST_LANES:
            break
        if lane.name not in (LAB, PLATFORM) and not lane.entries & marked:
            kept.remove(lane)
    kept = kept[: 3 * _MOST_LANES]
    return kept, len(lanes) - len(kept)


def _disagreement(canvas: Canvas, verdict: Verdict, history: History) -> str:
    """A dashed line between the two entries that first contradict each other, if both are drawn."""
    disagreement = verdict.first_disagreement
    if disagreement is None:
        return ""
    ends = []
    for number in (disagreement.left, disagreement.right):
        basis = grounds(history, (number,))
        found = [canvas.places[one.seq] for one in basis if one.seq in canvas.places]
        if not found:
            return ""
        ends.append(found[0])
    (x1, y1), (x2, y2) = ends
    if (x1, y1) == (x2, y2):
        return ""
    line_ = disagreement_line(x1, y1, x2, y2)
    return group(f"first disagreement: {disagreement.description}", line_)


def _description(history: History, verdict: Verdict | None, lanes: Sequence[Lane]) -> str:
    steps = [entry.subject for entry in history.of(Kind.STEP_STARTED)]
    told = [
        f"{len(history)} entries in {len(lanes)} lanes: {', '.join(lane.name for lane in lanes)}.",
        f"Steps: {', '.join(steps) or 'none'}.",
    ]
    for claim in _violated(verdict):
        told.append(f"{claim.finding}: {claim.detail}")
        told += [f"  {line(entry)}" for entry in grounds(history, claim.entries)[:8]]
    return "\n".join(told)
