"""What may be shown of a table of counts, so that nobody in a small group can be told from it.

Counts of fewer than ten people are hidden, and with them whatever would give them away: other counts, so that no
hidden one follows from what is shown and from the totals, which are often known from elsewhere. That is the usual
suppression of cells, first of small ones, then of complementary ones (L. Willenborg and T. de Waal, "Elements of
Statistical Disclosure Control", 2001, chapter 6).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

FEWEST: Final = 10  # people in a count that is shown
TOO_FEW: Final = f"Fewer than {FEWEST} learners: nothing is shown, so that nobody can be told from it."

Flags = npt.NDArray[np.bool_]


def hidden_groups(counts: Any) -> Flags:
    """Return which counts of a list must be hidden, given that their total is known.

    Where only one would be hidden, or fewer than ten people in all, their number would follow from the total: the next
    smallest is hidden with them. A count of 0 hides nobody.

    Examples
    --------
    >>> hidden_groups([50, 40, 9]).tolist()
    [False, True, True]
    >>> hidden_groups([50, 40, 9, 9]).tolist()
    [False, False, True, True]
    """
    sizes = np.asarray(counts, dtype=int)
    order = np.argsort(np.where(sizes == 0, np.iinfo(int).max, sizes), kind="stable")  # nobody comes last
    number = int(((sizes > 0) & (sizes < FEWEST)).sum())
    while 0 < number < len(sizes) and (number < 2 or sizes[order[:number]].sum() < FEWEST):
        number += 1
    hidden: Flags = np.zeros(len(sizes), dtype=bool)
    hidden[order[:number]] = True
    return hidden


def hidden_cells(counts: Any) -> Flags:
    """Return which cells of a two-way table must be hidden, given that the totals of rows and columns are known.

    More are hidden until no hidden cell is determined by the totals and the cells that are shown, and until those
    hidden in any row or column are ten people or more together, where there are enough to hide.
    """
    sizes = np.asarray(counts, dtype=int)
    hidden: Flags = (sizes > 0) & (sizes < FEWEST)
    while True:
        exposed = _determined(hidden) | _too_few(sizes, hidden)
        near = (exposed.any(axis=1)[:, None] | exposed.any(axis=0)[None, :]) & ~hidden
        if not near.any():
            return hidden
        candidates = np.argwhere(near)
        sized = [(sizes[tuple(cell)] == 0, sizes[tuple(cell)]) for cell in candidates]
        hidden[tuple(candidates[sized.index(min(sized))])] = True


def _too_few(sizes: npt.NDArray[np.int_], hidden: Flags) -> Flags:
    """Return the hidden cells of rows and columns in which fewer than ten people are hidden."""
    left = np.where(hidden, sizes, 0)
    rows = (left.sum(axis=1) < FEWEST)[:, None] & hidden
    columns = (left.sum(axis=0) < FEWEST)[None, :] & hidden
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
    """Return the rows of a table that may be shown, given that its total is known."""
    return frame[~hidden_groups(frame[count])].reset_index(drop=True)


def masked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a two-way table with the cells that must be hidden missing."""
    return table.astype("Int64").mask(hidden_cells(table))
