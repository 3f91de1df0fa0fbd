"""The rules of `schema` as SQL: what a text becomes, and every reason why it cannot.

Built as expressions over a table of text columns, because a million rows are checked in one pass there, and all
reasons of a row are found, not just the first. Only names from `schema` are formatted into SQL, never a value.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from engagement.ingest.schema import FALSE_WORDS, TRUE_WORDS, Column
from engagement.ingest.source_format import SPREADSHEET_DAYS, SourceFormat

READABLE: Final = ("number", "whole", "instant", "flag", "choice")  # a text of these may mean nothing
NO_INSTANT: Final = "not an ISO date or time"

_SPACES: Final = r"\s\x{A0}\x{2007}\x{200B}\x{202F}\x{FEFF}"  # no-break and zero-width ones among them
_NUMBER: Final = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_COMMA: Final = r"^[+-]?[0-9]*,[0-9]+$"
_THOUSANDS: Final = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"  # or three decimals: nobody can tell
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_LOCAL: Final = f"^{_DATE}({_TIME})?$"
_ZONE: Final = r" ?(Z|z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
# Before it, a year was written with two digits, or the date stands for never.
_EARLIEST: Final = "timestamp '1900-01-01'"
_DAY_NUMBER: Final = r"^[0-9]{5}([.,][0-9]+)?$"  # 18 May 1927 to 13 October 2173
_EMAIL: Final = r"^[^@\s]+@[^@\s]+$"
# What spreadsheets make of a long number, or of a number in a column with gaps.
_MANGLED: Final = r"^[0-9]+[.,]0+$|^[0-9]([.,][0-9]+)?[eE][+][0-9]+$"


def written(column: Column) -> str:
    """Return the name of the column that holds the trimmed text, null where it is missing."""
    return f"{column.name}_text"


def quick(column: Column) -> str:
    """Return the name of the column that holds what most texts are at first sight; null for those to be mended."""
    return f"{column.name}_quick"


def quick_value(column: Column, source_format: SourceFormat) -> str:
    """Return the SQL for `quick`, the value of a text as it is mostly written, or a text without outer white space.

    It spares most of a million rows the patterns of all that a text could be.
    """
    name = column.name
    match column.kind:
        case "number" | "whole":
            number = f"try_cast({name} as double)"
            is_plain = f"isfinite({number}) and not contains({name}, '_')"
            return f"case when {is_plain} then {_in_percent(number, column, source_format)} end"
        case "flag":
            return f"case lower({name}) when 'true' then true when 'false' then false end"
        case "choice":
            is_choice = " or ".join(f"{name} = '{choice}'" for choice in column.choices)
            return f"case when {is_choice} then {name} end"
        case "instant" if not source_format.date_formats:
            naive = _in_utc(f"try_cast({name} as timestamp)", source_format)
            return f"case when regexp_matches({name}, '{_LOCAL}') then {naive} end"
        case "instant":
            return "null::timestamp"
        case _:
            first, last = f"{name}[1]", f"{name}[-1]"
            longest = max(map(len, column.missing))
            ends = f"{first} between '!' and '~' and {last} between '!' and '~'"
            return f"case when strlen({name}) > {longest} and {ends} then {name} end"


def text(column: Column) -> str:
    """Return the SQL for the text without the white space around it, null where it stands for nothing."""
    name = column.name
    trimmed = f"regexp_replace({name}, '^[{_SPACES}]+|[{_SPACES}]+$', '', 'g')"
    mended = f"case when not {_is_one_of(trimmed, column.missing)} then {trimmed} end"
    return f"case when {quick(column)} is not null then {name} else {mended} end"


def value(column: Column, source_format: SourceFormat, *, comma_is_decimal: bool) -> str:
    """Return the SQL for what the text means: null where it is missing or cannot be read.

    An instant is naive UTC; one written without a zone is in the zone of the parameter `$zone`.
    """
    slow = _slow_value(column, source_format, comma_is_decimal)
    if column.kind not in READABLE:
        return slow
    return f"case when {quick(column)} is not null then {quick(column)} else {slow} end"


def _slow_value(column: Column, source_format: SourceFormat, comma_is_decimal: bool) -> str:
    name = written(column)
    match column.kind:
        case "number" | "whole":
            return _number(column, source_format, comma_is_decimal)
        case "flag":
            yes, no = _is_one_of(name, TRUE_WORDS), _is_one_of(name, FALSE_WORDS)
            return f"case when {yes} then true when {no} then false end"
        case "choice":
            return f"case when {_is_one_of(name, column.choices)} then lower({name}) end"
        case "instant":
            return _instant(name, source_format)
        case "email":
            return f"lower({name})"
        case "json":
            # nested, because `and` may try the right side first, and json_type raises on what is not JSON
            return f"case when json_valid({name}) then case when json_type({name}) = 'OBJECT' then {name} end end"
        case "text" | "id":
            return name


def parameters(source_format: SourceFormat) -> dict[str, Any]:
    """Return what the SQL of `value` may refer to."""
    return {
        "zone": source_format.timezone,
        "date_formats": source_format.local_formats,
        "formats_with_zone": source_format.zoned_formats,
    }


def checks(column: Column) -> list[tuple[str, str]]:
    """Return what can be wrong with `column`: the SQL of each condition, and the reason in words.

    Its text stands beside it as `written`, its value under its own name.
    """
    name, there = column.name, written(column)
    found: list[tuple[str, str]] = []
    if column.in_every_row:
        found.append((f"{there} is null", "missing"))
    unread = f"{there} is not null and {name} is null"
    match column.kind:
        case "number" | "whole":
            found.append((unread, "not a number"))
            found.append(
                (f"{name} < {column.low} or {name} > {column.high}", f"outside {column.low} to {column.high}")
            )
            if column.kind == "whole":
                found.append((f"{name} <> floor({name})", "not a whole number"))
        case "flag":
            found.append((unread, "neither yes nor no"))
        case "choice":
            found.append((unread, f"not one of {', '.join(column.choices)}"))
        case "instant":
            found.append((unread, NO_INSTANT))
            found.append((f"{name} < {_EARLIEST}", "before the year 1900"))
        case "email":
            found.append((f"not regexp_matches({there}, '{_EMAIL}')", "not an address"))
        case "json":
            found.append((unread, "not a JSON object"))
        case "id":
            found.append(
                (f"regexp_matches({there}, '{_MANGLED}')", "a number that a spreadsheet has changed")
            )
        case "text":
            pass
    if column.kind in ("text", "id", "email", "json"):
        found.append((f"contains({there}, chr(0))", "holds a NUL byte"))
    found.append((f"length({there}) > {column.longest}", f"longer than {column.longest} characters"))
    return [(condition, f"{name}: {reason}") for condition, reason in found]


def _number(column: Column, source_format: SourceFormat, comma_is_decimal: bool) -> str:
    """Return the SQL for a number with a decimal point or comma, and in percent with or without the sign."""
    name = written(column)
    plain = _in_percent(f"try_cast({name} as double)", column, source_format)
    unambiguous = "" if comma_is_decimal else f" and not regexp_matches({name}, '{_THOUSANDS}')"
    comma = _in_percent(f"try_cast(replace({name}, ',', '.') as double)", column, source_format)
    sql = (
        f"case when regexp_matches({name}, '{_NUMBER}') then {plain} "
        f"when regexp_matches({name}, '{_COMMA}'){unambiguous} then {comma}"
    )
    if column.is_percent:
        bare = f"regexp_replace({name}, '[{_SPACES}]*%$', '')"
        sql += (
            f" when ends_with({name}, '%') and regexp_matches({bare}, '{_NUMBER}|{_COMMA}') "
            f"then try_cast(replace({bare}, ',', '.') as double)"
        )
    return sql + " end"


def _in_percent(number: str, column: Column, source_format: SourceFormat) -> str:
    """Return the SQL for a number of the source's scale in percent: 0.29 is 29, not 28.999999999999996."""
    return f"round({number} * 100, 9)" if source_format.percent_scale.get(column.name) == 1 else number


