"""How a store is brought up to date: what is frozen, what survives, and what is there when it goes wrong."""

import hashlib
import json
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import duckdb
import pytest

from engagement import private
from engagement.errors import StoreBusy, StoreUnusable
from engagement.store import Store, engine, upgrade
from tests.support.cohort import AS_OF, night, rows
from tests.support.older_store import make_older, with_one_more_file

VERSIONS = Path(__file__).with_name("versions")
WORKER = Path(__file__).parents[1] / "faults" / "store_worker.py"

# A file that was released is never changed: there are stores that it has made. What is new comes in a file of its own.
FROZEN = {
    "001_initial.sql": "0ebeaba5e124f1b44dd48585e045c02eded5f784adbd852102a2e0a535983bdf",
    "002_growth.sql": "9cf919f79023831935597dd124d0934edd603cca8e5d5c0311938c6a7a9fa24f",
    "003_seen.sql": "08f9f96a025e22b845b29422b271f4493a774592a4d59bb4e1219fff1b00e2a4",
    "004_model.sql": "90c90fce19b421fb1d784bcbd4c350fdd191e9f6d795a0485d3cc9ac95c26a90",
    "005_desk.sql": "4ef7ab72e11f6d5943d5eb6ffa3ee5782779a786ed6548c6cc4bdb9aa3567e1c",
    "006_drafts.sql": "f5258c44b91a92f1b3a072d86dedece994403de0fba35a6ee0f10bf9086ee34e",
    "007_search.sql": "bcf28678a1c204c94f7d5cf2928e8ee3335379b0702101c249aece17c695d93c",
    "008_experiments.sql": "6bd7eead13ea8f27b0a78b3a9a5dd4d19784320e6e66cee72abda4167bdf52ba",
    "009_groups.sql": "b0f94a1adbcaea50b042e5679cfd118c4a0d070be5f662ea01f5c44ed103f4c5",
    "010_calibrations.sql": "39559d6f29649aff6228d652f77a007778400afc110f14cbb083c016517cb915",
    "011_consents.sql": "caf5c808dfa89a0ead82977072e913a1d3e9084f0d30e5c3265b2108714ebe5b",
    "012_refusals.sql": "52ff4f444ddbb9928e8cb3d64fd9c00d6dcd6c6920d64c8be42958aab938e0f2",
    "013_event_ids.sql": "c19d407ba5fa70fb9fb234e90e46db766f47ff8776448d3dc129c16f09b1b282",
    "014_effects.sql": "32b2d2bfa8c098c58c56366b3ca28e4f21f458a750a62d6606c957e84f602539",
    "015_readers.sql": "8e92906aef19b1ca7342b8d6e1ea95a5ce65db7afbdd69de24d648f0c6a27804",
    "016_rejected_texts.sql": "f445d96d1193637840551c04062023c0bb246271d791cfbc58cbc25153126962",
    "017_limits.sql": "bf92b1dc7ad3df7355919eb98e992e598c862da2ec30e187adcced32a267ae1f",
    "018_earlier_persons.sql": "122a24cc78f2fcee83143c2f9f6af2a03d8d87873e3fa9442e01a49f1f944001",
    "019_shared_addresses.sql": "ade26c21decf218b6efe6490f8c42b35bc1fc8fdb130785cad4658c436f5c54c",
    "020_content_ids.sql": "2f05d6f1d41bc2296aa00cd2f89cf442003868a91864dc197aa30f8985eb189e",
    "021_attempts.sql": "594acec8a3df97748c11268de81da6ff319b566acf142467f7fde18b82305747",
    "022_written_drafts.sql": "8a6abab28a773c29a27d22baf78224577408bcbfe912db0477d31bdc9dcbbdc9",
    "023_draft_versions.sql": "2888ff17d486cc9600658bdaf0c46ecf15a4e3a9b4e7ef026db5b1e7f9b535c5",
    "024_odd_cells.sql": "725ead1f492281810036c71ed3653227581a0b941d4678280556254e804de110",
    "025_unknown_logins.sql": "a0ffded2ab55f5f8df38e6adcba4caf8d7076b84a4eabce7110497cebd2a323a",
    "026_invented.sql": "49c056f9738dce9d30f83f9830f8d5b88fbed9bd794797374e640a987596ea53",
    "027_percents.sql": "7ac2918d7bbea6fcca45b49328f733de77248d9f45ea736b9c6c647469f12052",
    "028_refused_rows.sql": "f6c34c2bd5c5c5ca5cae32d6c2e941e0bc723ca73b0b1c7a5409b4d0e4a8c391",
    "029_likeness.sql": "e147c00ac085de838149c92d8cb10bf0d121834b6dead09b23dde4141a467439",
    "030_sources.sql": "7b437a405f354528889a905b730dcea980d2f5c6a493e98a8a2a4bb81ac2fed0",
    "031_on_platforms.sql": "93405e3a6b2a732d7cbb0592abf67a6e638740ddbbf4ef80d243874a84dde8b5",
    "032_never_or_unknown.sql": "2d709a648b4e21a4d6dcee91967903093b11062701a777362c36dbb0cadf1908",
    "033_exports.sql": "8bf0742bb16962284242a87c7da9c48c45b9864fe3f741da9a43d67867c103f0",
    "034_broken_rules.sql": "6b57208adc7936900d86f3e0cd199d3b2cdedc5b51e18e3fa977ce62b7e20238",
    "035_search.sql": "527746d0119a275309c2e3508cd152af7ef5c4128e58b0d3c800bf6af8c982e4",
}


