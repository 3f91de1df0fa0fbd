"""A source held to the rules of `schema`: what a text becomes, every reason why it cannot, and what is refused whole.

The rules are expressions over a table of text columns, because a million rows are checked in one pass there, and all
reasons of a row are found, not just the first. Only names from `schema` are formatted into SQL, never a value.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest import readers
from engagement.ingest.schema import FALSE_WORDS, TRUE_WORDS, Column, Kind
from engagement.ingest.source_format import MAP_HINT, SPREADSHEET_DAYS, SourceFormat
from engagement.store import Cursor, Store, first_row, read_from

# Two columns in which not one value can be read are not a dirty file: their names stand over the wrong data.
SWAPPED_AT_LEAST: Final = 2
# In a column that is nearly empty, as last_login is at the start of a term, one bad row is only that.
UNREAD_AT_LEAST: Final = 2
UNREAD_SHARE: Final = 0.1
_READABLE: Final = ("number", "whole", "instant", "flag", "choice")  # a text of these may mean nothing
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
# In JSON outside of its texts: NaN, Infinity and a comma before an end, which the engine takes and nobody else does.
_NO_JSON: Final = r"(?i)nan|inf|,\s*[}\]]"
_JSON_TEXT: Final = r'"([^"\\]|\\.)*"'
# What spreadsheets make of a long number, or of a number in a column with gaps.
_MANGLED: Final = r"^[0-9]+[.,]0+$|^[0-9]([.,][0-9]+)?[eE][+][0-9]+$"


@dataclass(frozen=True, eq=False)
class Checked:
    """A source whose rows stand in the temporary table `checked`, every value read.

    Its column `reasons` has a line for each reason against a row, and is null where there is none. `not_rows` are
    the records that could not be split into columns.
    """

    source: readers.Source
    incoming: readers.Incoming
    content_hash: str
    rows: int
    not_rows: pd.DataFrame
    stamp: tuple[int, int] | None

    def refuse_changed(self) -> None:
        """Raise `InvalidInput` where the file is no longer what was read."""
        if readers.stamp(self.source) != self.stamp:
            raise InvalidInput(f"{self.incoming.name}: changed while it was read; is it still being written?")

    @property
    def columns(self) -> set[str]:
        """The names of the columns that the source has."""
        return {column.name for column in self.incoming.columns}


@contextmanager
def checked(
    store: Store, source: readers.Source, columns: Sequence[Column], source_format: SourceFormat
) -> Iterator[Checked]:
    """Hold the source open with its rows in the temporary table `checked`.

    Raises `InvalidInput` for a source that is refused whole.
    """
    before = readers.stamp(source)
    content_hash = readers.content_hash(source)
    with (
        store.staging() as stage,
        readers.opened(stage, source, columns, source_format) as incoming,
    ):
        with read_from(incoming.name):
            _read(stage, incoming, source_format)
        taken = first_row(stage, "select count(*) from checked")[0]
        not_rows = incoming.refused(stage, taken)
        loaded = Checked(source, incoming, content_hash, taken + len(not_rows), not_rows, before)
        loaded.refuse_changed()
        _refuse_swapped(stage, incoming)
        _refuse_fractions(stage, incoming, source_format)
        yield loaded


def _read(stage: Cursor, incoming: readers.Incoming, source_format: SourceFormat) -> None:
    columns = incoming.columns
    at_sight = ", ".join(
        f"{column.name}, {_quick_value(column, source_format)} as {_quick(column)}" for column in columns
    )
    texts = ", ".join(f"{_text(column)} as {_written(column)}" for column in columns)
    values = ", ".join(
        f"{_value(column, source_format, comma_is_decimal=incoming.comma_is_decimal)} as {column.name}"
        for column in columns
    )
    checks = [check for column in columns for check in _checks(column)]
    wrong = " or ".join(f"({condition})" for condition, _ in checks)
    reasons = ", ".join(f"case when {condition} then '{reason}' end" for condition, reason in checks)
    names = ", ".join(column.name for column in columns)
    sql = f"""
        create or replace temp table checked as
        with at_sight as (select {at_sight} from {incoming.relation}),
        written as (select {texts}, columns('.*_quick') from at_sight),
        valued as (select *, {values} from written)
        select {names}, case when {wrong} then concat_ws(chr(10), {reasons}) end as reasons
        from valued
    """  # noqa: S608 (names and rules from the schema)
    bound = {
        **incoming.parameters,
        "zone": source_format.timezone,
        "date_formats": source_format.local_formats,
        "formats_with_zone": source_format.zoned_formats,
    }
    stage.execute(sql, {name: value for name, value in bound.items() if f"${name}" in sql})


def _refuse_swapped(stage: Cursor, incoming: readers.Incoming) -> None:
    """Refuse a source where no value can be read of two columns that are not empty."""
    readable = [column for column in incoming.columns if column.kind in (*_READABLE, "email")]
    if not readable:
        return
    counts = ", ".join(
        "count_if(contains(email, '@'))" if column.kind == "email" else f"count({column.name})"
        for column in readable
    )
    counted = first_row(stage, f"select {counts} from checked")  # noqa: S608 (names from the schema)
    silent = [column.name for column, count in zip(readable, counted, strict=True) if not count]
    enough = max(UNREAD_AT_LEAST, UNREAD_SHARE * first_row(stage, "select count(*) from checked")[0])
    unread = [name for name in silent if _unread(stage, name) >= enough]
    if len(unread) >= SWAPPED_AT_LEAST:
        raise InvalidInput(
            f"{incoming.name}: not one value of {', '.join(unread)} can be read; are these columns swapped? "
            f"{MAP_HINT}"
        )


def _unread(stage: Cursor, column: str) -> int:
    """Return how many rows have a reason against the column."""
    (count,) = first_row(
        stage,
        """
        select count(*)
        from (select unnest(string_split(reasons, chr(10))) as reason from checked where reasons is not null)
        where starts_with(reason, $column || ': ')
        """,
        {"column": column},
    )
    return int(count)


def _refuse_fractions(stage: Cursor, incoming: readers.Incoming, source_format: SourceFormat) -> None:
    """Refuse a percent column of fractions: half of the work done would be read as half a percent."""
    percents = [
        column.name
        for column in incoming.columns
        if column.is_percent and column.name not in source_format.percent_scale
    ]
    if not percents:
        return
    found = first_row(
        stage,
        "select "  # noqa: S608 (names from the schema)
        + ", ".join(
            # what lies outside is refused, and says nothing about the rest
            f"max({name}) filter ({name} <= 100) <= 1 and count_if({name} > 0 and {name} < 1) > 0"
            for name in percents
        )
        + " from checked",
    )
    if fractions := [name for name, holds in zip(percents, found, strict=True) if holds]:
        raise InvalidInput(
            f"{incoming.name}: {', '.join(fractions)} holds only fractions of 1, where percent are needed; "
            "`--percent-scale 1` reads 1 as all of it, `--percent-scale 100` leaves them as they are"
        )


def _written(column: Column) -> str:
    """Return the name of the column that holds the trimmed text, null where it is missing."""
    return f"{column.name}_text"


def _quick(column: Column) -> str:
    """Return the name of the column that holds what most texts are at first sight; null for those to be mended."""
    return f"{column.name}_quick"


def _quick_value(column: Column, source_format: SourceFormat) -> str:
    """Return the SQL for `_quick`, the value of a text as it is mostly written, or a text without outer white space.

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


