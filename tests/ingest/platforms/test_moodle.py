"""What a teacher downloads from a real Moodle, in two languages and zones, held against the tables of that Moodle."""

import json
import math
from datetime import UTC, datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.platforms.recognition import recognised
from tests.support.exports import known_by, load

NOW = "2026-11-29T21:21:54"
EARLIER = "2026-11-15T22:00:00"
ZONES = {
    "en": "Europe/Berlin",
    "de": "Europe/Berlin",
    "de_new_york": "America/New_York",
    "en_default_identity": "Europe/Berlin",
}


@pytest.fixture
def folder(exports):
    return exports / "moodle" / "exports"


@pytest.fixture
def truth(exports):
    """What is true of each learner, by the address."""
    told = json.loads((exports / "moodle" / "expected.json").read_text(encoding="utf-8"))
    return {learner["email"]: learner for learner in told["learners"]}


@pytest.fixture
def known(store):
    """Return what is known of each learner now, by the address."""

    return lambda: known_by(store, "email")


def read(store, folder, language, *names, as_of=NOW, **said):
    files = [folder / language / name for name in names]
    return load(store, files, as_of=as_of, zone=ZONES[language], program="Data 101", **said)


def instant(text):
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def same(wanted, found):
    if wanted is None or found is None:
        return wanted is found
    return math.isclose(wanted, found, abs_tol=1e-3)


def is_listed(learner):
    """Whether the reports of learners list them: those whose every enrolment is suspended or over they do not."""
    return learner["is_active_participant"]


def done_at(learner, as_of):
    done = [
        each["state"] != "incomplete" and instant(each["at"]) <= datetime.fromisoformat(as_of)
        for each in learner["completion"].values()
    ]
    return 100 * sum(done) / len(done)


@pytest.mark.parametrize("as_of", [NOW, EARLIER])
@pytest.mark.parametrize("name", ["progress.csv", "progress.excel.csv"])
@pytest.mark.parametrize("language", ZONES)
def test_completion_gives_what_was_due_and_done_as_of_any_day(
    store, folder, truth, known, *, language, name, as_of
):
    read(store, folder, language, name, as_of=as_of)
    found = known()
    listed = {email for email, learner in truth.items() if is_listed(learner)}
    if language == "de_new_york":  # a teacher who is in no group is shown one
        assert found.keys() < listed
    else:
        assert found.keys() == listed
    key = "now" if as_of == NOW else "2026-11-15T22:00:00Z"
    for email, row in found.items():
        learner = truth[email]
        assert same(learner["due_and_done_all_columns"][key]["percent"], row["completed_percent_due"]), email
        undone = learner["completion"].values()
        if as_of == NOW or all(each["state"] != "incomplete" or not each["at"] for each in undone):
            assert same(done_at(learner, as_of), row["completed_percent_course"]), email
        assert row["id"] == ((learner["idnumber"] if language != "en_default_identity" else "") or email)
        assert row["last_login"] is None
        assert row["login_is_unknown"]


@pytest.mark.parametrize("name", ["completion.csv", "completion.excel.csv"])
@pytest.mark.parametrize("language", ZONES)
def test_course_completion_gives_the_number_that_moodle_has_of_each_person(
    store, folder, truth, known, *, language, name
):
    if not (folder / language / name).exists():
        pytest.skip("not downloaded in this language")
    read(store, folder, language, name)
    found = known()
    assert found
    for email, row in found.items():
        learner = truth[email]
        assert row["external_id"] == f"moodle:{learner['userid']}"
        done = [learner["completion"][each]["state"] != "incomplete" for each in ("1", "2", "3", "8")]
        assert same(100 * sum(done) / len(done), row["completed_percent_course"]), email


