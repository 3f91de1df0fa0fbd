"""What may be shown of counts, so that nobody in a small group can be told from it.

Counts of fewer than ten people are hidden, and with them whatever would give them away: other counts, so that for all
that is shown, and for the totals, which are often known from elsewhere, each small group could as well be one of ten.
That is the usual suppression of cells, first of small ones, then of complementary ones (L. Willenborg and T. de Waal,
"Elements of Statistical Disclosure Control", 2001, chapter 6). One function decides for every table, title and picture.

A page of one program lies beside the page of all, and one can be taken from the other: what is left must tell of no
small group either. So what decides for a part is told `beside` which groups it is a part of, each with a page of its
own: everybody; or its program, its cohort and everybody.
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

_SHARES: Final = ("share_percent",)  # what stands beside a count, and follows from it

_IS_THERE: Final = "\0is there"  # whether a page has the row, be it of nobody

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


class _Page(NamedTuple):
    """What one page is asked: how many of each kind there are, the sums in their order, and those known anyhow."""

    sizes: Counts
    sums: Any
    known: Any


def _told(own: _Page, larger: Sequence[_Page]) -> Flags:
    """Return which sums of a page may be told beside those of the larger ones, of all of whom it is a part.

    What the larger tell is decided first, and by them alone: their pages are the same whichever other there is.
    """
    if not larger:
        return may_be_told(own.sizes, own.sums, known=own.known)
    sizes, members = _apart(own.sizes, [page.sizes for page in larger])
    if (sizes < 0).any():  # no part of them, as where of so few nothing is looked at
        return np.zeros(len(own.sums), dtype=bool)
    kinds = np.eye(len(own.sizes))
    told, decided = list[tuple[Flags, Any]](), np.zeros(0, dtype=bool)
    for page, member in reversed([*zip([own, *larger], members, strict=True)]):
        around = [(other, lines) for other, lines in told if (other & member).sum() == member.sum()]
        known = [np.kron(member, page.known), *(lines for _, lines in around)]
        private = [np.kron(group, kinds) for other, _ in around for group in (other, other & ~member)]
        asked = np.kron(member, page.sums)
        decided = may_be_told(
            sizes, asked, known=np.vstack(known), private=np.vstack([np.kron(member, kinds), *private])
        )
        told.append((member, np.vstack([known[0], asked[decided]])))
    return decided


def _apart(own: Counts, larger: Sequence[Counts]) -> tuple[Counts, list[Flags]]:
    """Return the sizes of groups that have nobody in common, and of which of them each page is, its own first."""
    if len(larger) == 1:
        parts, places = [own, larger[0] - own], [[0], [0, 1]]
    else:
        first, second, everybody = larger
        rest = everybody - first - second + own
        parts, places = [own, first - own, second - own, rest], [[0], [0, 1], [0, 2], [0, 1, 2, 3]]
    members = [np.isin(np.arange(len(parts)), of) for of in places]
    return np.concatenate(parts), members


def _aligned(frames: Sequence[pd.DataFrame], count: str) -> list[pd.DataFrame]:
    """Return the frames with a row for each kind of the last, which has them all."""
    if len(frames) == 1:
        return [frames[0].assign(**{_IS_THERE: True})]
    keys = [name for name in frames[-1] if name not in {count, *_SHARES}]
    kinds = frames[-1][keys]
    found = [kinds.merge(frame[[*keys, count]], how="left", on=keys) for frame in frames]
    there = [frame.assign(**{_IS_THERE: frame[count].notna()}) for frame in found]
    return [frame.assign(**{count: frame[count].fillna(0).astype(int)}) for frame in there]


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


def shown(
    frame: pd.DataFrame, *, beside: Sequence[pd.DataFrame] = (), count: str = "learners"
) -> pd.DataFrame:
    """Return the rows of a table that may be shown, given that its total is known.

    Of risk labels, the one that matters least is hidden with a small one: low before medium before high.
    """
    if not beside:
        return frame[~hidden_groups(frame[count], first=_importance(frame))].reset_index(drop=True)
    pages = _aligned([frame, *beside], count)
    own, *larger = (_of_rows(page, count) for page in pages)
    order = _largest_first(_rank(pages[0], count))
    told = pages[0].iloc[order[_told(own, larger)]]
    keys = [name for name in told if name not in {count, _IS_THERE}]
    return frame.merge(told[keys], on=keys)


def _of_rows(page: pd.DataFrame, count: str) -> _Page:
    sizes = page[count].to_numpy(dtype=int)
    return _Page(sizes, np.eye(len(sizes))[_largest_first(_rank(page, count))], np.ones((1, len(sizes))))


def _rank(frame: pd.DataFrame, count: str) -> npt.NDArray[Any]:
    rank = _importance(frame)
    return np.asarray(frame[count] if rank is None else rank)


def _importance(frame: pd.DataFrame) -> list[int] | None:
    is_of_labels = "label" in frame and frame["label"].is_unique and frame["label"].isin(LABELS).all()
    return [-LABELS.index(label) for label in frame["label"]] if is_of_labels else None


def shown_within(
    frame: pd.DataFrame, *, by: str, beside: Sequence[pd.DataFrame] = (), count: str = "learners"
) -> pd.DataFrame:
    """Return the rows that may be shown beside the totals of the values of `by`, those of them that `shown` shows.

    Where such a total is hidden, all its rows would tell it: so many are hidden that they do not.
    """
    pages = _aligned([frame, *beside], count)
    own, *larger = (_of_totals_and_rows(page, around, by, count) for page, around in _with_larger(pages))
    rows = _largest_there(pages[0], count)
    told = _told(own, larger)
    shown = pages[0].iloc[np.sort(rows[told[len(told) - len(rows) :]])]
    return shown.drop(columns=_IS_THERE).reset_index(drop=True)


def _of_totals_and_rows(page: pd.DataFrame, larger: Sequence[pd.DataFrame], by: str, count: str) -> _Page:
    sizes = page[count].to_numpy(dtype=int)
    lines = [(page[by] == value).to_numpy(dtype=int) for value in _in_order(page, by, count)]
    rows = np.eye(len(sizes))[_largest_there(page, count)]
    sums = np.reshape([*lines, *rows], (len(lines) + len(rows), len(sizes)))
    return _Page(sizes, sums, np.vstack([np.ones(len(sizes)), *_told_elsewhere(page, larger, by, count)]))


def _with_larger(pages: Sequence[Any]) -> list[tuple[Any, Sequence[Any]]]:
    """Return each page with the larger ones that it is beside: its own, its program's, its cohort's, everybody's."""
    own, *larger = pages
    return [
        (own, larger),
        *((page, larger[-1:]) for page in larger[:-1]),
        *((page, ()) for page in larger[-1:]),
    ]


