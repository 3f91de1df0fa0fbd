"""What may be shown of counts, so that nobody in a small group can be told from it.

Counts of fewer than ten people are hidden, and with them whatever would give them away: other counts, so that for all
that is shown, and for the totals, which are often known from elsewhere, each small group could as well be one of ten.
That is the usual suppression of cells, first of small ones, then of complementary ones (L. Willenborg and T. de Waal,
"Elements of Statistical Disclosure Control", 2001, chapter 6). One function decides for every table, title and picture.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement.vocabulary import LABELS, SMALLEST_GROUP

TOO_FEW: Final = f"Fewer than {SMALLEST_GROUP} learners are known by this date: of so few nothing is shown."

ABSENT: Final = "not there"  # in a table of moves: on one of the two days
UNKNOWN: Final = LABELS[-1]

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int_]


def may_be_told(groups: Any, sums: Any, *, known: Any, private: Any = None) -> Flags:
    """Return which sums of people may be told, asked in their order: the first is told where it can be.

    A sum is told where it is not of one to nine people, and where every private one of one to nine could then still be
    of ten. Where what is known anyhow leaves no room for that, nothing is told.

    Parameters
    ----------
    groups
        People in each of the smallest groups, which have nobody in common.
    sums
        A row for each sum, a column for each group: 1 where it is part of the sum.
    known
        Sums that are known whatever is shown, in the same form.
    private
        Sums that nobody may tell where they are small, in the same form; each group for itself where there is none.

    Examples
    --------
    >>> may_be_told([50, 40, 9], np.eye(3), known=[[1, 1, 1]]).tolist()
    [True, False, False]
    """
    sizes = np.asarray(groups, dtype=int)
    asked, totals, parts = (
        np.asarray(rows, dtype=int).reshape(len(rows), len(sizes))
        for rows in (sums, known, np.eye(len(sizes)) if private is None else private)
    )
    small = parts[_is_small(parts @ sizes)]
    tables = _tables(small, sizes, totals, [])
    if tables is None:
        return np.zeros(len(asked), dtype=bool)
    told: Flags = ~_is_small(asked @ sizes)
    for place in np.flatnonzero(told):
        with_it = np.vstack([totals, asked[place]])
        left = [table for table in tables if asked[place] @ table == asked[place] @ sizes]
        found = _tables(small, sizes, with_it, left)
        told[place] = found is not None
        if found is not None:
            totals, tables = with_it, found
    return told


def _is_small(counts: Counts) -> Flags:
    return np.asarray((counts > 0) & (counts < SMALLEST_GROUP))


def _tables(small: Counts, sizes: Counts, totals: Counts, some: Sequence[Counts]) -> list[Counts] | None:
    """Return tables of these totals, `some` among them, by which each small sum is of ten; None where one cannot be."""
    tables = list(some)
    for part in small:
        if any(part @ table >= SMALLEST_GROUP for table in tables):
            continue
        found = _with_ten(part, sizes, totals)
        if found is None:
            return None
        tables.append(found)
    return tables


def _with_ten(part: Counts, sizes: Counts, totals: Counts) -> Counts | None:
    """Return other sizes with the same totals, by which a sum is of ten people; None where there are none.

    Of several those that move the fewest people: what they leave as it is may be told.
    """
    from scipy.optimize import linprog  # takes half a second: only where there is a small group

    both = np.hstack([totals, -totals])
    found = linprog(
        np.tile(sizes + 1.0, 2),
        A_ub=[np.concatenate([-part, part])],
        b_ub=[part @ sizes - SMALLEST_GROUP],
        A_eq=both,
        b_eq=np.zeros(len(both)),
        bounds=[*((0, int(sizes.sum())) for _ in sizes), *((0, int(people)) for people in sizes)],
        integrality=1,
    )
    if found.x is None:
        return None
    more, fewer = np.rint(found.x).astype(int).reshape(2, len(sizes))
    return np.asarray(sizes + more - fewer)


def hidden_groups(counts: Any, *, first: Any = None) -> Flags:
    """Return which counts of a list must be hidden, given that their total is known.

    Where only one would be hidden, or fewer than ten people in all, their number would follow from the total: the next
    one is hidden with them. A count of 0 hides nobody. That is what `may_be_told` says of a list.

    Parameters
    ----------
    first
        A number for each count: the lower, the sooner it is hidden with others. The smallest, where there is none.

    Examples
    --------
    >>> hidden_groups([50, 40, 9]).tolist()
    [False, True, True]
    >>> hidden_groups([50, 40, 9], first=[1, 2, 3]).tolist()
    [True, False, True]
    """
    sizes = np.asarray(counts, dtype=int)
    rank = sizes if first is None else np.asarray(first)
    is_small = _is_small(sizes)
    order = np.lexsort((rank, sizes == 0, ~is_small))  # nobody comes last
    number = int(is_small.sum())
    while 0 < number < len(sizes) and (number < 2 or sizes[order[:number]].sum() < SMALLEST_GROUP):
        number += 1
    hidden: Flags = np.zeros(len(sizes), dtype=bool)
    hidden[order[:number]] = True
    return hidden


def hidden_cells(counts: Any) -> Flags:
    """Return which cells of a two-way table must be hidden, given that the totals of rows and columns are known."""
    sizes = np.asarray(counts, dtype=int)
    order = _largest_first(sizes.ravel())
    cells, alone = np.arange(sizes.size).reshape(sizes.shape), np.eye(sizes.size)
    lines = [alone[line].sum(axis=0) for line in (*cells, *cells.T)]
    hidden: Flags = np.ones(sizes.size, dtype=bool)
    hidden[order] = ~may_be_told(sizes.ravel(), alone[order], known=lines)
    return hidden.reshape(sizes.shape)


def _largest_first(rank: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    return np.argsort(rank, kind="stable")[::-1]


def shown(frame: pd.DataFrame, *, count: str = "learners") -> pd.DataFrame:
    """Return the rows of a table that may be shown, given that its total is known.

    Of risk labels, the one that matters least is hidden with a small one: low before medium before high.
    """
    return frame[~hidden_groups(frame[count], first=_importance(frame))].reset_index(drop=True)


def _importance(frame: pd.DataFrame) -> list[int] | None:
    is_of_labels = "label" in frame and frame["label"].is_unique and frame["label"].isin(LABELS).all()
    return [-LABELS.index(label) for label in frame["label"]] if is_of_labels else None


def shown_within(frame: pd.DataFrame, *, by: str, count: str = "learners") -> pd.DataFrame:
    """Return the rows that may be shown beside the totals of the values of `by`, those of them that `shown` shows.

    Where such a total is hidden, all its rows would tell it: so many are hidden that they do not.
    """
    sizes = frame[count].to_numpy(dtype=int)
    totals = frame.groupby(by, sort=False)[[count]].sum().reset_index()
    rank = _importance(totals)
    in_order = totals[by].iloc[_largest_first(np.asarray(totals[count] if rank is None else rank))]
    lines = [(frame[by] == value).to_numpy(dtype=int) for value in in_order]
    order = _largest_first(sizes)
    told = may_be_told(sizes, [*lines, *np.eye(len(sizes))[order]], known=[np.ones(len(sizes))])
    return frame.iloc[np.sort(order[told[len(lines) :]])].reset_index(drop=True)


def shown_across(frame: pd.DataFrame, *, by: str, of: str, count: str = "learners") -> pd.DataFrame:
    """Return the totals of the values of `of` that may be shown beside those of `by`, as `shown` shows these.

    Parameters
    ----------
    frame
        A row for each pair of values; `of` is missing where somebody has none, and no such total is asked for.
    """
    sizes = frame[count].to_numpy(dtype=int)
    first, then = (
        frame.dropna(subset=[name]).groupby(name, sort=False)[[count]].sum().reset_index()
        for name in (by, of)
    )
    rank = _importance(first)
    in_order = first[by].iloc[_largest_first(np.asarray(first[count] if rank is None else rank))]
    asked = then.sort_values([count, of], ascending=[False, True], ignore_index=True)
    sums = [
        *((frame[by] == value).to_numpy() for value in in_order),
        *((frame[of] == value).to_numpy() for value in asked[of]),
    ]
    told = may_be_told(sizes, sums, known=[np.ones(len(sizes))])
    return asked[told[len(in_order) :]].reset_index(drop=True)


class Directions(NamedTuple):
    """Cells of a table of moves, by whether it got worse; its labels stand worst first."""

    worse: Flags
    better: Flags


def directions(table: pd.DataFrame) -> Directions:
    """Return the two directions of a table of moves: of those who had a score on both days."""
    above: Flags = np.triu(_streams(table), 1)
    return Directions(np.tril(_streams(table), -1), above)


def told_directions(table: pd.DataFrame) -> Directions:
    """Return each direction whose total may be told beside the labels' of both days; no cells for one that may not."""
    both, (known, totals) = directions(table), _totals(table)
    asked = [*totals, *(cells.ravel() for cells in both)]
    told = may_be_told(table.to_numpy(dtype=int).ravel(), asked, known=known)[len(totals) :]
    return Directions(*(cells & bool(is_told) for cells, is_told in zip(both, told, strict=True)))


