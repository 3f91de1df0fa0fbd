"""cron and systemd are stood in for by two small programs that keep what they are given."""

import json
import logging
import os
import re
import subprocess
import sys

import pytest

from engagement.cli import app
from engagement.errors import EngagementError, InvalidInput, NotFound
from engagement.operations import schedules
from engagement.operations.cron import read
from engagement.operations.schedules import Crontab, Schedule, Timers
from engagement.pipeline import config
from engagement.settings import PROJECT

NIGHT = read("15 2 * * *")
LATER = read("45 3 * * *")

# Debian's: nothing to list is an error, and a last line without an end is refused.
CRONTAB = """\
#!/bin/sh
echo "$1" >> {folder}/crontab.asked
test -e {folder}/crontab.refuses && {{ echo "crontab: no space left" >&2; exit 1; }}
case "$1" in
-l) test -e {folder}/crontab || {{ echo "no crontab for ada" >&2; exit 1; }}; /bin/cat {folder}/crontab;;
-)  /bin/cat > {folder}/crontab.new
    test -z "$(/usr/bin/tail -c 1 {folder}/crontab.new)" || {{ echo "missing newline before EOF" >&2; exit 1; }}
    /bin/mv {folder}/crontab.new {folder}/crontab;;
*)  exit 2;;
esac
"""
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {folder}/systemctl.asked
test "$1" = --user || exit 2
test -e {folder}/systemctl.down && {{ echo "Failed to connect to bus" >&2; exit 1; }}
test -e {folder}/systemctl.refuses-"$2" && {{ echo "Access denied" >&2; exit 1; }}
exit 0
"""
PROGRAM = """\
#!/bin/sh
echo "$@ in $PWD"
echo "and an error" >&2
"""


class Machine:
    """What stands in for this machine's cron and systemd."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.units = folder / "config" / "systemd" / "user"
        self._bin = folder / "bin"
        self._bin.mkdir()
        monkeypatch.setenv("PATH", str(self._bin))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))

    def has(self, name, text):
        program = self._bin / name
        program.write_text(text.format(folder=self.folder))
        program.chmod(0o755)

    @property
    def crontab(self):
        return (self.folder / "crontab").read_bytes()

    @crontab.setter
    def crontab(self, content):
        (self.folder / "crontab").write_bytes(content)

    def says(self, what):
        (self.folder / what).touch()

    def asked(self, program):
        file = self.folder / f"{program}.asked"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def machine(tmp_path, monkeypatch):
    (tmp_path / "machine").mkdir()
    return Machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def cron(machine):
    machine.has("crontab", CRONTAB)
    return machine


@pytest.fixture
def systemd(machine):
    machine.has("systemctl", SYSTEMCTL)
    return machine


@pytest.fixture
def project(tmp_path):
    return checkout(tmp_path / "project")


def checkout(folder):
    program = folder / ".venv" / "bin" / "engagement"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return folder


def install(project, pipeline="nightly", timetable=NIGHT, manager=None):
    return schedules.install(
        pipeline,
        timetable,
        reports=project / "reports",
        zone="Europe/London",
        manager=manager,
        project=project,
    )


def remove(project, pipeline="nightly"):
    return schedules.remove(pipeline, reports=project / "reports", project=project)


def times(project):
    found = schedules.listed(reports=project / "reports", project=project)
    return {(schedule.pipeline, schedule.manager): schedule.at for schedule in found}


def as_cron_does(line):
    """Return when a line runs and what the shell is given, as crontab(5) says: `%` ends the command, `\\%` is one."""
    *fields, command = line.split(None, 5)
    command = re.split(r"(?<!\\)%", command)[0]
    return " ".join(fields), command.replace("\\%", "%")


def run_by_cron(line):
    subprocess.run(
        ["/bin/sh", "-c", as_cron_does(line)[1]], cwd="/", env={"PATH": "/usr/bin:/bin"}, check=True
    )


