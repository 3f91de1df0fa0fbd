"""How a cell is read: at first sight where it is written as most are, and else by all that a text could be.

A million rows are read in one pass, and nearly all of their cells are plain. So each kind has a quick way that says
nothing of what is not plain, and a slow one that is only gone for the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from engagement.text import GUARDED, INVISIBLE, SPACES

# A text that begins with a letter or digit of ASCII and is plain to its end: in it nothing is to be mended.
PLAIN: Final = "[A-Za-z0-9][ -~]*[!-~]"
# Words for nothing that begin so are no longer than this, see `schema.MISSING_WORDS`.
LONGEST_WORD: Final = 4


@dataclass(frozen=True)
class Reading:
    """The SQL for a column's cells: `quick`, `text` over the name of the column, the others over that of its text.

    `quick` is the value of a plain cell, and null for any other. Of those, `text` is what is left once nothing is
    around it that means nothing, null where it stands for nothing. `value` is what that means, null where it cannot be
    told; `why` then says why, as words or as SQL for them. `checks` are conditions of the value that speak against
    it, and `odd` those that speak against the cell alone. `kept` is the value that is kept, where it is another, and
    `besides` a further column.
    """

    quick: str
    text: str
    value: str
    why: str
    checks: tuple[tuple[str, str], ...] = ()
    odd: tuple[tuple[str, str], ...] = ()
    kept: str = ""
    besides: str = ""


def written(name: str) -> str:
    """Return the name of the column that holds the text of a cell that is not plain."""
    return f"{name}_text"


def literal(text: str) -> str:
    """Return a text of our own as SQL."""
    return "'" + text.replace("'", "''") + "'"


def is_one_of(text: str, words: Iterable[str]) -> str:
    """Return the SQL for it, in any case; a pattern, because a longer `in` becomes a join over all rows."""
    listed = "|".join(map(_escaped, words))
    return f"regexp_full_match({text}, {literal(f'(?i:{listed})')})"


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\.+*?()|[]{}^$/-" else letter for letter in word)


def matches(text: str, pattern: str) -> str:
    """Return the SQL for whether all of a text is of a pattern."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def without(text: str, pattern: str, instead: str = "") -> str:
    """Return the SQL for a text with another, or nothing, in place of every part that is of a pattern."""
    return f"regexp_replace({text}, {literal(pattern)}, {literal(instead)}, 'g')"


def trimmed(text: str) -> str:
    """Return the SQL for a text without any kind of space, and what nobody sees, around it."""
    return without(text, f"^[{SPACES}{INVISIBLE}]+|[{SPACES}{INVISIBLE}]+$")


def unguarded(text: str) -> str:
    """Return the SQL for a trimmed text without what keeps a spreadsheet from reading it as a number."""
    formula, apostrophe = GUARDED
    return without(without(text, formula, r"\1"), apostrophe, r"\1")


def plain(text: str) -> str:
    """Return the SQL for `text.plain_id`."""
    bare = without(trimmed(unguarded(trimmed(text))), f"[{INVISIBLE}]+")
    return f"nfc_normalize({without(bare, f'[{SPACES}]', ' ')})"


def line_of(name: str) -> str:
    """Return the SQL for a text that people read: an apostrophe before a letter is a part of it."""
    text = trimmed(name)
    formula, _ = GUARDED
    guarded = without(without(text, formula, r"\1"), r"(?s)^'([0-9+=@-].*)$", r"\1")
    return f"nfc_normalize({trimmed(guarded)})"


def said(text: str, missing: Iterable[str], *, in_own_words: bool) -> str:
    """Return the SQL for the text, null where it is one of the words for nothing, or of the source's own."""
    own = f" or list_contains($missing, lower({text}))" if in_own_words else ""
    return f"case when not ({is_one_of(text, missing)}{own}) then {text} end"


def choice_of(text: str, words: Mapping[str, Iterable[str]], cast: str = "text") -> str:
    """Return the SQL for the value of the words of which the text is one, in any case."""
    cases = " ".join(
        f"when {is_one_of(text, listed)} then {literal(value)}::{cast}" for value, listed in words.items()
    )
    return f"case {cases} end"
