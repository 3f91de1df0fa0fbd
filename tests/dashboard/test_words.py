"""The page's words: whatever code the server sends, there is a sentence for it, and no sentence elsewhere."""

import re

import pytest

from engagement.content.generation import WHY_TEMPLATE
from engagement.dashboard import methods
from engagement.policy import DRAFT_HOURS
from engagement.settings import PROJECT
from engagement.views import coverage
from engagement.vocabulary import (
    CHANNEL_WORDS,
    CHANNELS,
    DONE_WORDS,
    DRAFT_WORDS,
    EVENT_WORDS,
    LABELS,
    NUDGE_TYPES,
    QUIET_DAYS,
    STATUS_WORDS,
    STATUSES,
    TERMS,
    TYPE_WORDS,
    WAYS_TO_LEAVE,
)

STATIC = PROJECT / "engagement" / "dashboard" / "static"
WORDS = (STATIC / "shared" / "words.en.js").read_text(encoding="utf-8")
WORDS += (STATIC / "shared" / "words.data.en.js").read_text(encoding="utf-8")
VOCABULARY = (STATIC / "shared" / "vocabulary.js").read_text(encoding="utf-8")
ERRORS = {
    "invalid",
    "not_found",
    "busy",
    "no_store",
    "damaged",
    "full",
    "changed",
    "not_allowed",
    "internal",
    "lost",
}
RULES = {
    "empty",
    "too_long",
    "line_break",
    "placeholder_place",
    "braces",
    "unsafe_character",
    "subject_missing",
}
EVENTS = {
    "phone_call",
    "note",
    "drafted",
    "edited",
    "rewritten",
    "approved",
    "rejected",
    "expired",
}  # of a draft, too


@pytest.mark.parametrize(
    "codes",
    [
        LABELS,
        TERMS,
        CHANNELS,
        NUDGE_TYPES,
        STATUSES,
        WHY_TEMPLATE,
        WAYS_TO_LEAVE,
        sorted(ERRORS),
        sorted(RULES),
        sorted(EVENTS),
    ],
    ids=[
        "labels",
        "terms",
        "channels",
        "types",
        "statuses",
        "template reasons",
        "ways to leave",
        "errors",
        "rules",
        "events",
    ],
)
def test_every_code_has_words(codes):
    missing = [code for code in codes if not re.search(rf"\b{code}: ", WORDS)]
    assert missing == []


def test_the_codes_of_the_page_are_those_of_the_contract_in_their_order():
    listed = re.findall(r"^export const (\w+) = \[(.*)\];$", VOCABULARY, flags=re.MULTILINE)
    codes = {name: tuple(re.findall(r"\w+", codes)) for name, codes in listed}
    assert codes == {"LABELS": tuple(LABELS), "TERMS": tuple(TERMS)}


def test_the_page_says_how_long_who_went_quiet_stayed_away():
    assert QUIET_DAYS == 14
    assert re.search(r'quiet: "[^"]*two weeks', WORDS)


def test_the_page_says_after_how_long_a_draft_expires():
    assert DRAFT_HOURS == 72
    assert re.search(r'expired: "[^"]*older than three days', WORDS)


def test_the_backend_refuses_with_the_codes_that_have_words():
    said = re.findall(
        r'Refused\("(\w+)"|, "(\w+)"\),\n', (PROJECT / "engagement/dashboard/methods.py").read_text()
    )
    codes = {one or other for one, other in said} - {
        "no_viewer",
        "unknown_method",
    }  # a page of ours meets neither
    assert codes <= ERRORS
    assert codes >= {"busy", "changed", "damaged", "invalid", "not_allowed", "no_store", "not_found"}
    assert methods.METHODS


def test_no_sentence_stands_outside_the_words():
    for file in STATIC.glob("*/*.js"):
        if file.name.startswith("words") or file.parent.name == "vendor":
            continue
        text = re.sub(r"//.*|/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        between_tags = re.findall(r">\s*([A-Z][a-z]+ [a-z]+[^<$`{}]*)<", text)
        assert between_tags == [], file.name


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("nudge_types", TYPE_WORDS),
        ("channels", CHANNEL_WORDS),
        ("statuses", STATUS_WORDS),
        ("events", EVENT_WORDS),
        ("made", DRAFT_WORDS),
        ("done", DONE_WORDS),
        ("absent", coverage.ABSENT),
        ("gaps", coverage.GAPS),
    ],
    ids=[
        "types",
        "channels",
        "statuses",
        "events",
        "nudge or quiz",
        "what was done",
        "nothing there",
        "gaps",
    ],
)
def test_a_code_has_the_same_words_on_the_page_as_everywhere(table, words):
    said = dict(
        re.findall(r'(\w+): "([^"]*)"', re.search(rf"\b{table}(?: =|:) {{(.*?)}}[;,]", WORDS, re.DOTALL)[1])
    )
    if table == "nudge_types":  # the main reasons are among them
        said |= dict(re.findall(r'(\w+): "([^"]*)"', re.search(r"const terms = {(.*?)};", WORDS)[1]))
    assert said == dict(words)
