"""A course of a Moodle by its web services, answered as a real one answered, and by one that fails."""

import json
import math
import os
from datetime import UTC, datetime, timedelta

import pytest

from engagement.dates import utc_now
from engagement.errors import EngagementError, InvalidInput
from engagement.ingest import learners
from engagement.ingest.platforms.moodle import sync, web
from tests.support.exports import known_by, load
from tests.support.moodle_server import TOKEN, invented, recorded, serving

NOW = datetime.fromisoformat("2026-11-29T21:21:54")
HOUR = timedelta(hours=1)


def no_pause(_):
    pass


@pytest.fixture
def synced(store):
    def synced(url, *courses, token=TOKEN, now=NOW, **said):
        """Load courses; return what became of the first."""
        return sync.load(store, url, token, courses or ["Data 101"], now=now, sleep=no_pause, **said)[0]

    return synced


@pytest.fixture
def known(store):
    return lambda: known_by(store, "external_id")


def instant(text):
    return text and datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def same(wanted, found):
    if wanted is None or found is None:
        return wanted is found
    return math.isclose(wanted, found, abs_tol=1e-3)


@pytest.mark.parametrize("by_report", [True, False], ids=["by the grade report", "by each quiz"])
def test_a_course_is_as_the_tables_of_that_moodle_say(exports, synced, known, by_report):
    folder = exports / "moodle" / "ws" / "full"
    answer = recorded(folder)
    renamed = "gradereport_user_get_grade_items.all_after_rename.json"
    report = json.loads((folder / renamed).read_text(encoding="utf-8"))["response"]

    def answered(function, given):
        if by_report and function == "gradereport_user_get_grade_items":
            return report
        return answer(function, given)

    with serving(answered) as (url, calls):
        summary = synced(url)
    truth = json.loads((exports / "moodle" / "expected.json").read_text(encoding="utf-8"))["learners"]
    found = known()
    assert found.keys() == {f"moodle:{learner['userid']}" for learner in truth}
    for learner in truth:
        row = found[f"moodle:{learner['userid']}"]
        there = learner["is_active_participant"] and not learner["account_suspended"]
        assert row["active"] == there
        assert row["id"] == (learner["idnumber"] or learner["email"])
        assert (row["name"], row["email"]) == (
            f"{learner['firstname']} {learner['lastname']}",
            learner["email"],
        )
        assert row["program"] == "Data 101"
        assert row["last_login"] == instant(learner["course_lastaccess"])
        assert not row["login_is_unknown"]
        if there:
            assert same(learner["due_and_done"]["now"]["percent"], row["completed_percent_due"])
            score = learner["mean_quiz_percent_gradebook" if by_report else "mean_quiz_percent"]
            assert same(score, row["avg_quiz_score"]), learner["email"]
    assert any("the grade report fails" in note for note in summary.notes) != by_report
    if by_report:
        assert len(calls) <= 1.1 * len(truth) + 10
    assert all("password" not in given for _, given in calls)


def test_a_course_of_ones_own_is_loaded_whole(synced, known):
    with serving(invented(3)) as (url, calls):
        summary = synced(url, "7")
    found = known()
    assert summary.accepted == 3
    assert [found[f"moodle:{at}"]["completed_percent_due"] for at in (1, 2, 3)] == pytest.approx(
        [100, 100, 200 / 3]
    )
    assert [found[f"moodle:{at}"]["completed_percent_course"] for at in (1, 2, 3)] == [100, 75, 50]
    assert {row["avg_quiz_score"] for row in found.values()} == {75}
    assert {row["program"] for row in found.values()} == {"Data & More"}
    assert len(calls) == 3 + 7


def test_a_cut_connection_loses_nothing_and_the_next_try_asks_for_the_rest(synced, known, store):
    kept = store.path.with_name(f"{store.path.name}.moodle")
    answer = invented(30)
    left = 20

    def cut(function, given):
        nonlocal left
        left -= 1
        if left < 0:
            raise ConnectionError
        return answer(function, given)

    with serving(cut) as (url, calls):
        with pytest.raises(EngagementError, match=r"cannot be reached .* the same command asks for the rest"):
            synced(url)
        assert known() == {}
        assert kept.stat().st_mode & 0o077 == 0
        assert TOKEN not in kept.read_text(encoding="utf-8")
        left = 1_000
        calls.clear()
        synced(url)
    assert len(known()) == 30
    assert len(calls) == 30 + 7 - 20
    assert not kept.exists()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"exception": "core\\exception\\moodle_exception", "errorcode": "invalidtoken"},
            "ENGAGEMENT_MOODLE_TOKEN",
        ),
        ({"exception": "webservice_access_exception", "errorcode": "accessexception"}, "the token may not"),
        ({"exception": "Error", "message": "Call to a member function"}, "Moodle answers a fault of its own"),
        ({"courses": [], "warnings": []}, "sees no course whose shortname is that"),
    ],
)
def test_an_error_is_told_by_its_code_whatever_its_message(synced, answer, told):
    with serving(lambda *_: answer) as (url, _), pytest.raises(EngagementError, match=told) as raised:
        synced(url)
    assert TOKEN not in str(raised.value)


