"""A run is published whole or not at all, once, and the same command goes on where it stopped."""

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nbformat
import pandas as pd
import pytest

from engagement import runs
from engagement.content import templates
from engagement.demo import sample
from engagement.errors import InvalidInput, NotFound, RunFailed, RunStopped, StoreBusy
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat
from engagement.jupyter import kernels
from engagement.outreach import nudges, review
from engagement.pipeline import config, program, publication, runner, stopping
from engagement.pipeline.config import Pipeline, Report, Sources, Step
from engagement.pipeline.incoming import inputs, sources
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION
from engagement.reporting import printing
from engagement.risk import scores
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store
from engagement.store.locks import sole_runner
from engagement.targeting import decisions
from tests.support.once import once

DAY = date(2026, 3, 1)
AS_OF = datetime.fromisoformat("2026-03-01T23:59:59.999999")
HOUR = timedelta(hours=1)
UTC = ZoneInfo("UTC")
RUN_ID = 9  # its column in risk_scores
SENTINEL = "Zebedee Quimby-Invented"
HOSTILE = "</a><script>document.title='owned'</script>"
PARAMETERS = 'as_of: str = "2026-03-01"  # when\nrun_id: str = ""  # which\nnote: str = ""  # any text'
SHOWN = {
    "nudges": "select count(*) from published_nudges",
    "quizzes": "select count(*) from published_quizzes",
    "decisions": "select count(*) from published_decisions",
    "scores": "select count(*) from risk_scores",
    "history": "select count(*) from risk_history",
    "scored learners": "select count(risk_score) from learner_risk",
}


@dataclass(frozen=True)
class Stage:
    """What was there after one command."""

    result: Any
    said: str
    tables: dict[str, list[Any]]
    shown: dict[str, int]
    files: dict[str, str]


def stage(store, result, said=""):
    files = {path.name: path.read_text() for path in home(store).iterdir()}
    return Stage(result, said, tables(store), shown(store), files)


def write_notebook(path, *code):
    notebook = nbformat.v4.new_notebook()
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    notebook.cells = [first, *map(nbformat.v4.new_code_cell, code)]
    path.write_text(nbformat.writes(notebook))


def tiny(*names, **how):
    return Pipeline(name="nightly", steps=[Step(notebook=name, **how) for name in names])


def run(store, chosen, **changed):
    """Run the pipeline, as cron does in the day that it is for."""
    options = {"as_of": AS_OF, "day": DAY, "given": {}, "folder": store.path.parent / "reports"} | changed
    return runner.run(store, chosen, **({"started_at": options["as_of"] - 22 * HOUR} | options))


def home(store, run_id="nightly-2026-03-01-1"):
    return store.path.parent / "reports" / "nightly" / run_id


def rows(store, sql):
    with store.read() as db:
        return db.execute(sql).fetchall()


def one(store, sql):
    return rows(store, sql)[0]


def tables(store):
    names = rows(store, "select table_name from duckdb_tables() where database_name = 'store'")
    return {name: rows(store, f"select * from {name} order by all") for (name,) in names}


def shown(store):
    return {name: one(store, sql)[0] for name, sql in SHOWN.items()}


@once
def load_cohort(store, week=8, *, observed_at=AS_OF, size=80):
    frame = sample.cohort(size, seed=1, as_of=AS_OF).snapshot(week)
    learners.load(store, frame, observed_at=observed_at, loaded_at=observed_at)


def begin(store, *, as_of=AS_OF, key="k"):
    with store.write() as db:
        return runs.begin(
            db,
            "nightly",
            key=key,
            as_of=as_of,
            day=as_of.date(),
            parameters={},
            fingerprint="f",
            now=as_of,
            policy=DEFAULT_POLICY,
        )


@once
def night(store, as_of):
    """Do what the notebooks do, without kernels."""
    current = begin(store, as_of=as_of, key=str(as_of))
    scores.score(store, current)
    decisions.decide(store, current, policy=DEFAULT_SELECTION)
    nudges.draft(store, current)
    return publication.publish(store, current, now=as_of)


@contextmanager
def listening():
    """Collect what the package logs."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(json.dumps(record.__dict__, default=str))
    log = logging.getLogger()
    log.addHandler(handler)
    logging.getLogger("engagement").setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)


def processes_with(store):
    """Return the other processes that have this store in their environment."""
    wanted = f"ENGAGEMENT_STORE={store.path}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def ended(store, within_s=3.0):
    deadline = time.monotonic() + within_s
    while processes_with(store) and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes_with(store) == []


own_template = kernels.template


@pytest.fixture(scope="module", autouse=True)
def _one_template():
    """The runs of this file fork their kernels from one template: to start it takes longer than most notebooks here."""
    with kernels.template() as manager, pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "template", lambda _: nullcontext(manager))
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch, no_store):
    """The folder of this test's notebooks; their kernels work on the store of the test."""
    monkeypatch.setattr(config, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(no_store.path))
    return tmp_path


# One story, told once: a night that fails in its last step, is taken up again, repeated, and superseded.

NIGHTLY = tiny("20_score", "30_nudges", "last")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    place = tmp_path_factory.mktemp("story")
    store = Store(place / "store.duckdb")
    load_cohort(store)
    for name in ("20_score", "30_nudges"):
        shutil.copy(PROJECT / "notebooks" / f"{name}.ipynb", place)
    return store


def tell(store):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "NOTEBOOKS", store.path.parent)
        patch.setenv("ENGAGEMENT_STORE", str(store.path))
        return run(store, NIGHTLY)


@pytest.fixture(scope="module")
def failed(story):
    write_notebook(
        story.path.parent / "last.ipynb",
        f"who = ' '.join({SENTINEL.split()})",
        "try:\n    {}[who]\nexcept KeyError:\n    raise ValueError(f'\\nFile {who}')",
    )
    with listening() as lines, pytest.raises(RunFailed) as caught:
        tell(story)
    return stage(story, caught.value, "\n".join(lines))


