"""The one thing filled into a text: a learner's first name, where it can be told, and nothing else.

It stays a placeholder until a person reads the text, so that names are neither in the table of drafts nor on the way
to a model.

Lists come as "Given Family", as "Family, Given", with titles, in capitals, or as user names. Whoever is greeted by a
wrong name knows that nobody wrote to them: where the first name cannot be told, the greeting does without.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

PLACEHOLDER: Final = "{first_name}"
NAME_LENGTH: Final = 40  # characters; what is longer is no first name, and a text must have room for it

_REPLACED: Final = re.compile(r"(?P<before>,? )?\{first_name\}")

# What may join two parts of a name, and what joins letters inside Indic and Persian words.
_CONNECTORS: Final = frozenset("'’-.")
_JOINERS: Final = frozenset("\u200c\u200d")

_COMMA: Final = re.compile("[,\uff0c\u060c\u3001]")  # of Latin, Chinese, Arabic and Japanese lists
# What stands before or after a name and is none, case-folded, without full stops.
_TITLES: Final = re.compile(
    "dr|mr|mrs|ms|miss|mx|prof|professor|sir|dame|rev|hon|eng|ing|dipl|dipl-ing|mag|herr|frau|hr|fr|dott|dottssa|sig|lic|"
    "sr|sra|srta|señor|señora|mme|mlle|monsieur|madame|doctor|phd|md|msc|bsc|ma|ba|mba|jr|ii|iii|iv"
)
# Where a family name begins.
_PARTICLES: Final = re.compile(
    "de|del|della|dela|dello|der|den|des|dem|di|da|das|do|dos|du|la|le|las|los|el|van|von|vom|vande|vander|zu|zum|zur|ter|"
    "ten|te|op|het|bin|ibn|bint|mc|mac|st|sta|sto|af|av|auf|[dl]['’].*"
)
# What stands for nobody.
_NOBODY: Final = re.compile(
    "unknown|unbekannt|null|none|nil|undefined|test|tester|student|user|guest|gast|anonymous|anonym|unnamed|nobody|"
    "deleted|admin|demo|tbd"
)


def first_name(name: str | None) -> str | None:
    """Return the first name of a display name where it can be told and can be nothing but a name, else None.

    A comma means that the family name stands first. A title, a particle, one letter, a user name, capitals before a
    word in mixed case (often the family name) or a word that stands for nobody leave it open.

    Letters and marks are told by Unicode category: a regex's word class refuses the vowel signs of many
    scripts.

    Examples
    --------
    >>> first_name("Ana-María Example")
    'Ana-María'
    >>> first_name("Invented Example, Ana")
    'Ana'
    >>> first_name("=HYPERLINK(0)") is None
    True
    """
    parts = _COMMA.split(unicodedata.normalize("NFC", name or ""))
    words = parts[min(1, len(parts) - 1)].split()
    if not words or not _is_word(words[0]) or _may_be_another(words, alone=len(parts) == 1):
        return None
    return words[0]


def _may_be_another(words: Sequence[str], *, alone: bool) -> bool:
    """Return whether the first of the words may be something else than a first name; `alone`: without a comma."""
    word = words[0]
    plain = word.casefold().replace(".", "")
    pieces = [piece for piece in word.split(".") if piece]
    letters = [character for character in word if character.isalpha()]
    is_initial = len(letters) == 1 and letters[0].lower() != letters[0].upper()
    is_user_name = len(pieces) > 1 and (len(words) == 1 or any(piece[0].islower() for piece in pieces))
    in_capitals = word.isupper() and len(pieces) == 1
    before_mixed_case = any(other.upper() != other for other in words[1:])
    return (
        any(known.fullmatch(plain) for known in (_TITLES, _NOBODY))
        # After a comma who writes "Van" means Van; before a family name nobody knows.
        or bool(_PARTICLES.fullmatch(plain) and (alone or word[0].islower()))
        or is_initial
        or is_user_name
        or (alone and in_capitals and before_mixed_case)
    )


def _is_word(word: str) -> bool:
    if len(word) > NAME_LENGTH:
        return False
    inside_word = False
    for character in word:
        category = unicodedata.category(character)[0]
        if category == "L":
            inside_word = True
        elif inside_word and character in _CONNECTORS:
            inside_word = False
        elif not (inside_word and (category == "M" or character in _JOINERS)):
            return False
    return inside_word


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
