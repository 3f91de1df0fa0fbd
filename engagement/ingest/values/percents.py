"""Percents or fractions of 1: a column that may be either is asked about, because half done is not half a percent.

Most values decide, so that a slip of the finger does not; one with a percent sign says what it is itself, and nothing
of the others. What the column held at the last load counts beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engagement.errors import InvalidInput
from engagement.ingest.schema import Column
from engagement.ingest.source.source_format import SourceFormat
from engagement.ingest.values.numbers import is_signed
from engagement.store import Cursor, first_row

# More than this share of the values above 0 in 0 to 1, and a column of percents is not only low.
_MOST: Final = 0.5
Known = Mapping[str, Mapping[str, Any]]  # by column: its `scale`, and the `median` above 0 in percent


@dataclass(frozen=True)
class _Counts:
    """Of the values of a column that say nothing of their scale: how many are above 0, to 1, below 1, and above 100."""

    above: int
    low: int
    fractions: int
    outside: int


def signed(columns: Sequence[Column]) -> str:
    """Return the SQL for which cells of a row say themselves that they are in percent: a bit for each such column."""
    bits = [
        f"case when {is_signed(column)} then {2**at} else 0 end"
        for at, column in enumerate(column for column in columns if column.is_percent)
    ]
    return f"({' + '.join(bits) or '0'})::utinyint"


def refuse_fractions(
    stage: Cursor, name: str, columns: Sequence[Column], source_format: SourceFormat, known: Known
) -> None:
    """Raise `InvalidInput` where a column of `checked` may hold fractions of 1, or percent that were said to be some.

    `name` is the source's, `known` what its columns held at the last load.
    """
    percents = [column.name for column in columns if column.is_percent]
    if not percents:
        return
    counted = first_row(
        stage,
        "select " + ", ".join(_count(column, at) for at, column in enumerate(percents)) + " from checked",  # noqa: S608 (names from the schema)
    )
    asked = [
        why
        for column, counts in zip(percents, counted, strict=True)
        if (why := _odd(_Counts(*counts), source_format.percent_scale.get(column), known.get(column)))
        and (why := why.format(column=column))
    ]
    if asked:
        raise InvalidInput(f"{name}: {'; '.join(asked)}")


def _count(column: str, at: int) -> str:
    bare = f"(signed & {2**at}) = 0"
    inside = f"{column} > 0 and {column} <= 100 and {bare}"
    conditions = (
        inside,
        f"{inside} and {column} <= 1",
        f"{inside} and {column} < 1",
        f"{column} > 100 and {bare}",
    )
    return f"[{', '.join(f'count(*) filter (where {condition})' for condition in conditions)}]"


def _odd(counts: _Counts, scale: int | None, known: Mapping[str, Any] | None) -> str | None:
    """Return what speaks against the scale by which a column was read, None where nothing does."""
    if scale == 1:
        more, there = counts.outside, counts.outside + counts.above
        if more <= _MOST * there:
            return None
        return (
            f"{{column}} is said to be fractions of 1, and {more:,} of {there:,} values are more than 1; "
            "`--percent-scale {column}=100` reads them as percent"
        )
    was_fractions = known is not None and known["scale"] == 1
    was_low = known is not None and not was_fractions and (known["median"] or 100) <= 1
    only_ones = 0 < counts.low == counts.above and not counts.fractions
    mostly_low = counts.fractions > 0 and counts.low > _MOST * counts.above
    if scale == 100 or not (only_ones or mostly_low or (was_fractions and counts.fractions)) or was_low:
        return None
    said = (
        "{column} holds only 0 and 1, which may be percent, or done and not done"
        if only_ones
        else "{column} holds only fractions of 1, where percent are needed"
        if counts.low == counts.above
        else f"{{column}} holds fractions of 1, where percent are needed: {counts.low:,} of {counts.above:,} values "
        "above 0"
    )
    before = ""
    if was_fractions:
        before = "; at the last load it was read as fractions"
    elif known is not None and known["median"]:
        before = f"; at the last load it was in percent, {known['median']:.3g} in the middle"
    return (
        f"{said}{before}; `--percent-scale {{column}}=1` reads 1 as all of it, "
        "`--percent-scale {column}=100` leaves them as they are"
    )


def held(db: Cursor, columns: Sequence[Column], source_format: SourceFormat) -> dict[str, dict[str, Any]]:
    """Return what the percent columns of the accepted rows of `checked` hold, for the next load to compare with."""
    percents = [column.name for column in columns if column.is_percent]
    if not percents:
        return {}
    medians = first_row(
        db,
        "select "  # noqa: S608 (names from the schema)
        + ", ".join(
            f"approx_quantile({name}, 0.5) filter ({name} > 0 and reasons is null)" for name in percents
        )
        + " from temp.checked",
    )
    return {
        name: {"scale": source_format.percent_scale.get(name, 100), "median": median}
        for name, median in zip(percents, medians, strict=True)
    }