@pytest.fixture(scope="module")
def resumed(story, failed):
    write_notebook(story.path.parent / "last.ipynb", "print('all is well')")
    return stage(story, tell(story))


@pytest.fixture(scope="module")
def repeated(story, resumed):
    record = (
        home(story) / "run.json"
    )  # as it stands where the run ended before it could say that it was published
    record.write_text(record.read_text().replace('"published"', '"running"'))
    return stage(story, tell(story))


@pytest.fixture(scope="module")
def superseded(story, repeated):
    load_cohort(story, week=7)
    return stage(story, tell(story))


def test_a_failed_run_shows_nothing_of_what_it_wrote(failed):
    assert len(failed.tables["run_scores"]) > 50
    assert len(failed.tables["nudges"]) > 10
    assert failed.shown == dict.fromkeys(SHOWN, 0)


def test_a_failed_run_is_marked_and_says_which_step(failed):
    assert failed.result.run_id == "nightly-2026-03-01-1"
    assert str(failed.result) == (
        "nightly-2026-03-01-1: last failed: ValueError; see nightly-2026-03-01-1/last.ipynb"
    )
    by_step = {row[1]: row[3] for row in failed.tables["steps"]}
    assert by_step == {"20_score": "done", "30_nudges": "done", "last": "failed"}
    assert [row[9] for row in failed.tables["runs"]] == ["failed"]
    assert json.loads(failed.files["run.json"])["status"] == "failed"


def test_the_message_of_a_foreign_error_is_kept_nowhere(failed):
    assert SENTINEL not in str(failed.result)
    assert SENTINEL not in failed.said
    assert SENTINEL not in json.dumps(failed.tables, default=str)
    assert [name for name, text in failed.files.items() if SENTINEL in text] == []