@pytest.mark.parametrize("language", ["en", "de"])
def test_grades_in_percent_give_the_mean_of_the_gradebook(store, folder, truth, known, subtests, *, language):
    files = sorted(
        [*(folder / language).glob("grades.percentage.*"), *(folder / language).glob("grades.all3.*")]
    )
    assert len(files) == 5
    for file in files:
        with subtests.test(file=file.name):
            read(store, folder, language, file.name)
            found = known()
            assert found.keys() == {email for email, learner in truth.items() if is_listed(learner)}
            for email, row in found.items():
                assert same(truth[email]["mean_quiz_percent_gradebook"], row["avg_quiz_score"]), email
                assert row["name"] == f"{truth[email]['firstname']} {truth[email]['lastname']}"
                assert row["completed_percent_due"] is None


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "name",
    [
        "grades.real.comma.csv",
        "grades.real.semicolon.csv",
        "grades.real.tab.csv",
        "grades.real.comma.4decimals.csv",
        "grades.real.xlsx",
        "grades.letter.comma.csv",
        "grades.letter.tab.csv",
    ],
)
def test_grades_without_percentages_say_no_score_and_how_to_get_one(store, folder, known, language, name):
    (summary,) = read(store, folder, language, name)
    assert summary.accepted == 37
    assert any("tick Percentage" in note for note in summary.notes)
    assert {row["avg_quiz_score"] for row in known().values()} == {None}


@pytest.mark.parametrize("language", ["en", "de"])
def test_grades_that_tell_the_suspended_make_them_inactive(store, folder, truth, known, language):
    read(store, folder, language, "grades.real.comma.feedback_all.csv")
    found = known()
    assert found.keys() == truth.keys()
    suspended = {"learner35", "learner37", "learner38"}  # their enrolment is over or suspended
    assert {email.partition("@")[0] for email, row in found.items() if not row["active"]} == suspended


def test_grades_do_not_take_the_place_of_what_a_completion_report_says_is_done(store, folder, truth, known):
    read(store, folder, "en", "grades.percentage.comma.csv", "progress.csv")
    before = known()
    read(store, folder, "en", "grades.percentage.comma.csv")
    for email, row in known().items():
        assert same(done_at(truth[email], NOW), row["completed_percent_course"])
        assert row["completed_percent"] == before[email]["completed_percent"] == row["completed_percent_due"]


QUIZZES = ("quiz1.csv", "quiz2.csv", "quiz3.csv", "quiz4.csv")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("first", ["quiz1.csv", "quiz1.all.csv", "quiz1.responses.csv"])
def test_quizzes_given_together_give_the_mean_of_the_best_attempts(
    store, folder, truth, known, *, language, first
):
    (summary,) = read(store, folder, language, first, *QUIZZES[1:])
    assert summary.left_out["a sum"]["rows"] == 4
    found = known()
    for email, learner in truth.items():
        if learner["mean_quiz_percent"] is not None or email in found:
            assert same(learner["mean_quiz_percent"], found[email]["avg_quiz_score"]), email


@pytest.mark.parametrize("language", ["de_new_york", "en_default_identity"])
def test_one_quiz_gives_the_best_attempt(store, folder, truth, known, language):
    read(store, folder, language, "quiz1.csv")
    found = known()
    assert len(found) > 10
    for email, row in found.items():
        assert same(truth[email]["quizzes"]["1"]["percent"], row["avg_quiz_score"]), email


@pytest.mark.parametrize("name", ["log.csv", "log.xlsx"])
@pytest.mark.parametrize("language", ["en", "de", "de_new_york"])
def test_a_log_gives_when_each_learner_did_something_last(store, folder, truth, known, *, language, name):
    if not (folder / language / name).exists():
        pytest.skip("not downloaded in this language")
    people, log, *events = read(store, folder, language, name, "completion.csv")
    assert people.source == "completion.csv"
    found = known()
    assert found.keys() <= truth.keys()  # nobody who teaches has become a learner
    for email, row in found.items():
        assert row["last_login"] == instant(truth[email]["log_last"]), email
    assert "by nobody who is known, such as a teacher" in log.left_out
    assert len(events) == 1


