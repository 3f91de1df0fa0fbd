# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import io
import re
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from engagement.cli.terminal.render import (
    plain,
    show_artifacts,
    show_draft,
    show_profile,
    show_summary,
    show_table,
)

COUNTS = {
    "labels": {"high": 1200, "medium": 2400, "low": 0, "unknown": 3},
    "labels_before": {"high": 1202, "medium": 2400, "low": 0, "unknown": 0},
    "learners": 3603,
    "nudges": 2,
    "nudges_by_template": 1,
    "quizzes": 1,
    "quizzes_by_template": 1,
    "left_out": {"low": 1500, "unheard of": 2},
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SHA = "0123456789ab" + "c" * 52


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), width=80, color_system="truecolor", force_terminal=True)


def lines(screen):
    """Return what a person reads; of escape sequences only colours may be there."""
    shown = COLOUR.sub("", screen.file.getvalue())
    assert "\x1b" not in shown
    return [line.rstrip() for line in shown.splitlines()]


def summary(screen, report=None, **different):
    show_summary(
        screen, COUNTS | different, title="Nightly [run]", reasons={"low": "At low risk."}, report=report
    )
    return "\n".join(lines(screen))


def test_a_summary_begins_with_how_many_are_at_high_risk(screen):
    shown = summary(screen)
    assert shown.startswith("\nNightly [run]\n1,200 of 3,603 learners are at high risk\n")


def test_a_summary_says_what_changed(screen):
    shown = summary(screen)
    assert "-2 since the last run" in shown
    assert "+3 since the last run" in shown
    assert shown.count("as in the last run") == 2


def test_a_first_summary_says_there_was_no_earlier_run(screen):
    assert summary(screen, labels_before=None).count("no earlier run") == 4


@pytest.mark.parametrize(
    ("by_template", "sentence"),
    [
        ((2, 1), "2 nudges and 1 quizzes drafted, all of them from templates."),
        ((0, 0), "2 nudges and 1 quizzes drafted."),
    ],
)
def test_a_summary_says_how_many_drafts_came_from_templates(screen, by_template, sentence):
    nudges, quizzes = by_template
    shown = summary(screen, nudges_by_template=nudges, quizzes_by_template=quizzes)
    assert sentence in shown.splitlines()
    assert "Nothing is sent before a person approves it." in shown


def test_a_summary_of_a_look_back_says_why_it_drafted_nothing(screen):
    shown = summary(screen, nudges=0, quizzes=0, newer_day="2026-11-29")
    assert "It looks back: the run for 29 November 2026 is published" in shown
    assert "looks back" not in summary(screen, newer_day=None).removeprefix(shown)


def test_a_summary_counts_who_is_left_out_in_words_where_there_are_some(screen):
    shown = summary(screen)
    assert " 1,500  At low risk." in shown
    assert "     2  unheard of" in shown


def test_a_summary_of_nobody_can_be_shown(screen):
    none = dict.fromkeys(COUNTS["labels"], 0)
    assert "0 of 0 learners" in summary(screen, labels=none, learners=0, left_out={})


def test_a_summary_of_a_run_that_scores_nobody_is_its_answer(screen):
    none = dict.fromkeys(COUNTS["labels"], 0)
    answer = "It helped: of those nudged 65 % came back, of the others 54 %." + " More words." * 5
    shown = summary(screen, labels=none, learners=0, answer=answer)
    assert answer in shown.replace("\n", " ")
    assert "high risk" not in shown


def test_each_paper_of_a_run_is_on_a_line_of_its_own_and_acts_nowhere(screen):
    show_artifacts(screen, [("Also", Path("/r/[red]a.html")), ("For mail", Path("/r/report.pdf"))])
    assert lines(screen) == ["Also: /r/[red]a.html", "For mail: /r/report.pdf"]


def test_answers_are_shown_a_line_each(screen):
    shown = summary(screen, learners=0, answer="It helped.\n3 are at risk.")
    assert "It helped.\n3 are at risk." in shown


def test_the_path_of_a_report_is_never_broken(screen):
    path = Path("/", *["a-folder-with-a-rather-long-name"] * 4, "report.html")
    assert f"Report: {path}" in summary(screen, report=path)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "\x1b]0;title\x07",
        "\x9b31m",
        "\u202eevil",
        "\u2066x",
        "\u200fx",
        "bell\x07",
        "back\x08\x08",
        "car\rriage",
        "\u2028line",
        "null\x00",
        "\ud800",
    ],
    ids=ascii,
)
def test_plain_text_holds_nothing_that_acts(text):
    shown = plain(text).plain
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert all(character.isprintable() for character in shown)


def test_plain_text_is_one_line_of_limited_length():
    assert plain("a  \n\n\n b\nc").plain == "a b c"
    assert plain("x" * 10_000).plain == "x" * 59 + "…"
    assert plain(None).plain == ""


