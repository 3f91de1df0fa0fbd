"""Files of shapes that people really have: what stands in their cells is read as it was meant, and loses nobody.

The files lie outside of the project; `ENGAGEMENT_CASES` says where.
"""

from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat

WHEN = datetime.fromisoformat("2026-02-14 12:00:00")


@pytest.fixture
def load(cases, store):
    """Load a file of the cases; keywords say how it was written."""

    def load(name, *, full=False, **source_format):
        act = learners.load_full if full else learners.load
        return act(
            store,
            cases / "files" / name,
            observed_at=WHEN,
            loaded_at=WHEN,
            source_format=SourceFormat(**source_format),
        )

    return load


ODD = "last_login: a day that is not there yet"


def test_never_is_read_however_it_is_said(load, stored):
    summary = load("never_logged_in.csv")
    assert (summary.accepted, summary.quarantined, summary.odd_cells) == (
        11,
        0,
        {ODD: {"cells": 1, "line": 11}},
    )
    assert stored("select learner_id from learner_facts where last_login is not null") == [("S-3",)]
    assert stored("select learner_id from learner_facts where login_is_unknown") == [("S-10",)]
    assert load("all_never.csv").accepted == 3


def test_ids_are_what_was_meant_under_all_marks(load, stored):
    assert load("excel_protected_ids.csv").quarantined == 0
    assert load("na_program.csv").quarantined == 0
    assert stored("select distinct program from learners order by 1") == [("NA",), ("None",), ("Nursing",)]
    assert load("nan_usernames.csv").quarantined == 0
    assert load("invisible_ids.csv").odd_cells == {}
    ids = {learner for (learner,) in stored("select id from learners")}
    assert {"0008462", "0008463", "0008464", "nan", "null", "na", "none"} <= ids
    assert {f"S-{n}" for n in range(1, 9)} | {"S-10"} <= ids


def test_addresses_are_mended_or_left_out_and_nobody_with_them(load, stored):
    summary = load("address_shapes.csv")
    assert (summary.accepted, summary.quarantined) == (14, 0)
    assert summary.odd_cells == {
        "email: not an address": {"cells": 4, "line": 8},
        "email: several addresses": {"cells": 1, "line": 6},
    }
    known = dict(stored("select id, email from learners"))
    assert known["S-1"] == "mei@example.invalid"
    assert [known[f"S-{n}"] for n in (2, 3, 4, 6, 10, 13)] == [
        f"mei{n}@example.invalid" for n in (2, 3, 4, 7, 9, 12)
    ]
    assert [known[f"S-{n}"] for n in (5, 7, 11, 12, 14)] == [None] * 5


def test_siblings_are_both_known_and_nobody_is_told_to_merge_them(load, stored):
    summary = load("siblings.csv")
    assert (summary.accepted, summary.sharing_an_address) == (2, 2)
    assert stored("select id, email_is_shared from learners order by id") == [("S-1", True), ("S-2", True)]
    assert load("dup_email_case_space.csv").quarantined == 0


def test_words_of_spreadsheets_and_databases_are_nothing_and_a_platform_s_own_can_be_said(load, stored):
    summary = load("excused_words.csv")
    assert "`--missing WORD` where it stands for nothing" in next(iter(summary.reasons))
    nothing = {f"S-{n}" for n in (5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 20)}
    without = {
        learner for (learner,) in stored("select learner_id from learner_facts where avg_quiz_score is null")
    }
    assert nothing <= without
    own = ("EX", "Excused", "Incomplete", "Needs Grading", "missing", "not graded")
    assert load("excused_words.csv", missing=own).quarantined == 0


def test_a_channel_a_zone_or_a_language_that_nobody_knows_loses_nobody(load, stored):
    summary = load("timezone_locale.csv")
    assert (summary.accepted, summary.quarantined) == (7, 0)
    assert stored("select preferred_channel from learners order by id") == [
        *[("email",)] * 3,
        (None,),
        ("in_app",),
        (None,),
        ("whatsapp",),
    ]
    assert stored("select timezone from learners order by id") == [
        *((None,), ("Etc/GMT-2",), (None,), ("Europe/Berlin",), (None,), ("EST5EDT",), ("America/New_York",)),
    ]
    assert stored("select locale from learners order by id") == [
        *(("de",), ("pt-BR",), ("en-US",), ("de-DE",), ("zh-Hant-TW",), ("en",), ("en",)),
    ]


GRADEBOOK = {
    **{"id": "ID", "name": "Student", "program": "Section", "last_login": "Last Activity"},
    **{
        "completed_percent": "Final Score",
        "avg_quiz_score": "Current Score",
        "consecutive_missed_sessions": "Missed",
    },
}


