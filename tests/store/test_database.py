"""The store's two doors: what a block may do, what it leaves behind, what its errors say."""

import fcntl
import os
import subprocess
import sys
import threading
from contextlib import suppress

import duckdb
import pytest

from engagement.errors import EngagementError, NotFound, StoreBusy, StoreUnusable
from engagement.store import SCHEMA_VERSION, Store, engine, first_row, open_store
from engagement.store.locks import begun, sole_runner
from tests.support.older_store import make_older, with_one_more_file

NAMES = "select person_hash from tombstones order by person_hash"


def insert(db, name):
    db.execute("insert into tombstones values ($name, '2026-01-01')", {"name": name})


def names(store):
    with store.read() as db:
        return [name for (name,) in db.execute(NAMES).fetchall()]


def create(store):
    with store.write():
        pass


@pytest.fixture
def engines():
    """No engine: each store makes its own, as what that may take is asked here."""
    return lambda: None


def in_thread(work):
    """Run `work` in a thread to its end and return what it returned or raised."""
    said = []

    def run():
        try:
            said.append(work())
        except Exception as error:
            said.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    return said[0]


def test_reading_where_there_is_no_store_says_how_to_make_one(no_store):
    with pytest.raises(NotFound, match="`engagement load` or `make demo` makes one"), no_store.read():
        pass
    assert list(no_store.path.parent.iterdir()) == []


def test_no_write_makes_a_store_where_one_is_missing_be_it_behind_a_link(no_store, tmp_path):
    away = tmp_path / "not mounted"
    (tmp_path / "data").symlink_to(away)
    for store in (no_store, Store(tmp_path / "data" / "store.duckdb")):
        with pytest.raises(NotFound, match="`engagement load` or `make demo` makes one"), store.write():
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    with pytest.raises(StoreUnusable, match="a link to nothing"):
        Store(tmp_path / "data" / "store.duckdb").make()


def test_a_store_is_made_with_its_folder(tmp_path):
    store = Store(tmp_path / "new" / "folder" / "it's a store.duckdb")
    store.make()
    with store.write() as db:
        insert(db, "x")
    assert names(Store(store.path)) == ["x"]


def test_a_process_has_one_store_per_file(tmp_path):
    assert open_store(tmp_path / "a") is open_store(tmp_path / "a")
    assert open_store(tmp_path / "a") is not open_store(tmp_path / "b")


def test_the_file_is_free_between_blocks(store):
    assert names(store) == []
    with duckdb.connect(store.path) as foreign:
        assert foreign.execute("select count(*) from tombstones").fetchall() == [(0,)]


def test_a_result_left_open_does_not_keep_the_file(store):
    for block in (store.write, store.read):
        with block() as db:
            db.execute("select * from range(5_000_000)").fetchone()
        with duckdb.connect(store.path) as foreign:
            assert foreign.execute("select 1").fetchall() == [(1,)]


def test_a_read_sees_what_another_process_wrote_since(store):
    assert names(store) == []
    with duckdb.connect(store.path) as foreign:
        foreign.execute("insert into tombstones values ('foreign', '2026-01-01')")
    assert names(store) == ["foreign"]


def test_a_read_within_a_read_is_the_same_cursor(store):
    with store.read() as outer, store.read() as inner:
        assert inner is outer
    assert names(store) == []


def test_a_read_within_a_write_sees_what_was_not_committed_yet(store):
    with store.write() as db:
        insert(db, "x")
        with store.read() as inner:
            assert inner.execute(NAMES).fetchall() == [("x",)]
    assert names(store) == ["x"]


def test_a_write_within_a_write_is_kept_or_lost_with_it(store):
    with store.write() as db:
        insert(db, "outer")
        with store.write() as inner:
            insert(inner, "inner")
    assert names(store) == ["inner", "outer"]
    with pytest.raises(ZeroDivisionError), store.write():
        with store.write() as inner:
            insert(inner, "lost")
        raise ZeroDivisionError
    assert names(store) == ["inner", "outer"]


def test_a_write_within_a_read_is_refused(store):
    with store.read(), pytest.raises(EngagementError, match="a write was begun inside a read"), store.write():
        pass
    with store.write() as db:
        insert(db, "later")
    assert names(store) == ["later"]


