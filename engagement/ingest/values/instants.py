"""Dates and times: ISO, or in a format that the source names; naive UTC from here on."""

import re
from typing import Final

from engagement.ingest.schema import Column
from engagement.ingest.source.source_format import SECONDS, SPREADSHEET_DAYS, SourceFormat
from engagement.ingest.values.reading import Reading, is_one_of, literal, matches, plain, said, written

NO_INSTANT: Final = "not an ISO date or time"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_LOCAL: Final = f"^{_DATE}({_TIME})?$"
_ZONE: Final = r" ?(Z|z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
# Before it, a year was written with two digits, or the date stands for never.
_EARLIEST: Final = "timestamp '1900-01-01'"
# How platforms say that somebody has never logged in, in the languages they come in.
NEVER_WORDS: Final = (
    *(
        "never",
        "never logged in",
        "never accessed",
        "not yet",
        "no access",
        "no login",
        "not accessed",
        "nie",
        "niemals",
    ),
    *(
        "noch nie",
        "nicht angemeldet",
        "jamais",
        "jamais connecté",
        "nunca",
        "jamás",
        "nunca ha entrado",
        "mai",
        "nooit",
    ),
    *(
        "nog nooit",
        "aldrig",
        "aldri",
        "ei koskaan",
        "ei kunagi",
        "mitte kunagi",
        "nigdy",
        "nikdy",
        "nikoli",
        "nikad",
    ),
    *(
        "nikada",
        "niekada",
        "nekad",
        "soha",
        "niciodată",
        "niciodata",
        "asla",
        "hiçbir zaman",
        "hiç",
        "никогда",
        "ніколи",
    ),
    *(
        "никога",
        "никада",
        "ποτέ",
        "أبدا",
        "أبدًا",
        "ابدا",
        "אף פעם",
        "לעולם לא",
        "مطلقا",
        "هرگز",
        "कभी नहीं",
        "ไม่เคย",
    ),
    *(
        "không bao giờ",
        "chưa bao giờ",
        "tidak pernah",
        "belum pernah",
        "tidak",
        "从不",
        "從不",
        "从未",
        "從未",
        "从来没有",
    ),
    *(
        "未登录",
        "未登入",
        "なし",
        "一度もない",
        "未ログイン",
        "없음",
        "안함",
        "하지않음",
        "접속 안함",
        "inoiz ez",
        "jamai",
    ),
)
# How somebody says that it is not known, which is not never.
UNKNOWN_WORDS: Final = (
    *(
        "unknown",
        "not known",
        "unbekannt",
        "inconnu",
        "inconnue",
        "desconocido",
        "desconhecido",
        "sconosciuto",
    ),
    *(
        "onbekend",
        "nieznany",
        "nieznane",
        "okänd",
        "okänt",
        "ukendt",
        "ukjent",
        "tuntematon",
        "neznámé",
        "неизвестно",
    ),
    *("невідомо", "未知", "不明"),
)
# An empty date of databases, and no seconds or days at all.
_ZERO: Final = r"0+([.,]0+)?|0000-00-00([T ]00:00(:00([.]0+)?)?Z?)?|00[./]00[./]0000( 00:00(:00)?)?"
# Where clocks of systems begin, and with them the time of what has never happened: Unix, spreadsheets, Windows, SQL
# Server, .NET. A zone moves them by less than a day.
_ZEROS: Final = tuple(
    f"timestamp '{day}'"
    for day in (
        "1970-01-01",
        "1899-12-30",
        "1899-12-31",
        "1900-01-01",
        "1601-01-01",
        "1753-01-01",
        "0001-01-01",
    )
)
_AFTER_ZEROS: Final = "timestamp '1970-01-03'"
_DAY_NUMBER: Final = r"^[0-9]{5}([.,][0-9]+)?$"  # 18 May 1927 to 13 October 2173


def unread(name: str) -> str:
    """Return the name of the column that holds the texts of an instant's column that could not be read."""
    return f"{name}_unread"


def _besides(name: str) -> str:
    return f"case when {written(name)} is not null and {name} is null then {written(name)}[:60] end as {unread(name)}"


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
        besides=_besides(name),
    )


def login(column: Column, source_format: SourceFormat, *, in_own_words: bool) -> Reading:
    """Return how a last login is read: what stands for never is never; a word for it, or days to come, is unknown."""
    name, there = column.name, written(column.name)
    read = instant(column, source_format, in_own_words=in_own_words)
    never = f"{is_one_of(read.text, NEVER_WORDS)} or {matches(read.text, _ZERO)}"
    near = " or ".join(
        f"{{0}} between {zero} - interval 1 day and {zero} + interval 1 day" for zero in _ZEROS
    )
    value = _value(there, source_format)
    return Reading(
        f"case when {read.quick} between {_AFTER_ZEROS} and $latest then {read.quick} end",
        f"case when not coalesce({never}, false) then {read.text} end",
        f"case when {is_one_of(there, UNKNOWN_WORDS)} then timestamp 'infinity' "
        f"when {near.format(f'({value})')} then timestamp '-infinity' else {value} end",
        read.why,
        ((f"{name} < {_EARLIEST} and isfinite({name})", "before the year 1900"),),
        odd=((f"{name} > $latest and isfinite({name})", "a day that is not there yet"),),
        kept=f"case when isfinite({name}) and {name} <= $latest then {name} end",
        besides=f"coalesce({name} > $latest, false) as login_is_unknown, {read.besides}",
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
    # A format with the day in second place says what 2026-02-01 means: it is no ISO date besides.
    branches = [] if any(re.match("%Y-%-?d", text) for text in source_format.date_formats) else [iso]
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
    if SECONDS in source_format.date_formats:
        whole = f"try_cast({name} as bigint)"
        branches += [
            f"when regexp_full_match({name}, '[0-9]{{9,10}}') then make_timestamp({whole} * 1000000)",
            f"when regexp_full_match({name}, '[0-9]{{12,13}}') then make_timestamp({whole} * 1000)",
        ]
    return f"case {' '.join(branches)} end"
