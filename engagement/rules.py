"""The rules of `schema` as SQL: what a text becomes, and every reason why it cannot.

Built as expressions over a table of text columns, because a million rows are checked in one pass there, and all
reasons of a row are found, not just the first. Only names from `schema` are formatted into SQL, never a value.
"""

from collections.abc import Sequence
from typing import Final

from engagement.schema import FALSE_WORDS, MISSING_WORDS, TRUE_WORDS, Column

_NUMBER: Final = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_ZONE: Final = r"(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_INSTANT: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)? ?" + _ZONE[:-1] + "?)?$"
)
_EMAIL: Final = r"^[^@\s]+@[^@\s]+$"


def value(column: Column) -> str:
    """Return the SQL for what the text means: null where it is missing or cannot be read.

    An instant is naive UTC; one written without a zone is in the zone of the parameter `$zone`.
    """
    text = present(column)
    match column.kind:
        case "number" | "whole":
            return f"case when regexp_matches({text}, '{_NUMBER}') then try_cast({text} as double) end"
        case "flag":
            yes, no = _words(TRUE_WORDS), _words(FALSE_WORDS)
            return f"case when lower({text}) in {yes} then true when lower({text}) in {no} then false end"
        case "choice":
            return f"case when lower({text}) in {_words(column.choices)} then lower({text}) end"
        case "instant":
            aware = f"timezone('UTC', try_cast({text} as timestamptz))"
            naive = f"timezone('UTC', timezone($zone, try_cast({text} as timestamp)))"
            zoned = f"length({text}) > 10 and regexp_matches({text}, '{_ZONE}')"
            instant = f"case when {zoned} then {aware} else {naive} end"
            return f"case when regexp_matches({text}, '{_INSTANT}') then {instant} end"
        case "email":
            return f"lower({text})"
        case "json":
            # nested, because `and` may try the right side first, and json_type raises on what is not JSON
            return f"case when json_valid({text}) then case when json_type({text}) = 'OBJECT' then {text} end end"
        case "text":
            return text


def reasons(column: Column) -> str:
    """Return the SQL for the list of reasons against `column`; its value stands beside it under its own name."""
    name, text = column.name, present(column)
    checks: list[tuple[str, str]] = []
    if column.in_every_row:
        checks.append((f"{text} is null", "missing"))
    match column.kind:
        case "number" | "whole":
            checks.append((f"{text} is not null and {name} is null", "not a number"))
            checks.append(
                (f"{name} < {column.low} or {name} > {column.high}", f"outside {column.low} to {column.high}")
            )
            if column.kind == "whole":
                checks.append((f"{name} <> floor({name})", "not a whole number"))
        case "flag":
            checks.append((f"{text} is not null and {name} is null", "neither yes nor no"))
        case "choice":
            checks.append(
                (f"{text} is not null and {name} is null", f"not one of {', '.join(column.choices)}")
            )
        case "instant":
            checks.append((f"{text} is not null and {name} is null", "not an ISO date or time"))
        case "email":
            checks.append(
                (f"{text} is not null and not regexp_matches({text}, '{_EMAIL}')", "not an address")
            )
        case "json":
            checks.append((f"{text} is not null and {name} is null", "not a JSON object"))
        case "text":
            pass
    checks.append((f"length({text}) > {column.longest}", f"longer than {column.longest} characters"))
    return ", ".join(f"case when {wrong} then '{name}: {reason}' end" for wrong, reason in checks)


def unreadable(column: Column) -> str:
    """Return the SQL for how many texts of `column` are there, and for how many of them nothing can be read."""
    return f"count({present(column)}), count_if({present(column)} is not null and {column.name} is null)"


def present(column: Column) -> str:
    """Return the SQL for the trimmed text, null where it is missing; it stands in the column `<name>_text`."""
    return f"{column.name}_text"


def trimmed(column: Column) -> str:
    """Return the SQL that makes `<name>_text` from the column as it was read."""
    text = f"trim({column.name}, chr(32) || chr(9) || chr(160))"
    if column.kind in ("text", "json"):
        return f"nullif({text}, '')"  # "None" may be somebody's name
    return f"case when lower({text}) not in {_words(MISSING_WORDS)} then {text} end"


def _words(words: Sequence[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"
