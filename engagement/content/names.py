"""The one thing filled into a text: a learner's first name, where it can be told, and nothing else.

It stays a placeholder until a person reads the text, so that names are neither in the table of drafts nor on the way
to a model.
"""

import re
import unicodedata
from typing import Final

PLACEHOLDER: Final = "{first_name}"
NAME_LENGTH: Final = 40  # characters; what is longer is no first name, and a text must have room for it

_REPLACED: Final = re.compile(r"(?P<before>,? )?\{first_name\}")

# What may join two parts of a name, and what joins letters inside Indic and Persian words.
_CONNECTORS: Final = frozenset("'’-.")
_JOINERS: Final = frozenset("\u200c\u200d")


def first_name(name: str | None) -> str | None:
    """Return the first word of a display name if it can be nothing but a name, else None.

    Letters and marks are told by Unicode category: a regex's word class refuses the vowel signs of many
    scripts.

    Examples
    --------
    >>> first_name("Ana-María Example")
    'Ana-María'
    >>> first_name("=HYPERLINK(0)") is None
    True
    """
    words = unicodedata.normalize("NFC", name or "").split(maxsplit=1)
    if not words or len(words[0]) > NAME_LENGTH:
        return None
    inside_word = False
    for character in words[0]:
        category = unicodedata.category(character)[0]
        if category == "L":
            inside_word = True
        elif inside_word and character in _CONNECTORS:
            inside_word = False
        elif not (inside_word and (category == "M" or character in _JOINERS)):
            return None
    return words[0] if inside_word else None


def fill(text: str, name: str | None) -> str:
    """Return the text with the first name in it, or reading well without one.

    Only `{first_name}` is replaced, in one pass: neither a text nor a name can bring in anything else.

    Examples
    --------
    >>> fill("Hi {first_name}, good to see you.", "Kim Example")
    'Hi Kim, good to see you.'
    >>> fill("Hi {first_name}, good to see you.", None)
    'Hi, good to see you.'
    """
    known = first_name(name)
    return _REPLACED.sub(lambda found: f"{found['before'] or ''}{known}" if known else "", text)