def test_a_wrong_token_ends_at_the_first_call(synced):
    with serving(invented(3)) as (url, calls):
        with pytest.raises(InvalidInput, match="invalidtoken"):
            synced(url, token="another")
        assert len(calls) == 1


@pytest.mark.parametrize(
    "url", ["http://moodle.example.invalid", "moodle.example.invalid", "ftp://127.0.0.1"]
)
def test_a_token_goes_nowhere_unprotected(tmp_path, url):
    with pytest.raises(InvalidInput, match="url: "):
        web.Web(url, TOKEN, tmp_path / "kept", now=NOW)


def test_who_is_known_by_a_download_is_the_same_learner(synced, known, store, tmp_path):

    file = tmp_path / "grades.csv"
    file.write_text(
        '"First name",Surname,"ID number","Email address","Quiz: One (Percentage)","Course total (Percentage)",Last\n'
        'Ida,Tester,A-1,l1@example.invalid,"80.00 %","80.00 %",1795000000\n',
        encoding="utf-8",
    )
    load(store, [file], as_of="2026-11-29T12:00:00", program="Data & More")
    with serving(invented(2)) as (url, _):
        synced(url)
    assert {number: row["id"] for number, row in known().items()} == {
        "moodle:1": "A-1",
        "moodle:2": "l2@example.invalid",
    }


def without(learners, *gone):
    """Return what answers as the invented Moodle where some have been unenrolled."""
    answer = invented(learners)

    def answered(function, given):
        said = answer(function, given)
        is_list = function == "core_enrol_get_enrolled_users"
        return [each for each in said if each["id"] not in gone] if is_list else said

    return answered


def test_who_is_in_the_course_no_more_has_left_and_what_was_known_of_them_stands(synced, known, store):
    with serving(invented(12)) as (url, _):
        synced(url)
    before = known()
    with serving(without(12, 3, 7)) as (url, _):
        synced(url, now=NOW + HOUR)
    after = known()
    assert {number for number, row in after.items() if not row["active"]} == {"moodle:3", "moodle:7"}
    for number in ("moodle:3", "moodle:7"):
        for name in ("name", "email", "last_login", "completed_percent_course", "avg_quiz_score"):
            assert after[number][name] == before[number][name], name
    with serving(without(12, 7)) as (url, _):  # one comes back
        synced(url, now=NOW + 2 * HOUR)
    assert {number for number, row in known().items() if not row["active"]} == {"moodle:7"}


def test_many_who_are_gone_at_once_stay_until_somebody_says_so(synced, known):
    with serving(invented(12)) as (url, _):
        synced(url)
    with serving(without(12, 1, 2, 3)) as (url, _):
        summary = synced(url, now=NOW + HOUR)
        assert any("3 of 12 learners are not in it any more" in note for note in summary.notes)
        assert all(row["active"] for row in known().values())
        synced(url, now=NOW + 2 * HOUR, yes=True)
    assert sum(not row["active"] for row in known().values()) == 3


def test_one_who_is_in_another_course_of_the_program_has_not_left(synced, known, store, tmp_path):
    of_a_file = tmp_path / "own.csv"
    of_a_file.write_text("id,name,program\nX-1,Ida Muster,Data & More\n", encoding="utf-8")
    learners.load(store, of_a_file, observed_at=NOW, loaded_at=NOW)
    answer = invented(12)

    def in_two(function, given):
        said = answer(function, given)
        if function == "core_course_get_courses_by_field":
            return {"courses": [{"id": given["value"], "shortname": given["value"]}]}
        if function == "core_enrol_get_enrolled_users":
            return [each for each in said if (each["id"] > 6) == (given["courseid"] == "8")]
        return said

    with serving(in_two) as (url, _):
        synced(url, "7", "8", program="Data & More")
        synced(url, "7", "8", program="Data & More", now=NOW + HOUR)
        synced(url, "7", program="Data & More", now=NOW + 2 * HOUR, yes=True)  # the other is not asked
    assert len(known()) == 13
    assert all(row["active"] for row in known().values())


def test_a_real_moodle_answers(synced, known):
    url, token = os.environ.get("MOODLE_URL"), os.environ.get("MOODLE_TOKEN")
    if not (url and token):
        pytest.skip("MOODLE_URL and MOODLE_TOKEN (and MOODLE_COURSE) say which Moodle is asked")
    summary = synced(url, os.environ.get("MOODLE_COURSE", "Data 101"), token=token, now=utc_now())
    assert summary.accepted == len(known())
