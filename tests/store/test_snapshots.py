import os
import stat
import subprocess
import sys

import pytest

from engagement.errors import NotFound, StoreUnusable
from engagement.store import COPIES, Store, snapshots
from tests.support.cohort import AS_OF, learner, load, night, rows


@pytest.fixture
def known(store):
    load(store, learner("a"))
    night(store)
    return store


def folders(store):
    return sorted(path.name for path in store.path.parent.glob(f"{COPIES}*"))


def test_a_copy_holds_what_the_store_held_and_nothing_that_came_later(known):
    with snapshots.taken(known) as (path, _):
        copy = Store(path)
        load(known, learner("b"), at=AS_OF)
        assert rows(copy, "select id, risk_label from learner_risk") == [("a", "high")]
        assert rows(known, "select id from learners order by id") == [("a",), ("b",)]
    assert folders(known) == []


def test_nothing_can_be_written_to_a_copy_and_that_is_said(known):
    with snapshots.taken(known) as (path, _):
        for attempt in (lambda copy: load(copy, learner("b")), night):
            with pytest.raises(StoreUnusable, match="a copy to look at"):
                attempt(Store(path))
        assert rows(Store(path), "select count(*) from learners") == [(1,)]


def test_only_its_owner_can_read_a_copy(known):
    with snapshots.taken(known) as (path, _):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_the_store_can_be_written_while_a_copy_is_read(known):
    with snapshots.taken(known) as (path, _), Store(path).read() as db:
        load(known, learner("b"), at=AS_OF)
        assert db.execute("select count(*) from learners").fetchall() == [(1,)]


def test_a_copy_goes_also_where_its_use_fails(known):
    with pytest.raises(RuntimeError), snapshots.taken(known):
        raise RuntimeError
    assert folders(known) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from engagement.store import snapshots
from engagement.store import Store
with snapshots.taken(Store(Path(sys.argv[1]))):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(known):
    subprocess.run([sys.executable, "-c", KILLED, str(known.path)], check=False, env=os.environ)
    (left,) = folders(known)
    with snapshots.taken(known) as (first, _):
        assert left not in folders(known)
        with snapshots.taken(known) as (second, _):
            assert {first.parent.name, second.parent.name} == set(folders(known))


def test_what_a_link_leads_to_is_no_copy_that_was_left(known, tmp_path):
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.touch()
    known.path.with_name(f"{COPIES}link").symlink_to(kept.parent)
    with snapshots.taken(known):
        pass
    assert list(kept.parent.iterdir()) == [kept]


def test_commits_that_are_only_in_the_log_beside_the_file_are_copied(known):
    """As a process leaves them that was killed after a commit: DuckDB merges them at the next attach."""
    wal = known.path.with_name(known.path.name + ".wal")
    script = (
        "import duckdb, os, sys; db = duckdb.connect(sys.argv[1]); db.execute(\"set wal_autocheckpoint = '1GB'\"); "
        "db.execute(\"update learners set topic = 'kept'\"); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(known.path)], check=False)
    assert wal.exists()
    with snapshots.taken(known) as (path, _):
        assert rows(Store(path), "select topic from learners") == [("kept",)]


def test_without_a_store_there_is_no_copy(no_store):
    with pytest.raises(NotFound), snapshots.taken(no_store):
        pass
    assert folders(no_store) == []
