"""The first divergence: where a history departs from its contrast, both sides beside each other."""

from __future__ import annotations

from html import escape

from gp_helpers.display.card import entry_details
from gp_helpers.display.html import Html, tag
from gp_helpers.display.wording import line
from gp_helpers.history import Divergence, Entry, History

_BEFORE = 3


def _up_to(history: History, entry: Entry | None, actor: str) -> list[Entry]:
    """The actor's last entries up to and with this one; its very last ones if there is none."""
    name, _, subject = actor.partition(" ")
    own = [
        one
        for one in history
        if one.actor == name and one.subject == subject and (entry is None or one.seq <= entry.seq)
    ]
    return own[-_BEFORE - 1 :]


def _side(name: str, history: History, entry: Entry | None, actor: str) -> tuple[str, str]:
    told, markup = [name], [tag("p", escape(name), class_="t")]
    for one in _up_to(history, entry, actor):
        here = entry is not None and one.seq == entry.seq
        told.append(f"{'>' if here else ' '} {line(one)}")
        markup.append(tag("div", entry_details(one), class_="del" if here else None))
    if entry is None:
        told.append("> nothing more")
        markup.append(tag("div", tag("b", "nothing more"), class_="del"))
    return tag("div", *markup), "\n".join(told)


def divergence_view(
    divergence: Divergence | None,
    ours: History,
    theirs: History,
    *,
    names: tuple[str, str] = ("this trial", "the contrast"),
) -> Html:
    """Both histories around their first divergence; times and random ids do not count."""
    if divergence is None:
        told = "The contrast tells the same story: the two histories diverge nowhere."
        return Html(tag("p", told, class_="t"), told)
    at = divergence.ours or divergence.theirs
    step = at.step.replace("_", " ") if at is not None and at.step else "the end"
    title = f"They part at {divergence.actor}, in {step}"
    left, left_text = _side(names[0], ours, divergence.ours, divergence.actor)
    right, right_text = _side(names[1], theirs, divergence.theirs, divergence.actor)
    body = tag("p", escape(title), class_="t") + tag("div", left, right, class_="pair")
    return Html(body, f"{title}\n{left_text}\n{right_text}")