def _text(column: Column) -> str:
    """Return the SQL for the text without the white space around it, null where it stands for nothing."""
    name = column.name
    trimmed = f"regexp_replace({name}, '^[{_SPACES}]+|[{_SPACES}]+$', '', 'g')"
    mended = f"case when not {_is_one_of(trimmed, column.missing)} then {trimmed} end"
    return f"case when {_quick(column)} is not null then {name} else {mended} end"


def _value(column: Column, source_format: SourceFormat, *, comma_is_decimal: bool) -> str:
    """Return the SQL for what the text means: null where it is missing or cannot be read.

    An instant is naive UTC; one written without a zone is in the zone of the parameter `$zone`.
    """
    slow = _slow_value(column, source_format, comma_is_decimal)
    if column.kind not in _READABLE:
        return slow
    return f"case when {_quick(column)} is not null then {_quick(column)} else {slow} end"


def _slow_value(column: Column, source_format: SourceFormat, comma_is_decimal: bool) -> str:
    name = _written(column)
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
            is_object = (
                f"json_type({name}) = 'OBJECT' and not regexp_matches({_outside_texts(name)}, '{_NO_JSON}')"
            )
            return f"case when json_valid({name}) then case when {is_object} then {name} end end"
        case "text" | "id":
            return name


def _outside_texts(name: str) -> str:
    return f"regexp_replace({name}, '{_JSON_TEXT}', '\"\"', 'g')"


def _checks(column: Column) -> list[tuple[str, str]]:
    """Return what can be wrong with `column`: the SQL of each condition, and the reason in words.

    Its text stands beside it as `_written`, its value under its own name.
    """
    name, there = column.name, _written(column)
    unread = f"{there} is not null and {name} is null"
    number = [
        (unread, "not a number"),
        (f"{name} < {column.low} or {name} > {column.high}", f"outside {column.low} to {column.high}"),
    ]
    of_kind: dict[Kind, list[tuple[str, str]]] = {
        "number": number,
        "whole": [*number, (f"{name} <> floor({name})", "not a whole number")],
        "flag": [(unread, "neither yes nor no")],
        "choice": [(unread, f"not one of {', '.join(column.choices)}")],
        "instant": [(unread, NO_INSTANT), (f"{name} < {_EARLIEST}", "before the year 1900")],
        "email": [(f"not regexp_matches({there}, '{_EMAIL}')", "not an address")],
        "json": [(unread, "not a JSON object")],
        "id": [(f"regexp_matches({there}, '{_MANGLED}')", "a number that a spreadsheet has changed")],
        "text": [],
    }
    missing = [(f"{there} is null", "missing")] if column.in_every_row else []
    nul = [] if column.kind in _READABLE else [(f"contains({there}, chr(0))", "holds a NUL byte")]
    long = (f"length({there}) > {column.longest}", f"longer than {column.longest} characters")
    found = [*missing, *of_kind[column.kind], *nul, long]
    return [(condition, f"{name}: {reason}") for condition, reason in found]


def _number(column: Column, source_format: SourceFormat, comma_is_decimal: bool) -> str:
    """Return the SQL for a number with a decimal point or comma, and in percent with or without the sign."""
    name = _written(column)
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
    # A format that begins with the year says what 2026-02-01 means: it is no ISO date besides.
    branches = [] if any(text.startswith("%Y-") for text in source_format.date_formats) else [iso]
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
