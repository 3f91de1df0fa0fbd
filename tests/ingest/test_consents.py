"""Consents: what rows say no to counts, also where they are refused, and what cannot be read holds back."""

from datetime import timedelta

import pytest

from engagement.ingest import learners
from engagement.outreach import export, review
from tests.ingest.test_learners import HEADER, MONDAY, TUESDAY, WEDNESDAY, row
from tests.support import cohort
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, rows

CONSENTS = "contact_opt_out,llm_opt_out,whatsapp_opt_in,active,person_id"
SAID = "select contact_opt_out, llm_opt_out, whatsapp_opt_in, active, held_by from learners where id = 'a'"
FREE = (False, False, True, True, None)
BAD = {"avg_quiz_score": "104.2"}


def line(learner="a", *, contact="", model="", whatsapp="yes", active="", person="", **changed):
    changed = {"email": f"{learner.replace(' ', '.')}@example.invalid"} | changed
    return ",".join((row(learner, **changed), contact, model, whatsapp, active, person))


@pytest.fixture
def load(store, tmp_path):
    """Load a CSV of these lines, beside a row that is always accepted."""

    def load(*lines, at=MONDAY, header=f"{HEADER},{CONSENTS}", full=False):
        path = tmp_path / "learners.csv"
        other = line("other") if CONSENTS in header else row("other")
        path.write_text("\n".join((header, other, *lines, "")), encoding="utf-8")
        act = learners.load_full if full else learners.load
        return act(store, path, observed_at=at, loaded_at=WEDNESDAY + timedelta(days=9))

    return load


NO = {
    "contact": ({"contact": "true"}, (True, False, True, True, None)),
    "model": ({"model": "yes"}, (False, True, True, True, None)),
    "whatsapp": ({"whatsapp": "no"}, (False, False, False, True, None)),
    "blank whatsapp": ({"whatsapp": ""}, (False, False, False, True, None)),
    "active": ({"active": "0"}, (False, False, True, False, None)),
    "unreadable contact": ({"contact": "Unsubscribed"}, (True, False, True, True, ["contact_opt_out"])),
    "unreadable model": ({"model": "ask me"}, (False, True, True, True, ["llm_opt_out"])),
    "unreadable active": ({"active": "resting"}, (True, False, True, True, ["active"])),
    "unreadable whatsapp": ({"whatsapp": "perhaps"}, (False, False, False, True, None)),
}


BADS = [BAD, {"last_login": "Never!"}, {"name": "x" * 20_001}]
LEARNERS = {
    f"{said} {n}": (words, bad, meant) for said, (words, meant) in NO.items() for n, bad in enumerate(BADS)
}


def consents(store):
    """Return what holds for everybody but the one beside them."""
    found = rows(store, f"select id, {SAID.removeprefix('select ').partition(' from ')[0]} from learners")
    return {learner: tuple(held) for learner, *held in found if learner != "other"}


def test_a_refused_row_takes_no_consent_with_it(store, load):
    load(*map(line, LEARNERS))
    refused = [line(learner, **words, **bad) for learner, (words, bad, _) in LEARNERS.items()]
    assert load(*refused, at=TUESDAY).quarantined == len(LEARNERS)
    assert consents(store) == {learner: meant for learner, (_, _, meant) in LEARNERS.items()}
    load(*(line(learner, contact="no", model="no", active="yes") for learner in LEARNERS), at=WEDNESDAY)
    assert consents(store) == dict.fromkeys(LEARNERS, FREE)  # mended


def test_of_two_rows_of_one_learner_a_no_counts_whichever_is_newer(store, load):
    newest_says_no = [
        (line(learner, **words, last_login="2026-11-02"), line(learner, last_login="2026-11-01"))
        for learner, (words, _) in NO.items()
    ]
    oldest_says_no = [
        (line(f"{learner}!", last_login="2026-11-02"), line(f"{learner}!", **words, last_login="2026-11-01"))
        for learner, (words, _) in NO.items()
    ]
    load(*(one for two in (*newest_says_no, *oldest_says_no) for one in two))
    assert consents(store) == {
        f"{learner}{mark}": meant for learner, (_, meant) in NO.items() for mark in ("", "!")
    }


UNREADABLE = [said for said, (_, (*_, held_by)) in NO.items() if held_by]


def test_what_cannot_be_read_holds_back_until_a_row_is_accepted_in_a_file_with_its_column(store, load):
    load(*map(line, UNREADABLE))
    load(*(line(said, **NO[said][0]) for said in UNREADABLE), at=TUESDAY)
    load(*map(row, UNREADABLE), at=TUESDAY + timedelta(hours=1), header=HEADER)  # which has no such column
    load(*(line(said, **NO[said][0], **BAD) for said in UNREADABLE), at=TUESDAY + timedelta(hours=2))
    assert consents(store) == {said: NO[said][1] for said in UNREADABLE}
    load(*map(line, UNREADABLE), at=WEDNESDAY)  # nothing in the cell: what was known before
    assert consents(store) == dict.fromkeys(UNREADABLE, FREE)


