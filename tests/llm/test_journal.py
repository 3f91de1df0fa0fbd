import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest

from engagement.errors import DiskFull, StoreUnusable
from engagement.llm import journal
from engagement.llm.journal import Answer, Journal

ANSWER = Answer(
    cache_key="0f" * 32,
    kind="nudge",
    prompt_version="v1.0",
    reason=None,
    content="Hi {first_name}, welcome back.",
    subject="Hello",
    requests=1,
    input_tokens=600,
    output_tokens=100,
    cost_usd=0.0004,
    model="gpt-4.1-mini",
    base_url="http://127.0.0.1:1/v1",
    run_id="nightly-2026-03-01-1",
    answered_at="2026-03-01T02:00:00.123456",
)
WORKER = """
import json, resource, sys
from pathlib import Path
from engagement.llm import journal
from engagement.llm.journal import Answer

store, limit, *lines = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
with journal.opened(Path(store)) as kept:
    for line in lines:
        kept.append(Answer(**json.loads(line)))
    print("kept", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.duckdb"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(journal, "_ORPHAN_LIVES_S", 0.1)


def leave(store, *answers):
    """Let a block fail that has been given these answers."""
    with pytest.raises(KeyboardInterrupt), journal.opened(store) as kept:
        for answer in answers:
            kept.append(answer)
        raise KeyboardInterrupt


def files(store):
    return sorted(journal.folder(store).glob("*"))


def found(store):
    with journal.abandoned(store) as answers:
        return answers


ODD = "Zeile\n\r\u2028\u2029\x1f\x00 \"'\\ {first_name} é \U0001f393 பயணம் שלום"
QUESTIONS = [
    {
        "id": f"q{number}",
        "stem": f"Question {number}? {ODD}",
        "options": [{"text": f"{letter} {ODD}", "feedback": letter} for letter in "abcd"],
        "answer_index": 3,
        "explanation": "Because.",
        "difficulty": "easy",
    }
    for number in range(3)
]
TEMPLATE = replace(ANSWER, reason="deadline", content=None, subject=None, cost_usd=None, run_id=None)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        replace(ANSWER, content=ODD, subject=ODD, model=ODD),
        replace(ANSWER, kind="quiz", content=QUESTIONS, subject=None),
        TEMPLATE,
        replace(ANSWER, content=""),
    ],
    ids=["plain", "odd characters", "quiz", "template", "empty"],
)
def test_an_answer_comes_back_as_it_was_appended(store, answer):
    leave(store, answer, ANSWER)
    assert found(store) == [answer, ANSWER]


def test_an_answer_is_written_where_there_is_no_reason_against_it():
    assert ANSWER.is_written
    assert not TEMPLATE.is_written


def test_a_block_that_succeeds_takes_its_file_and_the_folder_with_it(store):
    with journal.opened(store) as kept:
        kept.append(ANSWER)
        assert len(files(store)) == 1
    assert list(store.parent.iterdir()) == []
    assert found(store) == []


def test_a_block_that_fails_leaves_its_file_until_somebody_takes_it_over(store):
    leave(store, ANSWER)
    assert len(files(store)) == 1
    assert found(store) == [ANSWER]
    assert list(store.parent.iterdir()) == []


def test_a_block_that_fails_before_anything_was_answered_leaves_nothing(store):
    leave(store)
    assert list(store.parent.iterdir()) == []


def test_what_could_not_be_taken_over_stays_for_the_next(store):
    leave(store, ANSWER)
    with pytest.raises(ZeroDivisionError), journal.abandoned(store) as answers:
        assert answers == [ANSWER]
        raise ZeroDivisionError
    assert found(store) == [ANSWER]


def test_answers_of_several_processes_are_taken_over_together(store):
    for number in range(3):
        leave(store, replace(ANSWER, cache_key=f"{number}"))
    assert sorted(answer.cache_key for answer in found(store)) == ["0", "1", "2"]


def test_the_file_of_a_block_that_still_runs_is_left_alone(store, impatient):
    with journal.opened(store) as kept:
        kept.append(ANSWER)
        assert found(store) == []
        kept.append(ANSWER)
        assert len(files(store)) == 1


def test_a_process_that_is_about_to_die_is_waited_for(store):
    ended, begun = threading.Event(), threading.Event()

    def work():
        with suppress(KeyboardInterrupt), journal.opened(store) as kept:
            kept.append(ANSWER)
            begun.set()
            ended.wait()
            raise KeyboardInterrupt

    process = threading.Thread(target=work)
    process.start()
    begun.wait()
    threading.Timer(0.3, ended.set).start()
    assert found(store) == [ANSWER]
    process.join()


def test_two_who_take_over_at_once_do_not_get_the_same(store, impatient):
    leave(store, ANSWER)
    with journal.abandoned(store) as first:
        assert found(store) == []
        assert first == [ANSWER]


def test_a_file_of_somebody_else_keeps_the_folder(store):
    leave(store, ANSWER)
    (journal.folder(store) / "notes.txt").write_text("mine")
    assert found(store) == [ANSWER]
    assert [path.name for path in files(store)] == ["notes.txt"]


def test_without_a_folder_nothing_was_abandoned(store):
    assert found(store) == []


@pytest.mark.parametrize("kept", [0, 1, 20, -2])
def test_a_last_line_that_was_cut_off_is_no_answer(store, kept):
    leave(store, replace(ANSWER, cache_key="whole"), ANSWER)
    (path,) = files(store)
    whole, cut, _ = path.read_bytes().split(b"\n")
    path.write_bytes(whole + b"\n" + cut[:kept])
    assert [answer.cache_key for answer in found(store)] == ["whole"]


@pytest.mark.parametrize(
    "line", ["", "null", "7", "[]", "{}", '{"cache_key": "k"}', "\0\0\0", "{", '"' * 100, '{"a": NaN}']
)
def test_a_line_that_is_no_answer_is_passed_over(store, line):
    leave(store, ANSWER, ANSWER)
    (path,) = files(store)
    first, second, _ = path.read_text().split("\n")
    path.write_text(f"{first}\n{line}\n{second}\n")
    assert found(store) == [ANSWER, ANSWER]


def test_an_answer_without_a_time_it_could_be_stored_under_is_passed_over(store):
    leave(store, replace(ANSWER, answered_at="yesterday"), ANSWER)
    assert found(store) == [ANSWER]


def test_only_who_runs_it_can_read_what_was_answered(store):
    before = os.umask(0)
    try:
        leave(store, ANSWER)
    finally:
        os.umask(before)
    (path,) = files(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_place_that_cannot_be_written_to_makes_the_store_unusable(store):
    journal.folder(store).write_text("in the way")
    with (
        pytest.raises(StoreUnusable, match=r"store\.duckdb\.answers: cannot be written to"),
        journal.opened(store),
    ):
        pass
    with pytest.raises(StoreUnusable), journal.opened(store.parent / "missing" / "store.duckdb"):
        pass


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_folder_is_not_followed(store, there):
    elsewhere = store.parent / "elsewhere"
    journal.folder(store).symlink_to(elsewhere)
    if there:
        elsewhere.mkdir()
        (elsewhere / "1-ab.jsonl").write_text(f"{json.dumps(asdict(ANSWER))}\n")
    with pytest.raises(StoreUnusable, match="a link is not followed there"), journal.opened(store):
        pass
    assert found(store) == []


def test_a_full_disk_makes_the_store_unusable():
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(
            DiskFull, match=r"an answer cannot be kept: No space left .*: the disk is full in place;"
        ):
            Journal(full, Path("place", "1-ab.jsonl")).append(ANSWER)
    finally:
        os.close(full)


def start(store, *answers, limit=0):
    lines = [json.dumps(asdict(answer)) for answer in answers]
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(store), str(limit), *lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_a_killed_process_had_been_answered_is_taken_over_once_it_is_dead(store, impatient):
    with start(store, ANSWER, TEMPLATE) as worker:
        assert worker.stdout.readline() == "kept\n"
        assert found(store) == []
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=30)
    assert found(store) == [ANSWER, TEMPLATE]


def test_a_disk_that_takes_half_an_answer_makes_the_store_unusable_and_keeps_those_before(store):
    length = len(json.dumps(asdict(ANSWER), separators=(",", ":"))) + 1
    with start(store, ANSWER, TEMPLATE, limit=length + 40) as worker:
        _, said = worker.communicate(timeout=30)
    assert worker.returncode == 1
    assert (
        f"DiskFull: an answer cannot be kept: No space left on device: the disk is full in {journal.folder(store)}"
        in said
    )
    assert found(store) == [ANSWER]


def test_a_file_that_is_taken_away_before_it_is_locked_is_made_anew(store, monkeypatch):
    lock, overtaken = fcntl.flock, []

    def late(descriptor, operation):
        if operation == fcntl.LOCK_EX and not overtaken:
            overtaken.append(True)
            assert found(store) == []
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    leave(store, ANSWER)
    assert overtaken == [True]
    assert found(store) == [ANSWER]


def test_whoever_opens_and_takes_over_at_once_nothing_is_lost_and_nothing_comes_twice(store, impatient):
    came, failed, done = [], [], threading.Event()

    def run(work):
        try:
            work()
        except Exception as error:
            failed.append(error)

    def answer(name):
        for number in range(150):
            leave(store, replace(ANSWER, cache_key=f"{name}{number}"))

    def take_over():
        while not done.is_set():
            came.extend(answer.cache_key for answer in found(store))

    takers = [threading.Thread(target=run, args=(take_over,)) for _ in range(2)]
    writers = [threading.Thread(target=run, args=(partial(answer, name),)) for name in "ab"]
    for thread in (*takers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in takers:
        thread.join()
    came.extend(answer.cache_key for answer in found(store))
    assert failed == []
    assert sorted(came) == sorted(f"{name}{number}" for name in "ab" for number in range(150))