def test_cron_gets_a_line_that_runs_the_pipeline_and_keeps_what_it_prints(cron, project):
    made = install(project)
    log = project / "reports" / "nightly" / "schedule.log"
    assert made == Schedule("nightly", "cron", "15 2 * * *", str(log))
    line = cron.crontab.decode()
    assert line.endswith(f"# engagement schedule: nightly in {project}\n")
    assert as_cron_does(line)[0] == "15 2 * * *"
    run_by_cron(line)
    run_by_cron(line)
    assert log.read_text() == f"run nightly in {project}\nand an error\n" * 2


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        "100% sure",
        "%",
        "it's",
        'a "b"',
        "$HOME `id`",
        "Übung ☂",
        "a;b&c|d",
        "a#b",
        "[x]*?",
        "-n",
    ],
)
def test_whatever_the_folder_is_called_cron_and_the_shell_find_it(cron, tmp_path, name):
    project = checkout(tmp_path / name)
    install(project)
    run_by_cron(cron.crontab.decode())
    said = (project / "reports" / "nightly" / "schedule.log").read_text()
    assert said.startswith(f"run nightly in {project}\n")
    assert times(project) == {("nightly", "cron"): "15 2 * * *"}
    remove(project)
    assert cron.crontab == b""


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\rb", "blank ", "a\udcffb"])
def test_a_folder_that_cannot_be_written_down_is_refused(cron, tmp_path, name):
    project = tmp_path / name
    with pytest.raises(InvalidInput, match="cannot be told of a folder"):
        install(project)
    assert cron.asked("crontab") == []


OTHERS = {
    "lines": b"5 4 * * * backup\n",
    "no final newline": b"5 4 * * * backup",
    "crlf": b"5 4 * * * backup\r\n@reboot x\r\n",
    "comments and variables": b'# mine\nSHELL=/bin/bash\nMAILTO=""\n\n\t \n5 4 * * * date +\\%F # engagement\n',
    "no text": b"# \xff\xfe\n5 4 * * * echo \xe9\n",
    "like ours": b"# engagement schedule: nightly in /elsewhere\n1 1 * * * engagement run nightly\n",
}


@pytest.mark.parametrize("others", OTHERS.values(), ids=OTHERS)
def test_every_other_line_stays_as_it_is(cron, project, others):
    cron.crontab = others
    install(project)
    end = b"" if others.endswith(b"\n") else b"\n"
    assert cron.crontab.startswith(others + end + b"15 2 * * * ")
    assert cron.crontab.count(b"\n") == (others + end).count(b"\n") + 1
    remove(project)
    assert cron.crontab == others + end


def test_installed_twice_is_installed_once_and_nothing_is_written_the_second_time(cron, project):
    cron.crontab = b"1 1 * * * first\n"
    install(project)
    before = cron.crontab
    install(project)
    assert cron.crontab == before
    assert cron.asked("crontab").count("-") == 1


def test_another_time_takes_the_place_of_the_line(cron, project):
    install(project)
    cron.crontab += b"1 1 * * * after\n"
    install(project, timetable=LATER)
    first, second = cron.crontab.splitlines()
    assert first.startswith(b"45 3 * * * cd ")
    assert second == b"1 1 * * * after"


def test_a_line_that_somebody_doubled_or_saved_with_other_ends_is_one_again(cron, project):
    install(project)
    line = cron.crontab
    cron.crontab = line + b"1 1 * * * other\n" + line.replace(b"\n", b"\r\n")
    install(project)
    assert cron.crontab == line + b"1 1 * * * other\n"


def test_a_time_changed_by_hand_is_what_is_listed(cron, project):
    install(project)
    cron.crontab = cron.crontab.replace(b"15 2 * * *", b"0  5 * * mon")
    assert times(project) == {("nightly", "cron"): "0 5 * * mon"}


def test_a_line_that_was_commented_out_is_somebodys_comment(cron, project):
    install(project)
    cron.crontab = paused = b"#" + cron.crontab
    assert times(project) == {}
    with pytest.raises(NotFound):
        remove(project)
    assert cron.crontab == paused


def test_two_checkouts_and_two_pipelines_leave_each_other_alone(cron, project, tmp_path):
    other = checkout(tmp_path / "a" / "project")
    for folder in (project, other):
        install(folder, "nightly")
        install(folder, "weekly", LATER)
    assert cron.crontab.count(b"\n") == 4
    remove(project, "nightly")
    assert times(project) == {("weekly", "cron"): "45 3 * * *"}
    assert times(other) == {("nightly", "cron"): "15 2 * * *", ("weekly", "cron"): "45 3 * * *"}


def test_a_crontab_that_cannot_be_read_is_not_taken_for_an_empty_one(cron, project):
    cron.crontab = b"5 4 * * * backup\n"
    cron.says("crontab.refuses")
    for attempt in (lambda: install(project), lambda: remove(project), lambda: times(project)):
        with pytest.raises(EngagementError, match="cannot be read: crontab: no space left"):
            attempt()
    assert cron.crontab == b"5 4 * * * backup\n"
    assert "-" not in cron.asked("crontab")


def test_a_crontab_that_cannot_be_written_is_as_it_was(machine, project):
    refusing = CRONTAB.replace(
        "/bin/mv {folder}/crontab.new {folder}/crontab", "echo 'bad minute' >&2; exit 1"
    )
    machine.has("crontab", refusing)
    machine.crontab = b"5 4 * * * backup\n"
    with pytest.raises(EngagementError, match="cannot be written, and is as it was: bad minute"):
        install(project)
    assert machine.crontab == b"5 4 * * * backup\n"


