"""Does the score treat groups alike? Shares of each group, with how sure they are, for groups supplied at a load.

Groups are kept apart: nothing that scores, selects or writes reads them. That groups differ does not say that the score
is unfair, for they may differ in what it looks at; that one is missed more often than another, of those who left, is a
reason to look. Small groups are hidden, and shares of which few make one or the other part; with them whatever would
give them away, by the rule that holds for every table of counts (`suppression`).
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement import runs
from engagement.evaluation.intervals import CONFIDENCE, Share, newcombe, wilson
from engagement.store import Store, query, records
from engagement.views import suppression
from engagement.views.suppression import Flags
from engagement.vocabulary import AT_RISK, LABELS, SMALLEST_GROUP

# What is compared: of whom, and in words.
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "high": ("learners", "at high risk"),
    "at_risk": ("learners", "at high or medium risk"),
    "unknown": ("learners", "too little known to score"),
    "drafted": ("learners", "a nudge drafted for them by the newest nightly run"),
    "from_template": ("drafted", "of the drafts, from a template"),
    "missed": ("has_left", "of those who left, not found at risk"),
    "false_alarms": ("stayed", "of those who stayed, found at risk"),
}
_SHARES: Final = ("measure", "group", "learners", "share", "low", "high")
_KIND: Final = ("label", "from_template", "has_left", "was_found")
_REST: Final = "\0"  # all whose group is hidden or not known; no file has such a name


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
            return f"By {self.grouping}: no difference beyond chance between the {groups} groups."
        gap, words, most, least = max(found)
        return f"By {self.grouping}, the groups differ most here: {words}, {most} {100 * gap:.0f} points above {least}."

    def _differences(self) -> list[tuple[float, str, str, str]]:
        """Return the gap between the outermost groups of each measure, where chance alone would hardly make it.

        Of many groups and measures some pair lies far apart by chance: each is asked to be surer by as many as there
        are pairs (C. Bonferroni, 1936), so that in 95 of 100 groupings without a difference none is found.
        """
        measures = [
            (str(words), rows.sort_values("share").to_dict("records"))
            for words, rows in self.shares.dropna(subset=["share"]).groupby("measure", sort=False)
        ]
        pairs = max(sum(comb(len(rows), 2) for _, rows in measures), 1)
        found = []
        for words, rows in measures:
            least, most = rows[0], rows[-1]
            gap = newcombe(_counted(most), _counted(least), confidence=1 - (1 - CONFIDENCE) / pairs)
            if gap.low > 0:
                found.append((gap.value, words, str(most["group"]), str(least["group"])))
        return found


def _counted(row: Mapping[Hashable, Any]) -> Share:
    return Share(round(row["share"] * row["learners"]), int(row["learners"]))


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
    missing is what is of fewer than ten, or would tell of them. How it ended is held beside what the score said before.

    Parameters
    ----------
    run_id
        A run whose scores are not published yet; None for the newest published scores.
    """
    with store.read() as db:
        named = {
            "name": grouping,
            "run_id": run_id,
            "night": run_id or runs.newest(db, runs.NIGHTLY),
            "at_risk": list(AT_RISK),
        }
        rows = records(db, query("evaluation/fairness"), named)
    return compared(grouping, pd.DataFrame(rows, columns=["group", *_KIND, "learners"]))


def compared(grouping: str, rows: pd.DataFrame) -> Fairness:
    """Return what may be told of learners counted by group and kind, as the query `fairness` counts them."""
    counted = _Counted.of(rows)
    told = counted.told()
    found = [
        (words, group, told.get((of, group)), *_share(told.get((measure, group)), told.get((of, group))))
        for measure, (of, words) in MEASURES.items()
        if any(told.get((of, group)) != 0 for group in counted.shown)
        for group in in_order(counted.shown)
    ]
    return Fairness(grouping, pd.DataFrame(found, columns=list(_SHARES)), counted.hidden)


def in_order(groups: Sequence[str]) -> list[str]:
    """Return groups as people look for them: bands, years and levels by their numbers, others as they come.

    >>> in_order(["35-55", "0-35", "55<="]), in_order(["en", "de"])
    (['0-35', '35-55', '55<='], ['en', 'de'])
    """
    numbers = {group: [int(digits) for digits in re.findall(r"\d{1,9}", group)] for group in groups}
    return sorted(groups, key=lambda group: numbers[group]) if all(numbers.values()) else list(groups)


