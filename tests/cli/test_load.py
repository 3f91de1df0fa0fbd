"""`engagement load`: what became of every row, and what is refused whole."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import json
from datetime import datetime

import pytest

from engagement.store import Store
from tests.ingest.test_oulad import publish
from tests.support.cohort import rows

HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


def csv(folder, *lines, header=HEADER):
    file = folder / "learners.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def test_load_says_what_became_of_every_row(as_json, tmp_path):
    file = csv(
        tmp_path, "x1,Xena Example,x1@example.invalid,,Data,2026-02-01,10,20,1", "x2,,,,Data,,140,20,1"
    )
    assert as_json("load", file) == {
        "rows": 2,
        "accepted": 1,
        "quarantined": 1,
        "reasons": {"completed_percent: outside 0 to 100; `--cap 100` takes bonus points as 100": 1},
        "first_refused": {
            "load_id": "L000002",
            "line": 3,
            "id": "x2",
            "reasons": ["completed_percent: outside 0 to 100; `--cap 100` takes bonus points as 100"],
        },
    }


def test_load_of_several_files_says_so_of_each(as_json, tmp_path):
    file = csv(tmp_path, "x1,Xena Example,x1@example.invalid,,Data,2026-02-01,10,20,1")
    assert [summary["accepted"] for summary in as_json("load", file, file)] == [1, 1]


def test_load_takes_events_and_when_they_were_known(as_json, tmp_path, path):
    file = csv(tmp_path, "a,login,2026-02-20T10:00:00", header="learner_id,type,timestamp")
    assert as_json("load", file, "--events", "--observed-at", "2026-02-21")["accepted"] == 1
    known = rows(Store(path), "select observed_at from loads where kind = 'events'")
    assert known == [(datetime(2026, 2, 21, 23, 59, 59, 999999),)]


def test_load_with_nothing_accepted_exits_2_and_names_nobody(refused, tmp_path):
    file = csv(tmp_path, "x1,Zebulon Example,zebulon@example.invalid,,Data,,140,20,1")
    code, said = refused("load", file)
    assert code == 2
    assert "none of 1 rows accepted" in said
    assert "ebulon" not in said


def test_load_says_to_a_person_what_it_refused(engagement, tmp_path):
    file = csv(tmp_path, "x1,X,,,Data,,10,20,1", "x2,,,,Data,,140,20,1")
    code, out, _ = engagement("load", file)
    assert code == 0
    assert out.splitlines()[0] == "learners.csv: 2 rows, 1 accepted, 1 quarantined"
    assert "completed_percent" in out.splitlines()[1]


LINE = "x1,Xena Example,x1@example.invalid,,Data,2026-02-01,10,20,1"


def test_load_takes_the_names_dates_scale_and_zone_of_a_source(as_json, tmp_path, path):
    header = HEADER.replace("id,name", "Matrikel,Wer").replace(",", ";")
    file = csv(tmp_path, "x1;Xena Example;;;Data;1.2.2026 10:00;0,5;0,29;1", header=header)
    said = ["--map", "id=Matrikel", "--map", "name=wer", "--date-format", "%d.%m.%Y %H:%M"]
    said += ["--percent-scale", "1", "--timezone", "Europe/Berlin"]
    assert as_json("load", file, *said)["accepted"] == 1
    facts = "select last_login, completed_percent, avg_quiz_score from learner_facts where learner_id = 'x1'"
    assert rows(Store(path), facts) == [(datetime(2026, 2, 1, 9), 50, 29)]


def test_load_reads_times_in_the_zone_of_the_settings(as_json, tmp_path, path, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Asia/Kolkata")
    as_json("load", csv(tmp_path, LINE.replace("2026-02-01", "2026-02-01 10:00")))
    known = rows(Store(path), "select last_login from learner_facts where learner_id = 'x1'")
    assert known == [(datetime(2026, 2, 1, 4, 30),)]


def test_load_keeps_the_groups_that_are_named_and_of_no_events(refused, as_json, tmp_path, path):
    file = csv(tmp_path, f"{LINE},w,2", header=f"{HEADER},Sex,age_band")
    assert as_json("load", file, "--group", "sex=Sex", "--group", "age_band")["accepted"] == 1
    groups = "select name, value from learner_groups where learner_id = 'x1' order by name"
    assert rows(Store(path), groups) == [("age_band", "2"), ("sex", "w")]
    code, said = refused("load", file, "--events", "--group", "sex")
    assert code == 2
    assert "--group" in said


def test_load_of_everybody_counts_who_is_absent(engagement, refused, as_json, tmp_path):
    file = csv(tmp_path, "a,A,a@example.invalid,,Data,,5,30,5", "b,B,,,Welding,,5,30,5", "x2,,,,Data,,140,,")
    code, said = refused("load", file, "--full")
    assert code == 2
    assert "1 of 3 active learners are not in it" in said
    assert "--yes" in said
    code, out, _ = engagement("load", file, "--full", "--yes")
    assert (code, out.splitlines()[0]) == (
        0,
        "learners.csv: 3 rows, 2 accepted, 1 quarantined, 1 absent and now inactive",
    )
    assert as_json("load", file, "--full")["inactivated"] == 0


@pytest.mark.parametrize(
    ("header", "lines", "options", "message"),
    [
        (
            HEADER.replace("program", "course"),
            [LINE],
            [],
            "column program missing; did you mean 'course'? `--map program=course`",
        ),
        (HEADER.replace("program", "zzz"), [LINE], [], "--set program=NAME"),
        (HEADER, [LINE], ["--set", "email=a@example.invalid"], "set email: allowed are"),
        (HEADER, [LINE], ["--name-order", "backwards"], "allowed are given-first, family-first"),
        (HEADER, [LINE], ["--key", "phone"], "allowed are id, email, name+program"),
        (f"{HEADER},EMAIL", [LINE + ","], [], "column email stands more than once"),
        (HEADER.replace("email", "last_login", 1).replace("last_login,c", "email,c"), [LINE], [], "--map name=column"),
        (HEADER, [], [], "no rows below the header"),
        (HEADER, [LINE.replace(",10,20", ",0.1,0.2")], [], "--percent-scale completed_percent=1"),
        (HEADER, [LINE.replace("2026-02-01", "1.2.2026")], [], "--date-format"),
        (HEADER, [LINE, "short"], ["--max-quarantine", "0.4"], "1 of 2 rows refused"),
        (HEADER, [LINE], ["--map", "id=Matrikel"], "column matrikel missing"),
        (HEADER, [LINE], ["--map", "nonsense=A"], "map nonsense: no such column"),
        (HEADER, [LINE], ["--map", "id"], "name=value is needed"),
        (HEADER, [LINE], ["--map", "id="], "is empty"),
        (HEADER, [LINE], ["--map", "id=name", "--map", "id=phone"], "more than once"),
        (HEADER, [LINE], ["--date-format", "%d.%m.%Y %Q"], "%Q is not known"),
        (HEADER, [LINE], ["--date-format", "dd.mm.yyyy"], "needs one day, one month and one year"),
        (HEADER, [LINE], ["--percent-scale", "10"], "allowed are 1 and 100"),
        (HEADER, [LINE], ["--percent-scale", "half"], "allowed are 1 and 100"),
        (HEADER, [LINE], ["--percent-scale", "id=1"], "allowed are 1 and 100"),
        (HEADER, [LINE], ["--timezone", "Mars/Olympus"], "no IANA name"),
        (HEADER, [LINE], ["--yes"], "only with `--full`"),
        (HEADER, [LINE], ["--full", "--events"], "lists every learner"),
        (LINE, [LINE], [], "the first line looks like a row: there is no header"),
    ],
)  # fmt: skip
def test_a_file_that_is_refused_whole_exits_2_and_changes_nothing(  # noqa: PLR0917 (a case is a row)
    refused, tmp_path, path, header, lines, options, message
):
    code, said = refused("load", csv(tmp_path, *lines, header=header), *options)
    assert code == 2
    assert message in said
    assert "example.invalid" not in said
    assert rows(Store(path), "select count(*) from learners where id = 'x1'") == [(0,)]


@pytest.mark.parametrize("share", ["-0.1", "1.1", "some"])
def test_a_share_that_is_none_exits_2(engagement, tmp_path, share):
    code, out, err = engagement("load", csv(tmp_path, LINE), "--max-quarantine", share)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def broken(folder):
    file = folder / "broken.csv"
    file.write_text(HEADER + "\nx2,,,,Data,,140,20,1\n", encoding="utf-8")
    return file


def test_what_was_loaded_before_a_file_that_is_refused_is_said_to_a_person(engagement, tmp_path, path):
    code, out, err = engagement("load", csv(tmp_path, LINE), broken(tmp_path))
    assert (code, out) == (2, "learners.csv: 1 rows, 1 accepted, 0 quarantined\n")
    assert err.startswith("engagement: broken.csv: none of 1 rows accepted")
    assert err.count("\n") == 1
    assert rows(Store(path), "select count(*) from learners where id = 'x1'") == [(1,)]


def test_what_was_loaded_before_a_file_that_is_refused_is_a_list_of_json(engagement, tmp_path):
    code, out, err = engagement("load", csv(tmp_path, LINE), broken(tmp_path), "--json")
    assert (code, json.loads(out)) == (2, [{"rows": 1, "accepted": 1, "quarantined": 0, "reasons": {}}])
    assert err.startswith("engagement: broken.csv: none of 1 rows accepted")


def test_where_the_first_file_is_refused_only_the_error_is_said(refused, tmp_path):
    for told in ([], ["--json"]):
        code, said = refused("load", broken(tmp_path), csv(tmp_path, LINE), *told)
        assert code == 2
        assert "broken.csv" in said


COURSE = ["--module", "XXX", "--presentation", "2013J", "--as-of-day", "28"]


@pytest.fixture
def folder(tmp_path):
    return publish(tmp_path / "oulad")


@pytest.fixture
def oulad(folder):
    return ["oulad", folder, *COURSE]


def test_a_course_is_loaded_and_said_to_be_which(engagement, oulad):
    code, out, _ = engagement(*oulad)
    assert (code, out) == (0, "OULAD XXX 2013J day 28: 2 rows, 2 accepted, 0 quarantined\n")


@pytest.mark.parametrize(
    "older",
    [
        lambda folder: ["load", "--oulad", folder, *COURSE, "--basis", "course"],
        lambda folder: ["load", *COURSE, "--basis=course", f"--oulad={folder}"],
    ],
    ids=["first", "last"],
)
def test_a_course_is_loaded_by_what_was_said_before_it_had_a_command(engagement, folder, path, older):
    known = "select learner_id, completed_percent from learner_facts where load_id > 'L000001' order by all"
    assert engagement(*older(folder))[0] == 0
    loaded = rows(Store(path), known)
    assert len(loaded) == 2
    assert engagement("oulad", folder, *COURSE, "--basis", "course")[0] == 0
    assert rows(Store(path), known) == loaded


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_a_course_is_scored_as_of_its_last_day_in_any_zone(as_json, oulad, monkeypatch, zone):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", zone)
    as_json(*oulad)
    before = {"high": 2, "medium": 0, "low": 1, "unknown": 0}
    assert as_json("score", "--as-of", "2013-10-27") == {"before": before, "after": before}
    # one has done all that was due, and well; the other was never there
    after = {"high": 3, "medium": 0, "low": 2, "unknown": 0}
    assert as_json("score", "--as-of", "2013-10-28") == {"before": before, "after": after}


def test_load_takes_the_zone_of_a_course(as_json, oulad, path):
    as_json(*oulad, "--timezone", "Asia/Kolkata")
    known = rows(Store(path), "select distinct observed_at from loads where starts_with(source, 'OULAD')")
    assert known == [(datetime(2013, 10, 28, 18, 29, 59, 999999),)]


@pytest.fixture
def not_taken(engagement):
    """Run a command that must fail because of its options: return what is said."""

    def run(*arguments):
        code, out, err = engagement(*arguments)
        assert (code, out) == (2, "")
        assert "Traceback" not in err
        return err

    return run


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--full"], "--full"),
        (["--events", "--yes"], "--events"),
        (["--observed-at", "2026-01-01"], "--observed-at"),
        (["--max-quarantine", "1.0"], "--max-quarantine"),
        (["--map", "id=x"], "--map"),
        (["--date-format", "excel"], "--date-format"),
        (["--percent-scale", "100"], "--percent-scale"),
        (["--group", "sex"], "--group"),
        (["learners.csv"], "learners.csv"),
    ],
)
def test_what_says_nothing_about_a_course_is_refused(not_taken, folder, path, options, named):
    assert named in not_taken("load", "--oulad", folder, *COURSE, *options)
    assert rows(Store(path), "select count(*) from learners") == [(3,)]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--module", "AAA", "--basis", "course"], "--module"),
        (["--basis", "due"], "--basis"),
        (["--presentation", "2013J"], "--presentation"),
        (["--as-of-day", "0"], "--as-of-day"),
    ],
)
def test_what_says_nothing_about_a_file_is_refused(not_taken, tmp_path, path, options, named):
    assert named in not_taken("load", csv(tmp_path, LINE), *options)
    assert rows(Store(path), "select count(*) from learners where id = 'x1'") == [(0,)]


@pytest.mark.parametrize("left_out", range(0, len(COURSE), 2))
def test_a_course_needs_all_that_says_which(not_taken, folder, left_out):
    said = [*COURSE[:left_out], *COURSE[left_out + 2 :]]
    assert f"Missing option '{COURSE[left_out]}'" in not_taken("oulad", folder, *said)


def test_load_of_nothing_exits_2(refused):
    code, said = refused("load")
    assert code == 2
    assert "name at least one file" in said


def test_what_was_said_of_a_file_is_known_for_the_next_of_its_shape(as_json, engagement, tmp_path):
    first = tmp_path / "week1.csv"
    first.write_text("Anmeldename,Kurs,Zugriff\nx1,Mathe,1.2.2026\n")
    options = ("--map", "id=Anmeldename", "--map", "program=Kurs", "--map", "last_login=Zugriff")
    as_json("load", first, *options, "--date-format", "%d.%m.%Y")
    second = tmp_path / "week2.csv"
    second.write_text(first.read_text().replace("x1", "x2"))
    found = as_json("load", second)
    assert found["accepted"] == 1
    assert found["notes"][0].startswith(
        "read as the last file of its shape (columns, date_formats); `engagement sources"
    )
    (known,) = as_json("sources", "list")
    assert (known["source"], known["columns"]) == ("week2.csv", 3)
    assert as_json("sources", "show", known["shape"])["options"]["date_formats"] == ["%d.%m.%Y"]
    assert "Forgotten: week2.csv" in engagement("sources", "forget", known["shape"])[1]
    assert as_json("sources", "list") == []


def test_lists_and_exports_of_one_command_are_loaded_in_the_order_they_need(as_json, tmp_path):
    (tmp_path / "list.csv").write_text(
        "id,name,email\n1,Ana Invented,ana@example.invalid\n2,Bo Invented,bo@example.invalid\n",
        encoding="utf-8",
    )
    meeting = tmp_path / "zoom_2026-02-01.csv"
    meeting.write_text(
        "Name (original name),Email,Total duration (minutes),Guest\nAna,ana@example.invalid,90,No\n",
        encoding="utf-8",
    )
    roster, missed, sessions = as_json("load", meeting, tmp_path / "list.csv", "--set", "program=Art")
    assert [each["accepted"] for each in (roster, missed, sessions)] == [2, 2, 2]
    assert any("zoom_teams" in note for note in missed["notes"])
