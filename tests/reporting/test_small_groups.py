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

    def __init__(self, sizes, rows=None, sums=None):
        self.sizes = np.asarray(sizes)
        self.rows, self.sums = (list[object](), list[int]()) if rows is None else (rows, sums)
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


def tell_cohort(told, learners, larger=()):
    shares, drivers = cohorts.label_shares(learners), cohorts.shown_drivers(learners, larger)
    shown = cohorts.shown_labels(learners, larger)
    for row in shown.itertuples():
        told.tell(row.learners, risk_label=row.label)
    for row in cohorts.shown_bins(learners, larger).itertuples():
        scores = [score for score in SCORES[row.label] if score and row.score_from <= score < row.score_to]
        told.tell(row.learners, risk_label=row.label, **({"risk_score": scores} if scores else {}))
    for row in drivers.itertuples():
        told.tell(row.learners, driver=row.driver)
    said = headlines.cohort(shares, drivers, shown)
    for found in re.findall(r"^(\d+) of", said):
        told.tell(int(found), risk_label="high")
    if larger:
        return  # the mail is of everybody
    counts = dict(zip(shares["label"], shares["learners"], strict=True))
    at_risk = {}
    for figure in Summary("Weekly", date(2026, 3, 1), [said], counts).figures:
        name = figure.name.removeprefix("at ").removesuffix(" risk")
        if figure.number.isdecimal() and name in LABELS:
            at_risk[name] = told.tell(int(figure.number), risk_label=name)
        elif figure.number.isdecimal() and name != "learners":
            told.tell(int(figure.number), risk_label=[label for label in LABELS if label not in at_risk])


def tell_moves(told, before, after, larger=()):
    """Tell the labels of the day before, and who went where."""
    if not larger:  # of a program, that would be a third page
        for row in cohorts.shown_labels(before, []).itertuples():
            told.tell(row.learners, before=row.label)
    moved, beside = cohorts.all_moves(before, after), [cohorts.all_moves(*pair) for pair in larger]
    streams = suppression.masked(moved, beside=beside)
    for old, new in product(SCORED_LABELS, SCORED_LABELS):
        if pd.notna(streams.loc[old, new]):
            told.tell(streams.loc[old, new], before=old, risk_label=new)
    worse, better = re.fullmatch(
        r"(.+) moved to a higher risk, (.+) to a lower one", headlines.moves(moved, beside)
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


class ToldOfPart(Told):
    """What the page of a part tells, and that of everybody, as equations over the kinds of both parts."""

    def __init__(self, sizes, member, rows, sums):
        self.member = np.asarray(member)
        super().__init__(sizes, rows, sums)

    def add(self, number, kinds):
        assert number == np.asarray(kinds) @ self.sizes
        self.rows.append(np.kron(self.member, np.asarray(kinds, dtype=float)))
        self.sums.append(number)


def days(sizes):
    """Return who was there before and who is there now."""
    everybody = KINDS.loc[np.repeat(KINDS.index, sizes)].reset_index(drop=True)
    everybody["id"] = everybody.index
    before = everybody[everybody["before"] != suppression.ABSENT]
    return before.assign(risk_label=before["before"]), everybody[
        everybody["risk_label"] != suppression.ABSENT
    ]


@settings(max_examples=6)
@example({0: 40, 22: 30}, {0: 5, 22: 60})  # five of the others at high risk
@example({0: 300, 60: 300, 120: 200}, {0: 9, 60: 11, 101: 12})
@given(
    *2
    * (
        st.dictionaries(
            st.integers(0, len(KINDS) - 1), st.sampled_from((1, 4, 9, 11, 30, 200)), min_size=1, max_size=12
        ),
    )
)
def test_no_small_group_can_be_told_from_a_programs_page_beside_that_of_all(people, others):
    program, rest = (np.array([some.get(kind, 0) for kind in KINDS.index]) for some in (people, others))
    everybody, rows, sums = program + rest, [], []
    if min(side @ THERE for side in (program, rest)) < 10:
        return  # of so few nothing is shown
    all_days, own_days = days(everybody), days(program)
    if min(len(day) for day in (*all_days, *own_days)) < 10:
        return
    for told, now, then in (
        (ToldOfPart(everybody, [1, 1], rows, sums), [], []),
        (ToldOfPart(program, [1, 0], rows, sums), [all_days[1]], [all_days]),
    ):
        mine = own_days if now else all_days
        tell_cohort(told, mine[1], now)
        tell_moves(told, *mine, then)
    sizes = np.concatenate([program, rest])
    if 0 < rest @ (KINDS["before"] != suppression.ABSENT) < 10:
        return  # so few were there before, which is known anyhow
    for names, kinds in groups_of_people():
        for member in ([1, 0], [0, 1], [1, 1]):
            group = np.kron(member, kinds)
            if "group" not in names and 0 < group @ sizes < 10:
                assert told.most(group) >= 10, (names, member)