def test_the_error_in_an_executed_notebook_shows_where(failed):
    (error,) = [
        output
        for cell in json.loads(failed.files["last.ipynb"])["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    assert error["ename"] == error["traceback"][-1] == "ValueError"
    assert "raise" in "".join(error["traceback"])


def test_a_failed_run_goes_on_at_the_step_that_failed(resumed):
    assert [(step["step"], step["status"]) for step in resumed.result.steps] == [
        ("20_score", "skipped"),
        ("30_nudges", "skipped"),
        ("last", "done"),
    ]
    assert resumed.result.status == "published"
    assert resumed.result.run.run_id == "nightly-2026-03-01-1"


def test_a_resumed_run_keeps_what_was_drafted_before(failed, resumed):
    assert resumed.tables["nudges"] == failed.tables["nudges"]


def test_a_published_run_shows_everything_it_wrote(failed, resumed):
    scored = len(failed.tables["run_scores"])
    assert resumed.shown["scores"] == resumed.shown["history"] == scored
    assert resumed.shown["nudges"] == len(resumed.tables["nudges"])
    assert resumed.shown["decisions"] == len(resumed.tables["contact_decisions"])
    assert resumed.tables["run_scores"] == []


def test_the_record_beside_the_notebooks_says_what_the_run_was(resumed):
    record = json.loads(resumed.files["run.json"])
    assert record["run_id"] == "nightly-2026-03-01-1"
    assert record["pipeline"] == "nightly"
    assert record["status"] == "published"
    assert record["as_of"] == AS_OF.isoformat()
    assert record["day"] == AS_OF.date().isoformat()
    assert record["started_at"] == resumed.result.run.started_at.isoformat()
    assert record["started_at"] < record["finished_at"]
    assert record["counts"]["nudges"] == len(resumed.tables["nudges"])
    assert sum(record["counts"]["labels"].values()) == resumed.shown["scores"]
    assert set(record) == {
        *("run_id", "pipeline", "status", "as_of", "day", "started_at"),
        *("finished_at", "policy_hash", "report", "pages", "counts"),
    }
    assert set(resumed.files) == {"20_score.ipynb", "30_nudges.ipynb", "last.ipynb", "run.json"}


def test_the_same_run_again_changes_no_row(resumed, repeated):
    assert repeated.result.status == "already done"
    assert repeated.result.steps == []
    assert repeated.result.counts == json.loads(json.dumps(resumed.result.counts))
    assert repeated.tables == resumed.tables


def test_a_record_that_was_not_written_in_time_is_written_by_the_same_run_again(resumed, repeated):
    written = json.loads(repeated.files["run.json"])
    assert (written["status"], written["counts"]) == ("published", repeated.result.counts)
    assert set(written) == set(json.loads(resumed.files["run.json"]))


def test_new_data_for_the_same_day_is_a_new_attempt(superseded):
    assert superseded.result.run.run_id == "nightly-2026-03-01-2"
    assert superseded.result.status == "published"
    by_id = {row[0]: row for row in superseded.tables["runs"]}
    assert by_id["nightly-2026-03-01-2"][-2] == "nightly-2026-03-01-1"
    assert {row[RUN_ID] for row in superseded.tables["risk_scores"]} == {"nightly-2026-03-01-2"}
    assert {row[0] for row in superseded.tables["contact_decisions"]} == {"nightly-2026-03-01-2"}


def test_nobody_gets_a_second_nudge_from_a_second_attempt(story, superseded):
    assert superseded.tables["nudges"]
    doubled = rows(
        story,
        "select person_id from nudges group by person_id, campaign, channel, period having count(*) > 1",
    )
    assert doubled == []


def test_a_step_that_passed_on_our_own_error_is_quoted(folder, store):
    write_notebook(
        folder / "first.ipynb",
        "from engagement.errors import InvalidInput",
        "raise InvalidInput('topic: 3 rows empty')",
    )
    with pytest.raises(RunFailed, match="-1: first failed: InvalidInput: topic: 3 rows empty; see"):
        run(store, tiny("first", retries=2))  # which would be as wrong the second time
    assert one(store, "select error, tries from steps") == ("InvalidInput: topic: 3 rows empty", 1)


def test_what_another_input_left_half_done_is_forgotten(folder, store):
    load_cohort(store)
    half = begin(store)
    scores.score(store, half)
    decisions.decide(store, half, policy=DEFAULT_SELECTION)
    assert nudges.draft(store, half) > 10
    write_notebook(folder / "first.ipynb", "note")
    result = run(store, tiny("first"))
    assert result.run.run_id == "nightly-2026-03-01-2"
    found = dict(rows(store, "select run_id, status from runs"))
    assert found == {"nightly-2026-03-01-1": "discarded", "nightly-2026-03-01-2": "published"}
    for name in ("run_scores", "contact_decisions", "nudges", "quizzes", "risk_scores"):
        assert one(store, f"select count(*) from {name}") == (0,)


def test_a_cell_that_takes_too_long_fails_the_step_and_leaves_no_kernel(folder, store, monkeypatch):
    monkeypatch.setattr(kernels, "template", own_template)
    write_notebook(folder / "first.ipynb", "import time", "time.sleep(50)")
    started = time.monotonic()
    with pytest.raises(RunFailed, match="first failed: CellTimeoutError"):
        run(store, tiny("first", timeout_s=1))
    assert time.monotonic() - started < 20
    assert ended(store)


@pytest.mark.parametrize("number", stopping.SIGNALS, ids=lambda number: number.name)
def test_a_run_that_is_asked_to_end_is_marked_and_cleaned_up_and_goes_on(
    folder, store, monkeypatch, caplog, number
):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"whoever began this wants it to go on after {number.name}, as nohup does")
    temporary = folder / "t"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    begun = folder / "begun"
    write_notebook(folder / "first.ipynb", "note")
    write_notebook(
        folder / "last.ipynb",
        "import time\nfrom pathlib import Path",
        f"begun = Path({str(begun)!r})",
        "if not begun.exists():\n    begun.touch()\n    time.sleep(90)",
    )

    def ask():
        while not begun.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    asker = threading.Thread(target=ask)
    asker.start()
    before = signal.getsignal(number)
    with pytest.raises(RunStopped) as caught:
        run(store, tiny("first", "last", retries=3))
    asker.join()
    said = f"nightly-2026-03-01-1: ended by {number.name}; the same command goes on from there"
    assert (str(caught.value), caught.value.exit_code) == (said, 128 + number)
    assert caught.value.run_id == "nightly-2026-03-01-1"
    assert [line for line in caplog.messages if "Kernel" in line] == []  # one line says it
    assert one(store, "select status, error from runs") == ("failed", said)
    assert rows(store, "select step, status, tries from steps order by 1") == [
        ("first", "done", 1),
        ("last", "failed", 1),
    ]
    assert json.loads((home(store) / "run.json").read_text())["status"] == "failed"
    assert list(temporary.iterdir()) == []
    assert signal.getsignal(number) == before
    again = run(store, tiny("first", "last"))
    assert [step["status"] for step in again.steps] == ["skipped", "done"]


def test_what_is_published_when_the_signal_comes_ends_as_published(folder, store, monkeypatch):
    write_notebook(folder / "first.ipynb", "note")
    publish = publication.publish

    def asked_meanwhile(*arguments, **named):
        os.kill(os.getpid(), signal.SIGTERM)
        return publish(*arguments, **named)

    monkeypatch.setattr(publication, "publish", asked_meanwhile)
    assert run(store, tiny("first")).status == "published"


def test_a_signal_that_nobody_listens_to_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.listening() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            stop.check()
        assert stop.asked is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("linked", ["nightly", "nightly/nightly-2026-03-01-1"])
def test_a_link_in_place_of_the_folder_of_a_run_is_not_followed(folder, store, linked):
    write_notebook(folder / "first.ipynb", "1")
    outside = folder / "outside"
    (outside / "nightly-2026-03-01-1").mkdir(parents=True)
    link = store.path.parent / "reports" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(
        RunFailed, match=f"cannot be written: {link}: .*; a link is not followed there: remove it"
    ):
        run(store, tiny("first"))
    assert [path.name for path in outside.rglob("*")] == ["nightly-2026-03-01-1"]
    link.unlink()
    assert run(store, tiny("first")).status == "published"


def test_no_file_of_a_run_is_written_through_a_link(folder, store):
    write_notebook(folder / "first.ipynb", "raise ValueError")
    root, secret = home(store).parents[1], folder / "precious"
    secret.write_text("precious")
    home(store).mkdir(parents=True)
    for file in ("first.ipynb", "run.json", "report.html"):
        (home(store) / file).symlink_to(secret)
    (root / "index.html").symlink_to(secret)
    chosen = Pipeline(
        name="nightly", steps=[Step(notebook="first")], report=Report(step="first", title="What was done")
    )
    with pytest.raises(RunFailed):
        run(store, chosen)
    write_notebook(folder / "first.ipynb", "1")
    assert run(store, chosen).status == "published"
    assert secret.read_text() == "precious"
    assert [path for path in root.rglob("*") if path.is_symlink()] == []


def test_a_machine_without_a_temporary_folder_is_told_so(folder, store, monkeypatch):
    write_notebook(folder / "first.ipynb", "1")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(
        RunFailed,
        match=r"first failed: FileNotFoundError: No usable temporary directory .* TMPDIR names another",
    ):
        run(store, tiny("first"))


def test_a_kernel_that_dies_fails_the_step(folder, store):
    write_notebook(folder / "first.ipynb", "import os", "os.kill(os.getpid(), 9)")
    with pytest.raises(
        RunFailed,
        match=r"first failed: DeadKernelError: .*most likely because memory ran out; ENGAGEMENT_MEMORY",
    ):
        run(store, tiny("first"))
    assert one(store, "select status from runs") == ("failed",)
    assert json.loads((home(store) / "run.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    ("end", "told"), [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 11)", "SIGSEGV")]
)
def test_a_kernel_that_ends_by_itself_is_told_how(folder, store, end, told):
    write_notebook(folder / "first.ipynb", "import os", end)
    with pytest.raises(
        RunFailed, match=rf"DeadKernelError: its kernel ended by itself \({told}\); standard error says why"
    ):
        run(store, tiny("first"))


