"""What stands in a mail about a run: its answers and a few key figures, as a picture and in the same words.

The picture is a page of ours that a browser takes; the words are its alternative text, and a mail of their own where
there is no browser. Nobody is named, and no number of fewer than ten learners is said, nor what would tell it. Whom to
call first stands in the words alone, by their ids: a picture is passed on more easily.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import pandas as pd

from engagement.dates import day_in_words
from engagement.reporting.charts.style import LIGHT
from engagement.reporting.displays import PAGES
from engagement.views import suppression
from engagement.vocabulary import AT_RISK, LABELS, SMALLEST_GROUP

WIDTH: Final = 1200  # as previews of links have it; still readable at half of that
HEIGHT: Final = 630
SCALE: Final = 2
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_LARGE_TYPE: Final = 150  # characters of an answer that fits in it


class Figure(NamedTuple):
    """One key figure: its name, its number and its share in words, its part of the bar in percent, its colour."""

    name: str
    number: str
    share: str
    percent: float
    color: str


@dataclass(frozen=True)
class Summary:
    """What is told of a run; the first answer is the one that is asked for."""

    title: str
    day: date
    answers: Sequence[str]
    labels: Mapping[str, int]  # learners by risk label; empty where nobody is known
    calls: Sequence[str] = ()  # ids of whom to call first
    banner: str = ""  # what must not be overlooked

    @property
    def figures(self) -> list[Figure]:
        """How many learners there are, how many of them at which risk, and together those who cannot be told apart."""
        total = sum(self.labels.values())
        if not total:
            return []
        counts = pd.DataFrame({"label": LABELS, "learners": [self.labels.get(label, 0) for label in LABELS]})
        shown = suppression.shown(counts)
        told = dict(zip(shown["label"], shown["learners"].tolist(), strict=True))
        if (
            set(LABELS) - set(told) - set(AT_RISK)
        ):  # then low and unknown are told in one number, or not at all
            told = {label: told[label] for label in AT_RISK if label in told}
        together = [label for label in LABELS if label not in told]
        rest = total - sum(told.values())
        return [
            Figure("learners", _number(total), "", 0, LIGHT["accent"]),
            *(
                _part(_of_risk(label), told[label], total, LIGHT[label])
                if label in told
                else Figure(_of_risk(label), _hidden(self.labels.get(label, 0)), "", 0, LIGHT[label])
                for label in LABELS
                if label in told or label in AT_RISK
            ),
            *([_part(_of_risk(*together), rest, total, LIGHT["unknown"])] if told and together else []),
        ]

    @property
    def words(self) -> str:
        """The summary as one text."""
        figures = [
            f"{figure.number} {figure.name}" + (f" ({figure.share})" if figure.share else "")
            for figure in self.figures
        ]
        said = [f"{self.title}, as of {day_in_words(self.day)}.", *self.answers]
        numbers = [f"{', '.join(figures)}."] if figures else []
        calls = [f"Whom to call first: {', '.join(self.calls)}."] if self.calls else []
        return " ".join([*filter(None, [self.banner]), *said, *numbers, *calls])

    def html(self) -> str:
        """Return the page that the picture is taken of; light, whatever the machine prefers."""
        first, *others = self.answers or [""]
        return PAGES.get_template("summary.html.j2").render(
            title=self.title,
            day=day_in_words(self.day),
            banner=self.banner,
            answer=first,
            is_short=len(first) <= _LARGE_TYPE,
            others=others,
            figures=self.figures,
            width=WIDTH,
            height=HEIGHT,
            ink=LIGHT["mark"],
        )


def first_sentence(text: str) -> str:
    """Return the first sentence of a text.

    >>> first_sentence("It helped: 65 % came back, of the others 54 %. That is 10.2 points more.")
    'It helped: 65 % came back, of the others 54 %.'
    """
    return _SENTENCE.split(text.strip(), maxsplit=1)[0]


def _of_risk(*labels: str) -> str:
    """Return who has one of these labels, in words.

    >>> _of_risk("high"), _of_risk("low", "unknown")
    ('at high risk', 'at low or unknown risk')
    """
    listed = " or ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
    return f"{'of' if labels == ('unknown',) else 'at'} {listed} risk"


def _part(name: str, learners: int, total: int, color: str) -> Figure:
    percent = 100 * learners / total if learners >= SMALLEST_GROUP else 0
    return Figure(name, _number(learners), f"{percent:.0f} %" if percent else "", percent, color)


def _hidden(learners: int) -> str:
    return _number(learners) if learners < SMALLEST_GROUP else f"{SMALLEST_GROUP} or more"


def _number(learners: int) -> str:
    return f"under {SMALLEST_GROUP}" if 0 < learners < SMALLEST_GROUP else f"{learners:,}"
