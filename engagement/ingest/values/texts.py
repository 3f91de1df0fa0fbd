"""Texts and ids: a name is kept as a person wrote it, an id without all that would make another learner of it."""

from dataclasses import replace
from typing import Final

from engagement.ingest.schema import Column
from engagement.ingest.values.reading import (
    LONGEST_WORD,
    PLAIN,
    Reading,
    line_of,
    literal,
    matches,
    plain,
    said,
    trimmed,
    without,
    written,
)
from engagement.text import SPACES

# An id in which a spreadsheet can have changed nothing: none of the signs of a decimal, or of a power of ten.
_PLAIN_ID: Final = r"[A-Za-z0-9]([ -*\-/-~]*[!-*\-/-~])?"
# What spreadsheets make of a long number, or of a number in a column with gaps.
MANGLED: Final = r"[0-9]+[.,]0+|[0-9]([.,][0-9]+)?[eE][+][0-9]+"
# In JSON outside of its texts: NaN, Infinity and a comma before an end, which the engine takes and nobody else does.
_NO_JSON: Final = r"(?i)nan|inf|,\s*[}\]]"
_JSON_TEXT: Final = r'"([^"\\]|\\.)*"'
_CHANGED: Final = "a number that a spreadsheet has changed"


def text(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a text for people is read."""
    name, there = column.name, written(column.name)
    is_plain = f"strlen({name}) between {_shortest(column)} and {column.longest} and {matches(name, PLAIN)}"
    fits = f"length({there}) <= {column.longest} and not contains({there}, chr(0))"
    return Reading(
        f"case when {is_plain}{_not_own(name, in_own_words)} then {name} end",
        said(line_of(name), column.missing, in_own_words=in_own_words),
        f"case when {fits} then {there} end",
        _too_long(column),
    )


def name_of(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a name is read: as it was written, but for the spaces around it."""
    name, as_text = column.name, text(column, in_own_words=in_own_words)
    spaces = rf"[{SPACES}\x{{200B}}\x{{FEFF}}]+"
    trimmed_name = without(name, f"^{spaces}|{spaces}$")
    return replace(as_text, text=said(trimmed_name, column.missing, in_own_words=in_own_words))


def id_(column: Column, *, in_own_words: bool) -> Reading:
    """Return how an id is read: all marks around it, and in it, that nobody sees make no other one."""
    name, there = column.name, written(column.name)
    is_plain = (
        f"strlen({name}) between {_shortest(column)} and {column.longest} and {matches(name, _PLAIN_ID)}"
    )
    fits = f"length({there}) <= {column.longest} and not contains({there}, chr(0))"
    return Reading(
        f"case when {is_plain}{_not_own(name, in_own_words)} then {name} end",
        said(plain(name), column.missing, in_own_words=in_own_words),
        f"case when {fits} and not {matches(there, MANGLED)} then {there} end",
        f"case when {matches(there, MANGLED)} then '{_CHANGED}' else {_too_long(column)} end",
    )


def _shortest(column: Column) -> int:
    """Return how long a text is that can be none of the words for nothing that begin with a letter."""
    return LONGEST_WORD + 1 if any(word[:1].isalnum() for word in column.missing) else 1


def _too_long(column: Column) -> str:
    there = written(column.name)
    long = f"'longer than {column.longest} characters'"
    return f"case when contains({there}, chr(0)) then 'holds a NUL byte' else {long} end"


def _not_own(name: str, in_own_words: bool) -> str:
    return f" and not list_contains($missing, lower({name}))" if in_own_words else ""


def json_object(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a JSON object is read, which is kept as written."""
    name, there = column.name, written(column.name)
    outside = without(there, _JSON_TEXT, '""')
    is_object = f"json_type({there}) = 'OBJECT' and not regexp_matches({outside}, {literal(_NO_JSON)})"
    # nested, because `and` may try the right side first, and json_type raises on what is not JSON
    return Reading(
        "null::text",
        said(trimmed(name), column.missing, in_own_words=in_own_words),
        f"case when json_valid({there}) then case when {is_object} and length({there}) <= {column.longest} "
        f"then {there} end end",
        f"case when length({there}) > {column.longest} then 'longer than {column.longest} characters' "
        "else 'not a JSON object' end",
    )
