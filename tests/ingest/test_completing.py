"""What a source does not say: two columns are needed, and it speaks only for those it has."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat
from engagement.pipeline import rescoring
from engagement.policy import DEFAULT_POLICY
from tests.support.cohort import AS_OF, DAY, learner, rows

MONDAY, TUESDAY = AS_OF - 2 * DAY, AS_OF - DAY
KNOWN = """
    select
        learner_id, last_login, login_is_unknown, completed_percent, completed_percent_due, completed_percent_course,
        avg_quiz_score, consecutive_missed_sessions
    from newest_facts
    order by learner_id
"""


def load(store, *given, at=MONDAY, **how):
    return learners.load(
        store, pd.DataFrame(given), observed_at=at, loaded_at=at, source_format=SourceFormat(**how)
    )


def known(store):
    return {
        one: dict(zip(("login", "unknown", "done", "due", "course", "quiz", "missed"), rest, strict=True))
        for one, *rest in rows(store, KNOWN)
    }


def labels(store):
    rescoring.publish_scores(
        store, as_of=AS_OF, zone=ZoneInfo("UTC"), programs=None, now=AS_OF, policy=DEFAULT_POLICY
    )
    return dict(rows(store, "select learner_id, risk_label from risk_scores"))


def test_an_id_and_a_program_are_enough(store):
    told = load(store, {"id": "a", "program": "Maths"})
    assert (told.accepted, told.quarantined) == (1, 0)
    assert known(store)["a"] == {
        "login": None,
        "unknown": True,
        **dict.fromkeys(("done", "due", "course", "quiz", "missed")),
    }
    assert labels(store) == {"a": "unknown"}


def test_a_program_may_be_said_for_all(store):
    with pytest.raises(InvalidInput, match="--set program=NAME"):
        load(store, {"id": "a", "avg_quiz_score": 50})
    load(store, {"id": "a", "avg_quiz_score": 50}, values={"program": "Maths 1; --'"})
    assert rows(store, "select program from learners") == [("Maths 1; --'",)]


@pytest.mark.parametrize(
    "values", [{"id": "x"}, {"email": "x@example.invalid"}, {"program": " "}, {"programme": "x"}]
)
def test_what_differs_by_learner_cannot_be_said_for_all(values):
    with pytest.raises(InvalidInput, match=r"^set "):
        SourceFormat(values=values)


def test_a_source_speaks_only_for_the_columns_it_has(store):
    whole = learner(
        "a", last_login="2026-02-20", completed_percent=40, avg_quiz_score=80, consecutive_missed_sessions=2
    )
    load(store, whole)
    before = labels(store)
    told = load(store, {"id": "a", "program": "Data", "avg_quiz_score": 30}, at=TUESDAY)
    after = known(store)["a"]
    assert (after["login"].date().isoformat(), after["unknown"], after["done"], after["missed"]) == (
        "2026-02-20",
        False,
        40,
        2,
    )
    assert after["quiz"] == 30
    assert rows(store, "select name, email from learners") == [(whole["name"], whole["email"])]
    assert "there is no last_login, completed_percent, consecutive_missed_sessions" in told.notes[0]
    assert labels(store).keys() == before.keys()


def test_an_empty_cell_says_something_and_an_absent_column_nothing(store):
    load(store, learner("a", last_login="2026-02-20", avg_quiz_score=80))
    load(store, {"id": "a", "program": "Data", "last_login": None}, at=TUESDAY)
    assert (known(store)["a"]["login"], known(store)["a"]["unknown"]) == (None, False)  # never
    load(store, {"id": "a", "program": "Data", "avg_quiz_score": None}, at=AS_OF)
    assert known(store)["a"]["quiz"] is None


def test_the_same_part_of_the_facts_again_adds_nothing(store):
    load(store, learner("a", avg_quiz_score=80))
    for at in (TUESDAY, AS_OF):
        load(store, {"id": "a", "program": "Data", "avg_quiz_score": 30}, at=at)
    assert rows(store, "select count(*) from learner_facts") == [(2,)]


def test_two_sources_of_one_night_make_one_learner_whole(store):
    load(store, {"id": "a", "program": "Data", "last_login": "2026-02-20"}, at=MONDAY)
    load(store, {"id": "a", "program": "Data", "completed_percent_due": 10, "avg_quiz_score": 20}, at=TUESDAY)
    load(store, {"id": "a", "program": "Data", "consecutive_missed_sessions": 7}, at=AS_OF)
    assert list(known(store)["a"].values())[1:] == [False, 10, 10, None, 20, 7]
    assert labels(store) == {"a": "high"}


@pytest.mark.parametrize(
    ("loads", "done"),
    [
        ([{"completed_percent_due": 30}], 30),
        ([{"completed_percent_course": 30}], 30),
        ([{"completed_percent_due": 30, "completed_percent_course": 10}], 30),
        ([{"completed_percent_due": None, "completed_percent_course": 10}], None),  # nothing is due yet
        ([{"completed_percent_course": 10}, {"completed_percent_due": 30}], 30),
        ([{"completed_percent_due": 30}, {"completed_percent_course": 10}], 30),
        ([{"completed_percent_course": 10}, {"completed_percent_course": 20}], 20),
        ([{"completed_percent": 50}, {"completed_percent_course": 10}], 50),
        ([{"completed_percent": 50}, {"completed_percent_due": 10}], 10),
    ],
)
def test_the_basis_follows_the_column_that_was_loaded(store, loads, done):
    for day, given in enumerate(loads):
        load(store, {"id": "a", "program": "Data", **given}, at=MONDAY + day * DAY)
    assert known(store)["a"]["done"] == done


@pytest.mark.parametrize(
    ("given", "how", "name"),
    [
        ({"first_name": "Ana", "last_name": "Example"}, {}, "Ana Example"),
        ({"first_name": None, "last_name": "Example"}, {}, "Example"),
        (
            {"Vorname": "Ana", "Nachname": "Example"},
            {"columns": {"first_name": "Vorname", "last_name": "Nachname"}},
            "Ana Example",
        ),
        ({"name": "Example Ana"}, {"name_order": "family-first"}, "Example, Ana"),
        ({"name": "Example, Ana"}, {"name_order": "family-first"}, "Example, Ana"),
        ({"name": "Ana Example"}, {}, "Ana Example"),
    ],
)
def test_a_name_is_made_of_its_parts_and_told_by_its_order(store, given, how, name):
    load(store, {"id": "a", "program": "Data", **given}, **how)
    assert rows(store, "select name, contains(searched, lower(name)) from learners") == [(name, True)]


def test_names_that_greet_nobody_are_counted_in_one_line(store):
    told = load(
        store,
        *(
            {"id": one, "program": "Data", "name": name}
            for one, name in zip("abc", ("Ana Example", "J", "Dr"), strict=True)
        ),
    )
    assert next(note for note in told.notes if note.startswith("name:")).startswith("name: from 2 of 3 names")
    told = load(store, {"id": "a", "program": "Data", "name": "Ana Example"})
    assert not [note for note in told.notes if note.startswith("name:")]


def test_a_file_names_known_learners_by_their_address(store):
    load(store, learner("a", email="one@example.invalid"), learner("b", email="two@example.invalid"))
    told = load(
        store,
        {"email": "ONE@example.invalid ", "avg_quiz_score": 10},
        {"email": "nobody@example.invalid", "avg_quiz_score": 20},
        at=TUESDAY,
        key="email",
    )
    assert (told.accepted, told.reasons) == (1, {"email: no learner is known by it": 1})
    assert (known(store)["a"]["quiz"], known(store)["b"]["quiz"]) == (10, 30)
    assert rows(store, "select program from learners where id = 'a'") == [("Data",)]


def test_a_file_with_ids_of_its_own_names_them_by_their_address_without_a_program(store):
    load(store, learner("a", email="one@example.invalid"))
    theirs = {"id": "X1", "name": "Ex Ample", "email": "one@example.invalid", "avg_quiz_score": 10}
    told = load(
        store, theirs, {"id": "Average", "name": "Overall average", "email": None}, at=TUESDAY, key="email"
    )
    assert (told.accepted, told.left_out["a sum"]["rows"]) == (1, 1)
    assert known(store)["a"]["quiz"] == 10


def test_a_file_without_ids_tells_of_its_refused_rows_like_any_other(store, tmp_path):
    load(store, learner("a", email="one@example.invalid"))
    file, by_email = tmp_path / "grades.csv", SourceFormat(key="email")
    known = {"observed_at": TUESDAY, "loaded_at": TUESDAY, "source_format": by_email}
    file.write_text(
        "email;avg_quiz_score\none@example.invalid;10\ncut off\nAverage;61,2\nE-mail;avg_quiz_score\n"
    )
    told = learners.load(store, file, **known)
    assert (told.accepted, told.quarantined) == (1, 2)
    assert told.left_out == {"a sum": {"rows": 1, "lines": [4]}}
    file.write_text("email;avg_quiz_score\none@example.invalid;10\nEMAIL;Avg_quiz_score\n;50\n")
    told = learners.load(store, file, **known)
    assert told.left_out == {"the header again": {"rows": 1, "lines": [3]}}
    file.write_text("email,avg_quiz_score,completed_percent\n" + "nobody,x,y\n" * 20)
    with pytest.raises(InvalidInput, match=r"not one value of .* can be read; are these columns swapped"):
        learners.load(store, file, **known)


def test_of_several_enrolments_of_an_address_the_program_says_which(store):
    one = {"person_id": "p", "email": "one@example.invalid"}
    load(store, learner("a", program="Data", **one), learner("b", program="Art", **one))
    with pytest.raises(InvalidInput, match="email: several learners have it"):
        load(store, {"email": "one@example.invalid", "avg_quiz_score": 10}, at=TUESDAY, key="email")
    load(
        store,
        {"email": "one@example.invalid", "program": "Art", "avg_quiz_score": 10},
        at=TUESDAY,
        key="email",
    )
    assert (known(store)["a"]["quiz"], known(store)["b"]["quiz"]) == (30, 10)
    load(store, learner("a", program="Data", active=False, **one), at=AS_OF)
    load(store, {"email": "one@example.invalid", "avg_quiz_score": 20}, at=AS_OF, key="email")
    assert (known(store)["a"]["quiz"], known(store)["b"]["quiz"]) == (30, 20)


def test_what_names_a_learner_is_not_told_anew(store):
    load(store, learner("a", name="Ana Example", email="one@example.invalid"))
    load(store, {"name": "ANA EXAMPLE", "program": "data", "topic": "cells"}, at=TUESDAY, key="name+program")
    assert rows(store, "select name, program, topic from learners") == [("Ana Example", "Data", "cells")]


def test_a_file_names_known_learners_by_name_and_program(store):
    load(store, learner("a", name="Ana Example"), learner("b", name="Ana Example", program="Art"))
    load(
        store, {"name": "ana example", "program": "Art", "avg_quiz_score": 10}, at=TUESDAY, key="name+program"
    )
    assert (known(store)["a"]["quiz"], known(store)["b"]["quiz"]) == (30, 10)


def test_groups_come_alone_from_a_file_of_ids(store):
    load(store, learner("a", program="Art"), learner("b"))
    before = known(store)
    told = load(store, {"id": "a", "Sex": "F"}, {"id": "x", "Sex": "M"}, at=TUESDAY, groups={"gender": "Sex"})
    assert (told.accepted, told.reasons) == (
        1,
        {"program: missing, and the learner is not known yet; `--set program=NAME` says it": 1},
    )
    assert rows(store, "select learner_id, value from learner_groups") == [("a", "F")]
    assert (known(store), rows(store, "select id, program from learners order by id")) == (
        before,
        [("a", "Art"), ("b", "Data")],
    )


def test_a_key_needs_its_column(store):
    load(store, learner("a"))
    with pytest.raises(InvalidInput, match="`--key email` needs the column email"):
        load(store, {"id": "a", "program": "Data"}, key="email")
    with pytest.raises(InvalidInput, match=r"`--key name\+program` needs the column program"):
        load(store, {"name": "Ana Example", "avg_quiz_score": 10}, key="name+program")
    with pytest.raises(InvalidInput, match=r"^key 'phone': allowed are id, email, name"):
        SourceFormat(key="phone")
