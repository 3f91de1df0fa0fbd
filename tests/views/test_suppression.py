from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from engagement.views import suppression

SOME = (0, 1, 4, 9, 10, 11, 30)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 40], []),
        ([50, 40, 9], [1, 2]),  # one alone would follow from the total
        ([50, 40, 9, 9], [2, 3]),
        ([50, 40, 1, 2], [1, 2, 3]),  # three are as few as nine
        ([9], [0]),
        ([5, 3], [0, 1]),
        ([0, 50], []),
        ([0, 50, 3], [1, 2]),
        ([], []),
    ],
)
def test_small_groups_are_hidden_with_what_would_give_them_away(counts, hidden):
    assert np.flatnonzero(suppression.hidden_groups(counts)).tolist() == hidden


def test_no_hidden_group_follows_from_the_total_whatever_the_sizes():
    for counts in product(SOME, repeat=4):
        sizes = np.array(counts)
        hidden = suppression.hidden_groups(sizes)
        assert hidden[(sizes > 0) & (sizes < 10)].all()
        if hidden.any() and not hidden.all():
            assert hidden.sum() >= 2
            assert sizes[hidden].sum() >= 10


def others(sizes, hidden):
    """Return for each hidden cell whether a table with the same totals and shown cells has another value in it."""
    cells = np.argwhere(hidden)
    equations = np.zeros((sum(hidden.shape), len(cells)))
    for place, (row, column) in enumerate(cells):
        equations[row, place] = equations[hidden.shape[0] + column, place] = 1
    _, values, ways = np.linalg.svd(equations)
    free = ways[(values > 1e-9).sum() :]
    return np.abs(free).max(axis=0) > 1e-9 if len(free) else np.zeros(len(cells), dtype=bool)


@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from(SOME), min_size=4, max_size=4), min_size=2, max_size=4))
def test_no_hidden_cell_follows_from_what_is_shown_and_the_totals(rows):
    sizes = np.array(rows)
    hidden = suppression.hidden_cells(sizes)
    assert hidden[(sizes > 0) & (sizes < 10)].all()
    if hidden.any() and not hidden.all():
        assert others(sizes, hidden).all()
        for axis in (0, 1):
            together = np.where(hidden, sizes, 0).sum(axis=axis)[hidden.any(axis=axis)]
            full = hidden.all(axis=axis)[hidden.any(axis=axis)]
            assert ((together >= 10) | full).all()


def test_of_labels_the_one_that_matters_least_is_hidden_with_a_small_one():
    frame = pd.DataFrame({"label": ["high", "medium", "low", "unknown"], "learners": [40, 100, 150, 3]})
    assert suppression.shown(frame)["label"].tolist() == ["high", "medium"]


def test_within_each_part_of_a_table_the_total_gives_nothing_away():
    frame = pd.DataFrame({"label": ["high"] * 3 + ["low"] * 2, "learners": [50, 4, 40, 30, 20]})
    shown = suppression.shown_within(frame, by="label")
    assert shown["learners"].tolist() == [50, 30, 20]
    assert suppression.shown_within(frame.head(0), by="label").empty


def test_a_table_of_large_counts_is_shown_whole():
    assert not suppression.hidden_cells([[10, 0], [25, 40]]).any()


def test_a_single_small_cell_takes_a_rectangle_with_it():
    hidden = suppression.hidden_cells([[3, 50, 60], [70, 80, 90], [40, 30, 20]])
    assert hidden.sum() >= 4
    assert hidden[0, 0]


def test_what_is_hidden_is_missing_in_the_table():
    table = suppression.masked(pd.DataFrame([[3, 50], [60, 70]], index=["a", "b"], columns=["a", "b"]))
    assert pd.isna(table.loc["a", "a"])
    assert suppression.shown(pd.DataFrame({"learners": [50, 40, 9]}))["learners"].tolist() == [50]


def moved(rows):
    scored = ["high", "medium", "low"]
    return pd.DataFrame(rows, index=scored, columns=scored)


def test_of_moves_the_smallest_are_hidden_with_a_small_one():
    streams = suppression.masked(moved([[116, 154, 3], [154, 535, 132], [21, 130, 622]]))
    shown = {
        (before, after)
        for before in streams.index
        for after in streams.columns
        if pd.notna(streams.loc[before, after])
    }
    assert shown == {("low", "low"), ("high", "medium"), ("medium", "high")}


def most(cell, told, size):
    """Return how many people there can be in one of nine cells, by whole numbers that fit all that is told."""
    rows = np.array(told, dtype=float)
    ends = linprog(-cell, A_eq=rows[:, :9], b_eq=rows[:, 9], bounds=(0, size), integrality=1)
    return round(-ends.fun)