def test_a_change_within_a_read_is_refused(store):
    with pytest.raises(StoreUnusable, match="read-only"), store.read() as db:
        insert(db, "x")
    assert names(store) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_a_write_takes_the_whole_block_back(store, error):
    with pytest.raises(error), store.write() as db:
        insert(db, "x")
        raise error
    assert names(store) == []
    with store.write() as db:
        insert(db, "next")
    assert names(store) == ["next"]


def test_a_swallowed_error_does_not_commit_half_a_write(store):
    with pytest.raises(StoreUnusable, match="aborted"), store.write() as db:
        insert(db, "x")
        with suppress(duckdb.ConstraintException):
            insert(db, "x")
    assert names(store) == []


def test_a_threads_blocks_do_not_leak_into_another_thread(store):
    with store.read() as outer:
        assert in_thread(lambda: names(store)) == []
        assert in_thread(lambda: store.read().__enter__() is outer) is False
        assert outer.execute(NAMES).fetchall() == []


def test_temporary_tables_of_staging_are_seen_by_its_blocks_and_by_nobody_else(store):
    with store.staging() as stage:
        stage.execute("create temp table incoming as select 'staged' as name")
        with store.write() as db:
            db.execute("insert into tombstones select name, '2026-01-01' from incoming")
        with store.read() as db:
            assert db.execute("select name from incoming").fetchall() == [("staged",)]
        assert in_thread(lambda: names(store)) == ["staged"]
    with pytest.raises(duckdb.CatalogException), store.read() as db:
        db.execute("select * from incoming")
    assert names(store) == ["staged"]


def test_staging_within_a_block_or_a_staging_is_that_ones_cursor(store):
    with store.staging() as stage:
        with store.staging() as inner:
            assert inner is stage
        stage.execute("create temp table incoming as select 'staged' as name")
        with store.write() as db, store.staging() as inner:
            assert inner is db
        with store.read() as db:
            assert db.execute("select name from incoming").fetchall() == [("staged",)]


def test_staging_keeps_nobody_out(store):
    with store.staging():
        assert in_thread(lambda: names(store)) == []
        duckdb.connect(store.path).close()


QUOTING_SQL = [
    "insert into tombstones values ($value, '2026-01-01'), ($value, '2026-01-01')",
    "select cast($value as integer)",
    "select cast($value as timestamp)",
    "select cast($value as json)",
]


@pytest.mark.parametrize(
    "value",
    [
        "Sentinel",
        "it's Sentinel",
        'say "Sentinel',
        "first\nSentinel",
        "Sentinel'",
        "Sentinel is corrupt",
        "'",
        '"Sentinel"\n\n"',
    ],
)
def test_messages_never_hold_values(store, value):
    for sql in QUOTING_SQL:
        with pytest.raises(StoreUnusable) as caught, store.write() as db:
            db.execute(sql, {"value": value}).fetchall()
        message = str(caught.value)
        assert message.startswith("store.duckdb: ")
        assert not any(word in message for word in ("Sentinel", "first", "damaged"))
        assert caught.value.__suppress_context__


def test_an_error_in_our_own_sql_is_shown_as_it_is(store):
    with pytest.raises(duckdb.BinderException, match="no_such_column"), store.write() as db:
        db.execute("select no_such_column from tombstones")
    create(store)


def test_a_name_cannot_be_used_to_read_python_variables(store):
    secret = duckdb.sql("select 1 as x").df()
    with pytest.raises(duckdb.CatalogException), store.write() as db:
        db.execute("select * from secret")
    assert len(secret) == 1


