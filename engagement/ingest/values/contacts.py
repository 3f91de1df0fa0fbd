"""How a learner is reached: addresses and telephone numbers, mended where it is plain what was meant."""

from typing import Final

from engagement.ingest.schema import Column
from engagement.ingest.values.reading import Reading, literal, matches, plain, said, without, written
from engagement.ingest.values.texts import MANGLED

_ATOM: Final = r'[^\s@<>()\[\],;:\\".]+'
# In two, because a class of letters is thousands of ranges: with one at each place of a label, to make the pattern took
# a twentieth of a small load. `_NO_DOMAIN` is a single label, or one that begins or ends with what none does.
_ADDRESS: Final = rf"{_ATOM}(\.{_ATOM})*@[\p{{L}}\p{{N}}\p{{M}}.-]+"
_NO_DOMAIN: Final = r"@[^.]*$|@(.*[.])?[.\p{M}-]|@.*-[.]|[.-]$"
_PLAIN_ADDRESS: Final = r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*\.[A-Za-z0-9]+"
_SEVERAL: Final = r"[^@]+@[^@]*[;, |/][^@]*@[^@]+"

# A trunk's 0 alone calls nobody.
_PLAIN_PHONE: Final = r"[+]?[0-9][0-9 ()/-]*[1-9][0-9 ()/-]{2,}[0-9]"
_PHONE: Final = r"[+(]?[0-9][0-9 ()/.–-]*[0-9]( *(?i:ext\.?|extension|x|#|dw) *[0-9]+)?"
_FEWEST_DIGITS: Final = r".*[1-9].*"


def email(column: Column, *, in_own_words: bool) -> Reading:
    """Return how an address is read: without what mail programs and lists put around it."""
    name, there = column.name, written(column.name)
    bare = plain(name)
    for pattern, instead in (
        (r"[;,.\s]+$", ""),
        (r"^[^<>@]*<([^<>]+)>$", r"\1"),
        ("""^['"]+|['"]+$""", ""),
        (r"^(?i:mailto):([^?]*)(\?.*)?$", r"\1"),
        (r"[;,.\s]+$", ""),
    ):
        bare = without(bare, pattern, instead)
    is_address = f"length({there}) <= {column.longest} and {matches(there, _ADDRESS)}"
    is_address += f" and not regexp_matches({there}, {literal(_NO_DOMAIN)})"
    return Reading(
        f"case when strlen({name}) <= {column.longest} and {matches(name, _PLAIN_ADDRESS)} then lower({name}) end",
        said(bare, column.missing, in_own_words=in_own_words),
        f"case when {is_address} then lower({there}) end",
        f"case when {matches(there, _SEVERAL)} then 'several addresses' else 'not an address' end",
    )


def phone(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a telephone number is read."""
    name, there = column.name, written(column.name)
    bare = without(plain(name), r"^(?i:tel):\s*")
    is_number = f"length({there}) <= {column.longest} and {matches(there, _PHONE)}"
    is_number += f" and {matches(there, _FEWEST_DIGITS)} and not {matches(there, MANGLED)}"
    own = f" and not list_contains($missing, lower({name}))" if in_own_words else ""
    changed = literal("a number that a spreadsheet has changed")
    return Reading(
        f"case when {matches(name, _PLAIN_PHONE)}{own} and strlen({name}) <= {column.longest} then {name} end",
        said(bare, column.missing, in_own_words=in_own_words),
        f"case when {is_number} then {there} end",
        f"case when {matches(there, MANGLED)} then {changed} else 'not a telephone number' end",
    )
