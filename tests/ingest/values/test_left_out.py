"""Rows that are nobody's: left out, listed by their lines, and in the way of nothing."""

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from tests.ingest.test_cells import HEADER, WHEN, line, load  # noqa: F401 (fixtures)

TEN = [f"{n:04}" for n in range(10)]
EMPTY = dict.fromkeys(HEADER.split(","), "")


def of(**cells):
    return ",".join((EMPTY | cells).values())


# A file whose lines are not all of one length is read another way, so those that are stand in a file of their own.
BLANK = {
    "as long as others": [
        of(),
        " , , ,\t, ,\u00a0, , , ",
        '"","","","","","","","",""',
        of(last_login="-", completed_percent="NA", avg_quiz_score="#N/A"),
    ],
    "shorter or longer": [",", ",,,,,,,,,,,,,,,", "   ", "\u200b", "\x1a"],
}


@pytest.mark.parametrize("full", [False, True], ids=["some", "everybody"])
@pytest.mark.parametrize("blank", BLANK.values(), ids=BLANK)
def test_a_row_of_nothing_is_none(load, stored, blank, full):  # noqa: F811
    load(*map(line, TEN))
    bad = line("bad", completed_percent="x")
    summary = load(*map(line, TEN[:5]), *blank, *map(line, TEN[5:]), bad, *blank, full=full)
    assert stored("select line from quarantine") == [(12 + len(blank),)]
    assert (summary.rows, summary.accepted, summary.quarantined) == (11, 10, 1)
    assert summary.left_out == {}
    assert stored("select count(*) from learners where active") == [(10,)]


ROWS_OF_NOBODY = [
    (of(name="    Points Possible", completed_percent="(read only)"), "a sum"),
    (of(name="Overall average", completed_percent="47.2", avg_quiz_score="61"), "a sum"),
    (of(id="Total:", completed_percent="470"), "a sum"),
    (of(name="Gesamtdurchschnitt", completed_percent="47,2".replace(",", ".")), "a sum"),
    (of(name="Moyenne générale", avg_quiz_score="12"), "a sum"),
    (of(id="平均", completed_percent="50"), "a sum"),
    (HEADER, "the header again"),
    (HEADER.upper(), "the header again"),
    (line("999", name='"Student, Test"'), "a test student"),
    (line("1000", name="Test Student"), "a test student"),
    (line("ana_previewuser", name="Ana Example_PreviewUser"), "a test student"),
]
SHORT = [("Total,10", "a sum"), ("(10 rows affected)", "a sum"), ("End of report", "a sum")]


@pytest.mark.parametrize("full", [False, True], ids=["some", "everybody"])
@pytest.mark.parametrize("nobody", [ROWS_OF_NOBODY, SHORT], ids=["as long as others", "shorter"])
def test_a_row_that_is_no_learner_s_is_left_out_and_listed(load, stored, nobody, full):  # noqa: F811
    load(*map(line, TEN))
    there = [row for row, _ in nobody]
    summary = load(*map(line, TEN), *there, line("bad", completed_percent="x"), *there, full=full)
    lines = {}
    for twice in range(2):
        for number, (_, what) in enumerate(nobody, start=12 + twice * (len(nobody) + 1)):
            lines.setdefault(what, []).append(number)
    assert summary.as_dict()["left_out"] == {
        what: {"rows": len(listed), "lines": listed} for what, listed in lines.items()
    }
    assert (summary.rows, summary.accepted, summary.quarantined) == (11, 10, 1)
    assert stored("select line from quarantine") == [(12 + len(nobody),)]
    assert stored("select count(*) filter (where active), count(*) from learners") == [(10, 10)]
    assert stored(
        "select left_out is not null, rows = accepted + quarantined from loads order by load_id"
    ) == [
        (False, True),
        (True, True),
    ]


LEARNERS = [
    line("max", name="Max"),
    line("total", name="Ada Total"),
    line("mean", name="", program="Maths"),
    line("s", name='"Total, Ada"'),
    line("x", name="Testa Student"),
    line("y", name="Demosthenes Student"),
    line("id", name="Id"),
    line("z", name="Sum Ng"),
]


def test_who_is_called_like_a_sum_is_a_learner(load):  # noqa: F811
    summary = load(*LEARNERS)
    assert (summary.accepted, summary.left_out) == (len(LEARNERS), {})


ROLES = {
    "Student": True,
    "teacher": False,
    "Non-editing teacher": False,
    "TeacherEnrollment": False,
    "StudentEnrollment": True,
    "StudentViewEnrollment": False,
    "Dozentin": False,
    "Teilnehmer/in": True,
    "Enseignant": False,
    "Teacher, Student": True,
    "Teacher, Manager": False,
    "administrator": False,
    "guardian": False,
    "Lehrende/r": False,
    "Dozent*in": False,
    "Profesor(a)": False,
    "Student:in": True,
    "Étudiant·e": True,
    "Cox": True,
    "": True,
}


def test_who_is_there_to_teach_is_no_learner(load, stored):  # noqa: F811
    rows = [line(f"{n:02}", f'"{role}"') for n, role in enumerate(ROLES)]
    summary = load(*rows, more=",Rolle", columns={"role": "rolle"})
    others = [n for n, is_learner in enumerate(ROLES.values()) if not is_learner]
    assert summary.left_out == {
        "no learner, by the role": {"rows": len(others), "lines": [n + 2 for n in others]}
    }
    assert summary.quarantined == 0
    assert stored("select id from learners order by id") == [
        (f"{n:02}",) for n, is_learner in enumerate(ROLES.values()) if is_learner
    ]


def test_of_many_the_first_lines_are_listed(load):  # noqa: F811
    summary = load(*map(line, TEN), *[of(name="Total")] * 30)
    assert summary.left_out == {"a sum": {"rows": 30, "lines": list(range(12, 32))}}


def test_a_file_of_nobody_s_rows_is_refused(load, store):  # noqa: F811
    store.make()
    with pytest.raises(InvalidInput, match=r"learners\.csv: no rows but a sum"):
        load(of(name="Total"), of())
    with pytest.raises(InvalidInput, match=r"learners\.csv: no rows but blank ones"):
        load(of())


def test_a_frame_may_end_in_rows_of_nothing(store):
    frame = pd.DataFrame([dict(zip(HEADER.split(","), line(one).split(","), strict=True)) for one in TEN])
    frame.loc[len(frame)] = None
    frame.loc[len(frame), "name"] = "Overall average"
    loaded = learners.load(store, frame, observed_at=WHEN, loaded_at=WHEN)
    assert (loaded.rows, loaded.left_out) == (10, {"a sum": {"rows": 1, "lines": [12]}})


def test_rows_that_share_a_word_for_nothing_have_no_id(load):  # noqa: F811
    assert load(line("NA"), line("b")).quarantined == 0
    summary = load(line("NA"), line("b"), line("NA"), line("null"))
    assert (summary.accepted, summary.reasons) == (2, {"id: missing": 2})