def test_who_said_no_before_their_consent_could_not_be_read_has_still_said_no(store, load):
    load(line(contact="yes"))
    load(line(contact="Unsubscribed"), at=TUESDAY)
    load(line(), at=WEDNESDAY)
    assert rows(store, "select contact_opt_out, held_by from learners where id = 'a'") == [(True, None)]


def test_a_record_that_cannot_be_split_holds_its_learner_back(store, load):
    load(line())
    assert load(line() + ",one too many", at=TUESDAY).quarantined == 1
    assert rows(store, SAID) == [(True, True, False, True, ["active", "contact_opt_out", "llm_opt_out"])]
    load(line(), at=WEDNESDAY)
    assert rows(store, SAID) == [FREE]


def test_an_older_file_undoes_no_consent_of_a_refused_row(store, load):
    load(line())
    load(line(contact="yes", model="yes", whatsapp="no", active="no", **BAD), at=WEDNESDAY)
    load(line(contact="no", model="no", active="yes"), at=TUESDAY)
    assert rows(store, SAID) == [(True, True, False, False, None)]


def test_an_opt_in_that_an_export_leaves_empty_is_withdrawn(store, load):
    load(line())
    load(line(whatsapp=""), at=TUESDAY)
    assert rows(store, SAID) == [(False, False, False, True, None)]


def test_a_refused_row_of_an_older_file_undoes_nothing(store, load):
    load(line(contact="no"), at=WEDNESDAY)
    load(line(contact="yes", whatsapp="no", **BAD), at=TUESDAY)
    assert rows(store, SAID) == [FREE]


def test_what_a_row_says_before_its_learner_is_known_is_kept_until_then(store, load):
    load(line(contact="yes", model="yes", active="no", **BAD))
    load(row("a"), at=TUESDAY, header=HEADER)
    assert rows(store, SAID.replace("whatsapp_opt_in, ", "")) == [(True, True, False, None)]
    assert rows(store, "select count(*) from consents_ahead") == [(0,)]


def test_the_first_word_that_is_accepted_counts_where_it_is_newer(store, load):
    load(line(contact="yes", model="what?", **BAD))
    load(line(contact="no", model="no"), at=TUESDAY)
    assert rows(store, SAID) == [FREE]


def test_consents_of_an_enrolment_that_is_not_known_count_for_the_person(store, load):
    load(line(person="p"))
    for _ in range(2):
        load(line(person="p", contact="no"), line("a2", person="p", contact="yes", **BAD), at=TUESDAY)
        assert rows(store, "select id, contact_opt_out from learners order by 1") == [
            ("a", True),
            ("other", False),
        ]


def test_an_id_that_cannot_be_read_says_nothing_of_anybody(store, load):
    load(line("2700000"), line())
    load(line("2.7E+06", contact="yes"), line("", contact="yes"), at=TUESDAY)
    assert rows(store, "select count(*) from learners where contact_opt_out") == [(0,)]
    assert rows(store, "select count(*) from consents_ahead") == [(0,)]


def test_the_load_says_whose_consents_it_took_and_whom_it_holds_back(load):
    load(line(), line("b"), line("c"))
    loaded = load(
        line(contact="yes", **BAD),
        line("b", contact="Unsubscribed"),
        line("c", active="no", **BAD),
        at=TUESDAY,
    )
    assert (loaded.as_dict()["refusing"], loaded.as_dict()["held_back"]) == (2, 1)


def test_an_odd_cell_beside_consents_of_another_row_is_told_with_its_line(load):
    summary = load(line("a", contact="true", **BAD), line("b"), line("a", phone="ring me"))
    assert summary.odd_cells == {"phone: not a telephone number": {"cells": 1, "line": 5}}
    assert (summary.accepted, summary.quarantined) == (3, 1)


def test_a_list_of_everybody_takes_consents_from_refused_rows_too(store, load):
    load(line(), line("b"), *(line(f"c{n}") for n in range(9)))
    others = [line(f"c{n}") for n in range(9)]
    load(line(contact="yes", **BAD), line("b", active="no", **BAD), *others, at=TUESDAY, full=True)
    assert rows(store, "select id, contact_opt_out, active from learners where id <= 'b' order by 1") == [
        ("a", True, True),
        ("b", False, False),
    ]


def test_nobody_is_written_to_who_said_no_in_a_refused_row_after_the_approval(store):
    enrolments = [
        cohort.learner(learner, person_id=f"person {learner[0]}", email=f"{learner[0]}@example.invalid")
        for learner in ("a1", "a2", "b1", "c1", "d1")
    ]
    cohort.load(store, *enrolments)
    cohort.night(store)
    ids = [nudge for (nudge,) in rows(store, "select id from published_nudges")]
    review.approve(store, ids, by=acting(AS_OF + HOUR, name="ada"))
    a1, a2, b1, c1, d1 = enrolments
    refused = [
        a2 | {"contact_opt_out": True, "avg_quiz_score": 101},
        b1 | {"active": False, "completed_percent": -1},
        c1 | {"contact_opt_out": "Unsubscribed"},
    ]
    cohort.load(store, a1, d1, *refused, at=AS_OF + 2 * HOUR)
    assert [nudge["learner_id"] for nudge in export.approved(store, now=AS_OF + 3 * HOUR)] == ["d1"]