def _told_elsewhere(
    page: pd.DataFrame, larger: Sequence[pd.DataFrame], by: str, count: str
) -> list[npt.NDArray[np.int_]]:
    """Return the totals of values of `by` that `shown` tells of the page, which know nothing of its other counts."""
    totals, *beside = (each.groupby(by, sort=False)[[count]].sum().reset_index() for each in (page, *larger))
    told = shown(totals, beside=beside, count=count)
    return [(page[by] == value).to_numpy(dtype=int) for value in told[by]]


def _largest_there(page: pd.DataFrame, count: str) -> npt.NDArray[np.intp]:
    """Return the places of the rows that the page has, the largest first."""
    order = _largest_first(page[count].to_numpy(dtype=int))
    there: npt.NDArray[np.intp] = order[page[_IS_THERE].to_numpy(dtype=bool)[order]]
    return there


def _in_order(page: pd.DataFrame, by: str, count: str) -> pd.Series:
    """Return the values of `by` in the order in which their totals are told."""
    totals = page[page[_IS_THERE]].dropna(subset=[by]).groupby(by, sort=False)[[count]].sum().reset_index()
    return totals[by].iloc[_largest_first(_rank(totals, count))]


def shown_across(
    frame: pd.DataFrame, *, by: str, of: str, beside: Sequence[pd.DataFrame] = (), count: str = "learners"
) -> pd.DataFrame:
    """Return the totals of the values of `of` that may be shown beside those of `by`, as `shown` shows these.

    Parameters
    ----------
    frame
        A row for each pair of values; `of` is missing where somebody has none, and no such total is asked for.
    """
    pages = _aligned([frame, *beside], count)
    own, *larger = (_of_both_totals(page, around, by, of, count) for page, around in _with_larger(pages))
    asked = _totals_of(pages[0], of, count)
    told = _told(own, larger)
    return asked[told[len(told) - len(asked) :]].reset_index(drop=True)


