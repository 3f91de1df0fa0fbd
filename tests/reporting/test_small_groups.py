"""Nobody in a group of fewer than ten can be told from all that is shown of a cohort together.

What is shown is read as linear equations over every kind of learner there may be; of each small group there must then
still be a cohort, with the same numbers everywhere, in which it has ten people.
"""

import re
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from engagement.evaluation import fairness
from engagement.reporting import headlines
from engagement.reporting.mail_summary import Summary
from engagement.views import cohorts, suppression
from engagement.vocabulary import LABELS, SCORED_LABELS

SCORES = {"high": (0.76, 0.91), "medium": (0.46, 0.61), "low": (0.11, 0.21), "unknown": (None,)}
REASONS = {"high": ("behind_pace", "low_quiz"), "medium": ("behind_pace", "low_quiz")}
BEFORE = (*LABELS, suppression.ABSENT)
KINDS = pd.DataFrame(
    [
        *(
            (label, score, driver, before, group)
            for label in LABELS
            for score, driver in product(SCORES[label], REASONS.get(label, (None,)))
            for before, group in product(BEFORE, ("w", "m"))
        ),
        *((suppression.ABSENT, None, None, before, None) for before in LABELS),
    ],
    columns=["risk_label", "risk_score", "driver", "before", "group"],
)
THERE = KINDS["risk_label"] != suppression.ABSENT


class Told:
    """Equations over how many there are of each kind."""

    def __init__(self, sizes):
        self.sizes = np.asarray(sizes)
        self.rows, self.sums = list[object](), list[int]()
        self.tell(self.sizes @ THERE, risk_label=LABELS)
        self.tell(self.sizes @ (KINDS["before"] != suppression.ABSENT), before=LABELS)

    def tell(self, number, **which):
        """Learn how many there are of the kinds with those values; the number is true, or the page lies."""
        values = {name: [value] if isinstance(value, str) else list(value) for name, value in which.items()}
        self.add(number, np.all([KINDS[name].isin(some) for name, some in values.items()], axis=0))

    def tell_way(self, number, moves):
        self.add(number, [move in moves for move in zip(KINDS["before"], KINDS["risk_label"], strict=True)])

    def add(self, number, kinds):
        assert number == np.asarray(kinds) @ self.sizes
        self.rows.append(np.asarray(kinds, dtype=float))
        self.sums.append(number)

    def most(self, kinds):
        found = linprog(-kinds.astype(float), A_eq=self.rows, b_eq=self.sums, bounds=(0, None))
        return round(-found.fun, 6)


def everything_told(sizes):
    """Return what the cohort page, the look at fairness and the mail tell, of pictures the numbers under them."""
    told = Told(sizes)
    everybody = KINDS.loc[np.repeat(KINDS.index, sizes)].reset_index(drop=True)
    everybody["id"] = everybody.index
    after = everybody[everybody["risk_label"] != suppression.ABSENT]
    before = everybody[everybody["before"] != suppression.ABSENT]
    tell_cohort(told, after)
    tell_moves(told, before.assign(risk_label=before["before"]), after)
    tell_fairness(told)
    return told


def tell_cohort(told, learners):
    shares, drivers = cohorts.label_shares(learners), cohorts.shown_drivers(learners)
    for row in suppression.shown(shares).itertuples():
        told.tell(row.learners, risk_label=row.label)
    for row in suppression.shown_within(cohorts.bins(learners), by="label").itertuples():
        scores = [score for score in SCORES[row.label] if score and row.score_from <= score < row.score_to]
        told.tell(row.learners, risk_label=row.label, **({"risk_score": scores} if scores else {}))
    for row in drivers.itertuples():
        told.tell(row.learners, driver=row.driver)
    said = headlines.cohort(shares, drivers)
    for found in re.findall(r"^(\d+) of", said):
        told.tell(int(found), risk_label="high")
    counts = dict(zip(shares["label"], shares["learners"], strict=True))
    at_risk = {}
    for figure in Summary("Weekly", date(2026, 3, 1), [said], counts).figures:
        name = figure.name.split()[1] if figure.name.startswith("at ") else figure.name
        if figure.number.isdecimal() and name in LABELS:
            at_risk[name] = told.tell(int(figure.number), risk_label=name)
        elif figure.number.isdecimal() and name == "others":
            told.tell(int(figure.number), risk_label=[label for label in LABELS if label not in at_risk])


def tell_moves(told, before, after):
    """Tell the labels of the day before, and who went where."""
    for row in suppression.shown(cohorts.label_shares(before)).itertuples():
        told.tell(row.learners, before=row.label)
    moved = cohorts.all_moves(before, after)
    streams = suppression.masked(moved)
    for old, new in product(SCORED_LABELS, SCORED_LABELS):
        if pd.notna(streams.loc[old, new]):
            told.tell(streams.loc[old, new], before=old, risk_label=new)
    worse, better = re.fullmatch(
        r"(.+) moved to a higher risk, (.+) to a lower one", headlines.moves(moved)
    ).groups()
    if worse.isdecimal():
        told.tell_way(int(worse), [("low", "high"), ("low", "medium"), ("medium", "high")])
    if better.isdecimal():
        told.tell_way(int(better), [("high", "low"), ("medium", "low"), ("high", "medium")])


def tell_fairness(told):
    rows = KINDS[THERE].assign(
        label=KINDS["risk_label"],
        from_template=None,
        has_left=None,
        was_found=None,
        learners=told.sizes[THERE],
    )
    found = fairness.compared("sex", rows[rows["learners"] > 0])
    labels = {
        "at high risk": ["high"],
        "at high or medium risk": ["high", "medium"],
        "too little known to score": ["unknown"],
    }
    for row in found.shares.itertuples():
        if row.measure in labels and pd.notna(row.learners):
            told.tell(row.learners, group=row.group)
            if pd.notna(row.share):
                told.tell(round(row.share * row.learners), group=row.group, risk_label=labels[row.measure])


def groups_of_people():
    """Return each group somebody could ask about, as flags of kinds."""
    for names in (
        ("risk_label",),
        ("group",),
        ("driver",),
        ("risk_label", "risk_score"),
        ("group", "risk_label"),
        ("before", "risk_label"),
    ):
        for _, rows in KINDS.dropna(subset=["driver"] if "driver" in names else []).groupby(
            list(names), dropna=False
        ):
            yield names, KINDS.index.isin(rows.index)


@settings(max_examples=8)
@example({101: 1, 22: 11})  # the reasons of all eleven at risk leave one who is not
@given(
    st.dictionaries(st.integers(0, len(KINDS) - 1), st.sampled_from((1, 2, 4, 9, 11, 30, 200)), max_size=24)
)
def test_no_small_group_can_be_told_from_all_that_is_shown(people):
    sizes = [people.get(kind, 0) for kind in KINDS.index]
    told = everything_told(sizes)
    if min(told.sums[:2]) < 10:
        return  # of so few nothing is shown
    for names, kinds in groups_of_people():
        if 0 < kinds @ told.sizes < 10:
            assert told.most(kinds) >= 10, names