def test_a_file_that_stores_were_made_by_is_never_changed():
    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in upgrade.FILES} == FROZEN


def test_the_files_are_numbered_without_a_gap():
    assert [int(file.name[:3]) for file in upgrade.FILES] == list(range(1, len(FROZEN) + 1))


def lived_in(path, version):
    """Make a store of that version with rows of every table that its program wrote to."""
    make_older(path, version)
    with duckdb.connect(path) as db:
        for file in sorted(VERSIONS.iterdir()):
            if int(file.stem) <= version:
                db.execute(file.read_text())
    return Store(path)


def everything(path):
    """Return the rows of every table as dictionaries, as the file holds them."""
    with duckdb.connect(path, read_only=True) as db:
        tables = [
            name for (name,) in db.execute("select table_name from duckdb_tables() order by 1").fetchall()
        ]
        found = {}
        for table in tables:
            result = db.execute(f"select * from {table} order by all")
            names = [column[0] for column in result.description]
            found[table] = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return found


def test_the_rows_of_the_versions_fill_every_table(tmp_path):
    found = everything(lived_in(tmp_path / "store.duckdb", upgrade.SCHEMA_VERSION).path)
    assert [table for table, held in found.items() if not held] == []


@cache
def content(version):
    with tempfile.TemporaryDirectory() as folder:
        return lived_in(Path(folder) / "store.duckdb", version).path.read_bytes()


def of_version(store, version=1):
    store.path.write_bytes(content(version))
    return content(version)


