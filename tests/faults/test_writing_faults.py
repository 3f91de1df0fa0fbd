"""Runs whose texts a model writes, when they are killed, when its service dies, and what of the learners gets out."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from engagement.cli import app
from engagement.content.generation import WHY_TEMPLATE
from engagement.demo import sample
from engagement.ingest import learners
from engagement.llm import titles
from engagement.store import Store
from tests.faults.run_worker import run_nightly
from tests.support.cohort import learner
from tests.support.model_server import FAULTS, ModelServer

WORKER = Path(__file__).with_name("run_worker.py")
ENGAGEMENT = Path(sys.executable).parent / "engagement"
DAY = "2026-03-01"
AS_OF = datetime.fromisoformat("2026-03-01T23:59:59")
RUN_ID = f"nightly-{DAY}-1"
KEY = "sk-sentinel-7f3a9c"
CONCURRENCY = 8
SLOW_OR_FINAL = {
    *("hang", "drip headers", "drip body", "endless"),
    *("401", "403", "404 model", "quota", "429"),
}
PROGRAMS = ("Art", "Chemistry", "Data", "History", "Law", "Music", "Physics")  # each in prompts of its own
NAME, EMAIL, PHONE, TEXT = "Zebulonius", "zq@example.invalid", "555-0142", "Quixotry seminar"


class Place:
    """A folder with a cohort, and a model's service for its runs."""

    def __init__(self, folder, url, patch):
        self.folder = folder
        self.store = Store(folder / "store.duckdb")
        self.reports = folder / "reports"
        self.file = folder / "sample_learners.csv"
        for name, value in {
            "ENGAGEMENT_STORE": str(self.store.path),
            "ENGAGEMENT_REPORTS": str(self.reports),
            "ENGAGEMENT_TIMEZONE": "UTC",
            "ENGAGEMENT_CONCURRENCY": str(CONCURRENCY),
            "ENGAGEMENT_OUTAGE_WAIT": "1",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": url,
        }.items():
            patch.setenv(name, value)

    def start(self):
        """Begin the nightly run in a process of its own."""
        command = [sys.executable, str(WORKER), "run", str(self.file), DAY, "5", ""]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self):
        """Do the nightly run to its end, in this process."""
        return run_nightly(str(self.file), DAY, 5).as_dict()

    def rows(self, sql):
        with self.store.read() as db:
            return db.execute(sql).fetchall()

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


@pytest.fixture
def server():
    with ModelServer(delay_s=(0.03, 0.06)) as made:
        yield made


@pytest.fixture
def place(tmp_path, server, monkeypatch):
    found = Place(tmp_path, server.url, monkeypatch)
    sample.write_csv(sample.cohort(150, seed=1, as_of=AS_OF), tmp_path)
    return found