def test_a_log_tells_two_of_one_name_apart_only_by_their_numbers(store, folder, truth, known):
    read(store, folder, "en", "progress.csv", "log.csv")
    for email, row in known().items():
        one_of_two = row["name"] == "Anna Zweifach"
        assert row["last_login"] == (None if one_of_two else instant(truth[email]["log_last"])), email
    read(store, folder, "en", "completion.csv", "log.csv")
    for email, row in known().items():
        assert row["last_login"] == instant(truth[email]["log_last"]), email


def test_a_log_alone_is_refused_with_what_to_load_before_it(store, folder):
    with pytest.raises(InvalidInput, match=r"log\.csv: nobody in it is known: .* load a completion report"):
        read(store, folder, "en", "log.csv")


@pytest.mark.parametrize("name", ["reportbuilder.csv", "reportbuilder.xlsx"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_custom_report_is_one_row_a_learner(store, folder, truth, known, *, language, name):
    (summary,) = read(store, folder, language, name)
    assert summary.left_out["a teacher"]["rows"] == 2
    found = known()
    assert found.keys() == truth.keys()
    for email, row in found.items():
        learner = truth[email]
        access = instant(learner["course_lastaccess"])
        assert row["last_login"] == (access and access.replace(second=0)), email
        assert not row["login_is_unknown"]
        listed = learner["is_active_participant"]
        assert row["active"] == (listed and not learner["account_suspended"]), email
        # Moodle counts no failed quiz here, and writes 0 % for who is suspended, 100 % for who completed the course.
        states = [each["state"] in ("complete", "complete-pass") for each in learner["completion"].values()]
        done = round(100 * sum(states) / len(states), 1) if listed else 0
        assert row["completed_percent_course"] == 100 or same(done, row["completed_percent_course"]), email
        begun = [instant(each["from"]) for each in learner["enrolments"]]
        assert None in begun or row["enrolled_at"] == min(begun), email
        assert (row["phone"] or "") == learner["phone"], email
    assert sum(row["completed_percent_course"] == 100 for row in found.values()) == 9


@pytest.mark.parametrize("language", ["en", "de", "en_default_identity"])
def test_a_list_of_participants_adds_nobody_whom_no_report_of_learners_has(
    store, folder, truth, known, language
):
    _, summary = read(store, folder, language, "participants.csv", "progress.csv")
    assert known().keys() == {email for email, learner in truth.items() if is_listed(learner)}
    assert (
        sum(left["rows"] for left in summary.left_out.values()) == 5
    )  # two teachers, three who are suspended


@pytest.mark.parametrize("language", ["en", "de", "en_default_identity"])
def test_a_list_of_participants_alone_says_that_teachers_are_in_it(store, folder, truth, known, language):
    (summary,) = read(store, folder, language, "participants.csv")
    assert known().keys() > truth.keys()
    assert any("teachers" in note for note in summary.notes)


def test_several_reports_speak_of_the_same_learners_whatever_their_order(store, folder, truth, known):
    names = ["log.csv", "grades.percentage.comma.csv", "progress.csv", "completion.csv"]
    read(store, folder, "en", *names)
    once = known()
    assert once.keys() == {email for email, learner in truth.items() if is_listed(learner)}
    for email, row in once.items():
        assert row["last_login"] == instant(truth[email]["log_last"])
        assert row["completed_percent_due"] is not None
    read(store, folder, "en", *reversed(names))
    again = known()
    assert {email: row["completed_percent_due"] for email, row in again.items()} == {
        email: row["completed_percent_due"] for email, row in once.items()
    }


def test_a_report_of_progress_may_have_lost_its_last_column(store, tmp_path):
    file = tmp_path / "progress.csv"
    file.write_text(
        ',Email address,One,"Friday, 20 November 2026, 9:00 AM",Two,"Friday, 20 November 2026, 9:00 AM",Three\n'
        'Ida Tester,ida@example.invalid,Completed,"19 November 2026, 9:00 AM",'
        'Completed,"27 November 2026, 9:00 AM",Completed\n'
        "Uwe Muster,uwe@example.invalid,Not completed,,Not completed,,Completed\n"
    )
    load(store, [file], as_of="2026-11-25", program="Data")
    found = known_by(store, "email")
    assert found["ida@example.invalid"]["completed_percent_course"] == pytest.approx(200 / 3)
    assert found["uwe@example.invalid"]["completed_percent_course"] == pytest.approx(100 / 3)
    assert found["ida@example.invalid"]["completed_percent_due"] == 50


def test_who_was_known_by_an_address_stays_the_same_learner_once_there_are_numbers(store, folder, known):
    read(store, folder, "en_default_identity", "progress.csv")
    before = {email: row["id"] for email, row in known().items()}
    read(store, folder, "en", "progress.csv", "grades.percentage.comma.csv")
    assert {email: row["id"] for email, row in known().items()} == before


@pytest.mark.parametrize(
    "name", ["progress.csv", "grades.percentage.comma.csv", "participants.csv", "completion.csv"]
)
@pytest.mark.parametrize("rows", [5, 15])
def test_a_partial_file_is_no_list_of_everybody_and_says_which_filter_to_take_away(
    store, folder, known, tmp_path, *, name, rows
):
    read(store, folder, "en", "progress.csv")
    lines = (folder / "en" / name).read_text(encoding="utf-8").splitlines(keepends=True)
    part = tmp_path / name
    part.write_text("".join(lines[: rows + 1]), encoding="utf-8")
    with pytest.raises(
        InvalidInput, match=r"of 37 active learners are not in it.*a filter by initials or by a group"
    ):
        load(store, [part], as_of=NOW, zone="Europe/Berlin", program="Data 101", full=True)
    assert len(known()) == 37
    assert all(row["active"] for row in known().values())


@pytest.mark.parametrize("name", ["quiz1.csv", "log.csv"])
def test_what_lists_only_who_did_something_is_never_a_list_of_everybody(store, folder, name):
    read(store, folder, "en", "progress.csv")
    with pytest.raises(InvalidInput, match="load it without `--full`"):
        read(store, folder, "en", name, full=True)


def test_another_course_is_another_enrolment_of_the_same_person(store, folder, known, stored):
    read(store, folder, "en", "progress.csv")
    files = [folder / "en" / "grades.percentage.comma.csv"]
    for _ in range(2):
        load(store, files, as_of=NOW, zone="Europe/Berlin", program="Data 102")
    assert stored("select program, count(*) from learners group by all order by all") == [
        ("Data 101", 37),
        ("Data 102", 37),
    ]
    assert stored("select count(distinct person_id), count(distinct person_number) from learners") == [
        (37, 37)
    ]


def test_the_list_of_one_course_says_nothing_of_who_is_in_another(store, folder, stored):
    read(store, folder, "en", "progress.csv")
    files = [folder / "en" / "progress.csv"]
    load(store, files, as_of=NOW, zone="Europe/Berlin", program="Data 102")
    (summary,) = load(store, files, as_of=NOW, zone="Europe/Berlin", program="Data 102", full=True)
    assert summary.inactivated == 0
    assert stored("select count(*) from learners where active") == [(74,)]


def by_name(store, case):
    """Return what differs from a case, told apart by names: its ids are the platform's, ours are one for all files."""
    with store.read() as db:
        rows = db.execute(
            "select l.name, l.person_id, f.* from learners as l left join facts_at('2027-01-01') as f "
            "on l.id = f.learner_id"
        ).df()
    rows = rows.astype(object).where(rows.notna(), None)
    found = {row["name"]: row for row in rows.to_dict("records")}
    told = []
    for learner in case["learners"]:
        row = found.pop(learner["name"])
        for name in (
            "completed_percent_due",
            "completed_percent_course",
            "avg_quiz_score",
            "consecutive_missed_sessions",
        ):
            if not same(learner[name], row[name]):
                told.append((learner["name"], name, learner[name], row[name]))
        if learner["person_id"] and row["person_id"] != learner["person_id"]:
            told.append((learner["name"], "person_id", learner["person_id"], row["person_id"]))
        if learner["last_login"] and row["last_login"] != datetime.fromisoformat(learner["last_login"]):
            told.append((learner["name"], "last_login", learner["last_login"], row["last_login"]))
    return told, set(found)


@pytest.mark.parametrize("case", range(3))
def test_reports_in_the_words_of_an_older_moodle(store, exports, case):
    folder = exports / "moodle_csv"
    wanted = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))["cases"][case]
    at = f"{wanted['as_of']}T22:59:59"
    files = [folder / name for name in wanted["files"]]
    load(store, files, as_of=at, zone=wanted["timezone"], program="Biology 101")
    assert by_name(store, wanted) == ([], set())


