"""The words that lead to an agent, in the languages that users write, and how they are found.

The published rule: a text is compared without case, accents and punctuation; a stem is found where
a word, or a run of words, begins with it. Scripts without spaces have stems that count anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

TRIAGE = "triage"
ANALYSIS = "analysis"
PLANNING = "planning"

STEMS: Mapping[str, tuple[str, ...]] = {
    PLANNING: (
        # English
        "plan", "roadmap", "schedul", "next step", "step by step", "reduc", "sav", "cut", "lower",
        "optimi", "budget for", "prioriti", "what should i do", "what can i do",
        # German
        "fahrplan", "zeitplan", "nachste schritt", "nachsten schritt", "spar", "einspar",
        "reduzier", "senk", "massnahm", "was soll ich tun", "was kann ich tun",
        # French
        "planifi", "feuille de route", "prochaine etape", "prochaines etapes", "reduir", "reduis",
        "economis", "baisser",
        # Spanish and Portuguese
        "hoja de ruta", "proximos pasos", "siguiente paso", "ahorr", "recort", "baixar",
        "proximos passos", "economiz", "poup", "roteiro",
        # Italian
        "pianific", "tabella di marcia", "prossimi passi", "ridur", "risparmi", "taglia",
        # Dutch, Swedish, Polish, Turkish
        "bespaar", "bespar", "stappenplan", "verlag", "minska", "zaplanuj", "oszczed", "obniz",
        "azalt", "tasarruf",
        # Russian and Ukrainian
        "план", "сократ", "сэконом", "снизи", "зменши", "заощад",
        # Arabic and Hindi
        "خطة", "توفير", "योजना", "बचत",
    ),
    ANALYSIS: (
        # English
        "analy", "why", "compar", "break down", "breakdown", "largest", "biggest", "highest",
        "cost", "spend", "spent", "bill", "invoice", "expens", "trend", "anomal", "spike",
        # German
        "warum", "wieso", "weshalb", "vergleich", "kosten", "kostet", "aufschlussel", "grosste",
        "teuer", "ausgab", "ausgegeben", "rechnung", "auswert",
        # French
        "pourquoi", "cout", "depens", "factur", "cher", "ventil",
        # Spanish and Portuguese
        "por que", "gast", "cuest", "cuant", "caro", "desglos", "custa", "custo", "quanto",
        "despes", "fatura",
        # Italian
        "perche", "confront", "spes", "bollett", "fattur",
        # Dutch, Swedish, Polish, Turkish
        "waarom", "vergelijk", "uitgav", "duur", "varfor", "kostnad", "jamfor", "dlaczego",
        "koszt", "porown", "wydat", "neden", "maliyet", "karsilastir", "harca",
        # Russian and Ukrainian
        "почему", "анализ", "проанализ", "сравн", "расход", "стои", "чому", "порівня", "витрат",
        # Arabic and Hindi
        "لماذا", "تكلفة", "تكاليف", "قارن", "क्यों", "खर्च", "लागत",
    ),
    TRIAGE: (
        "overview", "summar", "help", "get started", "new here", "uberblick", "hilfe", "apercu",
        "resum", "ayuda", "ajuda", "aiuto", "panoramica", "pomoc", "yardim", "помощ", "помог",
    ),
}  # fmt: skip
"""Stems by agent, in the order in which a tie is decided: whoever wants steps gets them."""

STEMS_ANYWHERE: Mapping[str, tuple[str, ...]] = {
    PLANNING: ("計画", "削減", "節約", "计划", "规划", "节省", "降低", "계획", "절감", "절약"),
    ANALYSIS: (
        "なぜ", "コスト", "費用", "比較", "分析", "为什么", "费用", "成本", "比较", "账单",
        "왜", "비용", "비교", "분석",
    ),
    TRIAGE: ("概要", "助けて", "帮助", "概况", "도움", "개요"),
}  # fmt: skip
"""Stems of scripts that do not put spaces between words."""

AGENTS: tuple[str, ...] = tuple(STEMS)


def folded(text: str) -> str:
    """The text's words in one case, without accents, a space before each."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return "".join(f" {word}" for word in re.findall(r"\w+", plain))


def _prepared(
    stems: Mapping[str, tuple[str, ...]], *, anywhere: bool
) -> dict[str, tuple[str, ...]]:
    return {
        agent: tuple(folded(stem).lstrip() if anywhere else folded(stem) for stem in found)
        for agent, found in stems.items()
    }


_AT_A_WORD = _prepared(STEMS, anywhere=False)
_ANYWHERE = _prepared(STEMS_ANYWHERE, anywhere=True)


def stems_in(message: str) -> dict[str, int]:
    """How many different stems of each agent a message contains; agents without one are left out.

    In the order of `AGENTS`.
    """
    text = folded(message)
    counts = {
        agent: sum(stem in text for stem in (*_AT_A_WORD[agent], *_ANYWHERE[agent]))
        for agent in AGENTS
    }
    return {agent: count for agent, count in counts.items() if count}