def test_who_may_not_have_a_crontab_is_told_so_and_may_have_a_timer(systemd, project):
    systemd.has("crontab", "#!/bin/sh\necho 'You (ada) are not allowed to use this program' >&2; exit 1\n")
    with pytest.raises(EngagementError, match="not allowed to use"):
        install(project, manager="cron")
    assert install(project).manager == "systemd"


def test_systemd_where_it_answers_gets_a_service_and_a_timer_and_starts_it(systemd, project):
    made = install(project)
    name = Timers(project).unit("nightly")
    assert made == Schedule("nightly", "systemd", "15 2 * * *", f"journalctl --user -u {name}")
    service, timer = sorted(systemd.units.iterdir())
    assert (service.name, timer.name) == (f"{name}.service", f"{name}.timer")
    assert f'ExecStart=/usr/bin/env "{project}/.venv/bin/engagement" run nightly\n' in service.read_text()
    assert f"WorkingDirectory={project}\n" in service.read_text()
    assert "OnCalendar=*-*-* 02:15:00 Europe/London\nPersistent=true\n" in timer.read_text()
    assert systemd.asked("systemctl")[1:] == ["--user daemon-reload", f"--user enable --now {name}.timer"]


def test_a_folders_name_means_nothing_to_systemd(systemd, tmp_path):
    project = checkout(tmp_path / 'a %h "$HOME" b')
    install(project)
    service = (systemd.units / f"{Timers(project).unit('nightly')}.service").read_text()
    assert f'WorkingDirectory={tmp_path}/a %%h "$HOME" b\n' in service
    assert rf'/usr/bin/env "{tmp_path}/a %%h \"$$HOME\" b/.venv/bin/engagement" run nightly' in service


def test_a_timer_installed_again_is_started_anew_at_its_new_time(systemd, project):
    install(project)
    install(project, timetable=LATER)
    assert times(project) == {("nightly", "systemd"): "45 3 * * *"}
    assert len(list(systemd.units.iterdir())) == 2
    assert systemd.asked("systemctl")[-1] == f"--user restart {Timers(project).unit('nightly')}.timer"


def test_a_timer_that_is_removed_is_stopped_first(systemd, project):
    install(project)
    assert [gone.at for gone in remove(project)] == ["15 2 * * *"]
    assert list(systemd.units.iterdir()) == []
    disabled = f"--user disable --now {Timers(project).unit('nightly')}.timer"
    assert systemd.asked("systemctl")[-2:] == [disabled, "--user daemon-reload"]
    assert times(project) == {}


@pytest.mark.parametrize("refused", ["daemon-reload", "enable"])
def test_a_timer_that_systemd_refuses_leaves_nothing(systemd, project, refused):
    systemd.says(f"systemctl.refuses-{refused}")
    with pytest.raises(EngagementError, match=f"{refused} failed: Access denied"):
        install(project)
    assert list(systemd.units.iterdir()) == []


def test_a_change_that_systemd_refuses_leaves_the_old_timer(systemd, project):
    install(project)
    before = {file: file.read_bytes() for file in systemd.units.iterdir()}
    systemd.says("systemctl.refuses-restart")
    with pytest.raises(EngagementError, match="restart failed"):
        install(project, timetable=LATER)
    assert {file: file.read_bytes() for file in systemd.units.iterdir()} == before


def test_two_checkouts_have_units_of_their_own(systemd, project, tmp_path):
    other = checkout(tmp_path / "other")
    install(project)
    install(other, timetable=LATER)
    remove(project)
    assert times(project) == {}
    assert times(other) == {("nightly", "systemd"): "45 3 * * *"}


def test_from_one_manager_to_the_other_a_pipeline_moves(cron, systemd, project):
    install(project, manager="cron")
    install(project, manager="systemd")
    assert times(project) == {("nightly", "systemd"): "15 2 * * *"}
    assert cron.crontab == b""
    install(project, manager="cron")
    assert times(project) == {("nightly", "cron"): "15 2 * * *"}
    assert list(systemd.units.iterdir()) == []


def test_a_move_that_fails_midway_leaves_one_schedule(cron, systemd, project):
    install(project, manager="systemd")
    systemd.says("systemctl.refuses-disable")
    with pytest.raises(EngagementError, match="disable failed"):
        install(project, manager="cron")
    assert times(project) == {("nightly", "systemd"): "15 2 * * *"}


