"""Runs under what goes wrong: killed at any step, two at once, a full disk, a clock that is wrong."""

import json
import multiprocessing
import os
import signal
import time
from datetime import datetime
from multiprocessing import forkserver
from pathlib import Path

import pytest

from engagement.demo import sample
from engagement.errors import StoreBusy
from engagement.ingest import learners
from engagement.store import Store
from tests.faults import run_worker
from tests.support.cohort import DAY as ONE_DAY
from tests.support.cohort import night

FORKED = multiprocessing.get_context("forkserver")
DAY = "2026-03-01"
AS_OF = datetime.fromisoformat("2026-03-01T23:59:59")
RUN_ID = f"nightly-{DAY}-1"
AHEAD = "2999-12-31"  # a day that is not over, as a run that takes files from an inbox needs it
STEPS = ["10_load", "20_score", "30_nudges", "31_quizzes", "90_report"]
ONCE = {
    "nudges": "person_id, campaign, channel, period",
    "quizzes": "learner_id, campaign, period",
    "events": "id",
    "loads": "content_hash, observed_at",
    "learner_facts": "learner_id, observed_at",
    "risk_history": "learner_id, as_of",
    "contact_decisions": "learner_id",
}


class Place:
    """A folder with a file to load, a store and reports, and the processes that work there."""

    def __init__(self, folder, patch):
        self.file = folder / "sample_learners.csv"
        self.export(60)
        self.store = Store(folder / "store.duckdb")
        self.reports = folder / "reports"
        self.said = folder / "said"  # by the last process
        patch.setenv("ENGAGEMENT_STORE", str(self.store.path))
        patch.setenv("ENGAGEMENT_REPORTS", str(self.reports))
        patch.setenv("ENGAGEMENT_TIMEZONE", "UTC")

    def export(self, size):
        sample.write_csv(sample.cohort(size, seed=1, as_of=AS_OF), self.file.parent)

    def start(self, action="run", detail="", *, as_of=DAY, steps=5):
        """Begin a run in a process of its own, which may come to harm."""
        arguments = (action, str(self.file), as_of, str(steps), str(detail))
        self.said.unlink(missing_ok=True)
        process = FORKED.Process(target=run_worker.forked, args=(dict(os.environ), self.said, arguments))
        process.start()
        return process

    def run(self, *, as_of=DAY, steps=5):
        """Do a run to its end, in this process."""
        return run_worker.run_nightly(str(self.file), as_of, steps).as_dict()

    def home(self, run_id=RUN_ID):
        return self.reports / "nightly" / run_id

    def rows(self, sql):
        with self.store.read() as db:
            return db.execute(sql).fetchall()

    def doubled(self):
        """Return what is there twice, by table."""
        found = {
            table: self.rows(f"select {key} from {table} group by {key} having count(*) > 1")
            for table, key in ONCE.items()
        }
        return {table: keys for table, keys in found.items() if keys}

    def processes(self):
        """Return the processes that have this store in their environment."""
        wanted = f"ENGAGEMENT_STORE={self.store.path}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:  # it has ended meanwhile
                continue
        return found

    def all_ended(self, within_s=6.0):
        deadline = time.monotonic() + within_s
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.processes() == []


@pytest.fixture(scope="module", autouse=True)
def _imported_once():
    """Processes are forked from one that has imported all that a run needs, and knows of no store."""
    FORKED.set_forkserver_preload([run_worker.__name__])
    forkserver.ensure_running()
    yield
    forkserver._forkserver._stop()  # there is no other way to end it before the last test of all


@pytest.fixture
def place(tmp_path, monkeypatch):
    return Place(tmp_path, monkeypatch)


def outcome(place, process, timeout_s=90):
    """Return the exit code of a process, and what it said."""
    process.join(timeout_s)
    process.kill()
    return process.exitcode, place.said.read_text()


def wait_for_cell(place, process, step, number, timeout_s=60):
    """Return when the code cell of that number (0 is the first) of the step's notebook is running or done."""
    path = place.home() / f"{step}.ipynb"
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        assert process.is_alive(), place.said.read_text()
        try:
            cells = json.loads(path.read_text())["cells"]
        except (OSError, ValueError):  # not there yet, or half written
            cells = []
        begun = [
            cell
            for cell in cells
            if cell["cell_type"] == "code" and cell["metadata"].get("papermill", {}).get("start_time")
        ]
        if len(begun) > number:
            return
        time.sleep(0.01)
    raise AssertionError(f"{step} never came to cell {number}")


