"""Texts of people: what may be kept and shown."""

import re
from typing import Final

from engagement.errors import InvalidInput

# Control characters can forge log lines and mail headers; direction overrides can show a text as another one.
# Half of a pair of surrogates is no character: no file could hold it.
UNSAFE_CHARACTERS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What acts in a terminal, or shows a line as another one: the above, and line ends of other alphabets and marks.
ACTS_IN_A_LINE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
LONGEST_TEXT: Final = 2_000  # of what a person writes about a learner or a decision


def plain_text(field: str, text: str) -> str:
    """Return what a person wrote, without white space around it; `InvalidInput` where it may not be kept."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"{field}: {len(text):,} characters; allowed are {LONGEST_TEXT:,}")
    if UNSAFE_CHARACTERS.search(text):
        raise InvalidInput(f"{field}: holds a control character or a change of writing direction")
    return text


def one_line(value: object, longest: int) -> str:
    """Return a value as one line of at most `longest` characters, with nothing in it that acts in a terminal."""
    line = re.sub(r" *\n\s*", " ", "" if value is None else str(value))
    text = ACTS_IN_A_LINE.sub("\N{REPLACEMENT CHARACTER}", line)
    return text if len(text) <= longest else text[: longest - 1] + "…"