def test_where_systemd_does_not_answer_cron_is_taken_unless_systemd_was_asked_for(cron, systemd, project):
    systemd.says("systemctl.down")
    with pytest.raises(EngagementError, match="systemctl --user does not answer"):
        install(project, manager="systemd")
    assert install(project).manager == "cron"


def test_two_kinds_of_day_are_for_cron_alone(cron, systemd, project):
    both = read("15 2 1 * 1")
    with pytest.raises(InvalidInput, match="--with cron"):
        install(project, timetable=both)
    assert not systemd.units.exists()
    assert install(project, timetable=both, manager="cron").at == "15 2 1 * 1"


def test_where_neither_is_there_the_error_holds_the_line_to_put_into_a_crontab(machine, project):
    for manager, said in ((None, "no systemctl --user that answers, and no crontab"), ("cron", "no crontab")):
        with pytest.raises(EngagementError, match=f"there is {said} command: install cron") as refused:
            install(project, manager=manager)
        line = str(refused.value).partition("into a crontab: ")[2]
        assert line == Crontab(project, project / "reports").line("nightly", NIGHT)


def test_a_manager_nobody_knows_is_refused(cron, project):
    with pytest.raises(InvalidInput, match="--with launchd: allowed are cron, systemd"):
        install(project, manager="launchd")


def test_without_the_program_nothing_is_scheduled(cron, tmp_path):
    with pytest.raises(EngagementError, match=r"\.venv/bin/engagement: is not there"):
        install(tmp_path)
    assert cron.asked("crontab") == []


def test_reports_elsewhere_take_the_log_along(cron, project, tmp_path):
    away = tmp_path / "away 100%"
    schedules.install("nightly", NIGHT, reports=away, zone="UTC", project=project)
    run_by_cron(cron.crontab.decode())
    assert (away / "nightly" / "schedule.log").is_file()


def test_what_is_not_scheduled_cannot_be_removed(cron, project):
    install(project, "weekly")
    with pytest.raises(NotFound, match="no schedule for 'nightly' in this project; there is weekly"):
        remove(project)


def test_the_pipelines_own_schedules_are_ones_that_both_managers_take():
    found = [config.read_pipeline(file.stem).schedule for file in config.PIPELINES.glob("*.toml")]
    said = [schedule for schedule in found if schedule]
    assert len(said) >= 2  # nightly and weekly
    assert all(read(schedule).calendar("UTC") for schedule in said)


@pytest.fixture
def engagement(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("COLUMNS", "200")
    log = logging.getLogger("engagement")
    before = list(log.handlers)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["engagement", "schedule", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, *capsys.readouterr()

    yield run
    log.handlers[:] = before


needs_program = pytest.mark.skipif(
    not os.access(PROJECT / ".venv" / "bin" / "engagement", os.X_OK), reason="tested from another environment"
)


@needs_program
def test_the_command_takes_the_time_of_the_pipelines_file_and_says_what_a_run_will_not_see(cron, engagement):
    code, out, err = engagement("install", "weekly")
    assert (code, err) == (0, "")
    assert "weekly runs by cron at 30 6 * * 1 (this machine's time zone).\n" in out
    assert re.search("let .env say it: .*ENGAGEMENT_REPORTS", out)
    assert f"# engagement schedule: weekly in {PROJECT}\n".encode() in cron.crontab
    code, out, _ = engagement("list", "--json")
    assert [entry["pipeline"] for entry in json.loads(out)] == ["weekly"]
    assert "30 6 * * 1" in engagement("list")[1]
    assert engagement("remove", "weekly")[1] == "weekly no longer runs by cron at 30 6 * * 1.\n"
    assert engagement("list")[1].startswith("No pipeline runs by itself")
    assert json.loads(engagement("list", "--json")[1]) == []


@needs_program
def test_a_timer_goes_by_the_institutions_time_zone(systemd, engagement, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Asia/Kolkata")
    code, out, _ = engagement("install", "nightly", "--at", "0 5 * * mon-fri")
    assert code == 0
    assert "at 0 5 * * 1-5 (Asia/Kolkata)" in out
    assert "loginctl enable-linger" in out
    (timer,) = systemd.units.glob("*.timer")
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 05:00:00 Asia/Kolkata\n" in timer.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("install", "nocturnal"), 4),
        (("install", "nightly", "--at", "25 25 * * *"), 2),
        (("install", "nightly", "--with", "launchd"), 2),
        (("remove", "nightly"), 4),
    ],
)
def test_what_cannot_be_done_ends_in_one_line_and_its_exit_code(cron, engagement, arguments, code):
    ended, out, err = engagement(*arguments)
    assert (ended, out) == (code, "")
    assert err.startswith("engagement: ")
    assert err.count("\n") == 1
    assert "-" not in cron.asked("crontab")
