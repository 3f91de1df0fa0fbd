"""Dates that nobody could read: what is written there, and which `--date-format` reads it.

Every text of a shape has to be read by a format before it is named. A date is nobody's name, so that one is shown where
it is certain to be one. A format that was said is held against its twin, by which day and month change places: where it
reads many dates by chance and the twin reads all of them, the file is refused.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final

from engagement.errors import InvalidInput
from engagement.ingest.schema import Column
from engagement.ingest.source.source_format import SECONDS, SPREADSHEET_DAYS, SourceFormat
from engagement.ingest.values.instants import NO_INSTANT, unread
from engagement.ingest.values.reading import literal
from engagement.store import Cursor, first_row

if TYPE_CHECKING:
    from engagement.ingest.source.readers import Incoming

_DAYS: Final = (
    *(
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y%m%d",
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%d.%m.%y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d/%m/%y",
    ),
    *(
        "%m/%d/%y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d-%m-%y",
        "%m-%d-%y",
        "%d %m %Y",
        "%d %b %Y",
        "%d %B %Y",
        "%d-%b-%Y",
    ),
    *(
        "%d-%B-%Y",
        "%d-%b-%y",
        "%d %b %y",
        "%d/%b/%Y",
        "%d.%b.%Y",
        "%d. %b %Y",
        "%d. %B %Y",
        "%b %d %Y",
        "%B %d %Y",
    ),
    *(
        "%b %d, %Y",
        "%B %d, %Y",
        "%a %d %b %Y",
        "%a, %d %b %Y",
        "%A, %d %B %Y",
        "%A %d %B %Y",
        "%A, %B %d, %Y",
    ),
    *("%a, %b %d, %Y", "%Y年%m月%d日", "%Y-%b-%d"),
)
_TIMES: Final = (
    *(
        "",
        " %H:%M",
        " %H:%M:%S",
        "T%H:%M:%S",
        ", %H:%M",
        ", %H:%M:%S",
        " %I:%M %p",
        " %I:%M:%S %p",
        ", %I:%M %p",
    ),
    *(
        ", %I:%M:%S %p",
        " %I:%M%p",
        " at %I:%M %p",
        " at %H:%M",
        " %H.%M",
        " %H:%M Uhr",
        " à %H:%M",
        " %H:%M:%S %z",
    ),
)
FORMATS: Final = tuple(day + time for day, time in product(_DAYS, _TIMES))
_SAMPLE: Final = 200  # texts of a shape that are tried
_MOST_TEXTS: Final = 20_000  # that are told apart
_SOME_TIME: Final = datetime(2026, 11, 22, 10, 30, 15, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 1950, 2100
_MANY: Final = 0.05  # of the dates: with so many, it is no slip
_FEWEST: Final = 2
_TELLS_DAYS: Final = r"^[0-9]{5}([.,][0-9]+)?$"
_TELLS_SECONDS: Final = r"^[0-9]{9,10}$|^[0-9]{12,13}$"
# What is recognised, and read by no format.
_WORDS: Final = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+( ?(Z|UTC|[+-][0-9:]+))?)?", "there is no such day or time"),
    (r"[0-9]{4}-?W[0-9]{2}(-?[0-9])?", "it is a week, such as {text}"),
    (
        r"[0-9].*(\[[\w/+-]+\]| [A-Z]{2,5}| [+-][0-9]{4} [A-Z]{3,4})",
        "a zone is named by letters, as in {text}",
    ),
    (r"[0-9].* [0-9]{1,2}:[0-9]{2}.* [ap]\.? ?m\.", "the half of a day is written with points, as in {text}"),
    (r"[0-9]{1,2}[. -]+[^\W\d_]{2,}\.?[ -]+[0-9]{2,4}.*", "the month is not in English, as in {text}"),
)


def explain(stage: Cursor, incoming: "Incoming", source_format: SourceFormat) -> None:
    """Put into the reasons of `checked` what is written where no date could be read, and what would read it.

    Raises `InvalidInput` where the twin of a format that was said reads what it does not.
    """
    for column in incoming.columns:
        if column.kind not in ("instant", "login"):
            continue
        name = unread(column.name)
        texts = [
            text
            for (text,) in stage.execute(
                f"select {name} from checked where {name} is not null group by {name} order by min(rowid) "  # noqa: S608 (names from the schema)
                f"limit {_MOST_TEXTS}"
            ).fetchall()
        ]
        if texts:
            _refuse_twin(stage, incoming.name, column, source_format)
            _say(stage, column, _told(stage, texts))


def _refuse_twin(stage: Cursor, name: str, column: Column, source_format: SourceFormat) -> None:
    there = unread(column.name)
    zoned = f"timezone($zone, timezone('UTC', {column.name}))"
    local = column.name if source_format.timezone == "UTC" else zoned
    for said in source_format.local_formats:
        twin = _twin(said)
        if twin == said or twin in source_format.local_formats:
            continue
        sql = f"""
            select count({there}), count(try_strptime({there}, {literal(twin)})), count({column.name}),
                count(*) filter (where day({local}) > 12)
            from checked
        """  # noqa: S608 (names from the schema)
        failed, by_twin, read, late = first_row(
            stage, sql, {"zone": source_format.timezone} if "$zone" in sql else {}
        )
        if failed == by_twin >= max(_FEWEST, _MANY * (failed + read)) and not late:
            raise InvalidInput(
                f"{name}: `--date-format {_quoted(said)}` does not read {failed:,} of {failed + read:,} dates of "
                f"{column.name}, and {_quoted(twin)} reads them all; do day and month stand the other way round?"
            )


def _twin(text: str) -> str:
    """Return the format with day and month in each other's place.

    >>> _twin("%-d/%m/%Y")
    '%-m/%d/%Y'
    """
    return re.sub(r"%(-?)([dm])", lambda found: f"%{found[1]}{'m' if found[2] == 'd' else 'd'}", text)


def _told(stage: Cursor, texts: Sequence[str]) -> dict[str, str]:
    """Return for each text what is to be said of it; nothing for one that may be anything."""
    shapes: dict[str, list[str]] = {}
    for text in texts:
        shapes.setdefault(_shape(text), []).append(text)
    said: dict[str, str] = {}
    for of_shape in shapes.values():
        formats = _formats(of_shape[:_SAMPLE])
        read = _read_by(stage, of_shape, formats[0]) if formats else set()
        if read:
            either = [text for text in formats[1:] if text == _twin(formats[0])]
            example = next(text for text in of_shape if text in read)
            said |= dict.fromkeys(read, _named(example, formats[0], either))
        examples: dict[str, str] = {}
        for text in of_shape:
            if text not in read and (words := _words(text)):
                said[text] = words.format(text=examples.setdefault(words, text))
    return said


def _shape(text: str) -> str:
    digits = re.sub(
        r"[0-9]{3,}", lambda found: "9" * len(found[0]), re.sub(r"(?<![0-9])[0-9]{1,2}(?![0-9])", "9", text)
    )
    return re.sub(r"[^\W\d_]+", "a", digits)


def _formats(texts: Sequence[str]) -> list[str]:
    """Return the formats that read most of the texts, as many of them as any."""
    for pattern, name in ((_TELLS_DAYS, SPREADSHEET_DAYS), (_TELLS_SECONDS, SECONDS)):
        if all(re.fullmatch(pattern, text) for text in texts):
            return [name]
    read = {text: sum(_is_read(one, text) for one in texts) for text in _by_shape().get(_shape(texts[0]), ())}
    most = max(read.values(), default=0)
    return [text for text, count in read.items() if count == most] if most else []


@cache
def _by_shape() -> dict[str, list[str]]:
    """Return the formats by the shape of what they write."""
    found: dict[str, list[str]] = {}
    for text in FORMATS:
        found.setdefault(_shape(_SOME_TIME.strftime(text)), []).append(text)
    return found


def _is_read(text: str, date_format: str) -> bool:
    try:
        return _FIRST_YEAR <= datetime.strptime(text, date_format).year <= _LAST_YEAR  # noqa: DTZ007 (only the year is looked at)
    except ValueError:
        return False


def _read_by(stage: Cursor, texts: Sequence[str], date_format: str) -> set[str]:
    """Return those of the texts that the engine reads by the format."""
    if date_format in (SPREADSHEET_DAYS, SECONDS):
        return set(texts)
    is_date = f"try_strptime(text, {literal(date_format)}) is not null"
    found = stage.execute(
        f"select text from (select unnest($texts) as text) where {is_date}",  # noqa: S608 (formats of our own)
        {"texts": list(texts)},
    ).fetchall()
    return {text for (text,) in found}


def _named(example: str, date_format: str, either: Sequence[str]) -> str:
    also = f", or {_quoted(either[0])} where the month stands first" if either else ""
    return f"it is written as {example}, which `--date-format {_quoted(date_format)}` reads{also}"


def _words(text: str) -> str | None:
    """Return what is known of a text that no format reads, with `{text}` for an example; None where it is anything."""
    if any(letter.isdigit() and not letter.isascii() for letter in text):
        return "its digits are those of another alphabet; no `--date-format` reads it"
    found = next((words for pattern, words in _WORDS if re.fullmatch(pattern, text)), None)
    return found and f"{found}; no `--date-format` reads it"


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _say(stage: Cursor, column: Column, told: dict[str, str]) -> None:
    """Add to the reason against each of the texts what is told of it."""
    if not told:
        return
    reason = f"{column.name}: {NO_INSTANT}"
    held_in = "odd" if column.may_be_dropped else "reasons"
    stage.execute(
        f"""
        update checked
        set {held_in} = array_to_string(
            list_transform(
                string_split({held_in}, chr(10)),
                lambda line: case when line = $reason then line || '; ' || told.said else line end
            ),
            chr(10)
        )
        from (select unnest($texts) as text, unnest($said) as said) as told
        where {unread(column.name)} = told.text
        """,  # noqa: S608 (names from the schema)
        {"reason": reason, "texts": list(told), "said": list(told.values())},
    )