@cache
def brought_up_to_date(version):
    """Return the bytes of what a store of that version becomes."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store.duckdb")
        of_version(store, version)
        with store.read():
            pass
        return store.path.read_bytes()


@pytest.mark.parametrize("version", range(1, upgrade.SCHEMA_VERSION + 1))
def test_a_store_of_every_version_keeps_its_rows(no_store, version):
    of_version(no_store, version)
    before = everything(no_store.path)
    no_store.path.write_bytes(brought_up_to_date(version))
    after = everything(no_store.path)
    for table in before.keys() - {"schema_version"}:
        assert len(after[table]) == len(before[table]), table
        columns = after[table][0].keys() if after[table] else ()
        for row in before[table]:
            said = {name: value for name, value in row.items() if value is not None and name in columns}
            assert any(said.items() <= now.items() for now in after[table]), (table, row)
    assert [row["version"] for row in after["schema_version"]] == list(range(1, upgrade.SCHEMA_VERSION + 1))


# Versions whose programs wrote other rows than those before, and the newest.
@pytest.mark.parametrize(
    "version", sorted({*(int(file.stem) for file in VERSIONS.iterdir()), upgrade.SCHEMA_VERSION})
)
def test_a_store_of_every_version_has_its_next_night(no_store, version):
    no_store.path.write_bytes(brought_up_to_date(version))
    night(no_store, AS_OF)
    scored = rows(
        no_store, "select learner_id, as_of, risk_label from risk_scores where learner_id <= 'b' order by 1"
    )
    assert scored == [("a", AS_OF, "high"), ("b", AS_OF, "unknown")]


def files(store):
    return sorted(path.name for path in store.path.parent.iterdir() if path.name.startswith(store.path.name))


LOCKS = ["store.duckdb.gate", "store.duckdb.lock"]


def test_a_store_is_kept_as_it_was_for_its_owner_and_told_once(no_store, caplog):
    was = of_version(no_store)
    with no_store.write():
        pass
    before = no_store.path.with_name("store.duckdb.schema-1")
    assert before.read_bytes() == was
    assert stat.S_IMODE(before.stat().st_mode) == 0o600
    with no_store.read(), Store(no_store.path).read():
        pass
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == (
        f"store.duckdb was brought from schema 1 to {upgrade.SCHEMA_VERSION}. As it was it is kept as"
        " store.duckdb.schema-1: to go back, end the program, rename that to store.duckdb, and use the version from"
        " before."
    )


def test_a_new_store_keeps_and_tells_nothing(no_store, caplog):
    no_store.make()
    assert files(no_store) == ["store.duckdb", *LOCKS]
    assert upgrade.kept(no_store.path) is None
    assert caplog.records == []


def test_only_the_last_one_is_kept_and_a_store_that_went_back_can_go_forward_again(
    no_store, tmp_path, monkeypatch
):
    of_version(no_store)
    own = no_store.path.with_name("store.duckdb.schema-1.mine")
    own.write_bytes(b"somebody's own copy")
    with no_store.read():
        pass
    with_one_more_file(monkeypatch, tmp_path, "create table more as select id from learners;")
    for _ in range(2):
        with no_store.read() as db:
            assert db.execute("select count(*) from more").fetchall() == [(3,)]
        before = upgrade.kept(no_store.path)
        assert files(no_store) == sorted(["store.duckdb", *LOCKS, before.name, own.name])
        before.replace(no_store.path)


def test_a_group_keeps_its_rights_and_a_link_to_the_store_stays_one(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_GROUP", str(os.getegid()))
    elsewhere = lived_in(tmp_path / "elsewhere.duckdb", 1)
    elsewhere.path.chmod(0o664)  # which a copy would not have by itself
    link = tmp_path / "linked" / "store.duckdb"
    link.parent.mkdir()
    link.symlink_to(elsewhere.path)
    with Store(link).read():
        pass
    assert link.is_symlink()
    assert stat.S_IMODE(elsewhere.path.stat().st_mode) == 0o660
    private.keep_to(None)
    assert upgrade.kept(link) == tmp_path / "elsewhere.duckdb.schema-1"


def test_where_files_cannot_be_linked_the_store_is_copied(no_store, monkeypatch):
    def cannot(*_):
        raise PermissionError

    was = of_version(no_store)
    monkeypatch.setattr(os, "link", cannot)
    with no_store.read():
        pass
    assert upgrade.kept(no_store.path).read_bytes() == was


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("create table more (x integer); insert into more values ('no number');", "ConversionException"),
        ("alter table no_such_table add column x integer;", "no_such_table"),
    ],
    ids=["a value", "a name"],
)
def test_a_file_that_fails_leaves_the_store_as_it_was_and_says_how_to_go_on(
    no_store, tmp_path, monkeypatch, sql, why
):
    was = of_version(no_store, 3)
    with_one_more_file(monkeypatch, tmp_path, sql)
    for door in (no_store.read, no_store.write):
        with pytest.raises(StoreUnusable) as caught, door():
            pass
        said = str(caught.value)
        assert f"from schema 3 to {upgrade.SCHEMA_VERSION}, and is as it was: " in said
        assert why in said
        assert said.endswith("the version of the program from before can go on with it.")
        assert "no number" not in said
        assert len(said.splitlines()) == 1
        assert no_store.path.read_bytes() == was
        assert files(no_store) == ["store.duckdb", *LOCKS]


def worker(path, action, *arguments):
    command = [sys.executable, str(WORKER), action, str(path), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Of `upgrade`, as the worker names them; from the last two on, the new store is in its place.
STEPS = ["copy", "change", "file", "swap", "own", "link", "flush", "replace", "flush folder", "tell"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A store for each step, with a program killed there; and how each of these programs ended."""
    folder = tmp_path_factory.mktemp("killed")
    stores = {step: Store(folder / step / "store.duckdb") for step in STEPS}
    for store in stores.values():
        store.path.parent.mkdir()
        of_version(store)
    said, error = worker(folder, "upgrade", *STEPS).communicate(timeout=60)
    assert error.count("Traceback") == 0, error
    return stores, dict(zip(STEPS, json.loads(said), strict=True))