def masked(table: pd.DataFrame) -> pd.DataFrame:
    """Return the streams of a table of moves, missing those that must be hidden beside the totals that are told.

    Those are the labels' on both days, which other pages tell, and each direction's.

    Parameters
    ----------
    table
        `cohorts.all_moves`: who is not `SCORED_LABELS` on one of the days counts in a total, and is no stream.
    """
    sizes, is_stream = table.to_numpy(dtype=int), _streams(table)
    known, totals = _totals(table)
    first = [*totals, *(cells.ravel() for cells in directions(table))]
    order = [place for place in _largest_first(sizes.ravel()) if is_stream.flat[place]]
    told = may_be_told(sizes.ravel(), [*first, *np.eye(sizes.size)[order]], known=known)[len(first) :]
    shown: Flags = np.zeros(sizes.size, dtype=bool)
    shown[order] = told
    streams = table.astype("Int64").where(shown.reshape(sizes.shape))
    scored = [label for label in table.index if label not in {UNKNOWN, ABSENT}]
    return streams.loc[scored, scored]


def _totals(table: pd.DataFrame) -> tuple[list[Flags], list[Flags]]:
    """Return what is known of the two days, how many were there, and what is told of them first: each label."""
    there = [label != ABSENT for label in table.index]
    rows, columns = np.indices(table.shape)
    lines = [
        (side == place).ravel()
        for side in (rows, columns)
        for place, is_there in enumerate(there)
        if is_there
    ]
    half = len(lines) // 2
    return [np.any(day, axis=0) for day in (lines[:half], lines[half:])], lines


def _streams(table: pd.DataFrame) -> Flags:
    """Return which cells are streams: all, but for those of who had no score on one of the days."""
    has_score = ~table.index.isin([UNKNOWN, ABSENT])
    return np.asarray(np.outer(has_score, has_score))
