"""How a command ends where something is wrong, whichever it is."""

import json
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from engagement.cli import app
from engagement.cli.terminal import console
from engagement.demo import history  # noqa: F401 (imported before rights are given up)
from engagement.settings import PROJECT, Settings
from engagement.store import Store
from engagement.store.locks import sole_runner
from tests.support.cohort import learner, load
from tests.support.rights import ordinary_rights


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
def test_what_cannot_be_done_is_one_line_and_its_exit_code(refused, arguments, code, message):
    found, said = refused(*arguments)
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


def test_a_store_that_does_not_exist_exits_4_and_is_not_made(refused, tmp_path):
    (tmp_path / "own.duckdb").unlink()
    assert refused("learners")[0] == 4
    assert not (tmp_path / "own.duckdb").exists()


def test_a_store_in_use_by_another_run_exits_75(refused, path):
    with sole_runner(Store(path).path):
        assert refused("score")[0] == 75


def test_a_damaged_store_exits_1(refused, tmp_path):
    (tmp_path / "own.duckdb").write_bytes(b"no database" * 2_000)
    code, said = refused("learners")
    assert code == 1
    assert "damaged" in said


def test_an_unknown_time_zone_exits_2(refused, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Mars/Olympus")
    assert refused("learners")[0] == 2


def test_a_folder_that_cannot_be_written_is_one_line(refused, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code, said = refused("sample", tmp_path / "file", "--learners", "5")
    assert code == 1
    assert "file" in said


def test_tables_fit_a_narrow_terminal(engagement, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["learners"], ["queue", "list"], ["learner", "a"], ["doctor"], ["score"]):
        _, out, _ = engagement(*arguments)
        assert max(map(len, out.splitlines())) <= 80, arguments


def test_the_module_runs_as_a_command(path):
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


COMMANDS = [
    ("demo",),
    ("sample",),
    ("load", "learners.csv"),
    ("oulad", "tables", "--module", "AAA", "--presentation", "2013J", "--as-of-day", "84"),
    ("quarantine",),
    ("events",),
    ("coverage",),
    ("simulate", "policy.toml"),
    ("score",),
    ("run", "nightly"),
    ("learners",),
    ("learner", "a"),
    ("nudge", "a", "--channel", "email"),
    ("quiz", "a"),
    ("queue", "list"),
    ("queue", "approve", "a"),
    ("queue", "reject", "a", "--reason", "on leave"),
    ("queue", "export"),
    ("sources", "list"),
    ("sources", "show", "0f"),
    ("sources", "forget", "0f"),
    ("sync", "moodle", "--url", "http://127.0.0.1:9", "--course", "Data 101"),
    ("titles",),
    ("titles", "confirm", "loops"),
    ("titles", "withdraw", "loops"),
    ("schedule", "install", "nightly"),
    ("schedule", "list"),
    ("schedule", "remove", "nightly"),
    ("dashboard",),
    ("explore",),
]


def test_every_command_is_among_those_that_meet_a_fault():
    assert {name for name, *_ in COMMANDS} | {"doctor"} == set(get_command(app.app).commands)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_settings_that_may_not_be_read_are_a_line_that_says_which_file_and_what_to_do(
    refused, open_folder, monkeypatch, command
):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Mars/Olympus")
    assert refused(*command)[0] == 2  # which imports all that is needed so far: see `ordinary_rights`
    monkeypatch.setitem(Settings.model_config, "env_file", open_folder / ".env")
    (open_folder / ".env").touch(mode=0)
    with ordinary_rights():
        code, said = refused(*command)
    assert code == 2
    assert said.startswith(f"engagement: settings: {open_folder}/.env: Permission denied; whoever owns it ")


THEIR_STORE = "theirs/store.duckdb"
NEEDS_A_STORE = {
    "quarantine",
    "events",
    "coverage",
    "simulate",
    "score",
    "learners",
    "learner",
    "nudge",
    "quiz",
    "queue",
    "sources",
    "titles",
    "explore",
}


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command[0] in NEEDS_A_STORE], ids=" ".join
)
def test_a_store_in_a_folder_that_may_not_be_entered_is_a_line_that_says_so(
    refused, open_folder, monkeypatch, command
):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(open_folder / THEIR_STORE))
    assert refused(*command)[0] == 4  # which imports what is needed so far
    (open_folder / "theirs").mkdir(mode=0)
    with ordinary_rights():
        code, said = refused(*command)
    assert code == 1
    assert f"{open_folder / THEIR_STORE}: Permission denied; whoever owns it or its folder can let" in said


@pytest.mark.parametrize("command", ["demo", "load"])
def test_no_store_is_made_in_a_folder_that_may_not_be_entered(
    engagement, refused, open_folder, monkeypatch, command
):
    file = shutil.copy(PROJECT / "data" / "sample_learners.csv", open_folder)
    engagement("load", file)  # into a store of our own, which imports what is needed
    (open_folder / "theirs").mkdir(mode=0)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(open_folder / THEIR_STORE))
    with ordinary_rights():
        code, said = refused(command, *([file] if command == "load" else []))
    assert code == 1
    assert "Permission denied; whoever owns it or its folder can let you in (chmod)" in said


def test_a_file_that_may_not_be_read_is_a_line_that_says_so(refused, open_folder):
    (open_folder / "theirs").mkdir(mode=0)
    refused("load", open_folder / "nowhere.csv")  # which imports what is needed
    with ordinary_rights():
        _, said = refused("load", open_folder / "theirs" / "learners.csv")
    assert "learners.csv: Permission denied; whoever owns it or its folder can let you in (chmod)" in said


def test_letters_that_are_lacking_are_written_by_their_nearest(printed, path):
    with Store(path).write() as db:
        db.execute("update learners set name = 'Zoë – Łuk…' where id = 'a'")
    _, shown = printed("ascii", "learners", "--json")
    assert "Zoë – Łuk…" in {row["name"] for row in json.loads(shown)}
    console.set_up_output()
    assert "Zoë – “Łuk…”".encode("ascii", console._OTHERWISE) == b'Zoe - "?uk..."'


def test_a_file_for_programs_is_utf_8_whatever_the_terminal_is(printed, path):
    code, shown = printed("cp1252", "queue", "export")
    assert code == 0
    assert shown.decode("utf-8").startswith("id,")


@pytest.mark.parametrize("closed", ["| true", ">&- 2>&-", "2>&1 | true"])
def test_who_does_not_listen_does_not_change_how_a_command_ends(path, closed):
    command = f"set -o pipefail; {shlex.quote(sys.executable)} -m engagement.cli learners {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_user_without_a_home_has_one_that_is_not_there(monkeypatch):
    def unknown(_uid):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    console.set_up_home()
    home = Path.home()
    monkeypatch.delenv("HOME")  # as it was, for the tests after this one
    assert str(home) == "/nonexistent"
    monkeypatch.setenv("HOME", "/srv/own")
    console.set_up_home()
    assert str(Path.home()) == "/srv/own"