@pytest.mark.parametrize("step", STEPS)
def test_a_program_killed_at_any_step_leaves_the_old_store_or_the_new_one(killed, step):
    stores, ended = killed
    store, was = stores[step], content(1)
    assert ended[step] == -signal.SIGKILL
    swapped = step in STEPS[-2:]
    assert (store.path.read_bytes() == was) is not swapped
    with store.read() as db:
        assert db.execute("select count(*) from learners where searched is not null").fetchall() == [(3,)]
    before = upgrade.kept(store.path)
    assert before.read_bytes() == was
    assert files(store) == ["store.duckdb", *LOCKS, before.name]


@pytest.mark.parametrize(
    ("room", "why"),
    [(0.5, "File too large: the disk is full in "), (1.01, "the disk is full in ")],
    ids=["for a part of the copy", "for the copy alone"],
)
def test_a_full_disk_leaves_the_store_as_it_was(no_store, room, why):
    was = of_version(no_store)
    process = worker(no_store.path, "cramped", room * len(was))
    said, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert "and is as it was: " in said
    assert why in said
    assert no_store.path.read_bytes() == was
    assert files(no_store) == ["store.duckdb", *LOCKS]


def test_two_programs_at_once_bring_it_up_to_date_once(no_store):
    was = of_version(no_store)
    processes = [worker(no_store.path, "work", 0.1, "read") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in processes]
    assert sum("was brought from schema 1" in error for _, error in said) == 1
    assert upgrade.kept(no_store.path).read_bytes() == was
    assert files(no_store) == ["store.duckdb", *LOCKS, "store.duckdb.schema-1"]


def test_a_store_that_another_program_holds_is_left_alone(no_store, monkeypatch):
    monkeypatch.setattr(engine, "FOREIGN_HOLDER_WAIT_S", 0.1)
    was = of_version(no_store)
    code = "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(no_store.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        holder.stdout.readline()
        with pytest.raises(StoreBusy, match=f"held by process {holder.pid}"), no_store.read():
            pass
    finally:
        holder.communicate("")
    assert no_store.path.read_bytes() == was


def test_what_a_killed_program_had_not_put_into_the_file_is_kept_too(no_store):
    of_version(no_store)
    code = (
        "import duckdb, os, signal, sys; db = duckdb.connect(sys.argv[1]);"
        "db.execute(\"insert into tombstones values ('late', '2026-02-23')\"); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, no_store.path], check=False)
    assert no_store.path.with_name("store.duckdb.wal").exists()
    there = "select count(*) from tombstones where person_hash = 'late'"
    assert rows(no_store, there) == [(1,)]
    with duckdb.connect(upgrade.kept(no_store.path)) as db:
        assert db.execute(there).fetchall() == [(1,)]


def test_a_block_within_a_staging_goes_on_with_its_tables(no_store):
    of_version(no_store)
    with no_store.staging() as stage:
        stage.execute("create temp table incoming as select 'staged' as name")
        with no_store.write() as db:
            db.execute("insert into tombstones select name, '2026-02-23' from incoming")
    assert rows(no_store, "select count(*) from tombstones") == [(3,)]


def test_a_copy_to_look_at_is_not_brought_up_to_date(no_store, tmp_path):
    was = of_version(no_store)
    copy = tmp_path / ".explore-x" / "store.duckdb"
    copy.parent.mkdir()
    shutil.copy(no_store.path, copy)
    with pytest.raises(StoreUnusable, match="a copy to look at"), Store(copy).read():
        pass
    assert copy.read_bytes() == was
