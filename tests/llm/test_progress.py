import json
import queue
import threading
import time
from dataclasses import asdict, replace

import pytest

from engagement.llm import journal, progress
from engagement.llm.progress import Progress

HALF = Progress(asked=1_000, total=2_000, written=900, spent_usd=1.234, seconds=50)
RUN = "nightly-2026-03-01-1"


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store.duckdb"
    journal.folder(path).mkdir()
    return path


class Told:
    """What a watcher was told of, in the order it came."""

    def __init__(self, store, pipeline="nightly"):
        self.came = queue.SimpleQueue()
        self.block = progress.watched(store, pipeline, self.came.put, every_s=0.01)

    def __enter__(self):
        self.block.__enter__()
        return self

    def __exit__(self, *what):
        return self.block.__exit__(*what)

    def next(self):
        return self.came.get(timeout=5)

    def nothing_for(self, seconds=0.1):
        time.sleep(seconds)
        return self.came.empty()


def test_progress_is_told_in_a_line():
    assert str(HALF) == "1,000 of 2,000 texts · 20/s · 0:50 left · $1.23 · 10 % templates"


def test_a_line_says_only_what_is_known():
    assert str(Progress(0, 2_000, 0, None, 1)) == "0 of 2,000 texts · 0/s"
    assert str(Progress(10, 10, 10, None, 1)) == "10 of 10 texts · 10/s"
    assert str(replace(HALF, asked=1, written=1)) == "1 of 2,000 texts · 0/s · 1665:50 left · $1.23"


def test_rates_are_worked_out_of_what_was_asked():
    assert (HALF.per_second, HALF.left_s, HALF.template_share) == (20, 50, pytest.approx(0.1))


def test_before_the_first_answer_nobody_knows_how_long_it_takes():
    begun = Progress(0, 2_000, 0, 0.0, 3)
    assert (begun.per_second, begun.left_s, begun.template_share) == (0, None, 0)


def test_answers_in_no_time_say_nothing_of_the_rest():
    at_once = Progress(5, 10, 5, None, 0)
    assert (at_once.per_second, at_once.left_s) == (0, None)
    assert str(at_once) == "5 of 10 texts · 0/s"


def test_a_log_is_told_in_numbers():
    assert HALF.as_dict() == {
        "asked": 1_000,
        "total": 2_000,
        "written": 900,
        "spent_usd": 1.234,
        "seconds": 50,
        "per_second": 20.0,
        "left_s": 50,
        "template_share": 0.1,
    }
    assert json.loads(json.dumps(Progress(0, 1, 0, None, 0).as_dict()))["left_s"] is None


def test_who_watches_is_told_what_was_noted_whenever_it_has_got_further(store):
    with Told(store) as told:
        progress.note(store, RUN, HALF)
        assert told.next() == HALF
        progress.note(store, RUN, HALF)
        assert told.nothing_for()
        further = replace(HALF, asked=1_500, spent_usd=None)
        progress.note(store, RUN, further)
        assert told.next() == further


def test_nobody_is_told_after_the_block(store):
    with Told(store) as told:
        pass
    progress.note(store, RUN, HALF)
    assert told.nothing_for()
    assert [thread.name for thread in threading.enumerate() if thread.name == "progress"] == []


def test_a_note_of_another_pipeline_is_not_told(store):
    with Told(store, "weekly") as told:
        progress.note(store, RUN, HALF)
        assert told.nothing_for()


def test_what_a_killed_run_left_behind_is_not_told(store):
    progress.note(store, RUN, HALF)
    with Told(store) as told:
        assert told.nothing_for()
        further = replace(HALF, asked=1_500)
        progress.note(store, RUN, further)
        assert told.next() == further


def test_what_is_forgotten_is_gone(store):
    progress.note(store, RUN, HALF)
    (journal.folder(store) / f"{RUN}.part").write_text("half")
    progress.forget(store, RUN)
    assert list(journal.folder(store).iterdir()) == []
    progress.forget(store, RUN)


def test_nothing_is_noted_through_a_link(store, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    (journal.folder(store) / f"{RUN}.part").symlink_to(kept)
    with Told(store) as told:
        progress.note(store, RUN, HALF)
        assert told.next() == HALF
    assert kept.read_text() == "kept"


def test_where_nothing_can_be_noted_nobody_is_told_and_nothing_fails(tmp_path):
    store = tmp_path / "store.duckdb"
    with Told(store) as told:
        progress.note(store, RUN, HALF)
        progress.forget(store, RUN)
        assert told.nothing_for()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "garbage",
    [
        *("", "{", "null", "[1, 2]", "{}", '{"asked": 1}', "\0"),
        json.dumps(asdict(HALF) | {"asked": "many"}),
        json.dumps(asdict(HALF) | {"seconds": None}),
        json.dumps(asdict(HALF) | {"spent_usd": {}}),
    ],
)
def test_a_file_that_is_no_progress_is_passed_over(store, garbage):
    with Told(store) as told:
        (journal.folder(store) / f"{RUN}.progress").write_text(garbage)
        assert told.nothing_for(0.05)
        progress.note(store, RUN, HALF)
        assert told.next() == HALF


def test_the_newest_of_several_runs_is_told(store):
    with Told(store) as told:
        progress.note(store, "nightly-2026-02-28-1", replace(HALF, asked=1))
        assert told.next().asked == 1
        time.sleep(0.02)
        progress.note(store, RUN, HALF)
        assert told.next() == HALF
