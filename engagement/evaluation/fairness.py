"""Does the score treat groups alike? Shares of each group, with how sure they are, for groups supplied at a load.

Groups are kept apart: nothing that scores, selects or writes reads them. That groups differ does not say that the score
is unfair, for they may differ in what it looks at; that one is missed more often than another, of those who left, is a
reason to look. Small groups are hidden, and with them whatever would give them away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from engagement.evaluation.intervals import Share, wilson
from engagement.store import Store, query, records
from engagement.views import suppression
from engagement.vocabulary import AT_RISK, SMALLEST_GROUP

# What is compared: of whom, and in words.
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "high": ("learners", "at high risk"),
    "at_risk": ("learners", "at high or medium risk"),
    "unknown": ("learners", "too little known to score"),
    "drafted": ("learners", "a nudge drafted in the newest run"),
    "from_template": ("drafted", "of the drafts, from a template"),
    "missed": ("has_left", "of those who left, not found at risk"),
    "false_alarms": ("stayed", "of those who stayed, found at risk"),
}
_SHARES: Final = ("measure", "group", "learners", "share", "low", "high")


@dataclass(frozen=True)
class Fairness:
    """One grouping: `shares` has a row per measure and group, `hidden` counts the learners of groups not shown."""

    grouping: str
    shares: pd.DataFrame
    hidden: int

    @property
    def in_words(self) -> str:
        """The largest difference that chance alone would hardly make, as a sentence."""
        found = self._differences()
        if not found:
            groups = self.shares["group"].nunique()
            return f"By {self.grouping}, none of {groups} groups differ by more than chance would have it."
        gap, words, most, least = max(found)
        return f"By {self.grouping}, the groups differ most here: {words}, {most} {100 * gap:.0f} points above {least}."

    def _differences(self) -> list[tuple[float, str, str, str]]:
        """Return the gap between the outermost groups of each measure whose ranges do not touch."""
        found = []
        for words, rows in self.shares.dropna(subset=["share"]).groupby("measure", sort=False):
            in_order = rows.sort_values("share").to_dict("records")
            least, most = in_order[0], in_order[-1]
            if most["low"] > least["high"]:
                gap = float(most["share"] - least["share"])
                found.append((gap, str(words), str(most["group"]), str(least["group"])))
        return found


def groupings(store: Store) -> list[str]:
    """Return by what learners are grouped, in order."""
    with store.read() as db:
        return [
            name
            for (name,) in db.execute("select distinct name from learner_groups order by name").fetchall()
        ]


def every(store: Store, *, run_id: str | None = None) -> list[Fairness]:
    """Return `by_group` for each grouping there is."""
    return [by_group(store, grouping, run_id=run_id) for grouping in groupings(store)]


def by_group(store: Store, grouping: str, *, run_id: str | None = None) -> Fairness:
    """Return each of `MEASURES` for each group of one grouping.

    `shares` has `measure` (in words), `group`, `learners` (of whom the share is), `share` (0 to 1), `low` and `high`;
    the last three are missing where they would be of fewer than ten.

    Parameters
    ----------
    run_id
        A run whose scores are not published yet; None for the newest published scores.
    """
    with store.read() as db:
        rows = records(
            db, query("evaluation/fairness"), {"name": grouping, "run_id": run_id, "at_risk": list(AT_RISK)}
        )
    groups = pd.DataFrame(rows, columns=["group", "learners", *MEASURES, "has_left", "stayed"])
    shown = suppression.shown(groups)
    hidden = int(groups["learners"].sum() - shown["learners"].sum())
    found = [
        (words, row["group"], row[of], *_share(row[measure], row[of]))
        for measure, (of, words) in MEASURES.items()
        if shown[of].any()
        for row in shown.to_dict("records")
    ]
    return Fairness(grouping, pd.DataFrame(found, columns=list(_SHARES)), hidden)


def table(found: Sequence[Fairness]) -> pd.DataFrame:
    """Return one row per grouping, measure and group: `learners` and, in percent of them, `share`, `from` and `to`."""
    shown = pd.DataFrame(columns=["grouping", *_SHARES])
    if found:
        shown = pd.concat([one.shares.assign(grouping=one.grouping) for one in found], ignore_index=True)
    percent = {
        name: (100 * shown[name].astype(float)).round().astype("Int64") for name in ("share", "low", "high")
    }
    named = shown.assign(**percent).rename(columns={"low": "from", "high": "to"})
    return named[["grouping", "measure", "group", "learners", "share", "from", "to"]]


def in_words(found: Sequence[Fairness]) -> str:
    """Return what was found as sentences."""
    if not found:
        return "There are 0 groupings: a file that is loaded with `--group` brings one."
    hidden = sum(one.hidden for one in found)
    said = [f"{hidden:,} learners of small groups are not shown."] if hidden else []
    return " ".join([*(one.in_words for one in found), *said])


def _share(count: int, of: int) -> tuple[float | None, float | None, float | None]:
    if of < SMALLEST_GROUP:
        return None, None, None
    share = wilson(Share(count, of))
    return share.value, share.low, share.high