def test_a_log_with_the_grades_before_it(store, exports, stored):
    folder = exports / "moodle_csv"
    wanted = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))["cases"][3]
    files = [folder / "logs.csv", folder / "grades_core_shape.csv"]
    load(store, files, as_of="2026-11-20T22:59:59", zone=wanted["timezone"], program="Biology 101")
    logins = {each["name"]: each["last_login"] for each in wanted["learners"]}
    for name, last_login in stored(
        "select name, last_login from learners, facts_at('2027-01-01') where id = learner_id"
    ):
        assert last_login == (datetime.fromisoformat(logins[name]) if name in logins else None), name
    numbers = stored("select external_id from learners where external_id is not null order by all")
    assert {number for (number,) in numbers} <= {f"moodle:{each['id']}" for each in wanted["learners"]}
    known = {f"moodle:{each['learner_id']}" for each in wanted["events"]} & {number for (number,) in numbers}
    assert len(stored("select * from events")) == len(
        [each for each in wanted["events"] if f"moodle:{each['learner_id']}" in known]
    )


def test_the_attendance_plug_in_says_who_missed_how_many_sessions_in_a_row(store, exports, stored):
    folder = exports / "moodle_attendance"
    (wanted,) = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))["cases"]
    (file,) = [folder / name for name in wanted["files"]]
    load(store, [file], as_of="2026-11-20T22:59:59", zone=wanted["timezone"])
    assert by_name(store, wanted) == ([], set())
    assert stored("select distinct program from learners") == [("Biology 101",)]
    names = {each["id"]: each["name"] for each in wanted["learners"]}
    events = {
        (names[each["learner_id"]], each["type"], datetime.fromisoformat(each["timestamp"]))
        for each in wanted["events"]
    }
    found = stored("select name, type, timestamp from events, learners where learner_id = learners.id")
    assert set(found) == events
    assert len(found) == len(wanted["events"])


