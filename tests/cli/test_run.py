"""`engagement sample`, `score` and `run`."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import os
from datetime import datetime

import pytest

from engagement import dates, runs
from engagement.cli.run import NICENESS
from engagement.pipeline import config
from engagement.pipeline.incoming import inputs
from engagement.policy import DEFAULT_POLICY
from engagement.store import Store
from tests.support.cohort import AS_OF, HOUR, LOW, learner, load, rows


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


def test_run_that_is_done_already_gives_the_same_run(as_json, path):
    done_before(Store(path), AS_OF)
    found = as_json("run", "nightly", "--as-of", AS_OF.isoformat())
    assert set(found) >= {"run_id", "status", "steps", "report"}
    assert found["status"] == "already done"


def test_a_run_lets_others_go_first(as_json, path, monkeypatch):
    asked = []
    monkeypatch.setattr("os.setpriority", lambda *arguments: asked.append(arguments))
    done_before(Store(path), AS_OF)
    as_json("run", "nightly", "--as-of", AS_OF.isoformat())
    ((which, process, niceness),) = asked
    assert (which, process) == (os.PRIO_PROCESS, 0)
    assert niceness >= NICENESS > 0


COUNTS = {
    "learners": 3,
    "labels": {"high": 2, "medium": 0, "low": 1, "unknown": 0},
    **dict.fromkeys(("nudges", "quizzes", "nudges_by_template", "quizzes_by_template"), 0),
    "left_out": {},
}


def done_before(store, as_of):
    """Publish the run that `run nightly` would do, without its notebooks."""
    parameters = config.parameters_of(config.read_pipeline("nightly"), {})
    with store.write() as db:
        fingerprint = inputs.fingerprint(db, as_of)
        run = runs.begin(
            db,
            "nightly",
            key=runs.run_key("nightly", as_of, parameters, fingerprint, DEFAULT_POLICY.policy_hash),
            as_of=as_of,
            day=as_of.date(),
            parameters=parameters,
            fingerprint=fingerprint,
            now=as_of,
            policy=DEFAULT_POLICY,
        )
        runs.mark(db, run.run_id, "published", now=as_of, counts=COUNTS)
    return run


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "iso8859-15"])
def test_what_a_terminal_cannot_print_is_written_another_way(path, printed, encoding):
    done_before(Store(path), AS_OF)
    code, shown = printed(encoding, "run", "nightly", "--as-of", AS_OF.isoformat())
    assert code == 0
    assert b"2 of 3 learners are at high risk" in shown
    assert shown.decode(encoding)


def test_sample_writes_files_that_load_takes(engagement, as_json, tmp_path):
    code, out, _ = engagement("sample", tmp_path / "new", "--learners", "20", "--as-of", "2026-03-01")
    assert code == 0
    learners, events = out.split()
    assert as_json("load", learners)["quarantined"] == 0
    assert as_json("load", events, "--events")["quarantined"] == 0


def test_today_is_where_the_institution_is(engagement, path, monkeypatch):
    monkeypatch.setattr(dates, "utc_now", lambda: datetime(2026, 3, 2, 2))
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
