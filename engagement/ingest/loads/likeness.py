"""Whether a load is like those before it: how many rows it has, how much of each column is filled, and the medians.

Half a file, or a column that has gone empty, is read as it is written, and is wrong all the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from engagement.ingest.schema import Column
from engagement.store import Cursor, first_row, query

COMPARED: Final = 8  # loads
DROP: Final = 0.2  # of what was usual; less is how numbers go from week to week
SELDOM: Final = 0.1  # of the rows; what is filled less often comes and goes
FEWEST_ROWS: Final = 20  # that say what is usual


@dataclass(frozen=True)
class Profile:
    """What the accepted rows of a load hold: the shares of them that fill each column, and the medians of percents."""

    rows: int
    filled: Mapping[str, float]
    medians: Mapping[str, float]


def of(db: Cursor, columns: Sequence[Column]) -> Profile:
    """Return the profile of the accepted rows of `checked`."""
    names = [column.name for column in columns]
    percents = [column.name for column in columns if column.is_percent]
    counted = [f"count({name}) / greatest(count(*), 1)" for name in names]
    middles = [f"median({name})" for name in percents]
    rows, *found = first_row(
        db,
        f"select count(*), {', '.join([*counted, *middles])} from temp.checked where reasons is null",  # noqa: S608 (names from the schema)
    )
    shares, medians = found[: len(names)], found[len(names) :]
    there = {name: value for name, value in zip(percents, medians, strict=True) if value is not None}
    return Profile(rows, dict(zip(names, shares, strict=True)), there)


def unlike(db: Cursor, now: Profile) -> list[str]:
    """Return in words by what a load of learners falls short of the newest ones that had the same columns."""
    told = db.execute(
        query("ingest/last_profiles"), {"columns": sorted(now.filled), "most": COMPARED}
    ).fetchall()
    before = [Profile(**json.loads(profile)) for (profile,) in told]
    if not before or (usual := median(one.rows for one in before)) < FEWEST_ROWS:
        return []
    found = [f"{now.rows:,} rows, where {usual:,.0f} were usual"] if _fell(now.rows, usual) else []
    for name, share in now.filled.items():
        was = median(one.filled[name] for one in before)
        if was >= SELDOM and _fell(share, was):
            found.append(
                f"{name} is filled in {100 * share:.0f} % of the rows, where {100 * was:.0f} % were usual"
            )
    for name, middle in now.medians.items():
        known = [one.medians[name] for one in before if name in one.medians]
        if known and _fell(middle, median(known)):
            found.append(f"half of {name} is below {middle:.3g}, where {median(known):.3g} was usual")
    return found


def as_json(profile: Profile) -> str:
    """Return the profile as it is kept with its load."""
    return json.dumps(asdict(profile))


def _fell(now: float, usual: float) -> bool:
    return now < (1 - DROP) * usual