FRENCH_PROGRESS = (
    ',"Numéro d\'identification","Adresse de courriel","Test 1","2026-10-11 18:00:00","Devoir","2026-12-18 18:00:00"\n'
    '"Zoé Inventée","77","zoe@example.invalid","Terminé (défini par Une Personne)",'
    '"2026-10-10 05:00:00","Pas terminé",""\n'
    '"Léo Inventé","","leo@example.invalid","Pas terminé","2026-10-09 05:00:00","Pas terminé",""\n'
)
FRENCH_LOG = (
    '\ufeffHeure,"Nom complet de l\'utilisateur","Utilisateur touché","Contexte de l\'événement",Composant,'
    '"Nom de l\'événement",Description,Origine,"Adresse IP"\n'
    '"29 nov. 26, 22:19:23","Zoé Inventée",-,"Cours: Essai",Système,"Cours consulté",'
    "\"The user with id '7' viewed the course with id '2'.\",web,192.0.2.1\n"
    '"5 févr. 26, 08:00:28","Léo Inventé",-,"Cours: Essai",Système,"Cours consulté",'
    '"The user with id &#039;8&#039; viewed the course with id &#039;2&#039;.",web,192.0.2.1\n'
    '"6 févr. 26, 08:00:28","Une Personne","Léo Inventé","Cours: Essai",Système,"Note donnée",'
    "\"The user with id '9' updated the grade with id '9' for the user with id '8'.\",web,192.0.2.1\n"
)
FRENCH_GRADES = (
    'Prénom,Nom,"Numéro d\'identification",Institution,Département,"Adresse de courriel",'
    '"Test\u00a0Quiz 1 (Pourcentage)","Devoir\u00a0Essai (Pourcentage)","Total du cours (Pourcentage)",'
    '"Dernier téléchargement depuis ce cours"\n'
    'Zoé,Inventée,77,,,zoe@example.invalid,"80.00 %","50.00 %","65.00 %",1795987335\n'
    "Léo,Inventé,,,,leo@example.invalid,-,-,-,1795987335\n"
)
NEWER_QUIZ = (
    '\ufeff"Last name","First name","ID number","Email address",Status,Started,Completed,Duration,'
    'Grade/10.00,"Q. 1 /10.00"\n'
    'Inventée,Zoé,77,zoe@example.invalid,Finished,"2026-10-11 12:45:00","2026-10-11 13:00:00","15 mins",6.00,6.00\n'
    'Inventée,Zoé,77,zoe@example.invalid,Finished,"2026-12-11 12:45:00","2026-12-11 13:00:00","15 mins",9.00,9.00\n'
    '"Overall average",,,,,,,,7.50,7.50\n'
)


