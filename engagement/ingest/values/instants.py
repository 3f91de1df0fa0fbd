"""Dates and times: ISO, or in a format that the source names; naive UTC from here on."""

from typing import Final

from engagement.ingest.schema import Column
from engagement.ingest.source_format import SPREADSHEET_DAYS, SourceFormat
from engagement.ingest.values.reading import Reading, literal, plain, said, written

NO_INSTANT: Final = "not an ISO date or time"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_LOCAL: Final = f"^{_DATE}({_TIME})?$"
_ZONE: Final = r" ?(Z|z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
# Before it, a year was written with two digits, or the date stands for never.
_EARLIEST: Final = "timestamp '1900-01-01'"
_DAY_NUMBER: Final = r"^[0-9]{5}([.,][0-9]+)?$"  # 18 May 1927 to 13 October 2173


def instant(column: Column, source_format: SourceFormat, *, in_own_words: bool) -> Reading:
    """Return how an instant is read; one without a zone is in the zone of the parameter `$zone`."""
    name, there = column.name, written(column.name)
    naive = _in_utc(f"try_cast({name} as timestamp)", source_format)
    iso = f"case when regexp_matches({name}, '{_LOCAL}') then {naive} end"
    checks: tuple[tuple[str, str], ...] = ((f"{name} < {_EARLIEST}", "before the year 1900"),)
    return Reading(
        "null::timestamp" if source_format.date_formats else iso,
        said(plain(name), column.missing, in_own_words=in_own_words),
        _value(there, source_format),
        literal(NO_INSTANT),
        checks,
    )


def _in_utc(local: str, source_format: SourceFormat) -> str:
    return local if source_format.timezone == "UTC" else f"timezone('UTC', timezone($zone, {local}))"


def _value(name: str, source_format: SourceFormat) -> str:
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
