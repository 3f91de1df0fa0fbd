"""The store under what goes wrong: killed writers, many at once, a full disk, files that are no stores."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from engagement.errors import DiskFull, StoreBusy, StoreUnusable
from engagement.store import SCHEMA_VERSION, Store, engine, first_row
from tests.support.rights import ordinary_rights

WORKER = Path(__file__).with_name("store_worker.py")
COUNT = "select count(*) from tombstones"
LIVES = 3
HOLDER = "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def engines():
    """No engine: each store makes its own, as what that may take is asked here."""
    return lambda: None


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(engine, "FOREIGN_HOLDER_WAIT_S", 0.1)


def start(*arguments):
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(process, timeout_s=60):
    try:
        out, err = process.communicate(timeout=timeout_s)
    finally:
        process.kill()
    assert process.returncode == 0, err
    return json.loads(out)


def create(store):
    store.make()


def names(store):
    with store.read() as db:
        return {name for (name,) in db.execute("select person_hash from tombstones").fetchall()}


def refusals(store):
    """What a read and a write are told, as errors."""
    said = []
    for block in (store.read, store.write):
        with pytest.raises((StoreUnusable, StoreBusy)) as caught, block() as db:
            db.execute("select * from learners").fetchall()
        said.append(caught.value)
    return said


def check_what_workers_saw(store, processes):
    said = [process.communicate(timeout=60) for process in processes]
    assert [err for _, err in said if err] == []
    seen = [one for out, _ in said for one in json.loads(out)]
    assert [error for one in seen for error in one["errors"]] == []
    assert all(0 < one["longest_wait_s"] < 2 for one in seen)
    assert all(one["kept"] for one in seen if one["role"] == "write")
    kept = {f"{name} {half}" for one in seen for name in one["kept"] for half in "ab"}
    assert names(store) == kept


def test_threads_and_processes_together_lose_nothing_and_nobody_waits_long(store):
    crowds = [["write", "read", "write", "read"], ["write", "read", "read"], ["write"], ["read"]]
    check_what_workers_saw(store, [start("work", store.path, 2.5, *roles) for roles in crowds])


STEPS = ["lock", "begin", "half", "insert", "pair", "commit"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory, empty_file):
    """A store for each step, whose writer was killed there; and how each of these writers ended."""
    folder = tmp_path_factory.mktemp("killed")
    stores = {step: Store(folder / step / "store.duckdb") for step in STEPS}
    for store in stores.values():
        store.path.parent.mkdir()
        shutil.copyfile(empty_file, store.path)
        with store.write() as db:
            db.execute("insert into tombstones values ('before', '2026-01-01')")
    ended = outcome(start("die", folder, *STEPS))
    return stores, dict(zip(STEPS, ended, strict=True))


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_any_step_leaves_all_or_nothing(killed, step):
    stores, ended = killed
    assert ended[step] == -signal.SIGKILL
    store = stores[step]

    asked = time.monotonic()
    with store.write() as db:
        assert time.monotonic() - asked < 2
        db.execute("insert into tombstones values ('after', '2026-01-01')")
    expected = {"before", "after"} | ({"commit a", "commit b"} if step == "commit" else set())
    assert names(Store(store.path)) == expected


def test_what_was_acknowledged_outlives_kill_9_at_any_moment(no_store):
    chance = random.Random(7)
    acknowledged = set()
    for life in range(LIVES):
        process = start("acknowledge", no_store.path, life)
        process.stdout.readline()
        time.sleep(chance.uniform(0.02, 0.3))
        process.kill()
        out, err = process.communicate()
        assert err == ""
        acknowledged |= {f"{life} {number} {half}" for number in (0, *map(int, out.split())) for half in "ab"}
    there = names(no_store)
    assert acknowledged <= there
    assert len(there) % 2 == 0
    assert len(there) - len(acknowledged) <= 2 * LIVES  # at most the one write that each had not told us of


def test_two_processes_that_make_the_store_at_once_make_it_once(no_store):
    processes = [start("work", no_store.path, 0.2, "write") for _ in range(2)]
    check_what_workers_saw(no_store, processes)
    with no_store.read() as db:
        versions = db.execute("select version from schema_version order by version").fetchall()
    assert versions == [(number,) for number in range(1, SCHEMA_VERSION + 1)]


def test_a_full_disk_is_told_plainly_and_loses_nothing(store):
    room_mb = store.path.stat().st_size / 1e6 + 1
    said = outcome(start("fill", store.path, room_mb))
    assert said["kind"] == "DiskFull"
    assert f"the disk is full in {store.path.parent}; what was written before is intact" in said["message"]
    assert said["kept"] >= 1
    with store.read() as db:
        assert first_row(db, COUNT) == (said["kept"] * 2000 + 2,)
        blocks = db.execute("select count(*) from tombstones where person_hash like 'with room%'").fetchall()
    assert blocks == [(2,)]


def test_too_little_memory_is_told_plainly_and_loses_nothing(store):
    with store.write() as db:
        db.execute("insert into tombstones values ('kept', '2026-01-01')")
    with pytest.raises(StoreUnusable, match="OutOfMemory") as caught, store.write() as db:
        db.execute("insert into tombstones values ('not kept', '2026-01-01')")
        db.execute("set memory_limit = '8MB'")
        db.execute("set temp_directory = ''")
        db.execute("create temp table large as select range, random() as x from range(10_000_000) order by x")
    assert len(str(caught.value).splitlines()) == 1
    assert names(Store(store.path)) == {"kept"}


@pytest.mark.parametrize("setting", ["", "set max_temp_directory_size = '1MB'"], ids=["a disk", "a limit"])
def test_a_disk_without_room_for_what_does_not_fit_into_memory_is_told_as_full(store, setting):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(DiskFull, match=f"the disk is full in {store.path.parent}"), store.read() as db:
        db.execute("set memory_limit = '40MB'")
        db.execute(setting or "select 1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            db.execute(
                "create temp table large as select sha256(range::text) as x from range(2_000_000) order by x"
            )
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(store) == set()


@pytest.mark.parametrize(
    "content",
    [b"", b"id,name\n1,x\n" * 900, b"SQLite format 3\0" + b"\0" * 5000, b"PK\3\4" + b"\0" * 5000],
    ids=["empty", "CSV", "SQLite", "zip"],
)
def test_a_file_that_is_not_duckdb_is_refused_and_left_alone(no_store, content):
    no_store.path.write_bytes(content)
    for error in refusals(no_store):
        assert type(error) is StoreUnusable
        assert error.exit_code == 1
        assert "is not a DuckDB file, or is damaged" in str(error)
    assert no_store.path.read_bytes() == content


def test_a_folder_in_place_of_the_store_is_refused(no_store):
    no_store.path.mkdir()
    assert {type(error) for error in refusals(no_store)} == {StoreUnusable}


def test_a_store_in_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable, match="file: File exists; what is there is no folder"):
        Store(tmp_path / "file" / "x").make()


def test_a_newer_schema_is_refused_and_left_alone(store):
    with store.write() as db:
        db.execute("insert into schema_version values (999)")
    content = store.path.read_bytes()
    for error in refusals(Store(store.path)):
        assert type(error) is StoreUnusable
        assert f"the store has schema 999, this program knows {SCHEMA_VERSION}" in str(error)
    assert store.path.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_alone(no_store):
    with duckdb.connect(no_store.path) as foreign:
        foreign.execute("create table theirs as select 42 as answer")
    content = no_store.path.read_bytes()
    for error in refusals(no_store):
        assert type(error) is StoreUnusable
        assert "another program" in str(error)
    assert no_store.path.read_bytes() == content


def test_a_damaged_store_never_gives_wrong_rows(store):
    everything = "select id, name, program from learners order by id"
    with store.write() as db:
        db.execute(
            """
            insert into learners (id, person_id, name, program, load_id)
            select 'L' || i, 'L' || i, 'Invented ' || sha256(i::text), 'P', 'L1' from range(20_000) as t (i)
            """
        )
        right = db.execute(everything).fetchall()
    sound = store.path.read_bytes()
    refused = {}
    for at in [100, 4_100, 8_200, *range(20_000, len(sound), 100_003)]:
        flipped = bytearray(sound)
        flipped[at] ^= 0xFF
        damaged = Store(store.path.with_name(f"damaged-{at}.duckdb"))
        damaged.path.write_bytes(flipped)
        try:
            with damaged.read() as db:
                rows = db.execute(everything).fetchall()
        except StoreUnusable as error:
            refused[at] = str(error)
        else:
            assert rows == right
        assert damaged.path.read_bytes() == flipped
    assert {100, 4_100} <= set(refused)
    assert len(refused) > 4
    assert all("is damaged; move it away or restore a backup" in message for message in refused.values())


@pytest.mark.parametrize("length", [5_000, 20_000, 500_000])
def test_a_store_that_was_cut_short_is_refused(store, length):
    with store.write() as db:
        db.execute("insert into tombstones select sha256(i::text), '2026-01-01' from range(50_000) as t (i)")
    store.path.write_bytes(store.path.read_bytes()[:length])
    with pytest.raises(StoreUnusable, match="is damaged"), Store(store.path).read() as db:
        db.execute("select count(distinct person_hash) from tombstones").fetchall()


@pytest.mark.usefixtures("impatient")
def test_a_foreign_holder_is_named(store):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        holder.stdout.readline()
        for error in refusals(store):
            assert type(error) is StoreBusy
            assert error.exit_code == 75
            assert f"{store.path.name} is held by process {holder.pid}," in str(error)
    finally:
        holder.communicate("")
    assert names(store) == set()


def test_a_foreign_holder_that_lets_go_is_waited_for(store):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER.replace("sys.stdin.read()", "import time; time.sleep(0.5)"),
            str(store.path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    holder.stdout.readline()
    try:
        with store.write() as db:
            db.execute("insert into tombstones values ('patient', '2026-01-01')")
    finally:
        holder.communicate()
    assert names(store) == {"patient"}


@pytest.fixture
def shared(open_folder):
    """A store whose turnstile others may take, as a group on one machine would."""
    store = Store(open_folder / "store.duckdb")
    create(store)
    for suffix in (".gate", ".lock"):
        store.path.with_name(store.path.name + suffix).chmod(0o666)
    return store


def test_a_read_only_file_can_be_read_and_not_written(shared):
    shared.path.chmod(0o444)
    content = shared.path.read_bytes()
    with ordinary_rights():
        store = Store(shared.path)
        with store.read() as db:
            assert first_row(db, COUNT) == (0,)
        with pytest.raises(StoreUnusable, match="read-only, or not permitted") as refused, store.write():
            pass
    assert refused.value.exit_code == 1
    assert shared.path.read_bytes() == content


def test_a_file_that_may_not_be_read_is_refused(shared):
    shared.path.chmod(0o000)
    with ordinary_rights():
        for error in refusals(Store(shared.path)):
            assert (type(error), error.exit_code) == (StoreUnusable, 1)
            assert "not permitted" in str(error)


@pytest.mark.parametrize("rights", [0o555, 0], ids=["may be looked into", "may not be entered"])
def test_a_folder_without_rights_is_refused_with_what_to_do(shared, open_folder, rights):
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(rights)
    with ordinary_rights():
        store = Store(shared.path)
        errors = refusals(store)
        if not rights:
            with pytest.raises(StoreUnusable) as refused:
                store.schema()
            errors.append(refused.value)
    for error in errors:
        assert (type(error), error.exit_code) == (StoreUnusable, 1)
        assert f"{open_folder}" in str(error)
        assert "Permission denied; whoever owns it or its folder can let you in (chmod)" in str(error)


def test_an_orphaned_lock_file_blocks_nobody(no_store):
    for suffix in (".gate", ".lock"):
        no_store.path.with_name(no_store.path.name + suffix).write_text(str(os.getpid()))
    create(no_store)
    assert names(no_store) == set()
