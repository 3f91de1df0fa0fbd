"""What may be shown of a table of counts, so that nobody in a small group can be told from it.

Counts of fewer than ten people are hidden, and with them whatever would give them away: other counts, so that no
hidden one follows from what is shown and from the totals, which are often known from elsewhere. That is the usual
suppression of cells, first of small ones, then of complementary ones (L. Willenborg and T. de Waal, "Elements of
Statistical Disclosure Control", 2001, chapter 6).
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement.vocabulary import LABELS, SMALLEST_GROUP

TOO_FEW: Final = f"Fewer than {SMALLEST_GROUP} learners are known by this date: of so few nothing is shown."

Flags = npt.NDArray[np.bool_]


def hidden_groups(counts: Any, *, first: Any = None) -> Flags:
    """Return which counts of a list must be hidden, given that their total is known.

    Where only one would be hidden, or fewer than ten people in all, their number would follow from the total: the next
    one is hidden with them. A count of 0 hides nobody.

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
    is_small: Flags = np.asarray((sizes > 0) & (sizes < SMALLEST_GROUP))
    rank = sizes if first is None else np.asarray(first)
    order = np.lexsort((rank, sizes == 0, ~is_small))  # nobody comes last
    number = int(is_small.sum())
    while 0 < number < len(sizes) and (number < 2 or sizes[order[:number]].sum() < SMALLEST_GROUP):
        number += 1
    hidden: Flags = np.zeros(len(sizes), dtype=bool)
    hidden[order[:number]] = True
    return hidden


def hidden_cells(counts: Any) -> Flags:
    """Return which cells of a two-way table must be hidden, given that the totals of rows and columns are known.

    More are hidden, as few learners as will do one step at a time, until no hidden cell is determined by the totals and
    the cells that are shown, and until those hidden in any row or column are ten people or more together, where there
    are enough to hide.
    """
    sizes = np.asarray(counts, dtype=int)
    hidden: Flags = np.asarray((sizes > 0) & (sizes < SMALLEST_GROUP))
    while True:
        exposed = np.argwhere(np.logical_or(_determined(hidden), _too_few(sizes, hidden)))
        ways = [way for cell in exposed for way in _ways(sizes, hidden, *cell)]
        if not ways:
            return hidden
        _, cells = min(ways)
        for cell in cells:
            hidden[cell] = True


def _ways(
    sizes: npt.NDArray[np.int_], hidden: Flags, row: int, column: int
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield what can be hidden with a cell, with the learners it hides: the other corners of a rectangle."""
    rows, columns = hidden.shape
    for other_row in set(range(rows)) - {row} or {row}:
        for other_column in set(range(columns)) - {column} or {column}:
            corners = [(row, other_column), (other_row, column), (other_row, other_column)]
            if cells := sorted({corner for corner in corners if not hidden[corner]}):
                yield int(sum(sizes[cell] for cell in cells)), cells


def _too_few(sizes: npt.NDArray[np.int_], hidden: Flags) -> Flags:
    """Return the hidden cells of rows and columns in which fewer than ten people are hidden."""
    left = np.where(hidden, sizes, 0)
    rows = (left.sum(axis=1) < SMALLEST_GROUP)[:, None] & hidden
    columns = (left.sum(axis=0) < SMALLEST_GROUP)[None, :] & hidden
    return np.asarray(rows | columns)


def _determined(hidden: Flags) -> Flags:
    """Return the hidden cells whose value follows from the totals: those that no change could keep them all."""
    cells = np.argwhere(hidden)
    found: Flags = np.zeros(hidden.shape, dtype=bool)
    if not len(cells):
        return found
    rows, columns = hidden.shape
    equations = np.zeros((rows + columns, len(cells)))
    for place, (row, column) in enumerate(cells):
        equations[row, place] = equations[rows + column, place] = 1
    rank = np.linalg.matrix_rank(equations)
    for place, (row, column) in enumerate(cells):
        unit = np.zeros((1, len(cells)))
        unit[0, place] = 1
        found[row, column] = np.linalg.matrix_rank(np.vstack([equations, unit])) == rank
    return found


def shown(frame: pd.DataFrame, *, count: str = "learners") -> pd.DataFrame:
    """Return the rows of a table that may be shown, given that its total is known.

    Of risk labels, the one that matters least is hidden with a small one: low before medium before high.
    """
    is_of_labels = "label" in frame and frame["label"].is_unique and frame["label"].isin(LABELS).all()
    first = [-LABELS.index(label) for label in frame["label"]] if is_of_labels else None
    return frame[~hidden_groups(frame[count], first=first)].reset_index(drop=True)


def shown_within(frame: pd.DataFrame, *, by: str, count: str = "learners") -> pd.DataFrame:
    """Return the rows that may be shown, given that the total of each value of `by` is known."""
    parts = [shown(part, count=count) for _, part in frame.groupby(by, sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else frame


def masked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a two-way table with the cells that must be hidden missing."""
    return table.astype("Int64").mask(hidden_cells(table))