def test_markup_is_text(screen):
    show_table(screen, "[bold]title[/bold]", ("name",), [{"name": "[red]x[/red] :smile:"}])
    shown = "\n".join(lines(screen))
    assert "[bold]title[/bold]" in shown
    assert "[red]x[/red] :smile:" in shown


def test_a_table_says_numbers_and_instants_shortly(screen):
    row = {"id": SHA, "risk_score": 0.8251, "as_of": datetime(2026, 3, 1, 23, 59, 59, 999999), "topic": None}
    show_table(screen, "", ("id", "risk_score", "as_of", "topic"), [row])
    heading, shown = lines(screen)
    assert heading.split() == ["id", "score", "as", "of", "topic"]
    assert shown.split() == ["0123456789ab", "0.83", "2026-03-01", "23:59"]


def test_a_learners_id_is_never_shortened(screen):
    show_table(screen, "", ("id", "content"), [{"id": "2023-AUTUMN-0008462", "content": "x " * 300}])
    assert "2023-AUTUMN-0008462" in lines(screen)[1]


def test_content_stays_on_one_line_and_the_table_on_the_screen(screen):
    row = {"id": SHA, "learner_id": "S-000001", "risk_label": "medium", "content": "words " * 100}
    show_table(screen, "", ("id", "learner_id", "risk_label", "content"), [row])
    shown = lines(screen)
    assert len(shown) == 2
    assert shown[1].endswith("…")
    assert max(map(len, shown)) <= 80


def test_a_risk_label_is_a_word_and_not_only_a_colour(screen):
    show_table(screen, "", ("risk_label",), [{"risk_label": "high"}])
    assert lines(screen)[1].split() == ["high"]
    assert "\x1b[1;31m" in screen.file.getvalue()


USE = {
    "model": "gpt-[bold]",
    "requests": 1_234,
    "different_texts": 1_200,
    "input_tokens": 600_000,
    "output_tokens": 50_000,
    "spent_usd": 0.5,
    "saved_usd": 0.25,
}


def test_a_summary_says_what_a_model_wrote_what_that_cost_and_why_templates_stand_in(screen):
    shown = summary(screen, nudges_by_template=1, quizzes_by_template=0, templates={"deadline": 1}, model=USE)
    words = " ".join(shown.split())
    assert "2 nudges and 1 quizzes drafted: 2 by gpt-[bold], 1 from templates." in words
    assert (
        "The model was asked 1,234 times and wrote 1,200 different texts: 650,000 tokens, $0.50; "
        "equal prompts asked once saved $0.25." in words
    )
    assert "Templates, because: 1 The model did not answer in time." in words


def test_a_summary_of_a_model_without_a_price_names_no_money(screen):
    unknown = USE | {"spent_usd": None, "saved_usd": None}
    shown = summary(screen, nudges_by_template=0, quizzes_by_template=0, templates={}, model=unknown)
    assert "$" not in shown
    assert "Templates, because" not in shown


def test_a_draft_says_where_it_came_from_and_what_to_mind(screen):
    made = {
        "id": SHA,
        "gptFallback": True,
        "reason": "no_model",
        "warnings": ["[Mind] this."],
        "subject": "Hi",
    }
    show_draft(screen, made, "One\nTwo [bold]x[/bold]")
    assert lines(screen) == [
        "Draft 0123456789ab, from a template; a person has to approve it.",
        "Why a template: Templates were asked for.",
        "Mind: [Mind] this.",
        "",
        "Subject: Hi",
        "",
        "One",
        "Two [bold]x[/bold]",
    ]


def test_a_draft_of_the_model_says_so(screen):
    made = {"id": SHA, "gptFallback": False, "reason": None, "warnings": [], "subject": None}
    show_draft(screen, made, "One")
    assert lines(screen)[0].startswith("Draft 0123456789ab, written by the model;")


def profile(**different):
    return {
        "id": "a",
        "name": "Kim Example",
        "program": "Data",
        "risk_label": "high",
        "risk_score": 0.8,
        "top_reason": "5 % of the due work done",
        "probability": None,
        "contributions": {"behind_pace": 0.5, "low_quiz": None, "missed_session": 0.2, "inactivity": 0.1},
        "what_would_help": [
            {"input": "completed_percent", "needed": 30.0, "label_then": "medium"},
            {"input": "avg_quiz_score", "needed": 80.0, "label_then": "medium"},
            {"input": "consecutive_missed_sessions", "needed": 1.0, "label_then": "medium"},
            {"input": "days_inactive", "needed": 4.0, "label_then": "low"},
        ],
        "history": [
            {"as_of": datetime(2026, 1, day), "risk_label": "high", "risk_score": 0.8} for day in range(1, 15)
        ],
        "nudges": [],
        "quizzes": [],
        "events": [],
        "contact": contact(),
    } | different


