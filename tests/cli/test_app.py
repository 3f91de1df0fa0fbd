# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime

import pytest

from engagement import runs
from engagement.cli import app, console
from engagement.pipeline import config
from engagement.policy import DEFAULT_POLICY
from engagement.store import Store
from engagement.store.locks import sole_runner
from tests.ingest.test_oulad import publish
from tests.support.cohort import AS_OF, HOUR, LOW, learner, load, night, rows

NOW = AS_OF + 9 * HOUR
GENERATED = {"content", "prompt_version", "gptFallback", "id", "subject", "status", "reason"}
QUEUED = {
    "id",
    "learner_id",
    "program",
    "channel",
    "type",
    "status",
    "version",
    "content",
    "subject",
    "reason",
}
HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A store with one published night: a and b at high risk, c at low."""
    store = Store(tmp_path_factory.mktemp("cli") / "store.duckdb")
    load(store, learner("a", completed_percent=0), learner("b", program="Welding"), learner("c", **LOW))
    night(store)
    return store.path


@pytest.fixture
def path(published, tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "own.duckdb"))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(console, "now", lambda: NOW)
    return shutil.copy(published, tmp_path / "own.duckdb")


@pytest.fixture
def engagement(path, monkeypatch, capsys):
    """Run a command as a shell does: return exit code, standard output, standard error."""
    log = logging.getLogger("engagement")
    before = list(log.handlers)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["engagement", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    yield run
    log.handlers[:] = before


@pytest.fixture
def as_json(engagement):
    """Run a command with --json that must succeed; only strict JSON is on standard output."""

    def run(*arguments):
        code, out, err = engagement(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out, parse_constant=pytest.fail)

    return run


def refused(engagement, *arguments):
    """Run a command that must fail in one line without a traceback; return exit code and that line."""
    code, out, err = engagement(*arguments)
    assert out == ""
    assert err.startswith("engagement: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, err


def csv(folder, *lines, header=HEADER):
    file = folder / "learners.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def draft(as_json):
    return as_json("queue", "list")[0]["id"]


def test_load_says_what_became_of_every_row(as_json, tmp_path):
    file = csv(tmp_path, "x1,X Example,x1@example.invalid,,Data,2026-02-01,10,20,1", "x2,,,,Data,,140,20,1")
    assert as_json("load", file) == {
        "rows": 2,
        "accepted": 1,
        "quarantined": 1,
        "reasons": {"completed_percent: outside 0 to 100": 1},
    }


def test_load_of_several_files_says_so_of_each(as_json, tmp_path):
    file = csv(tmp_path, "x1,X Example,x1@example.invalid,,Data,2026-02-01,10,20,1")
    assert [summary["accepted"] for summary in as_json("load", file, file)] == [1, 1]


def test_load_takes_events_and_when_they_were_known(as_json, tmp_path, path):
    file = csv(tmp_path, "a,login,2026-02-20T10:00:00", header="learner_id,type,timestamp")
    assert as_json("load", file, "--events", "--observed-at", "2026-02-21")["accepted"] == 1
    known = rows(Store(path), "select observed_at from loads where kind = 'events'")
    assert known == [(datetime(2026, 2, 21, 23, 59, 59, 999999),)]


def test_load_with_nothing_accepted_exits_2_and_names_nobody(engagement, tmp_path):
    file = csv(tmp_path, "x1,Zebulon Example,zebulon@example.invalid,,Data,,140,20,1")
    code, said = refused(engagement, "load", file)
    assert code == 2
    assert "none of 1 rows accepted" in said
    assert "ebulon" not in said


def test_load_says_to_a_person_what_it_refused(engagement, tmp_path):
    file = csv(tmp_path, "x1,X,,,Data,,10,20,1", "x2,,,,Data,,140,20,1")
    code, out, _ = engagement("load", file)
    assert code == 0
    assert out.splitlines()[0] == "learners.csv: 2 rows, 1 accepted, 1 quarantined"
    assert "completed_percent" in out.splitlines()[1]


LINE = "x1,X Example,x1@example.invalid,,Data,2026-02-01,10,20,1"


def test_load_takes_the_names_dates_scale_and_zone_of_a_source(as_json, tmp_path, path):
    header = HEADER.replace("id,name", "Matrikel,Wer").replace(",", ";")
    file = csv(tmp_path, "x1;X Example;;;Data;1.2.2026 10:00;0,5;0,29;1", header=header)
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


def test_load_keeps_the_groups_that_are_named_and_of_no_events(engagement, as_json, tmp_path, path):
    file = csv(tmp_path, f"{LINE},w,2", header=f"{HEADER},Sex,age_band")
    assert as_json("load", file, "--group", "sex=Sex", "--group", "age_band")["accepted"] == 1
    groups = "select name, value from learner_groups where learner_id = 'x1' order by name"
    assert rows(Store(path), groups) == [("age_band", "2"), ("sex", "w")]
    code, said = refused(engagement, "load", file, "--events", "--group", "sex")
    assert code == 2
    assert "--group" in said


def test_load_of_everybody_counts_who_is_absent(engagement, as_json, tmp_path):
    file = csv(tmp_path, "a,A,a@example.invalid,,Data,,5,30,5", "b,B,,,Welding,,5,30,5", "x2,,,,Data,,140,,")
    code, said = refused(engagement, "load", file, "--full")
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
        (HEADER.replace("email", "mail"), [LINE], [], "column email missing; the header has id, name, mail"),
        (f"{HEADER},EMAIL", [LINE + ","], [], "column email stands more than once"),
        (HEADER.replace("email", "last_login", 1).replace("last_login,c", "email,c"), [LINE], [], "--map name=column"),
        (HEADER, [], [], "no rows below the header"),
        (HEADER, [LINE.replace(",10,20", ",0.1,0.2")], [], "--percent-scale 1"),
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
        (LINE, [LINE], [], "the first line names none of ours"),
    ],
)  # fmt: skip
def test_a_file_that_is_refused_whole_exits_2_and_changes_nothing(  # noqa: PLR0917 (a case is a row)
    engagement, tmp_path, path, header, lines, options, message
):
    code, said = refused(engagement, "load", csv(tmp_path, *lines, header=header), *options)
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


def test_where_the_first_file_is_refused_only_the_error_is_said(engagement, tmp_path):
    for told in ([], ["--json"]):
        code, said = refused(engagement, "load", broken(tmp_path), csv(tmp_path, LINE), *told)
        assert code == 2
        assert "broken.csv" in said


COURSE = ["--module", "XXX", "--presentation", "2013J", "--as-of-day", "28"]


@pytest.fixture
def oulad(tmp_path):
    return ["load", "--oulad", publish(tmp_path / "oulad"), *COURSE]


def test_load_of_a_course_says_which(engagement, oulad):
    code, out, _ = engagement(*oulad)
    assert (code, out) == (0, "OULAD XXX 2013J day 28: 2 rows, 2 accepted, 0 quarantined\n")


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


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--full"], "--full"),
        (["--events", "--yes"], "--events, --yes"),
        (["--observed-at", "2026-01-01"], "--observed-at"),
        (["--max-quarantine", "1.0"], "--max-quarantine"),
        (["--map", "id=x"], "--map"),
        (["--date-format", "excel"], "--date-format"),
        (["--percent-scale", "100"], "--percent-scale"),
        (["learners.csv"], "FILE"),
    ],
)
def test_what_says_nothing_about_a_course_is_refused(engagement, oulad, options, named):
    code, said = refused(engagement, *oulad, *options)
    assert (code, said) == (2, f"engagement: `--oulad FOLDER` does not go with {named}\n")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--module", "AAA", "--basis", "course"], "--module, --basis"),
        (["--basis", "due"], "--basis"),
        (["--presentation", "2013J"], "--presentation"),
        (["--as-of-day", "0"], "--as-of-day"),
    ],
)
def test_what_says_nothing_about_a_file_is_refused(engagement, tmp_path, path, options, named):
    code, said = refused(engagement, "load", csv(tmp_path, LINE), *options)
    assert (code, said) == (2, f"engagement: {named}: only with `--oulad FOLDER`\n")
    assert rows(Store(path), "select count(*) from learners where id = 'x1'") == [(0,)]


@pytest.mark.parametrize("left_out", range(0, len(COURSE), 2))
def test_a_course_needs_all_that_says_which(engagement, tmp_path, left_out):
    said = [*COURSE[:left_out], *COURSE[left_out + 2 :]]
    code, message = refused(engagement, "load", "--oulad", publish(tmp_path / "oulad"), *said)
    assert code == 2
    assert "needs --module, --presentation and --as-of-day" in message


def test_load_of_nothing_exits_2(engagement):
    code, said = refused(engagement, "load")
    assert code == 2
    assert "name at least one file" in said


def test_score_counts_labels_before_and_after(as_json, path):
    load(Store(path), learner("a", **LOW), at=AS_OF + HOUR)
    assert as_json("score") == {
        "before": {"high": 2, "medium": 0, "low": 1, "unknown": 0},
        "after": {"high": 1, "medium": 0, "low": 2, "unknown": 0},
    }


def test_score_of_one_program_counts_that_program(as_json, path):
    load(Store(path), learner("b", program="Welding", **LOW), at=AS_OF + HOUR)
    found = as_json("score", "--program", "Welding", "--as-of", "2026-03-02")
    assert found["before"]["high"] == 1
    assert found["after"] == {"high": 0, "medium": 0, "low": 1, "unknown": 0}


def test_learners_are_listed_worst_first_with_a_reason(as_json):
    listed = as_json("learners")
    assert [row["id"] for row in listed] == ["a", "b", "c"]
    assert {"id", "name", "program", "risk_score", "risk_label", "top_reason"} <= set(listed[0])
    assert listed[0]["top_reason"] == "0 % of the due work done"


def test_learners_can_be_chosen(as_json):
    assert [row["id"] for row in as_json("learners", "--risk", "low")] == ["c"]
    assert [row["id"] for row in as_json("learners", "--program", "Welding")] == ["b"]
    assert [row["id"] for row in as_json("learners", "--limit", "1")] == ["a"]
    assert as_json("learners", "--program", "Nothing") == []


def test_learner_shows_everything_about_one(as_json):
    found = as_json("learner", "a")
    assert {"id", "contributions", "what_would_help", "history", "events", "nudges", "quizzes"} <= set(found)
    assert (found["id"], found["risk_label"]) == ("a", "high")


@pytest.mark.parametrize(
    "command", [("nudge", "a", "--channel", "email"), ("quiz", "a", "--topic", "reading")]
)
def test_a_draft_by_hand_is_the_contract_and_more(as_json, command):
    made = as_json(*command, "--model", "none")
    assert set(made) == GENERATED | {"warnings"}
    assert made["status"] == "draft"
    assert made["gptFallback"] is True


def test_queue_commands_give_the_nudges_concerned(as_json):
    listed = as_json("queue", "list")
    assert len(listed) == 2
    assert set(listed[0]) >= QUEUED
    first, second = (row["id"] for row in listed)
    assert [(row["id"], row["status"]) for row in as_json("queue", "approve", first[:12])] == [
        (first, "approved")
    ]
    rejected = as_json("queue", "reject", second, "--reason", "on leave")
    assert [(row["id"], row["status"]) for row in rejected] == [(second, "rejected")]
    assert [row["status"] for row in as_json("queue", "export")] == ["approved"]
    assert [row["status"] for row in as_json("queue", "export", "--mark-sent")] == ["sent"]
    assert as_json("queue", "export") == []
    assert [row["id"] for row in as_json("queue", "list", "--status", "sent")] == [first]


def test_who_approved_is_recorded(engagement, as_json, path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ana")
    as_json("queue", "approve", draft(as_json))
    assert rows(Store(path), "select actor, timestamp from events") == [("ana", NOW)]


def test_export_for_a_spreadsheet_is_csv(engagement, as_json):
    as_json("queue", "approve", draft(as_json))
    code, out, _ = engagement("queue", "export")
    assert code == 0
    assert out.splitlines()[0] == "id,learner_id,channel,name,email,phone,subject,content,status"
    assert "'+1-202-555-0100" in out


def test_run_that_is_done_already_gives_the_same_run(as_json, path):
    done_before(Store(path), AS_OF)
    found = as_json("run", "nightly", "--as-of", AS_OF.isoformat())
    assert set(found) >= {"run_id", "status", "steps", "report"}
    assert found["status"] == "already done"


def test_simulate_shows_what_other_numbers_would_change(engagement, as_json, tmp_path):
    (tmp_path / "policy.toml").write_text("[risk]\nhigh_above = 0.9\n")
    code, out, err = engagement("simulate", str(tmp_path / "policy.toml"))
    assert (code, err) == (0, "")
    assert "2 of 3 learners would get another label" in out
    found = as_json("simulate", str(tmp_path / "policy.toml"), "--program", "Welding")
    assert set(found) == {"finding", "workload", "moves", "discrimination"}
    assert found["moves"] == [{"label_now": "high", "label_then": "medium", "learners": 1}]


def test_simulate_refuses_a_policy_that_makes_no_sense(engagement, tmp_path):
    (tmp_path / "policy.toml").write_text("[risk]\nhigh_above = 7\n")
    assert "medium_above, high_above" in refused(engagement, "simulate", str(tmp_path / "policy.toml"))[1]


def test_a_run_lets_others_go_first(as_json, path, monkeypatch):
    asked = []
    monkeypatch.setattr("os.setpriority", lambda *arguments: asked.append(arguments))
    done_before(Store(path), AS_OF)
    as_json("run", "nightly", "--as-of", AS_OF.isoformat())
    ((which, process, niceness),) = asked
    assert (which, process) == (os.PRIO_PROCESS, 0)
    assert niceness >= console.NICENESS > 0


def done_before(store, as_of):
    """Publish the run that `run nightly` would do, without its notebooks."""
    parameters = config.parameters_of(config.read_pipeline("nightly"), {})
    with store.write() as db:
        fingerprint = runs.input_fingerprint(db, as_of)
        run = runs.begin(
            db,
            "nightly",
            key=runs.run_key("nightly", as_of, parameters, fingerprint, DEFAULT_POLICY.policy_hash),
            as_of=as_of,
            day=as_of.date(),
            parameters=parameters,
            fingerprint=fingerprint,
            now=as_of,
        )
        runs.mark(db, run.run_id, "published", now=as_of, counts={})
    return run


def test_doctor_gives_its_checks_and_ends_with_them(engagement, as_json, path):
    found = as_json("doctor")
    assert set(found) == {"ok", "checks"}
    assert found["ok"] is True
    assert all(set(check) == {"name", "ok", "detail"} for check in found["checks"])


def test_doctor_fails_on_a_damaged_store(engagement, tmp_path):
    (tmp_path / "own.duckdb").write_bytes(b"no database" * 2_000)
    code, out, err = engagement("doctor", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["ok"] is False


def test_doctor_names_what_failed_to_a_person_and_shows_no_key(engagement, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    (tmp_path / "own.duckdb").unlink()
    code, out, err = engagement("doctor")
    assert code == 1
    assert re.search(r"FAILED +store ", out)
    assert "sk-test" not in out + err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["learner", "nobody"], 4, "no learner 'nobody'"),
        (["nudge", "nobody", "--channel", "email"], 4, "no learner 'nobody'"),
        (["quiz", "nobody"], 4, "no learner 'nobody'"),
        (["queue", "approve", "nobody"], 4, "no nudge 'nobody'"),
        (["nudge", "a", "--channel", "fax"], 2, "in_app, whatsapp, email"),
        (["nudge", "a", "--channel", "whatsapp"], 2, "opt-in"),
        (["titles", "confirm", "nobody's"], 4, "topic: 1 of 1 not known"),
        (["titles", "withdraw", "x", "--kind", "person"], 2, "program, topic"),
        (["queue", "list", "--status", "lost"], 2, "allowed are draft"),
        (["learners", "--risk", "huge"], 2, "high, medium, low, unknown"),
        (["score", "--as-of", "1993"], 2, "neither a date"),
        (["load", "nowhere.csv"], 2, "no such file"),
        (["load", "line\nbreak.csv"], 2, "no such file"),
        (["run", "nightly", "-p", "nonsense"], 2, "name=value"),
        (["run", "nightly", "-p", "nonsense=1"], 2, "nonsense"),
        (["run", "../nightly"], 4, "pipeline"),
    ],
    ids=lambda value: " ".join(value).replace("\n", " ") if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_line_and_its_exit_code(engagement, arguments, code, message):
    found, said = refused(engagement, *arguments)
    assert message in said
    assert found == code


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["nudge"], ["nudge", "a"], ["learners", "--limit", "0"], ["queue", "reject", "x"]],
)
def test_a_command_that_is_not_one_exits_2(engagement, arguments):
    code, out, err = engagement(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_store_that_does_not_exist_exits_4_and_is_not_made(engagement, tmp_path):
    (tmp_path / "own.duckdb").unlink()
    assert refused(engagement, "learners")[0] == 4
    assert not (tmp_path / "own.duckdb").exists()


def test_a_store_in_use_by_another_run_exits_75(engagement, path):
    with sole_runner(Store(path).path):
        assert refused(engagement, "score")[0] == 75


def test_a_damaged_store_exits_1(engagement, tmp_path):
    (tmp_path / "own.duckdb").write_bytes(b"no database" * 2_000)
    code, said = refused(engagement, "learners")
    assert code == 1
    assert "damaged" in said


def test_an_unknown_time_zone_exits_2(engagement, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Mars/Olympus")
    assert refused(engagement, "learners")[0] == 2


def test_a_folder_that_cannot_be_written_is_one_line(engagement, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code, said = refused(engagement, "sample", tmp_path / "file", "--learners", "5")
    assert code == 1
    assert "file" in said


def test_sample_writes_files_that_load_takes(engagement, as_json, tmp_path):
    code, out, _ = engagement("sample", tmp_path / "new", "--learners", "20", "--as-of", "2026-03-01")
    assert code == 0
    learners, events = out.split()
    assert as_json("load", learners)["quarantined"] == 0
    assert as_json("load", events, "--events")["quarantined"] == 0


def test_tables_fit_a_narrow_terminal(engagement, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["learners"], ["queue", "list"], ["learner", "a"], ["doctor"], ["score"]):
        _, out, _ = engagement(*arguments)
        assert max(map(len, out.splitlines())) <= 80, arguments


def test_the_queue_says_how_many_there_are_when_it_shows_fewer(engagement):
    assert engagement("queue", "list", "--limit", "1")[1].startswith("Nudges: 2 draft; the first 1\n")


def test_the_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "engagement.cli", "learners", "--risk", "huge"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("engagement: risk 'huge'")


def test_a_defect_shows_where_it_is_and_nobodys_data(path, monkeypatch):
    load(Store(path), learner("z", name="Zoë Quimby-Invented"))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")  # no terminal takes this name
    done = subprocess.run(
        [sys.executable, "-m", "engagement.cli", "learner", "z", "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "ascii" in done.stderr
    assert "Quimby" not in done.stdout + done.stderr
    assert "z@example" not in done.stdout + done.stderr


def test_a_reader_that_goes_away_is_no_error(path, published):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m engagement.cli learners --json | head -c 1"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[", "")


def test_today_is_where_the_institution_is(engagement, path, monkeypatch):
    monkeypatch.setattr(console, "now", lambda: datetime(2026, 3, 2, 2))
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "America/New_York")
    engagement("score")
    newest = rows(Store(path), "select max(as_of) from risk_scores")
    assert newest == [(datetime(2026, 3, 2, 4, 59, 59, 999999),)]


@pytest.mark.parametrize(
    "command",
    [("run", "nightly", "--as-of", "2199-01-01"), ("score", "--as-of", "2199-01-01")],
    ids=["run", "score"],
)
def test_a_day_to_come_is_refused(engagement, command):
    code, _, error = engagement(*command)
    assert code == 2
    assert "lies after today" in error


@pytest.mark.parametrize(
    "command",
    [
        ("learners",),
        ("nudge", "a", "--channel", "email"),
        ("quiz", "a"),
        ("queue", "approve", "a"),
        ("queue", "export"),
        ("score",),
        ("run", "nightly"),
    ],
    ids=" ".join,
)
def test_a_command_that_needs_a_store_makes_none(engagement, path, monkeypatch, tmp_path, command):
    nothing = tmp_path / "nothing.duckdb"
    monkeypatch.setenv("ENGAGEMENT_STORE", str(nothing))
    code, _, error = engagement(*command)
    assert (code, nothing.exists()) == (4, False)
    assert "there is no store" in error