def kill(place, process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert place.all_ended(), "a kernel outlived its runner"


def test_a_run_killed_at_every_step_is_done_in_the_end_and_done_once(place):
    # Cells: 0 parameters, 1 injected ones, 2 imports; what writes comes next. A cell is seen when it begins.
    # Quizzes are drafted by the code that drafts nudges, and the report writes nothing.
    for step, number in (("10_load", 4), ("20_score", 3), ("30_nudges", 4)):
        runner = place.start()
        wait_for_cell(place, runner, step, number)
        if step == "30_nudges":
            with pytest.raises(
                StoreBusy, match=rf"another run works on store.duckdb \(process {runner.pid}\)"
            ):
                place.run()
        kill(place, runner)
        with place.store.read() as db:
            state = db.execute("select status, published_at from runs").fetchall()
            shown = db.execute("select count(*) from published_nudges").fetchall()
        assert (state, shown) == ([("running", None)], [(0,)])

    killed, _ = outcome(place, place.start("die", "publish"))
    assert killed == -signal.SIGKILL
    assert place.rows("select count(*) from risk_scores") == [(0,)]

    killed, _ = outcome(place, place.start("die", "write_index"))
    assert killed == -signal.SIGKILL
    result = place.run()
    assert result["status"] == "already done"
    assert result["run_id"] == RUN_ID
    assert Path(result["report"]).is_file()
    assert json.loads((place.home() / "run.json").read_text())["status"] == "published"
    assert (place.reports / "index.html").is_file()

    assert place.doubled() == {}
    assert place.rows("select run_id, status from runs") == [(RUN_ID, "published")]
    assert place.rows("select step, status from steps order by position") == [
        (step, "done") for step in STEPS
    ]
    for table in ("learners", "risk_scores", "nudges", "quizzes"):
        assert place.rows(f"select count(*) > 10 from {table}") == [(True,)]
    assert place.processes() == []


def test_a_run_goes_on_once_the_disk_has_room_again_and_the_last_one_can_be_read(place):
    last_as_of = AS_OF - ONE_DAY
    snapshot = sample.cohort(60, seed=1, as_of=AS_OF).snapshot(7)
    learners.load(place.store, snapshot, observed_at=last_as_of, loaded_at=last_as_of)
    last = place.home(night(place.store, last_as_of).run_id) / "10_load.ipynb"
    last.parent.mkdir(parents=True)
    last.write_text("{}")
    published = place.rows("select * from learner_risk order by id")
    room_for_a_notebook = 60_000

    place.export(500)
    code, said = outcome(place, place.start("starve", room_for_a_notebook, steps=1))
    assert code == 1
    assert f"engagement: {RUN_ID}: 10_load failed after 2 tries: DiskFull: " in said
    assert f"the disk is full in {place.store.path.parent}; what was written before is intact" in said
    assert "Traceback" not in said
    assert place.all_ended()
    assert place.rows("select * from learner_risk order by id") == published
    assert last.read_text() == "{}"

    assert place.run(steps=1)["run_id"] == RUN_ID
    assert place.doubled() == {}
    assert place.rows("select count(*) > 450 from learner_risk") == [(True,)]


def test_a_run_killed_between_two_files_of_an_inbox_loads_the_other_and_is_done_once(place):
    place.file = place.file.with_name("inbox") / "*.csv"
    inbox = place.file.parent
    inbox.mkdir()
    header, first, *_ = (inbox.parent / "sample_learners.csv").read_text().splitlines()
    (inbox / "1.csv").write_text(f"{header}\n{first}\n")
    learner, rest = first.split(",", 1)
    rows = (f"{learner}-{number},{rest}".replace("@", f"{number}@") for number in range(40_000))
    (inbox / "2.csv").write_text("\n".join([header, *rows, ""]))

    runner = place.start(as_of=AHEAD, steps=1)
    deadline = time.monotonic() + 60
    while not (place.store.path.exists() and place.rows("select load_id from loads")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kill(place, runner)
    assert place.rows("select source, accepted from loads") == [("1.csv", 1)]

    (inbox / "1.csv").rename(inbox.parent / "1.csv")  # put away what has been loaded
    assert place.run(as_of=AHEAD, steps=1)["run_id"] == f"nightly-{AHEAD}-1"
    assert place.rows("select source, accepted from loads order by load_id") == [
        ("1.csv", 1),
        ("2.csv", 40_000),
    ]
    assert place.rows("select count(*) from learners") == [(40_001,)]
    assert place.run(as_of=AHEAD, steps=1)["status"] == "already done"
    assert place.rows("select count(*) from loads") == [(2,)]
    assert place.doubled() == {}