@dataclass(frozen=True)
class _Counted:
    """Learners by group and kind: `sizes` has a row per group shown, and last the rest, a column per kind."""

    shown: Sequence[str]
    hidden: int
    kinds: pd.DataFrame
    sizes: npt.NDArray[np.int_]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "_Counted":
        groups = (
            rows.dropna(subset=["group"])
            .groupby("group")["learners"]
            .sum()
            .sort_values(ascending=False, kind="stable")
        )
        frame = groups.rename_axis("group").reset_index()
        shown = suppression.shown(frame)["group"].tolist()
        kept = rows.assign(group=rows["group"].where(rows["group"].isin(shown), _REST)).astype(
            {"learners": int}
        )
        table = kept.pivot_table(
            index="group", columns=list(_KIND), values="learners", aggfunc="sum", fill_value=0, dropna=False
        )
        table = table.reindex([*shown, _REST], fill_value=0)
        table = table.loc[:, table.sum() > 0]
        kinds = table.columns.to_frame(index=False)
        return cls(
            shown, int(groups.drop(shown).sum()), kinds, table.to_numpy(dtype=int).reshape(len(shown) + 1, -1)
        )

    def told(self) -> dict[tuple[str, str], int]:
        """Return how many each part of a group has, of those that may be told, by its name and the group."""
        parts = self._parts()
        totals = [np.concatenate([parts[label]] * len(self.sizes)) for label in LABELS]
        names = [(name, group) for name in _ASKED for group in self.shown]
        asked = [self._row(parts[name], self.shown.index(group)) for name, group in names]
        known = [np.concatenate([parts["learners"]] * len(self.sizes))]
        of_groups = range(len(self.sizes) if self.hidden else len(self.shown))
        private = [self._row(parts[name], place) for name in _PRIVATE for place in of_groups]
        may = suppression.may_be_told(self.sizes.ravel(), [*totals, *asked], known=known, private=private)
        told = may[len(totals) :]
        sizes = self.sizes.ravel()
        return {
            name: int(row @ sizes) for name, row, is_told in zip(names, asked, told, strict=True) if is_told
        }

    def _row(self, part: Flags, place: int) -> Flags:
        """Return which cells are those of a part of one group."""
        cells = np.zeros(self.sizes.shape, dtype=bool)
        cells[place] = part
        return cells.ravel()

    def _parts(self) -> dict[str, Flags]:
        """Return which kinds are in which part of a group."""
        label, template = self.kinds["label"], self.kinds["from_template"]
        left, found = self.kinds["has_left"], self.kinds["was_found"]
        by_name = {
            **{name: label == name for name in LABELS},
            "learners": label.notna(),
            "at_risk": label.isin(AT_RISK),
            "drafted": template.notna(),
            "not_drafted": label.notna() & template.isna(),
            "from_template": template.eq(True),
            "from_model": template.eq(False),
            "has_left": left.eq(True),
            "missed": left.eq(True) & found.eq(False),
            "found": left.eq(True) & found.eq(True),
            "stayed": left.eq(False),
            "false_alarms": left.eq(False) & found.eq(True),
            "left_alone": left.eq(False) & found.eq(False),
        }
        return {name: part.to_numpy(dtype=bool) for name, part in by_name.items()}


# What is asked for each group, in the order in which it is told; and what nobody may tell where it is few.
_ASKED: Final = tuple(dict.fromkeys(name for measure, (of, _) in MEASURES.items() for name in (of, measure)))
_PRIVATE: Final = (
    *("learners", *LABELS, "not_drafted", "from_template", "from_model"),
    *("missed", "found", "false_alarms", "left_alone"),
)


def table(found: Sequence[Fairness]) -> pd.DataFrame:
    """Return one row per grouping, measure and group: `learners` and, in percent of them, `share`, `from` and `to`."""
    shown = pd.DataFrame(columns=["grouping", *_SHARES])
    if found:
        shown = pd.concat([one.shares.assign(grouping=one.grouping) for one in found], ignore_index=True)
    percent = {
        name: (100 * shown[name].astype(float)).round().astype("Int64") for name in ("share", "low", "high")
    }
    named = shown.assign(**percent).rename(columns={"low": "from", "high": "to"})
    named["learners"] = named["learners"].astype("Int64")
    return named[["grouping", "measure", "group", "learners", "share", "from", "to"]]


def in_words(found: Sequence[Fairness]) -> str:
    """Return what was found as sentences."""
    if not found:
        return "There are 0 groupings: a file that is loaded with `--group` brings one."
    hidden = sum(one.hidden for one in found)
    many = (
        f"{hidden:,} learners"
        if all(one.hidden >= SMALLEST_GROUP for one in found if one.hidden)
        else "Learners"
    )
    said = [f"{many} of small groups are not shown."] if hidden else []
    return " ".join([*(one.in_words for one in found), *said])


def _share(count: int | None, of: int | None) -> tuple[float | None, float | None, float | None]:
    if count is None or not of:
        return None, None, None
    share = wilson(Share(count, of))
    return share.value, share.low, share.high
