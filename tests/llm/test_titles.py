"""A model is told only what a person has confirmed."""

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.llm import titles
from tests.support.cohort import AS_OF, learner, load, rows


def confirm(store, *texts, kind="topic", title=None):
    return titles.confirm(store, texts, kind=kind, actor="coordinator", now=AS_OF, title=title)


@pytest.fixture
def known(store):
    load(
        store,
        learner("a", program="Data", topic="loops"),
        learner("b", program="Data", topic="loops"),
        learner("c", program="Law", topic=None),
        learner("d", program="Old", topic="gone", active=False),
    )
    return store


def test_what_active_learners_have_is_listed_and_none_of_it_is_confirmed(known):
    assert [(row["kind"], row["text"], row["learners"], row["title"]) for row in titles.listed(known)] == [
        ("program", "Data", 2, None),
        ("program", "Law", 1, None),
        ("topic", "loops", 2, None),
    ]


def test_a_confirmed_title_says_who_confirmed_it(known):
    (row,) = confirm(known, "loops")
    assert (row["title"], row["confirmed_by"], row["confirmed_at"]) == ("loops", "coordinator", AS_OF)
    assert [found["text"] for found in titles.listed(known) if found["title"]] == ["loops"]


def test_a_model_can_be_told_other_words(known):
    (row,) = confirm(known, "Data", kind="program", title="Working  with data")
    assert row["title"] == "Working with data"


def test_confirming_again_replaces_the_words(known):
    confirm(known, "loops", title="Loops")
    confirm(known, "loops", title="Repeating steps")
    assert rows(known, "select title from titles") == [("Repeating steps",)]


def test_a_program_is_not_confirmed_with_a_topic_of_the_same_name(store):
    load(store, learner("a", program="loops", topic="loops"))
    confirm(store, "loops", kind="topic")
    assert [row["title"] for row in titles.listed(store)] == [None, "loops"]


def test_a_withdrawn_title_is_kept_back(known):
    confirm(known, "loops")
    (row,) = titles.withdraw(known, ["loops"], kind="topic")
    assert row["title"] is None
    assert rows(known, "select count(*) from titles") == [(0,)]


@pytest.mark.parametrize("call", [confirm, lambda store, text: titles.withdraw(store, [text], kind="topic")])
def test_what_no_learner_has_is_not_found(known, call):
    with pytest.raises(NotFound, match="topic: 1 of 1 not known, first 'Loops'"):
        call(known, "Loops")


def test_several_are_confirmed_or_none(known):
    with pytest.raises(NotFound, match="1 of 2"):
        confirm(known, "loops", "nobody's")
    assert rows(known, "select count(*) from titles") == [(0,)]


@pytest.mark.parametrize(
    "title",
    [
        "x" * 81,
        "   ",
        "two\nlines",
        "{first_name}",
        "<b>bold</b>",
        "https://example.invalid",
        "a@example.invalid",
        "bidi \u202eeltit",
        "zero\u200bwidth",
    ],
    ids=["long", "blank", "lines", "placeholder", "markup", "link", "address", "bidi", "zero width"],
)
def test_what_is_no_title_is_refused(known, title):
    with pytest.raises(InvalidInput, match="title: at most 80 characters") as refused:
        confirm(known, "loops", title=title)
    assert title not in str(refused.value)


def test_other_words_are_for_one_text(known):
    with pytest.raises(InvalidInput, match="one text at a time"):
        confirm(known, "loops", "loops", title="Loops")


def test_there_are_two_kinds(known):
    with pytest.raises(InvalidInput, match="program, topic"):
        confirm(known, "loops", kind="person")