def _totals_of(page: pd.DataFrame, of: str, count: str) -> pd.DataFrame:
    totals = page[page[_IS_THERE]].dropna(subset=[of]).groupby(of, sort=False)[[count]].sum().reset_index()
    return totals.sort_values([count, of], ascending=[False, True], ignore_index=True)


def _of_both_totals(
    page: pd.DataFrame, larger: Sequence[pd.DataFrame], by: str, of: str, count: str
) -> _Page:
    sizes = page[count].to_numpy(dtype=int)
    lines = [
        *((page[by] == value).to_numpy(dtype=int) for value in _in_order(page, by, count)),
        *((page[of] == value).to_numpy(dtype=int) for value in _totals_of(page, of, count)[of]),
    ]
    known = np.vstack([np.ones(len(sizes)), *_told_elsewhere(page, larger, by, count)])
    return _Page(sizes, np.reshape(lines, (len(lines), len(sizes))), known)


class Directions(NamedTuple):
    """Cells of a table of moves, by whether it got worse; its labels stand worst first."""

    worse: Flags
    better: Flags


def directions(table: pd.DataFrame) -> Directions:
    """Return the two directions of a table of moves: of those who had a score on both days."""
    above: Flags = np.triu(_streams(table), 1)
    return Directions(np.tril(_streams(table), -1), above)


def told_directions(table: pd.DataFrame, *, beside: Sequence[pd.DataFrame] = ()) -> Directions:
    """Return each direction whose total may be told beside the labels' of both days; no cells for one that may not."""
    told, both = _told_moves(table, beside), directions(table)
    first = len(told) - len(_streams_in_order(table)) - len(both)
    return Directions(*(cells & bool(is_told) for cells, is_told in zip(both, told[first:], strict=False)))


def masked(table: pd.DataFrame, *, beside: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Return the streams of a table of moves, missing those that must be hidden beside the totals that are told.

    Those are the labels' on both days, which other pages tell, and each direction's.

    Parameters
    ----------
    table
        `cohorts.all_moves`: who is not `SCORED_LABELS` on one of the days counts in a total, and is no stream.
    """
    told, order = _told_moves(table, beside), _streams_in_order(table)
    shown: Flags = np.zeros(table.size, dtype=bool)
    shown[order] = told[len(told) - len(order) :]
    streams = table.astype("Int64").where(shown.reshape(table.shape))
    scored = [label for label in table.index if label not in {UNKNOWN, ABSENT}]
    return streams.loc[scored, scored]


def _told_moves(table: pd.DataFrame, beside: Sequence[pd.DataFrame]) -> Flags:
    """Return what may be told of moves, first of the labels of both days, then of the directions and of the streams."""
    pages = []
    for each, larger in _with_larger([table, *beside]):
        known, totals = _totals(each)
        known += _labels_told(each, larger)
        ways = [cells.ravel() for cells in directions(each)]
        streams = np.eye(each.size)[_streams_in_order(each)]
        pages.append(
            _Page(each.to_numpy(dtype=int).ravel(), np.vstack([*totals, *ways, *streams]), np.vstack(known))
        )
    return _told(pages[0], pages[1:])


def _labels_told(table: pd.DataFrame, larger: Sequence[pd.DataFrame]) -> list[Flags]:
    """Return the cells of the labels that are told of each of the two days, beside those of the larger cohorts."""
    found, places = [], np.indices(table.shape)
    for axis, side in enumerate(places):
        own, *beside = (_labels_of_day(each, axis) for each in (table, *larger))
        for label in shown(own, beside=beside)["label"]:
            found.append(side.ravel() == list(table.index).index(label))
    return found


def _labels_of_day(table: pd.DataFrame, axis: int) -> pd.DataFrame:
    counts = (table.T if axis else table).sum(axis=1).drop(index=ABSENT, errors="ignore")
    return pd.DataFrame({"label": counts.index, "learners": counts.to_numpy(dtype=int)})


def _streams_in_order(table: pd.DataFrame) -> list[int]:
    is_stream = _streams(table)
    return [place for place in _largest_first(table.to_numpy(dtype=int).ravel()) if is_stream.flat[place]]


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