@pytest.mark.parametrize("full", [False, True], ids=["some", "everybody"])
def test_what_a_gradebook_has_beside_learners_is_set_aside(load, stored, full):
    summary = load("canvas_enriched.csv", columns=GRADEBOOK, full=full)
    assert summary.left_out == {
        "a sum": {"rows": 1, "lines": [2]},
        "a test student": {"rows": 1, "lines": [5]},
    }
    assert stored("select id from learners") == [("0008462",)]


@pytest.mark.parametrize("full", [False, True], ids=["some", "everybody"])
def test_rows_of_delimiters_are_blank_lines(load, full):
    summary = load("comma_only_rows.csv", full=full)
    assert (summary.rows, summary.accepted, summary.quarantined) == (3, 3, 0)


def test_fractions_with_a_slip_and_ones_alone_are_asked_about(load, store):
    store.make()
    for name, said in (
        ("fractions_with_one_typo.csv", "50 of 51 values above 0"),
        ("fractions_zero_one.csv", "holds only 0 and 1"),
    ):
        with pytest.raises(InvalidInput, match=said) as caught:
            load(name)
        assert "`--percent-scale completed_percent=1`" in str(caught.value)
    assert load("fractions_with_one_typo.csv", percent_scale={"completed_percent": 1}).quarantined == 1


def test_bonus_points_are_said_to_be_some_or_taken_as_100(load, stored):
    summary = load("canvas_enriched.csv", columns=GRADEBOOK)
    assert "`--cap 100` takes bonus points as 100" in next(iter(summary.reasons))
    assert load("canvas_enriched.csv", columns=GRADEBOOK, cap=100).quarantined == 0
    assert stored("select completed_percent from newest_facts where learner_id = '0008463'") == [(100,)]


def test_an_hour_may_have_one_digit(load, stored):
    assert load("hour_one_digit.csv").quarantined == 0
    assert stored("select hour(last_login) from learner_facts order by learner_id") == [(8,), (18,), (8,)]


def test_dates_that_nobody_can_read_are_told_with_the_format_that_would(load, store, stored):
    summary = load("date_shapes.csv")
    assert summary.accepted == 6
    assert (
        sum("--date-format" in reason for reason in summary.reasons) == len(summary.reasons) - 1
    )  # one is ragged
    with pytest.raises(InvalidInput) as caught:
        load("month_names.csv")
    assert '`--date-format "%d %b %Y"` reads' in str(caught.value)
    assert load("moodle_long_date.csv", date_formats=("%A, %d %B %Y, %I:%M %p",)).quarantined == 0


def test_flags_are_read_in_words_and_one_that_cannot_be_holds_its_learner_back(load, stored):
    summary = load("flag_words.csv")
    assert stored("select id, active from learners order by id") == [
        *(
            ("S-1", True),
            ("S-2", False),
            ("S-3", False),
            ("S-5", True),
            ("S-6", True),
            ("S-7", True),
            ("S-9", True),
        ),
    ]
    assert (summary.quarantined, summary.held_back) == (2, 2)
    assert stored("select learner_id, held_by from consents_ahead order by 1") == [
        ("S-4", ["contact_opt_out"]),
        ("S-8", ["contact_opt_out"]),
    ]
    assert list(summary.reasons) == [
        "contact_opt_out: neither yes nor no; read are yes, no, true, false, 1, 0"
    ]


def test_scores_are_read_or_told_how_to_write_them(load, stored):
    load("score_shapes.csv")
    known = dict(stored("select learner_id, avg_quiz_score from learner_facts"))
    assert known == {
        **{
            "S-1": 85,
            "S-4": 85.5,
            "S-6": 85.5,
            "S-8": 85,
            "S-12": 8.5,
            "S-14": 100,
            "S-16": 85,
            "S-17": 85,
            "S-19": 85,
        }
    }
    reasons = {reason for (found,) in stored("select reasons from quarantine") for reason in found}
    assert len(reasons) == 3
    assert all("`--missing WORD`" in one or "write a point" in one or "outside" in one for one in reasons)


def test_what_waits_for_its_teacher_loses_nobody(load, stored):
    names = {
        **{"id": "Student ID", "name": "First Name", "program": "Course", "last_login": "Last Access"},
        **{"completed_percent": "Weighted Total [Total Pts: 100 Score] |701", "avg_quiz_score": "Quiz Avg"},
        "consecutive_missed_sessions": "Missed",
    }
    assert load("blackboard.xls", columns=names).quarantined == 0
    assert stored("select learner_id, avg_quiz_score is null from learner_facts order by 1")[-1] == (
        "0008463",
        True,
    )