def contact(warnings=(), **refused):
    return {
        "refusals": {"in_app": None, "whatsapp": None, "email": None} | refused,
        "warnings": list(warnings),
    }


def test_a_score_is_shown_on_its_side_of_the_threshold(screen):
    at = datetime(2026, 1, 2)
    history = [{"as_of": at, "risk_label": "medium", "risk_score": 0.5996}]
    thresholds = {"high_above": 0.6, "medium_above": 0.3}
    show_profile(screen, profile(risk_score=0.6004, thresholds=thresholds, history=history))
    shown = "\n".join(lines(screen))
    assert "Risk high (0.61)" in shown
    assert re.search(r"2026-01-02 00:00\s+medium\s+0\.59", shown)


@pytest.mark.parametrize(
    ("told", "lines_of"),
    [
        (contact(), []),
        (
            contact(whatsapp="no_opt_in", email="no_address"),
            ["Not by whatsapp: WhatsApp needs an opt-in of the learner.", "Not by email: "],
        ),
        (
            contact(**dict.fromkeys(("in_app", "whatsapp", "email"), "opted_out")),
            ["Nobody may write to them: The learner asked not to be contacted."],
        ),
        (contact(warnings=["held_out"]), ["Mind: By chance"]),
    ],
    ids=["nothing", "by two channels", "by none", "a limit"],
)
def test_a_profile_says_why_nobody_may_write(screen, told, lines_of):
    show_profile(screen, profile(contact=told))
    found = [line for line in lines(screen) if line.startswith(("Not by", "Nobody may", "Mind"))]
    assert len(found) == len(lines_of)
    assert all(line.startswith(start) for line, start in zip(found, lines_of, strict=True)), found


def test_what_would_help_is_told_of_the_course_where_that_is_counted(screen):
    show_profile(screen, profile(basis="course"))
    assert "Would help: 30 % of the course done (then medium risk)." in "\n".join(lines(screen))


def test_a_profile_shows_the_parts_and_what_would_help(screen):
    show_profile(screen, profile())
    shown = "\n".join(lines(screen))
    assert "Risk high (0.80): 5 % of the due work done" in shown
    assert re.search("Low quiz results +not known", shown)
    assert "Would help: 30 % of the due work done (then medium risk)." in shown
    assert "Would help: a quiz average of 80 (then medium risk)." in shown
    assert "Would help: missed sessions in a row down to 1 (then medium risk)." in shown
    assert "Would help: a last login at most 4 days ago (then low risk)." in shown


def test_a_profile_shows_every_reason_and_how_somebody_is_reached(screen):
    reasons = ["5 % of the due work done", "missed 3 sessions in a row", "last login 9 days ago"]
    show_profile(screen, profile(reasons=reasons, phone="+12025550101", email="[b]a@example.invalid"))
    shown = lines(screen)
    assert "+12025550101 · [b]a@example.invalid" in shown
    assert "Also: missed 3 sessions in a row; last login 9 days ago" in shown
    show_profile(screen, profile(reasons=reasons[:1], phone=None, email=None))
    assert not any("Also" in line or "None" in line for line in lines(screen)[len(shown) :])


def test_events_and_statuses_are_words_and_what_nobody_has_named_is_told_as_it_is(screen):
    at = datetime(2026, 1, 2)
    kinds = ("nudge_approved", "quiz_rewritten", "session_missed", "[b]badge")
    events = [{"timestamp": at, "type": kind, "actor": "x"} for kind in kinds]
    nudge = {"id": "n", "created_at": at, "channel": "in_app", "status": "queued", "content": "Hi"}
    show_profile(screen, profile(events=events, nudges=[nudge]))
    shown = "\n".join(lines(screen))
    for word in (
        "Nudge: approved",
        "Quiz: written again",
        "Missed a session",
        "[b]badge",
        "Ready to send",
        "In the app",
    ):
        assert word in shown


def test_a_profile_shows_the_newest_of_a_long_history_first(screen):
    show_profile(screen, profile())
    days = [line.split()[0] for line in lines(screen) if line.startswith(" 2026-01-")]
    assert days == [f"2026-01-{day:02}" for day in range(14, 4, -1)]


def test_a_profile_says_the_chance_where_there_is_one(screen):
    said = "Of 100 learners with such a score, 20 [b]left[/b] later."
    show_profile(screen, profile(probability={"in_words": said}))
    assert said in "\n".join(lines(screen))


def test_a_profile_without_a_score_says_so(screen):
    show_profile(screen, profile(risk_label=None, name=None, what_would_help=[], history=[]))
    shown = lines(screen)
    assert shown[0] == "a"
    assert "Not scored yet." in shown


def test_a_profile_of_too_little_has_no_score(screen):
    show_profile(screen, profile(risk_label="unknown", risk_score=None, what_would_help=[]))
    assert "Risk unknown (no score): 5 % of the due work done" in lines(screen)