def test_french_and_newer_reports_are_told_by_their_places_and_words(store, tmp_path, known):
    texts = {
        "avancement.csv": FRENCH_PROGRESS,
        "journal.csv": FRENCH_LOG,
        "notes.csv": FRENCH_GRADES,
        "test.csv": NEWER_QUIZ,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = [tmp_path / name for name in texts]
    load(store, files[:3], as_of=NOW, zone="Europe/Paris", program="Essai")
    zoe, leo = known()["zoe@example.invalid"], known()["leo@example.invalid"]
    assert (zoe["id"], leo["id"]) == ("77", "leo@example.invalid")
    assert (zoe["completed_percent_due"], leo["completed_percent_due"]) == (100, 0)
    assert (zoe["completed_percent_course"], zoe["avg_quiz_score"], leo["avg_quiz_score"]) == (50, 80, None)
    assert zoe["last_login"] == datetime.fromisoformat("2026-11-29T21:19:23")
    assert leo["last_login"] == datetime.fromisoformat("2026-02-05T07:00:28")
    assert known().keys() == {"zoe@example.invalid", "leo@example.invalid"}
    load(store, files[3:], as_of="2026-11-29T23:00:00", zone="Europe/Paris", program="Essai")
    assert known()["zoe@example.invalid"]["avg_quiz_score"] == 60  # the other attempt is still to come


def test_an_older_log_takes_back_no_newer_access(store, tmp_path, known):
    lines = FRENCH_LOG.splitlines(keepends=True)
    grades, newer, older = (tmp_path / name for name in ("notes.csv", "a.csv", "b.csv"))
    grades.write_text(FRENCH_GRADES, encoding="utf-8")
    newer.write_text("".join(lines[:2]), encoding="utf-8")
    older.write_text("".join([lines[0], lines[1].replace("29 nov. 26", "3 nov. 26")]), encoding="utf-8")
    for order in ([older, newer, grades], [newer, older]):
        load(store, order, as_of=NOW, zone="Europe/Paris", program="Essai")
        assert known()["zoe@example.invalid"]["last_login"] == datetime.fromisoformat("2026-11-29T21:19:23")


def test_a_list_of_learners_of_ones_own_is_no_export(tmp_path):
    file = tmp_path / "learners.csv"
    file.write_text("id,name,email,program,last_login\n1,Ida Tester,ida@example.invalid,Data,2026-11-20\n")
    assert recognised(file) is None
