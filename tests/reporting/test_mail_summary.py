"""What a mail says of a run: the answers, a few numbers, nobody's name, no small number."""

from dataclasses import replace
from datetime import date

import pytest

from engagement.reporting.mail_summary import Summary, first_sentence
from tests.support.elements import Page

HOSTILE = "<script>document.title='owned'</script>"


def summary(answers=("It helped.",), **labels):
    return Summary("Weekly report", date(2026, 3, 1), list(answers), labels)


def test_the_words_hold_everything_the_picture_shows():
    told = summary(["It helped.", "No group stands out."], high=300, medium=848, low=767, unknown=38)
    assert told.words == (
        "Weekly report, as of 1 March 2026. It helped. No group stands out. "
        "1,953 learners, 300 at high risk (15 %), 848 at medium risk (43 %), 767 at low risk (39 %), "
        "38 of unknown risk (2 %)."
    )
    shown = Page(told.html()).text
    for word in (
        "Weekly report",
        "1 March 2026",
        "It helped.",
        "No group stands out.",
        "1,953",
        "767",
        "at low risk",
        "38",
        "of unknown risk",
    ):
        assert word in shown


def test_the_parts_of_the_bar_are_those_of_the_numbers():
    told = summary(high=20, medium=30, low=50)
    assert [(figure.name, figure.percent) for figure in told.figures] == [
        ("learners", 0),
        ("at high risk", 20),
        ("at medium risk", 30),
        ("at low risk", 50),
        ("of unknown risk", 0),
    ]


@pytest.mark.parametrize(("high", "said"), [(0, "0"), (1, "under 10"), (9, "under 10"), (10, "10")])
def test_a_number_of_few_learners_is_not_said_and_cannot_be_computed(high, said):
    _, at_high, at_medium, *others = summary(high=high, medium=40, low=100).figures
    assert at_high.number == said
    assert (at_high.share != "") is (high >= 10)
    assert at_medium.number == "40"
    if said in {"0", "10"}:
        assert [(figure.name, figure.number) for figure in others] == [
            ("at low risk", "100"),
            ("of unknown risk", "0"),
        ]
    else:
        assert [(figure.name, figure.number) for figure in others] == [
            ("at high, low or unknown risk", f"{100 + high}")
        ]


def test_the_few_whose_risk_is_unknown_are_told_with_those_at_low_risk():
    _, *told = summary(high=20, medium=30, low=50, unknown=3).figures
    assert [(figure.name, figure.number) for figure in told] == [
        ("at high risk", "20"),
        ("at medium risk", "30"),
        ("at low or unknown risk", "53"),
    ]


def test_a_few_do_not_follow_from_the_others_and_the_total():
    """Of twenty, twelve at high risk would leave eight at medium."""
    told = summary(high=12, medium=8, low=0)
    assert [figure.number for figure in told.figures] == ["20", "10 or more", "under 10", "0", "0", "20"]
    assert "8" not in told.words.replace("2026", "")


def test_whom_to_call_first_stands_in_the_words_and_in_no_picture():
    told = replace(summary(high=20, medium=30, low=50), calls=["S-000017", "S-000004"])
    assert told.words.endswith(" Whom to call first: S-000017, S-000004.")
    assert "S-000017" not in told.html()


def test_where_nobody_is_known_there_are_no_numbers():
    told = summary([])
    assert told.figures == []
    assert told.words == "Weekly report, as of 1 March 2026."
    assert Page(told.html()).all("dl") == []


def test_hostile_answers_are_texts_and_the_page_runs_nothing():
    made = Page(summary([HOSTILE, HOSTILE], high=10).html())
    assert made.all("script") == []
    assert made.text.count(HOSTILE) == 2


def test_a_long_answer_is_set_smaller():
    kinds = {a.get("class") for a in Page(summary(["a" * 150]).html()).all("p")}
    assert "answer short" in kinds
    kinds = {a.get("class") for a in Page(summary(["a" * 151]).html()).all("p")}
    assert "answer" in kinds


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", ""),
        ("One", "One"),
        ("Up by 3.5 points. Then more.", "Up by 3.5 points."),
        ("Was it? 4 of 5 say so.", "Was it?"),
        ("One.\nTwo.", "One."),
    ],
)
def test_the_first_sentence_ends_where_another_begins(text, first):
    assert first_sentence(text) == first