def test_a_step_that_lacks_memory_says_what_gives_it_more(folder, store):
    write_notebook(folder / "first.ipynb", "raise MemoryError('of Ann Example')")
    with pytest.raises(
        RunFailed, match=r"first failed: MemoryError: more memory is needed .* ENGAGEMENT_MEMORY"
    ) as failed:
        run(store, tiny("first"))
    assert "Ann" not in str(failed.value)


def test_a_step_is_tried_as_often_as_its_pipeline_says(folder, store):
    write_notebook(
        folder / "first.ipynb",
        "from pathlib import Path",
        f"seen = Path({str(folder / 'seen')!r})",
        "if not seen.exists():\n    seen.touch()\n    raise OSError",
    )
    result = run(store, tiny("first", retries=1))
    assert [(step["status"], step["tries"]) for step in result.steps] == [("done", 2)]
    assert one(store, "select status, tries, error from steps") == ("done", 2, None)


@pytest.mark.parametrize("name", ["cuont", "run_id", "x;import os"])
def test_an_unknown_parameter_is_refused_before_anything_runs(folder, no_store, name):
    write_notebook(folder / "first.ipynb", "note")
    with pytest.raises(InvalidInput, match="no notebook takes it; allowed are note"):
        run(no_store, tiny("first"), given={name: "1"})
    assert not no_store.path.exists()
    assert not (folder / "reports").exists()