@settings(max_examples=25)
@given(st.lists(st.sampled_from((0, 1, 4, 9, 10, 15, 40)), min_size=9, max_size=9))
def test_no_small_move_follows_from_streams_directions_and_the_labels_of_both_days(sizes):
    table = moved(np.reshape(sizes, (3, 3)))
    cells, alone = np.array(sizes), np.eye(9)
    grid = alone.reshape(3, 3, 9)
    told = [
        np.append(alone[place], cells[place]) for place in np.flatnonzero(suppression.masked(table).notna())
    ]
    told += [
        np.append(way.ravel(), cells @ way.ravel()) for way in suppression.told_directions(table) if way.any()
    ]
    # of each day the labels as `shown` has them on the page of that day
    for axis in (0, 1):
        sums = grid.sum(axis=1 - axis)
        hidden = suppression.hidden_groups(sums @ cells, first=[3, 2, 1])
        told += [np.append(line, line @ cells) for line in sums[~hidden]]
    told.append(np.append(np.ones(9), cells.sum()))
    for place in np.flatnonzero((cells > 0) & (cells < 10)):
        assert most(alone[place], told, cells.sum()) >= min(10, cells.sum())


def test_labels_that_are_hidden_do_not_follow_from_their_bins():
    """Were all of them shown, they would add up to the label, and the total to the small one."""
    frame = pd.DataFrame({"label": ["high", "low", "low", "low", "unknown"], "learners": [40, 60, 50, 40, 3]})
    shown = suppression.shown_within(frame, by="label")
    assert shown["learners"].tolist() == [40, 60, 50]


def test_a_list_is_told_by_the_rule_that_tells_everything():
    for counts in [(50, 40, 9), (50, 9, 9), (12, 8, 0), (30, 20, 10, 1), (1, 2, 3, 40, 50)]:
        order = np.argsort(counts)[::-1]
        told = suppression.may_be_told(counts, np.eye(len(counts))[order], known=[np.ones(len(counts))])
        assert (~told).tolist() == suppression.hidden_groups(counts)[order].tolist()


def test_reasons_do_not_add_up_to_those_at_risk_where_their_labels_are_hidden():
    frame = pd.DataFrame(
        {
            "label": ["high", "medium", "unknown"],
            "driver": ["low_quiz", "low_quiz", None],
            "learners": [11, 12, 1],
        }
    )
    assert suppression.shown_across(frame, by="label", of="driver").empty
    many = frame.assign(learners=[11, 12, 40])
    assert suppression.shown_across(many, by="label", of="driver")["learners"].tolist() == [23]


def told_of(pages, members, sizes):
    """Return the equations that the pages tell over the parts, and the totals that are known anyhow."""
    rows, sums = [], []
    for shown, member in zip(pages, members, strict=True):
        rows.append(np.kron(member, np.ones(4)))
        for kind in shown["kind"]:
            rows.append(np.kron(member, np.arange(4) == kind))
        sums += [row @ sizes for row in rows[len(sums) :]]
    return np.array(rows), sums


@settings(max_examples=25)
@given(st.lists(st.sampled_from((0, 1, 4, 9, 10, 12, 30, 100)), min_size=16, max_size=16))
def test_no_part_tells_of_few_beside_its_program_its_cohort_and_everybody(people):
    """Parts: of program and cohort, of the program alone, of the cohort alone, of neither; four kinds of each."""
    sizes = np.array(people)
    members = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]
    own, program, cohort, everybody = (
        pd.DataFrame({"kind": range(4), "learners": np.reshape(sizes, (4, 4)).T @ member})
        for member in members
    )
    pages = [
        suppression.shown(own, beside=[program, cohort, everybody]),
        suppression.shown(program, beside=[everybody]),
        suppression.shown(cohort, beside=[everybody]),
        suppression.shown(everybody),
    ]
    of_two = [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]
    for part, whole in of_two:
        rows, sums = told_of([pages[part], pages[whole]], [members[part], members[whole]], sizes)
        left = np.array(members[whole]) - members[part]
        for group, kind in product((members[part], members[whole], left), range(4)):
            flags = np.kron(group, np.arange(4) == kind)
            if not 0 < flags @ sizes < 10 or 0 < np.kron(group, np.ones(4)) @ sizes < 10:
                continue  # of so few in all nothing is shown
            most = linprog(-flags.astype(float), A_eq=rows, b_eq=sums, bounds=(0, None))
            assert round(-most.fun, 6) >= 10, (part, whole, group, kind)


def test_a_part_that_leaves_few_tells_nothing():
    """Five are in the other programs: whatever is told of these is told of those by the page of all."""
    part, everybody = (
        pd.DataFrame({"label": ["high", "low"], "learners": counts}) for counts in ([30, 40], [33, 42])
    )
    assert suppression.shown(part, beside=[everybody]).empty
    assert len(suppression.shown(part, beside=[part])) == 2
