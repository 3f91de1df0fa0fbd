"""A machine that has too little of something: whoever wants it is told what, where, and what to do."""

import logging
import os
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engagement.dashboard import log, tickets
from engagement.dashboard.methods import Backend, Refused
from engagement.dates import unix_s
from engagement.errors import DiskFull, EngagementError, StoreUnusable
from engagement.files.encoding import plain_text
from engagement.outreach import export, review
from engagement.pipeline import attempt
from engagement.settings import PROJECT, Settings
from engagement.store import Store
from engagement.store.locks import sole_exporter, sole_runner
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, learner, load, night, rows

LATER = AS_OF + 9 * HOUR


@contextmanager
def at_most(limit, most):
    """Let this process have no more of something than `most` for a while."""
    soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(limit, (soft, hard))


def full_disk():
    """Let no file grow, which is a full disk by another word of the system's."""
    return at_most(resource.RLIMIT_FSIZE, 0)


@pytest.fixture
def approved(store):
    """A store with an approved nudge for each of two learners."""
    load(store, learner("a"), learner("b"))
    night(store)
    review.approve(store, [row["id"] for row in review.listed(store)], by=acting(LATER))
    return store


def write(store):
    with store.write() as db:
        db.execute("insert into tombstones values ('x', '2026-01-01')")


def hold(lock):
    def held(store):
        with lock(store.path):
            pass

    return held


def test_whoever_writes_to_the_store_is_told_that_the_disk_is_full(approved):
    for act in (write, hold(sole_runner), hold(sole_exporter)):
        with (
            pytest.raises(DiskFull, match=f"the disk is full in {approved.path.parent}; .*Make room"),
            full_disk(),
        ):
            act(approved)
    with full_disk():
        assert rows(approved, "select count(*) from learners") == [(2,)]
    write(approved)


def test_a_store_that_could_not_be_made_is_not_there(no_store):
    with pytest.raises(DiskFull), full_disk():
        no_store.make()
    with pytest.raises(DiskFull), at_most(resource.RLIMIT_FSIZE, 20_000):
        no_store.make()
    assert not no_store.is_there()
    no_store.make()
    assert rows(no_store, "select count(*) from learners") == [(0,)]


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.xlsx"])
def test_an_export_says_where_the_disk_is_full_and_marks_nothing(approved, tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()

    def write(those):
        with full_disk():
            export.write_file(those, folder / name, as_json=str)

    with pytest.raises(
        EngagementError, match=f"2 nudges could not be written: .* is full in {folder};.* none is"
    ):
        export.send(approved, by=acting(LATER), write=write)
    assert list(folder.iterdir()) == []
    assert rows(approved, "select distinct status from nudges") == [("approved",)]


def test_a_run_says_where_the_disk_is_full(approved, tmp_path):
    (run,) = rows(approved, "select run_id from runs")
    home = tmp_path / "reports" / "nightly" / run[0]
    begun = attempt.Attempt(attempt.runs.get(approved, run[0]), home, {})
    with full_disk():
        try:
            attempt.record_start(begun, now=LATER)
        except OSError as error:
            told = attempt.record_failure(approved, begun, error, now=LATER)
    assert f"{run[0]}: its folder cannot be written: File too large: the disk is full in {home};" in str(told)


def test_a_file_that_does_not_fit_unpacked_says_where(tmp_path):
    file = tmp_path / "cp1252.csv"
    file.write_bytes("id,name\n1,Zoë\n".encode("cp1252"))
    with (
        pytest.raises(
            DiskFull, match=r"does not fit into .* TMPDIR names another folder: .*the disk is full in "
        ),
        full_disk(),
        plain_text(file),
    ):
        pass


def test_a_page_is_told_that_the_disk_is_full_and_its_log_keeps_nobody_from_it(
    approved, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv(log.LOG_FILE, str(tmp_path / "dashboard.log"))
    monkeypatch.setattr(logging.getLogger("engagement"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("engagement"), "propagate", True)
    secret = "s" * 32
    backend = Backend(approved, Settings(), secret=secret, kernel_id="k", clock=lambda: LATER)
    ticket = tickets.ticket(secret, name="root", source="local", kernel_id="k", now_s=unix_s(LATER))
    backend.answer("hello", {"ticket": ticket})
    log.to_file()
    with full_disk():
        assert backend.answer("learners", {"page": 1})["total"] == 2
        with pytest.raises(Refused) as refused:
            backend.answer("note", {"learner_id": "a", "text": "called"})
        log.failure(ValueError("x"), "note")
        with suppress(OSError):
            logging.getLogger("engagement").handlers[0].close()
    assert refused.value.as_dict() == {"code": "full", "detail": None, "error_id": None}
    assert capsys.readouterr() == ("", "")


def test_what_is_printed_onto_a_full_disk_ends_in_one_line(approved):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "engagement.cli", "queue", "list", "--status", "approved"],
            cwd=PROJECT,
            env=os.environ | {"ENGAGEMENT_STORE": str(approved.path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("engagement: No space left on device: the disk is full; ")
    assert done.stderr.count("\n") == 1


def test_too_many_open_files_are_called_so_whatever_is_opened_last(approved):
    write(approved)  # what is imported late is there
    for left in range(12):
        taken = []
        with at_most(resource.RLIMIT_NOFILE, 200):
            with suppress(OSError):
                while True:
                    taken.append(os.open("/dev/null", os.O_RDONLY))
            for descriptor in taken[:left]:
                os.close(descriptor)
            try:
                said = f"{rows(Store(approved.path), 'select count(*) from learners')}"
            except StoreUnusable as error:
                said = str(error)
            finally:
                for descriptor in taken[left:]:
                    os.close(descriptor)
        assert (
            said == "[(2,)]"
            or "Too many open files; one program may open 200 here: `ulimit -n` raises that" in said
        ), left
    assert said == "[(2,)]"


def limited(command, place, *, soft, hard):
    """Return how a command ends that may open so many files, and what it says."""
    wanted = f"ulimit -S -n {soft}; ulimit -H -n {hard}; exec {sys.executable} {command}"
    own = {"ENGAGEMENT_STORE": str(place / "store.duckdb"), "ENGAGEMENT_REPORTS": str(place / "reports")}
    done = subprocess.run(
        ["bash", "-c", wanted],
        cwd=PROJECT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if '"INFO"' not in line]


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ("run nightly --model none", 26),
        ("run weekly", 38),
        ("dashboard --port 18999", 31),
        ("dashboard --port 18999", 255),
        ("explore", 40),
    ],
)
def test_what_needs_kernels_says_at_once_that_too_few_files_may_be_open(approved, command, most):
    code, _, said = limited(f"-m engagement.cli {command}", approved.path.parent, soft=most, hard=most)
    assert code == 1
    assert said[-1].startswith("engagement: ")
    assert said[-1].endswith(
        f"kernels need 256 open files: Too many open files; one program may open {most} here: `ulimit -n` "
        "raises that, for a service LimitNOFILE="
    )
    assert len(said) == 1
    assert (
        rows(approved, "select distinct status from runs where status not in ('published', 'failed')") == []
    )


def test_what_a_program_may_allow_itself_it_does(approved):
    asks = "from engagement.jupyter import kernels; import resource; kernels.enough_files(); "
    code = f'-c "{asks}print(resource.getrlimit(resource.RLIMIT_NOFILE))"'
    assert limited(code, approved.path.parent, soft=30, hard=300) == (0, "(256, 300)\n", [])
    assert limited(code, approved.path.parent, soft=280, hard=300) == (0, "(280, 300)\n", [])
