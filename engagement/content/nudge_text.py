"""The rules of a nudge's text, for every channel: how long, one line or several, where the name may stand.

A template, a model's text and a person's own words are held to the same rules; each broken one is named, and the text
itself is never quoted.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from engagement.content.names import NAME_LENGTH, PLACEHOLDER
from engagement.text import UNSAFE_CHARACTERS

# Characters, counted with the name filled in. 78 is the line length that mail programs show and fold at.
LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"in_app": 280, "whatsapp": 1024, "email": 2000, "email_subject": 78}
)
# After a word and before punctuation, so that "Hi {first_name}," can become "Hi,".
_WELL_PLACED: Final = re.compile(r"(?<=[^\W_]) \{first_name\}(?=[,.!?:;])")


class BrokenRule(ValueError):
    """One rule that a text breaks: its field, a code, and the limit where the rule has one; never the text."""

    def __init__(self, field: str, rule: str, sentence: str, limit: int | None = None) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.rule = rule
        self.limit = limit


def check_nudge(channel: str, subject: str | None, content: str) -> None:
    """Raise `BrokenRule` that says which rule of the channel the text breaks, without quoting it."""
    for broken in _rules_broken(channel, subject, content):
        raise broken


def problems_of_nudge(channel: str, subject: str | None, content: str) -> list[BrokenRule]:
    """Return every rule that a person's text breaks: those of `check_nudge`, and what may stand in no text.

    A person who knows the learner may leave the name out.
    """
    texts = {"content": content} if subject is None else {"subject": subject, "content": content}
    return [
        *(BrokenRule(field, "empty", "is empty") for field, text in texts.items() if not text.strip()),
        *(
            BrokenRule(
                field, "unsafe_character", "holds a control character or a change of writing direction"
            )
            for field, text in texts.items()
            if UNSAFE_CHARACTERS.search(text)
        ),
        *(
            broken
            for broken in _rules_broken(channel, subject, content)
            if broken.rule != "placeholder_missing"
        ),
    ]


def _rules_broken(channel: str, subject: str | None, content: str) -> Iterator[BrokenRule]:
    if (subject is None) == (channel == "email"):
        rule = "subject_missing" if subject is None else "subject_extra"
        yield BrokenRule("subject", rule, "e-mails have one, other channels null")
    if channel == "in_app" and "\n" in content:
        yield BrokenRule("content", "line_break", "in_app is a single line")
    if channel != "in_app" and PLACEHOLDER not in content:
        yield BrokenRule("content", "placeholder_missing", f"{PLACEHOLDER} is missing")
    yield from _rules_broken_by_text("content", content, longest=LENGTHS[channel])
    if subject is not None:
        if "\n" in subject:
            yield BrokenRule("subject", "line_break", "is not a single line")
        yield from _rules_broken_by_text("subject", subject, longest=LENGTHS["email_subject"])


def _rules_broken_by_text(field: str, text: str, *, longest: int) -> Iterator[BrokenRule]:
    if text.count(PLACEHOLDER) != len(_WELL_PLACED.findall(text)):
        sentence = f"{PLACEHOLDER} does not stand between a word with a space and punctuation"
        yield BrokenRule(field, "placeholder_place", sentence)
    if set("{}") & set(text.replace(PLACEHOLDER, "")):
        yield BrokenRule(field, "braces", f"the only placeholder is {PLACEHOLDER}")
    if len(text.replace(PLACEHOLDER, "x" * NAME_LENGTH)) > longest:
        sentence = f"longer than {longest} characters with a name of {NAME_LENGTH}"
        yield BrokenRule(field, "too_long", sentence, longest)
