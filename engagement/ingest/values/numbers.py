"""Numbers: a decimal point or comma, a percent sign, points of so many; what may be two numbers is none."""

from typing import Final

from engagement.ingest.schema import Column
from engagement.ingest.source.source_format import FULL, SourceFormat
from engagement.ingest.values.reading import Reading, literal, matches, plain, said, without, written

_NUMBER: Final = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_COMMA: Final = r"[+-]?[0-9]*,[0-9]+"
_THOUSANDS: Final = r"[+-]?[1-9][0-9]{0,2},[0-9]{3}"  # or three decimals: nobody can tell
_PARTED: Final = {  # by their other mark, or by the second of the same, it is plain which one parts thousands
    r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+,[0-9]+": ("[.]", ","),
    r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+": ("[,]", "."),
    r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3}){2,}": ("[.]", ","),
    r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){2,}": ("[,]", "."),
}
_POINTS_OF: Final = r"([0-9]+[.]?[0-9]*) ?/ ?([0-9]*[1-9][0-9]*[.]?[0-9]*)"
# What Blackboard writes where an attempt waits for its teacher, with the points so far.
_NOT_YET: Final = r"(?i)(needs grading|in progress)\s*\(.*\)"
# Percent; with more, it is another scale, or a slip of the finger.
_MOST_BONUS: Final = 200
_MISSING_SAYS: Final = "`--missing WORD` where it stands for nothing"


def number(
    column: Column, source_format: SourceFormat, *, comma_is_decimal: bool, in_own_words: bool
) -> Reading:
    """Return how a number is read; one of the source's own scale becomes percent."""
    name, there = column.name, written(column.name)
    quick = f"try_cast({name} as double)"
    is_plain = f"isfinite({quick}) and not contains({name}, '_')"
    if in_own_words:
        is_plain += f" and not list_contains($missing, lower({name}))"
    bare = without(without(plain(name), "\N{MINUS SIGN}", "-"), f"^{_NOT_YET}$")
    ambiguous = "false" if comma_is_decimal else matches(there, _THOUSANDS)
    return Reading(
        f"case when {is_plain} then {_in_percent(quick, column, source_format)} end",
        said(bare, column.missing, in_own_words=in_own_words),
        _value(column, source_format, ambiguous),
        f"case when {ambiguous} then 'a comma that may part thousands or decimals; write a point' "
        f"else {literal(f'not a number; {_MISSING_SAYS}')} end",
        _checks(column, source_format),
        *_capped(column, source_format),
    )


def is_signed(column: Column) -> str:
    """Return the SQL for whether a cell says itself that it is in percent, and so nothing of the scale of others."""
    there = written(column.name)
    return f"coalesce(ends_with({there}, '%') or contains({there}, '/'), false)"


def _value(column: Column, source_format: SourceFormat, ambiguous: str) -> str:
    there = written(column.name)
    cases = [
        (matches(there, _NUMBER), _in_percent(f"try_cast({there} as double)", column, source_format)),
        (
            f"{matches(there, _COMMA)} and not {ambiguous}",
            _in_percent(f"try_cast(replace({there}, ',', '.') as double)", column, source_format),
        ),
        *(
            (
                matches(there, pattern),
                _in_percent(
                    f"try_cast(replace({without(there, parts)}, '{mark}', '.') as double)",
                    column,
                    source_format,
                ),
            )
            for pattern, (parts, mark) in _PARTED.items()
        ),
    ]
    if column.is_percent:
        bare = without(there, r"\s*%$")
        points, of = (f"regexp_extract({there}, {literal(_POINTS_OF)}, {part})::double" for part in (1, 2))
        cases += [
            (
                f"ends_with({there}, '%') and {matches(bare, f'{_NUMBER}|{_COMMA}')}",
                f"try_cast(replace({bare}, ',', '.') as double)",
            ),
            (matches(there, _POINTS_OF), f"round({points} * 100 / {of}, 9)"),
        ]
    return "case " + " ".join(f"when {condition} then {value}" for condition, value in cases) + " end"


def _checks(column: Column, source_format: SourceFormat) -> tuple[tuple[str, str], ...]:
    name = column.name
    outside = f"outside {column.low} to {column.high}"
    if not column.is_percent:
        checks = [(f"{name} < {column.low} or {name} > {column.high}", outside)]
    elif source_format.cap is None:
        bonus = f"{name} > {column.high} and {name} <= {_MOST_BONUS}"
        checks = [
            (f"{name} < {column.low} or {name} > {_MOST_BONUS}", outside),
            (bonus, f"{outside}; `--cap {FULL}` takes bonus points as {FULL}"),
        ]
    else:
        checks = [(f"{name} < {column.low} or {name} > {_MOST_BONUS}", outside)]
    if column.kind == "whole":
        checks.append((f"{name} <> floor({name})", "not a whole number"))
    return tuple(checks)


def _capped(column: Column, source_format: SourceFormat) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the oddity of a cell with bonus points, and what is kept of it."""
    name, high = column.name, source_format.cap
    if high is None or not column.is_percent:
        return (), ""
    bonus = f"{name} > {high} and {name} <= {_MOST_BONUS}"
    return ((bonus, f"above {high}, taken as {high}"),), f"case when {bonus} then {high} else {name} end"


def _in_percent(number: str, column: Column, source_format: SourceFormat) -> str:
    """Return the SQL for a number of the source's scale in percent: 0.29 is 29, not 28.999999999999996."""
    return f"round({number} * 100, 9)" if source_format.percent_scale.get(column.name) == 1 else number