def _in_utc(local: str, source_format: SourceFormat) -> str:
    return local if source_format.timezone == "UTC" else f"timezone('UTC', timezone($zone, {local}))"


def _instant(name: str, source_format: SourceFormat) -> str:
    # no space before the zone, and its name in one of the ways that a cast reads
    iso_zone = f"regexp_replace(regexp_replace({name}, ' ?(z|UTC|GMT)$', 'Z'), ' ([+-])', '\\1')"
    aware = f"timezone('UTC', try_cast({iso_zone} as timestamptz))"
    naive = _in_utc(f"try_cast({name} as timestamp)", source_format)
    iso = (
        f"when regexp_matches({name}, '{_LOCAL}') then {naive} "
        f"when regexp_matches({name}, '^{_DATE}{_TIME}{_ZONE}$') then {aware}"
    )
    branches = [iso]
    if any(text.startswith("%Y-") for text in source_format.date_formats):
        branches = []  # a format that begins with the year says what 2026-02-01 means: it is no ISO date besides
    if source_format.zoned_formats:
        parsed = f"try_strptime({name}, $formats_with_zone)"  # in UTC
        branches.append(f"when {parsed} is not null then {parsed}")
    if source_format.local_formats:
        parsed = f"try_strptime({name}, $date_formats)"
        branches.append(f"when {parsed} is not null then {_in_utc(parsed, source_format)}")
    if SPREADSHEET_DAYS in source_format.date_formats:
        days = f"try_cast(replace({name}, ',', '.') as double)"
        moment = f"timestamp '1899-12-30' + to_seconds(round({days} * 86400)::bigint)"
        branches.append(f"when regexp_matches({name}, '{_DAY_NUMBER}') then {_in_utc(moment, source_format)}")
    return f"case {' '.join(branches)} end"


def _is_one_of(text: str, words: Sequence[str]) -> str:
    """Return the SQL for it, in any case; a pattern, because a longer `in` becomes a join over all rows."""
    return f"regexp_matches({text}, '^(?i:{'|'.join(map(re.escape, words))})$')"