KEY = "sk-invented-key-000111"
CODE = "'); open('stolen', 'w')  # \"\"\" \\"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a run left whose notebook was given a text that looks like code, and whose environment holds a key."""
    folder = tmp_path_factory.mktemp("told")
    store = Store(folder / "store.duckdb")
    write_notebook(
        folder / "first.ipynb",
        "print(len(note))",
        "from engagement.settings import read_settings",
        "print(bool(read_settings().openai_api_key))\nread_settings()",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "NOTEBOOKS", folder)
        patch.setenv("ENGAGEMENT_STORE", str(store.path))
        patch.setenv("OPENAI_API_KEY", KEY)
        store.make()
        return run(store, tiny("first"), given={"note": CODE}), folder


def printed_by(result):
    cells = json.loads((result.folder / "first.ipynb").read_text())["cells"]
    return [cell["outputs"][0]["text"] for cell in cells if cell["outputs"]]


def test_a_parameter_is_text_to_a_notebook_and_never_code(told):
    assert printed_by(told[0])[0] == [f"{len(CODE)}\n"]


def test_a_key_in_the_environment_is_in_no_file_of_a_run(told):
    result, folder = told
    assert printed_by(result)[1] == ["True\n"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "store.duckdb" in files
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []


def test_the_files_of_a_pipeline_are_loaded_once(folder, store, monkeypatch):
    monkeypatch.setattr(config, "NOTEBOOKS", PROJECT / "notebooks")
    (file, _) = sample.write_csv(sample.cohort(60, seed=1, as_of=AS_OF), folder)
    chosen = Pipeline(
        name="nightly",
        sources=Sources(learners=[str(file)]),
        steps=[Step(notebook="10_load")],
        report=Report(step="10_load", title="Loads"),
    )
    first = run(store, chosen)
    assert first.status == "published"
    assert first.report.is_file()
    accepted = one(store, "select accepted from loads")[0]
    assert one(store, "select count(*) from learners") == (accepted,)

    assert run(store, chosen).status == "already done"
    assert one(store, "select count(*) from loads") == (1,)

    file.write_text(file.read_text().replace("@example.invalid", "@other.invalid"))
    assert run(store, chosen).run.run_id == "nightly-2026-03-01-2"
    assert one(store, "select count(*) from loads") == (2,)


def test_a_file_is_not_loaded_again_for_the_same_instant(store, tmp_path):
    (file, _) = sample.write_csv(sample.cohort(60, seed=1, as_of=AS_OF), tmp_path)
    current = Run("r", "nightly", AS_OF, DAY, 1, "running", "p", AS_OF)
    files = {"learner_files": [str(file)], "event_files": [], "zone": UTC}
    first = sources.load(store, current, **files)
    before = tables(store)
    assert sources.load(store, current, **files).equals(first)
    assert tables(store) == before


def test_a_source_that_is_not_there_is_refused_before_anything_runs(no_store):
    chosen = Pipeline(
        name="nightly", sources=Sources(learners=["no/such.csv"]), steps=[Step(notebook="10_load")]
    )
    with pytest.raises(InvalidInput, match=r"such\.csv: there is no such file"):
        run(no_store, chosen)
    assert not no_store.path.exists()


def test_a_second_run_at_once_is_told_to_come_back(folder, store):
    load_cohort(store)
    write_notebook(folder / "first.ipynb", "note")
    with sole_runner(store.path):  # until the end of the block: who waited for it would wait for ever
        with pytest.raises(StoreBusy, match=f"another run works on store.duckdb \\(process {os.getpid()}\\)"):
            run(store, tiny("first"))
        command = [sys.executable, "-m", "engagement.cli", "run", "nightly", "--as-of", "2026-03-01"]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 75
    assert "another run works on store.duckdb" in second.stderr
    assert one(store, "select count(*) from runs") == (0,)


def test_reports_that_cannot_be_written_fail_the_run_plainly(folder, store):
    write_notebook(folder / "first.ipynb", "note")
    (folder / "reports").touch()
    with pytest.raises(
        RunFailed, match=r"-1: its folder cannot be written: .*: File exists; what is there is no folder"
    ):
        run(store, tiny("first"))
    assert one(store, "select status from runs") == ("failed",)
    (folder / "reports").unlink()
    assert run(store, tiny("first")).run.run_id == "nightly-2026-03-01-1"


def with_pages(*names, **how):
    """A pipeline each of whose steps has a page."""
    first, *others = names
    report = Report(step=first, title=first.capitalize(), also=dict.fromkeys(others, HOSTILE), **how)
    return Pipeline(name="nightly", steps=[Step(notebook=name) for name in names], report=report)


def test_a_run_one_of_whose_pages_cannot_be_written_is_not_published(folder, store):
    load_cohort(store, size=20)
    shutil.copy(PROJECT / "notebooks" / "20_score.ipynb", folder)
    write_notebook(folder / "two.ipynb", "note")
    for page in ("report.html", "report-two.html"):
        (home(store) / page).mkdir(parents=True)
        with pytest.raises(RunFailed, match="cannot be written"):
            run(store, with_pages("20_score", "two"))
        assert shown(store) == dict.fromkeys(SHOWN, 0)
        assert one(store, "select status from runs") == ("failed",)
        (home(store) / page).rmdir()
    assert one(store, "select count(*) from run_scores")[0] > 10


@dataclass(frozen=True)
class Paged:
    """A run with two pages: after the step of one has failed, when that is made good, and the same run again."""

    failed: Any
    pages_of_failed: list[Path]
    status_of_failed: str
    made: Any
    again: Any
    index: str


@pytest.fixture(scope="module")
def paged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paged")
    store = Store(folder / "store.duckdb")
    chosen = with_pages("two", "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "NOTEBOOKS", folder)
        patch.setenv("ENGAGEMENT_STORE", str(store.path))
        write_notebook(folder / "two.ipynb", f"print('Two of {SENTINEL[0]}. More.')")
        write_notebook(folder / "one.ipynb", "raise ValueError")
        load_cohort(store, size=20)
        with pytest.raises(RunFailed) as failed:
            run(store, chosen)
        left, (status,) = list(home(store).glob("*.html")), one(store, "select status from runs")
        write_notebook(folder / "one.ipynb", f"print('One of {SENTINEL[0]}. More.')")
        made = run(store, chosen)
        index = (folder / "reports" / "index.html").read_text()
        return Paged(failed.value, left, status, made, run(store, chosen), index)


def test_a_run_with_several_pages_says_where_each_is_and_so_does_the_same_run_again(paged):
    made, folder = paged.made, paged.made.folder
    assert made.counts["answer"] == "Two of Z. More.\nOne of Z."
    assert made.as_dict()["report"] == str(folder / "report.html")
    assert made.as_dict()["pages"] == [
        {"title": "Two", "path": str(folder / "report.html")},
        {"title": HOSTILE, "path": str(folder / "report-one.html")},
    ]
    assert paged.index.count(f'href="nightly/{made.run.run_id}/report-one.html"') == 1
    assert HOSTILE not in paged.index
    assert (paged.again.status, paged.again.artifacts) == ("already done", made.artifacts)


def test_a_page_whose_step_fails_keeps_the_others_from_being_published_until_it_is_made(paged):
    assert "one failed" in str(paged.failed)
    assert paged.pages_of_failed == []
    assert paged.status_of_failed == "failed"
    assert [step["status"] for step in paged.made.steps] == ["skipped", "done"]
    assert [page.html.is_file() for page in paged.made.artifacts.pages] == [True, True]


def test_a_run_for_mail_is_published_where_there_is_no_chromium(folder, store, monkeypatch):
    write_notebook(folder / "one.ipynb", "print('One.')")
    load_cohort(store, size=20)
    monkeypatch.setattr(printing, "PROGRAMS", ("no-such-browser",))
    made = run(store, with_pages("one", for_mail=True))
    assert made.status == "published"
    assert made.as_dict()["missing"] == "without report.pdf and summary.png: there is no Chromium on the PATH"
    assert (made.as_dict()["pdf"], made.as_dict()["summary"]) == (None, None)
    assert "One." in (home(store) / "summary.txt").read_text()


SCORE_ELSEWHERE = """
import sys
from pathlib import Path
from engagement import runs
from engagement.risk import scores
from engagement.store import Store
store = Store(Path(sys.argv[1]))
scores.score(store, runs.get(store, sys.argv[2]))
"""


def test_scores_do_not_depend_on_the_time_zone_of_the_machine(store):
    load_cohort(store)
    current = begin(store)
    scores.score(store, current)
    here = rows(store, "select * from run_scores order by learner_id")
    assert len(here) > 50
    with store.write() as db:
        scores.discard(db, current.run_id)
    command = [sys.executable, "-c", SCORE_ELSEWHERE, str(store.path), current.run_id]
    subprocess.run(command, env=os.environ | {"TZ": "Asia/Kolkata"}, check=True)
    assert rows(store, "select * from run_scores order by learner_id") == here


CLOCKS = re.compile(
    r"\b(datetime|date|Timestamp)\.(now|utcnow|today)\b|\btime\.(time|time_ns|localtime|gmtime|ctime|strftime)\("
    r"|from time import"
)
# Where a command, a request, a run or an analyst's question begins, and the original interface, whose as_of defaults to
# now.
BEGINNINGS = ("api.py", "cli", "dashboard", "jupyter", "llm", "pipeline/runner.py", "risk/formula.py")


def test_one_function_reads_the_clock():
    package = PROJECT / "engagement"
    read = {
        f"{file.relative_to(package)}: {line.strip()}"
        for file in package.rglob("*.py")
        for line in file.read_text().splitlines()
        if CLOCKS.search(line)
    }
    assert read == {"dates.py: return datetime.now(UTC).replace(tzinfo=None)"}


def test_the_moment_is_asked_for_only_where_something_begins():
    package = PROJECT / "engagement"
    asking = [
        str(file.relative_to(package)) for file in package.rglob("*.py") if "utc_now" in file.read_text()
    ]
    below = [name for name in asking if not name.startswith((*BEGINNINGS, "dates.py"))]
    assert len(asking) > len(BEGINNINGS)
    assert below == []


def test_no_query_reads_the_clock():
    clock = re.compile(r"\b(now\(\)|current_(date|time|timestamp)|today\(\)|get_current_)", re.IGNORECASE)
    files = list((PROJECT / "engagement").rglob("*.sql"))
    assert files
    assert [file.name for file in files if clock.search(file.read_text())] == []


def test_a_run_for_a_day_in_the_past_leaves_newer_scores_alone(store):
    load_cohort(store, week=7, observed_at=AS_OF - timedelta(days=7))
    load_cohort(store)
    night(store, AS_OF)
    current = rows(store, "select * from risk_scores order by learner_id")
    decided = rows(store, "select * from contact_decisions order by all")
    night(store, AS_OF - timedelta(days=3))
    assert rows(store, "select * from risk_scores order by learner_id") == current
    assert rows(store, "select * from contact_decisions order by all") == decided
    assert one(store, "select count(distinct as_of) from risk_history")[0] >= 1


def test_a_run_for_a_day_far_ahead_does_not_keep_later_runs_from_being_done(store):
    load_cohort(store)
    ahead = night(store, AS_OF + timedelta(days=60_000))
    today = night(store, AS_OF)
    assert today["learners"] == ahead["learners"] > 50
    assert one(store, f"select count(*) from risk_history where as_of = '{AS_OF}'") == (today["learners"],)


@pytest.mark.parametrize(("hours", "left"), [(71, "draft"), (72, "expired")])
def test_a_draft_that_nobody_looked_at_expires_after_three_days(store, hours, left):
    load_cohort(store)
    drafted = night(store, AS_OF)["nudges"]
    later = AS_OF + timedelta(hours=hours)
    counted = night(store, later)
    first = rows(store, f"select distinct status from nudges where as_of = '{AS_OF}'")
    assert first == [(left,)]
    assert counted["expired"] == (drafted if left == "expired" else 0)
    assert len(review.listed(store, status="expired")) == counted["expired"]


def test_a_file_that_is_again_what_it_was_is_loaded_over_the_one_between(store, tmp_path):
    (file, _) = sample.write_csv(sample.cohort(60, seed=1, as_of=AS_OF), tmp_path)
    current = Run("r", "nightly", AS_OF, DAY, 1, "running", "p", AS_OF)
    original = file.read_text()
    for text in (original, original.replace("@example.invalid", "@other.invalid"), original):
        file.write_text(text)
        sources.load(store, current, learner_files=[str(file)], event_files=[], zone=UTC)
    assert one(store, "select count(*) from learners where email like '%@other.invalid'") == (0,)


def test_what_is_loaded_by_hand_in_the_day_comes_after_what_the_night_loaded(store, tmp_path):
    (file, _) = sample.write_csv(sample.cohort(60, seed=1, as_of=AS_OF), tmp_path)
    morning, noon = AS_OF - timedelta(hours=22), AS_OF - timedelta(hours=12)
    current = Run("r", "nightly", AS_OF, DAY, 1, "running", "p", morning)
    sources.load(store, current, learner_files=[str(file)], event_files=[], zone=UTC)
    told = pd.read_csv(file, dtype="string").head(1).assign(avg_quiz_score="99.5", contact_opt_out="yes")
    learners.load(store, told, observed_at=noon, loaded_at=noon)
    assert one(
        store,
        f"""
        select facts.avg_quiz_score, learners.contact_opt_out
        from facts_at(timestamp '{AS_OF}') as facts
        inner join learners on facts.learner_id = learners.id
        where learners.id = '{told["id"].iloc[0]}'
        """,
    ) == (99.5, True)


# A night with an inbox, told once: good files, the same again, a bad one, and the bad one made good.


def drop(folder, name, text):
    (folder / "inbox").mkdir(exist_ok=True)
    (folder / "inbox" / name).write_text(text)


def with_inbox(folder, **different):
    rules = {"inbox": str(folder / "inbox" / "*.csv")} | different
    return Pipeline(
        name="nightly",
        sources=Sources(**rules),
        steps=[Step(notebook="10_load"), Step(notebook="20_score")],
    )


def said_by(result, notebook="10_load"):
    """What the notebook printed in its answer."""
    cells = json.loads((result.folder / f"{notebook}.ipynb").read_text())["cells"]
    return "".join(cells[-1]["outputs"][0]["text"])


def days_later(days):
    return {"as_of": AS_OF + timedelta(days=days), "day": DAY + timedelta(days=days)}


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nights")
    store = Store(folder / "store.duckdb")
    (file, _) = sample.write_csv(sample.cohort(60, seed=1, as_of=AS_OF), folder)
    export = file.read_text()
    bad = "not an export\n1\n"
    told = {}

    def tell(name, **changed):
        with listening() as lines:
            try:
                result = run(store, with_inbox(folder, **changed.pop("sources", {})), **changed)
            except RunFailed as error:
                result = error
        told[name] = Stage(result, "\n".join(lines), tables(store), shown(store), {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGAGEMENT_STORE", str(store.path))
        drop(folder, "1.csv", export)
        tell("first")
        tell("again")
        tell("refused", sources={"if_nothing_new": "fail"}, **days_later(1))
        tell("warned", **days_later(1))
        drop(folder, "2.csv", export.replace("@example.invalid", "@second.invalid"))
        drop(folder, "3.csv", bad)
        drop(folder, "4.csv", export.replace("@example.invalid", "@fourth.invalid"))
        tell("bad", sources={"if_nothing_new": "fail"}, **days_later(2))
        drop(folder, "3.csv", export.replace("@example.invalid", "@third.invalid"))
        tell("mended", sources={"if_nothing_new": "fail"}, **days_later(2))
        tell("old", sources={"max_age_days": 3}, **days_later(6))
        tell("still too old", sources={"max_age_days": 5}, **days_later(6))
        tell("allowed", sources={"max_age_days": 6}, **days_later(6))
    return told


def domains(stage):
    """Which of the exports the addresses of the learners are from."""
    return {row[3].partition("@")[2] for row in stage.tables["learners"] if row[3]}


def sources_loaded(stage):
    return [row[2] for row in sorted(stage.tables["loads"])]


def test_what_is_new_in_an_inbox_is_loaded_scored_and_published(nights):
    first = nights["first"]
    assert first.result.status == "published"
    assert sources_loaded(first) == ["1.csv"]
    assert first.shown["scores"] > 50
    assert said_by(first.result).startswith("1 files came with this run.")


def test_the_same_run_again_with_nothing_new_is_done_already(nights):
    assert nights["again"].result.status == "already done"
    assert nights["again"].tables == nights["first"].tables
    assert "nothing new" not in nights["again"].said


def test_nothing_new_fails_the_run_before_anybody_is_scored(nights):
    refused = nights["refused"]
    assert type(refused.result) is RunFailed
    assert str(refused.result).startswith("nightly-2026-03-02-1: nothing new in the inbox ")
    assert [row for row in refused.tables["steps"] if row[0] == "nightly-2026-03-02-1"] == []
    assert {row[0]: row[9] for row in refused.tables["runs"]} == {
        "nightly-2026-03-01-1": "published",
        "nightly-2026-03-02-1": "failed",
    }
    assert refused.tables["risk_scores"] == nights["first"].tables["risk_scores"]


def test_nothing_new_is_said_in_the_log_and_in_the_notebook(nights):
    warned = nights["warned"]
    assert warned.result.run.run_id == "nightly-2026-03-02-1"  # what it shall do about it is not what it does
    assert "nothing new in the inbox " in warned.said
    assert said_by(warned.result).startswith("0 files came with this run.")
    assert sources_loaded(warned) == ["1.csv"]


def test_a_bad_file_fails_the_run_and_the_last_scores_stand(nights):
    bad = nights["bad"]
    assert re.match(r"nightly-2026-03-03-1: 10_load failed: InvalidInput: 3\.csv: ", str(bad.result))
    assert bad.tables["risk_scores"] == nights["warned"].tables["risk_scores"]
    assert bad.shown == nights["warned"].shown
    assert sources_loaded(bad) == ["1.csv", "2.csv"]
    assert domains(bad) == {"second.invalid"}


def test_a_bad_file_made_good_is_loaded_with_what_waited_behind_it(nights):
    mended = nights["mended"]
    assert mended.result.run.run_id == "nightly-2026-03-03-2"
    assert mended.result.status == "published"
    assert sources_loaded(mended) == ["1.csv", "2.csv", "3.csv", "4.csv"]
    assert domains(mended) == {"fourth.invalid"}
    assert {row[RUN_ID] for row in mended.tables["risk_scores"]} == {"nightly-2026-03-03-2"}


def test_facts_that_are_too_old_fail_the_run_after_loading_and_before_scoring(nights):
    old = nights["old"]
    assert "nightly-2026-03-07-1: the newest facts are 6.0 days old, and max_age_days is 3;" in str(
        old.result
    )
    assert [row[1] for row in old.tables["steps"] if row[0] == "nightly-2026-03-07-1"] == ["10_load"]
    assert old.tables["risk_scores"] == nights["mended"].tables["risk_scores"]


def test_old_facts_are_looked_at_again_when_the_run_goes_on(nights):
    assert "the newest facts are 6.0 days old, and max_age_days is 5" in str(nights["still too old"].result)
    allowed = nights["allowed"].result
    assert (allowed.run.run_id, allowed.status) == ("nightly-2026-03-07-1", "published")
    assert [step["status"] for step in allowed.steps] == ["skipped", "done"]


def export_of(*quizzes):
    """A file of learners, one with each of these averages."""
    header = (
        "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
    )
    lines = (
        f"{number},Invented,,,Data,2026-02-20 10:00,40,{quiz},2"
        for number, quiz in enumerate(quizzes, start=1)
    )
    return "\n".join([header, *lines, ""])


def loading(folder, **different):
    """A pipeline that only loads, with the notebook as it is."""
    shutil.copy(PROJECT / "notebooks" / "10_load.ipynb", folder)
    return with_inbox(folder, **different).model_copy(update={"steps": [Step(notebook="10_load")]})


def observed(store):
    return rows(store, "select source, observed_at from loads where source like '%.csv' order by load_id")


def test_a_run_for_a_day_in_the_past_leaves_the_inbox_to_tonight(folder, store):
    load_cohort(store, observed_at=AS_OF - timedelta(days=30))
    chosen = loading(folder, if_nothing_new="fail")
    drop(folder, "1.csv", export_of(10))
    run(store, chosen)
    drop(folder, "2.csv", export_of(20))
    assert run(store, chosen, started_at=AS_OF + HOUR).status == "already done"  # whatever came since
    tonight, past = days_later(1), days_later(-9)
    started_at = tonight["as_of"] - 22 * HOUR
    with listening() as lines:
        filled = run(store, chosen, **past, started_at=started_at)
    assert filled.status == "published"
    assert "2026-02-20T23:59:59.999999 is past: 1 new files in the inbox " in "".join(lines)
    assert "nothing new" not in "".join(lines)
    cells = json.loads((filled.folder / "10_load.ipynb").read_text())["cells"]
    (waiting,) = [cell for cell in cells if "".join(cell["source"]) == "eg.sources.waiting(store, run)"]
    assert waiting["outputs"][0]["data"]["text/plain"] == [f"['{folder}/inbox/2.csv']"]
    assert observed(store) == [("1.csv", AS_OF - 22 * HOUR)]

    run(store, chosen, **tonight)
    assert observed(store)[1:] == [("2.csv", started_at)]


def test_a_run_for_a_day_in_the_past_loads_the_files_that_are_named(folder, store):
    drop(folder, "1.csv", export_of(10))
    (folder / "named.csv").write_text(export_of(20))
    chosen = loading(folder, learners=[str(folder / "named.csv")])
    run(store, chosen, started_at=AS_OF + HOUR)
    assert observed(store) == [("named.csv", AS_OF)]


def test_an_inbox_alone_is_no_run_for_a_past_day_where_there_is_no_store(folder, no_store):
    drop(folder, "1.csv", export_of(10))
    with pytest.raises(NotFound, match="there is no store"):
        run(no_store, loading(folder), started_at=AS_OF + HOUR)
    assert not no_store.path.exists()


@contextmanager
def no_folder(store):
    """Keep a run that has begun from making its folder, and so from its first notebook."""
    reports = store.path.parent / "reports"
    reports.touch()
    yield
    reports.unlink()


@pytest.fixture
def stopped(folder, store):
    """A pipeline whose run for the day stopped before it loaded the file it had found."""
    load_cohort(store, observed_at=AS_OF - timedelta(days=30))
    drop(folder, "1.csv", export_of(10))
    chosen = loading(folder, if_nothing_new="fail")
    with no_folder(store), pytest.raises(RunFailed):
        run(store, chosen)
    return chosen


def test_a_run_that_goes_on_when_its_day_is_over_loads_what_it_had_found(folder, store, stopped):
    drop(folder, "2.csv", export_of(20))
    with listening() as lines:
        again = run(store, stopped, started_at=AS_OF + HOUR)
    assert (again.run.run_id, again.status) == ("nightly-2026-03-01-1", "published")
    assert observed(store) == [("1.csv", AS_OF - 22 * HOUR)]
    assert "1 new files in the inbox " in "".join(lines)


def test_a_file_that_changed_since_its_run_stopped_waits_once_the_day_is_over(folder, store, stopped):
    drop(folder, "1.csv", export_of(10, 20))
    with listening() as lines:
        again = run(store, stopped, started_at=AS_OF + HOUR)
    assert (again.run.run_id, again.status) == ("nightly-2026-03-01-2", "published")
    assert observed(store) == []
    assert "1 new files in the inbox " in "".join(lines)


def test_an_inbox_with_nothing_in_it_is_no_run_where_there_is_no_store(folder, no_store, monkeypatch):
    monkeypatch.setattr(config, "NOTEBOOKS", PROJECT / "notebooks")
    with pytest.raises(NotFound, match="there is no store"):
        run(no_store, with_inbox(folder))
    assert not no_store.path.exists()


def test_how_files_are_written_is_part_of_what_a_run_is_and_what_fails_it_is_not(folder, store):
    load_cohort(store)
    write_notebook(folder / "10_load.ipynb", "learner_files = []")
    written = {"timezone": "Asia/Tokyo"}
    for rules, run_id in (
        ({}, "nightly-2026-03-01-1"),
        ({"max_age_days": 500}, "nightly-2026-03-01-1"),
        (written, "nightly-2026-03-01-2"),
    ):
        chosen = Pipeline(name="nightly", sources=Sources(**rules), steps=[Step(notebook="10_load")])
        with no_folder(store), pytest.raises(RunFailed, match=f"{run_id}: its folder cannot be written"):
            run(store, chosen)
    kept = json.loads(one(store, "select parameters from runs where attempt = 2")[0])
    assert kept["[sources]"] == {"rules": written, "files": [], "waiting": []}


AS_WRITTEN = (
    "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions\n"
)


def test_the_same_file_read_otherwise_or_as_a_list_of_everybody_is_another_input(store, tmp_path):
    file = tmp_path / "l.csv"
    file.write_text(
        AS_WRITTEN
        + "".join(
            f"{name},,{name}@example.invalid,,Data,03/02/2026,1,1,0\n" for name in ("a", "b", "c", "d", "e")
        )
    )
    shorter = tmp_path / "s.csv"
    shorter.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))

    def known(load, path, hour, **how):
        at = AS_OF - 20 * HOUR + hour * HOUR
        load(store, path, observed_at=at, loaded_at=at, source_format=SourceFormat(**how))
        with store.read() as db:
            return inputs.fingerprint(db, AS_OF)

    percents = {"completed_percent": 100, "avg_quiz_score": 100}
    german, american = (
        {"date_formats": (one,), "percent_scale": percents} for one in ("%d/%m/%Y", "%m/%d/%Y")
    )
    found = [
        known(learners.load, file, 0, **german),
        known(learners.load, file, 1, **american),
        known(learners.load, file, 2, **american | {"percent_scale": {**percents, "avg_quiz_score": 1}}),
        known(learners.load, file, 3, **american, timezone="America/Lima"),
        known(learners.load, shorter, 4, **american),
        known(learners.load_full, shorter, 5, **american),
    ]
    assert len(set(found)) == len(found)
    assert known(learners.load_full, shorter, 6, **american) == found[-1]


def test_a_run_is_done_again_where_what_it_is_made_by_was_edited_or_somebody_asks(folder, store, monkeypatch):
    templates_there = folder / "templates"
    templates_there.mkdir()
    monkeypatch.setattr(templates, "FOLDER", templates_there)
    write_notebook(folder / "first.ipynb", "note")
    chosen = tiny("first")
    assert run(store, chosen).status == "published"
    shown = json.loads((folder / "first.ipynb").read_text())
    shown["cells"][-1]["outputs"] = []
    (folder / "first.ipynb").write_text(json.dumps(shown, indent=3))
    assert run(store, chosen).status == "already done"
    attempts = []
    for edit in (
        lambda: write_notebook(folder / "first.ipynb", "note  # edited"),
        lambda: (templates_there / "nudges.en.json").write_text("{}"),
        lambda: monkeypatch.setattr(program, "version", lambda _: "9.9"),
    ):
        edit()
        done = run(store, chosen)
        attempts.append((done.status, done.run.attempt))
        assert run(store, chosen).status == "already done"
    again = run(store, chosen, again=True)
    assert [*attempts, (again.status, again.run.attempt)] == [
        ("published", number) for number in (2, 3, 4, 5)
    ]
    assert run(store, chosen).run.run_id == again.run.run_id


def test_a_stopped_run_does_a_step_again_whose_notebook_was_edited(folder, store):
    write_notebook(folder / "first.ipynb", "note")
    write_notebook(folder / "last.ipynb", "1 / 0")
    with pytest.raises(RunFailed):
        run(store, tiny("first", "last"))
    write_notebook(folder / "last.ipynb", "note")
    write_notebook(folder / "first.ipynb", "note  # edited")
    done = run(store, tiny("first", "last"))
    assert [step["status"] for step in done.steps] == ["done", "done"]