def wait_until(holds, process, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_killed_while_the_model_writes_asks_for_nothing_twice(place, server):
    killed_at = 35
    runner = place.start()
    wait_until(lambda: server.answered >= killed_at, runner)
    os.kill(runner.pid, signal.SIGKILL)
    runner.communicate()
    deadline = time.monotonic() + 10
    while place.processes():
        assert time.monotonic() < deadline, "a kernel outlived its runner"
        time.sleep(0.02)
    result = place.run()

    assert result["status"] == "published"
    assert {step["tries"] for step in result["steps"]} <= {0, 1}, result["steps"]
    assert set(result["counts"]["templates"]) <= {"opted_out", "unconfirmed_topic"}
    prompts = place.rows("select count(distinct cache_key) from model_answers where reason is null")[0][0]
    assert prompts > killed_at
    assert server.answered <= prompts + CONCURRENCY
    answered = "select cache_key from model_answers where reason is null group by all having count(*) > 1"
    assert len(place.rows(answered)) == 0
    for table, key in (("nudges", "person_id, campaign, channel, period"), ("quizzes", "learner_id, period")):
        assert place.rows(f"select {key} from {table} group by {key} having count(*) > 1") == []
    left = "select learner_id, cache_key from disclosures group by all having count(*) > 3"
    assert place.rows(left) == []
    assert not place.store.path.with_name("store.duckdb.answers").exists()

    asked = server.answered
    assert place.run()["status"] == "already done"
    assert server.answered == asked


def test_a_run_ends_well_when_the_service_dies_and_its_report_says_what_happened(place, server):
    def behave(number, _request):
        if number == 15:
            dies.start()

    dies = threading.Thread(target=server.stop)
    server.behave = behave
    result = place.run()
    dies.join()

    assert result["status"] == "published"
    counts = result["counts"]
    assert counts["model"]["texts"] >= 15 - CONCURRENCY
    failed = {"unavailable", "breaker_open", "deadline"}
    assert failed & set(counts["templates"])
    assert counts["nudges"] + counts["quizzes"] == counts["model"]["texts"] + sum(
        counts["templates"].values()
    )
    page = Path(result["report"]).read_text(encoding="utf-8")
    for reason in failed & set(counts["templates"]):
        assert WHY_TEMPLATE[reason] in page
    assert f"wrote {counts['model']['texts']:,} of" in page


STRICT = """
name = "nightly"
max_fallback_rate = 0.5
[[steps]]
notebook = "20_score"
[[steps]]
notebook = "30_nudges"
[[steps]]
notebook = "31_quizzes"
"""


def test_too_many_templates_end_a_run_with_a_request_to_look(place, server, tmp_path, monkeypatch):
    server.behave = lambda *_: "401"
    learners.load(place.store, pd.DataFrame([learner("a")]), observed_at=AS_OF, loaded_at=AS_OF)
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "nightly.toml").write_text(STRICT, encoding="utf-8")
    told = tmp_path / "told"
    monkeypatch.setenv("ENGAGEMENT_NOTIFY_COMMAND", f"tee '{told}'")
    code = f"""
import sys
from pathlib import Path
from engagement import cli
from engagement.pipeline import config
read = config.read_pipeline
config.read_pipeline = lambda name: read(name, Path({str(pipelines)!r}))
sys.argv = ["engagement", "run", "nightly", "--as-of", {DAY!r}]
told = Path({str(told)!r})
for again in range(2):
    try:
        cli.main()
        ended = 0
    except SystemExit as error:
        ended = error.code
    print("ended with", ended, "and told", told.read_text() if told.exists() else "nobody", flush=True)
    told.unlink(missing_ok=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    said = " ".join(done.stdout.split())
    first, _, again = said.partition(" ended with 3 and told ")
    assert "Please look: 2 of 2 texts are templates that stand in for the model (100 %)" in first, done.stderr
    told_of, _, again = again.partition(" ended with 0 and told ")
    assert "please look: 2 of 2 texts are templates" in told_of
    assert again == "nobody"
    assert place.rows("select status from runs") == [("published",)]


@pytest.fixture
def said(capfd, monkeypatch):
    """Run a command in this process; return its exit code, standard output and standard error."""
    log = logging.getLogger("engagement")
    before = list(log.handlers)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["engagement", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code or 0, *capfd.readouterr()

    yield run
    log.handlers[:] = before


def test_nothing_of_a_learner_and_no_key_gets_out_whatever_the_service_does(place, server, said):
    people = [
        learner(
            f"{NAME}-{number}",
            name=f"{NAME} Example",
            email=f"{number}.{EMAIL}",
            phone=f"{PHONE}-{number}",
            program=PROGRAMS[number % len(PROGRAMS)],
            cohort=TEXT,
            topic=TEXT,
            timezone=TEXT,
            locale=("en", "de", f"en-{NAME}")[number % 3],
            preferred_channel=("in_app", "email", "whatsapp")[number % 3],
            whatsapp_opt_in=True,
            completed_percent=(5, 30, 55)[number % 3],
            avg_quiz_score=(10, 45)[number % 2],
        )
        for number in range(40)
    ]
    learners.load(place.store, pd.DataFrame(people), observed_at=AS_OF, loaded_at=AS_OF)
    titles.confirm(place.store, PROGRAMS, kind="program", actor="c", now=AS_OF)
    faults = [fault for fault in FAULTS if fault not in SLOW_OR_FINAL]
    # Every third request, so that the breaker stays closed and each fault has its turn.
    server.behave = lambda number, _: None if number % 3 else faults[number // 3 % len(faults)]

    done = subprocess.run(  # in a process of its own: a run makes its process a nice one for good
        [ENGAGEMENT, "run", "nightly", "--as-of", DAY],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, _, by_hand = said("nudge", f"{NAME}-1", "--channel", "email", "--json")
    assert code == 0, by_hand
    _, *checked = said("doctor")

    secrets = (KEY, NAME, EMAIL, PHONE, TEXT)
    assert len(server.requests) > 3 * (len(faults) - 1)  # each had its turn
    for request in server.requests:
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        sent = request.body.decode() + json.dumps(headers)
        assert [secret for secret in secrets if secret in sent] == []
        assert request.headers["authorization"] == f"Bearer {KEY}"
    logged = "".join([done.stdout, done.stderr, by_hand, *checked])
    assert [secret for secret in (KEY, f"{NAME} ", EMAIL, PHONE) if secret in logged] == []
    written = [path for path in place.reports.rglob("*") if path.suffix in {".ipynb", ".html", ".json"}]
    assert len(written) >= 7
    for path in written:
        text = re.sub(
            rf"{NAME}-\d+", "", path.read_text(encoding="utf-8")
        )  # ids of learners stand in the report
        assert [secret for secret in (KEY, NAME, EMAIL, PHONE) if secret in text] == [], path.name
    for table in ("model_answers", "disclosures", "runs", "steps", "nudges"):
        content = " ".join(map(str, place.rows(f"select * from {table}")))
        assert [secret for secret in (KEY, f"{NAME} ", EMAIL, PHONE) if secret in content] == [], table