def test_every_cursor_is_in_utc_wherever_the_machine_is(tmp_path):
    code = (
        "from pathlib import Path; from engagement.store import Store, first_row\n"
        f"store = Store(Path({str(tmp_path / 'store.duckdb')!r}))\n"
        "sql = \"select strftime('2026-07-01 10:00:00+05:30'::timestamptz, '%H:%M %z')\"\n"
        "store.make()\nwith store.staging() as stage, store.write():\n    print(first_row(stage, sql)[0])\n"
        "with store.read() as db:\n    print(first_row(db, sql)[0])\n"
    )
    there = os.environ | {"TZ": "Asia/Kolkata"}
    done = subprocess.run([sys.executable, "-c", code], env=there, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["04:30 +00", "04:30 +00", ""]


def test_whoever_holds_the_store_for_too_long_is_named(store):
    store = Store(store.path, wait_s=0.1)
    with store.write():
        refused = in_thread(lambda: names(store))
    assert type(refused) is StoreBusy
    assert f"store.duckdb is held by process {os.getpid()};" in str(refused)
    assert names(store) == []


def test_a_past_writer_is_not_blamed_for_a_reader(store):
    store = Store(store.path, wait_s=0.1)
    with store.read():
        refused = in_thread(lambda: create(store))
    assert type(refused) is StoreBusy
    assert "held by another process;" in str(refused)
    assert str(os.getpid()) not in str(refused)


def test_readers_read_at_the_same_time(store):
    with store.read():
        assert in_thread(lambda: names(store)) == []


def is_held(lock):
    """Return whether somebody holds the lock of this file."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_writer_waits_for_readers_and_goes_before_later_ones(store):
    order = []

    def write():
        with store.write() as db:
            order.append("write")
            insert(db, "x")

    def read():
        order.append(f"read {names(store)}")

    writer, reader = threading.Thread(target=write), threading.Thread(target=read)
    with store.read():
        writer.start()
        while not is_held(store.path.with_name("store.duckdb.gate")):
            assert writer.is_alive()
        reader.start()
        reader.join(0.2)  # long enough for one that overtakes
        assert order == []
    for thread in (writer, reader):
        thread.join()
    assert order == ["write", "read ['x']"]


def test_a_second_run_is_told_which_process_works(tmp_path):
    path = tmp_path / "store.duckdb"
    with (
        sole_runner(path),
        pytest.raises(StoreBusy, match=rf"another run works on store.duckdb \(process {os.getpid()}\)"),
        sole_runner(path),
    ):
        pass
    with sole_runner(path):
        pass


def schema_versions(store):
    with duckdb.connect(store.path, read_only=True) as db:
        return [
            number for (number,) in db.execute("select version from schema_version order by 1").fetchall()
        ]


@pytest.mark.parametrize("door", ["read", "write"])
def test_an_older_store_is_brought_up_to_date_with_what_it_holds(store, tmp_path, monkeypatch, door):
    with store.write() as db:
        insert(db, "old")
    with_one_more_file(monkeypatch, tmp_path, "create table more as select person_hash from tombstones;")
    for _ in range(2):
        with getattr(Store(store.path), door)() as db:
            assert db.execute("select * from more").fetchall() == [("old",)]
    assert schema_versions(store) == list(range(1, SCHEMA_VERSION + 2))


# Nothing wrote to the disclosures of version 1: the table is made anew.
MADE_SINCE_VERSION_1 = (
    "answers_that_stand",
    "assigned_persons",
    "calibration_points",
    "calibrations",
    "consents_ahead",
    "contact_refusals",
    "contacts_made",
    "contacts_that_count",
    "disclosures",
    "earlier_persons",
    "experiments",
    "invented",
    "learner_groups",
    "model_answers",
    "person_refusals",
    "published_assignments",
    "rejected_texts",
    "risk_probabilities",
    "score_words",
    "source_formats",
    "titles",
)
_OF_A_SCORE = (
    "learner_number",
    "last_login",
    "completed_percent",
    "avg_quiz_score",
    "consecutive_missed_sessions",
    "days_inactive",
)
_OF_A_DRAFT = ("edited", "changed_by", "changed_at")
ADDED_SINCE_VERSION_1 = {
    "loads": ("effect", "profile", "unlike", "odd_cells", "left_out", "percents", "of_files"),
    "quarantine": ("row_id",),
    **dict.fromkeys(("learner_facts", "newest_facts", "learner_risk"), ("login_is_unknown",)),
    "learners": (
        "seen_at",
        "inactive_since",
        "number",
        "person_number",
        "searched",
        "held_by",
        "consents_at",
        "email_is_shared",
        "external_id",
    ),
    "assignments": ("run_id",),
    "risk_history": ("superseded",),
    **dict.fromkeys(("risk_scores", "run_scores"), (*_OF_A_SCORE, "login_is_unknown")),
    **dict.fromkeys(("quizzes", "published_quizzes"), _OF_A_DRAFT),
    **dict.fromkeys(("nudges", "published_nudges"), (*_OF_A_DRAFT, "overruled_at")),
}
ROWS_OF_VERSION_1 = {
    "learners": "insert into learners (id, person_id, program, load_id) values ('a', 'p', 'Data', 'L1')",
    "risk_scores": "insert into risk_scores values ('a', $at, 0.875, 'high', 0.5, 0.25, 0.125, 0, 'h', 'r')",
    "risk_history": "insert into risk_history values ('a', $at, 0.875, 'high', 0.5, 0.25, 0.125, 0, 'h', 'r')",
    "nudges": """
        insert into nudges (id, learner_id, person_id, campaign, period, program, as_of, channel, type, locale,
            draft_content, content, gpt_prompt_version, gpt_fallback, created_at)
        values ('n', 'a', 'p', 'nightly', '2026-03-01', 'Data', $at, 'email', 'praise', 'en', 'x', 'y', '1', true, $at)
    """,
    "quizzes": """
        insert into quizzes (id, learner_id, person_id, campaign, period, program, as_of, language, questions,
            gpt_prompt_version, gpt_fallback, created_at)
        values ('q', 'a', 'p', 'nightly', '2026-W09', 'Data', $at, 'en', '[]', '1', true, $at)
    """,
    "events": "insert into events values ('e', 'a', 'login', '{}', $at, 'import', 'L2')",
    "assignments": "insert into assignments values ('trial', 'p', 'control', $at, $at)",
}


def test_a_store_of_version_1_keeps_every_row_view_default_and_comment(no_store):
    described = "select table_name, column_name, column_default, is_nullable, {} from {} order by all"
    described = described.format("data_type", "information_schema.columns where table_catalog = 'store'")
    comments = (
        "select table_name, column_name, comment from duckdb_columns() where database_name = 'store' "
        "and comment is not null order by all"
    )
    make_older(no_store.path, 1)
    with duckdb.connect(no_store.path) as db:
        for sql in ROWS_OF_VERSION_1.values():
            db.execute(sql, {"at": "2026-03-01"} if "$at" in sql else {})
        held = {table: db.execute(f"select * from {table}").fetchall() for table in ROWS_OF_VERSION_1}
        columns = db.execute(described).fetchall()
        commented = db.execute(comments).fetchall()
    with Store(no_store.path).read() as db:
        for table, before in held.items():
            after = db.execute(f"select * from {table}").fetchall()
            if table == "risk_history":  # without the parts of the score
                before = [(*row[:4], *row[8:]) for row in before]  # noqa: PLW2901
            assert [row[: len(before[0])] for row in after] == before, table
        added = {(table, column) for table, names in ADDED_SINCE_VERSION_1.items() for column in names}
        described_now = [
            column for column in db.execute(described).fetchall() if column[0] not in MADE_SINCE_VERSION_1
        ]
        columns = [column for column in columns if column[0] not in MADE_SINCE_VERSION_1]
        assert {column[:2] for column in set(described_now) - set(columns)} == added
        known = {(table, column): text for table, column, text in db.execute(comments).fetchall()}
        kept = {(table, column) for table, column, _ in commented if table not in MADE_SINCE_VERSION_1}
        assert kept <= set(known)
        assert len(columns) - 4 + len(added) == len(described_now)
        assert db.execute("select id, risk_label from learner_risk").fetchall() == [("a", "high")]
        for view in ("published_nudges", "published_quizzes"):
            assert len(db.execute(f"select * from {view}").fetchall()) == 1
    assert schema_versions(no_store) == list(range(1, SCHEMA_VERSION + 1))


SCORED_IN_VERSION_4 = """
    insert into learners (id, person_id, program, load_id, enrolled_at) values
        ('a', 'p', 'Data', 'L1', '2026-01-01'), ('b', 'p', 'Data', 'L1', null), ('c', 'c', 'Data', 'L1', null);
    insert into loads values
        ('L1', 'learners', 'x', 'h', '2026-02-01', '2026-02-01', 3, 3, 0, '{}'),
        ('L2', 'learners', 'x', 'h', '2026-02-15', '2026-03-02', 3, 3, 0, '{}');
    insert into learner_facts values
        ('a', '2026-02-01', 'L1', '2026-01-31', 40, null, null, 50, 2),
        ('a', '2026-02-15', 'L2', '2026-02-14', 90, null, null, 90, 0),
        ('b', '2026-02-01', 'L1', null, 10, null, null, null, null);
    insert into runs (run_id, pipeline, key, attempt, as_of, day, parameters, input_fingerprint, policy, status,
        started_at, published_at) values
        ('r', 'nightly', 'k', 1, '2026-03-01', '2026-03-01', '{}', '', '{}', 'published', '2026-03-01', '2026-03-01'),
        ('s', 'nightly', 'l', 1, '2026-03-03', '2026-03-03', '{}', '', '{}', 'running', '2026-03-03', null);
    insert into risk_scores values
        ('a', '2026-03-01', 0.5, 'medium', 0.3, 0.1, 0.05, 0.05, 'h', 'r'),
        ('b', '2026-03-01', null, 'unknown', null, null, null, null, 'h', 'r');
    insert into run_scores values ('s', 'a', 0.2, 'low', 0.05, 0.02, 0.0, 0.13, false);
"""


def test_a_score_of_version_4_gets_the_facts_that_it_was_made_from(no_store):
    make_older(no_store.path, 4)
    with duckdb.connect(no_store.path) as db:
        db.execute(SCORED_IN_VERSION_4)
    facts = "completed_percent, avg_quiz_score, consecutive_missed_sessions, days_inactive"
    with Store(no_store.path).read() as db:
        # what was loaded after the scores were published explains other scores
        scored = db.execute(f"select learner_id, {facts} from risk_scores order by all").fetchall()
        assert scored == [("a", 40.0, 50.0, 2, 29.0), ("b", 10.0, None, None, None)]
        assert db.execute(f"select {facts} from run_scores").fetchall() == [(90.0, 90.0, 0, 17.0)]
        numbered = """
            select count(*) from learners inner join risk_scores on number = learner_number and id = learner_id
        """
        assert db.execute(numbered).fetchall() == [(2,)]
        assert db.execute("select count(distinct person_number) from learners").fetchall() == [(2,)]


def test_more_memory_than_the_store_may_take_is_a_plain_error(store, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_MEMORY", "64")
    # a list of one row cannot go by way of the disk
    with pytest.raises(StoreUnusable, match="ENGAGEMENT_MEMORY"), store.read() as db:
        db.execute("select length(list(x)) from range(60_000_000) as numbers (x)").fetchall()
    assert names(store) == []


def test_without_a_setting_the_engine_takes_a_share_of_the_machine(store):
    with store.read() as db:
        (said,) = first_row(db, "select current_setting('memory_limit')")
    number, unit = said.split()
    assert float(number) * {"MiB": 2**20, "GiB": 2**30}[unit] <= 1.01 * engine.MEMORY_MB * 1e6


def spill(store):
    """Start a process that uses more memory than it may take, and return it once something has been spilled."""
    script = (
        "import os, time; from pathlib import Path; from engagement.store import Store\n"
        f"store = Store(Path({str(store.path)!r}))\n"
        "with store.write() as db:\n"
        "    db.execute('create temp table much as select range as a, hash(range) as b from range(8_000_000)')\n"
        "    print('spilled', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"ENGAGEMENT_MEMORY": "64"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "spilled\n"
    return process


def spilled(store):
    return [file for file in (store.path.parent / ".spill").rglob("*") if file.is_file()]


def test_what_goes_by_way_of_the_disk_is_for_its_user_alone_and_does_not_outlive_a_killed_process(store):
    process = spill(store)
    try:
        assert spilled(store)
        assert (store.path.parent / ".spill").stat().st_mode & 0o077 == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert spilled(store)
    with Store(store.path).write():
        assert not spilled(store)


def test_of_a_process_whose_number_is_anothers_by_now_nothing_stays(store):
    process = spill(store)
    process.kill()
    process.wait()
    process.stdout.close()
    (left,) = (store.path.parent / ".spill").iterdir()
    number, since, rest = left.name.split("-")
    mine, theirs = (left.with_name(f"{os.getpid()}-{began}-{rest}") for began in (begun(os.getpid()), since))
    assert number != str(os.getpid())
    left.rename(theirs)
    mine.mkdir()
    with Store(store.path).write():
        assert not spilled(store)
        assert mine.is_dir()


def test_a_folder_that_others_can_read_is_not_spilled_into(store):
    (store.path.parent / ".spill").mkdir()
    (store.path.parent / ".spill").chmod(0o755)  # whatever this process keeps from others
    process = spill(store)
    process.kill()
    process.wait()
    process.stdout.close()
    assert not spilled(store)
