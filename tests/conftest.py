"""What every test stands on: no key, no store but its own, and the real data where it is there."""

import gc
import os
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import hypothesis
import pytest

from engagement.settings import PROJECT, Settings
from engagement.store import Store, new_engine

# What tests write lies in memory where there is room for it: their stores wait for a disk more than for anything else.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4_000_000_000
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None

# To plan a query takes many small pieces of memory: with more of them at hand, glibc is a sixth faster at it. It reads
# this as a process begins, so it is for the workers, and for what they start; elsewhere nobody looks at it.
os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.tcache_count=2000")

# The same examples at each run, however slow the machine; `--hypothesis-profile=default` draws others.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

LONGEST_FIRST = (
    *("faults", "test_nights.py", "pipeline/test_runner.py", "demo/test_history.py", "notebooks", "browser"),
    *("test_benchmarks.py", "dashboard", "pipeline", "operations", "ingest", "llm", "store", "targeting"),
    *("evaluation", "outreach"),
)
_scratch = Path(tempfile.mkdtemp(prefix="engagement-tests-"))


def pytest_configure():
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        os.environ.pop(name, None)
    os.environ["ENGAGEMENT_STORE"] = str(_scratch / "engagement.duckdb")
    os.environ["ENGAGEMENT_REPORTS"] = str(_scratch / "reports")
    Settings.model_config["env_file"] = None  # a key in the developer's own .env is not for tests either


def pytest_collection_modifyitems(items):
    # Files are dealt out in this order: with a long one left for the end, one core would wait for the other.
    longest = [PROJECT / "tests" / name for name in LONGEST_FIRST]
    items.sort(
        key=lambda item: next((at for at, path in enumerate(longest) if item.path.is_relative_to(path)), 99)
    )


def pytest_collection_finish():
    gc.freeze()  # six thousand tests and all modules stay: to look through them for what may go takes half a second


def pytest_unconfigure():
    gc.unfreeze()
    shutil.rmtree(_scratch, ignore_errors=True)
    # Hypothesis leaves a function here that keeps every module alive past the end; DuckDB complains of it by the page.
    gc.callbacks.clear()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory):
    """The file of a store with nothing in it: to copy it costs a quarter of applying every migration.

    Its blocks are the smallest there are: a few learners take a tenth of what they take in a store that may grow.
    """
    store = Store(tmp_path_factory.mktemp("empty") / "store.duckdb")
    with closing(duckdb.connect()) as engine:
        engine.execute(f"attach '{store.path}' as made (block_size 16384)")
    with store.write():
        pass
    return store.path


@pytest.fixture
def store(no_store, empty_file):
    """A store with nothing in it."""
    shutil.copyfile(empty_file, no_store.path)
    return no_store


@pytest.fixture
def no_store(tmp_path, engines):
    """A store that is not there yet."""
    store = Store(tmp_path / "store.duckdb")
    store._engine = engines()
    return store


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """An engine for the stores of many tests, one after the other: to make one costs more than most tests do.

    Where a test has spoilt it, or left its store attached, the next one has another.
    """
    folder, there = tmp_path_factory.mktemp("engine"), []

    def usable():
        with suppress(duckdb.Error):
            attached = "select count(*) from duckdb_databases() where database_name = 'store'"
            if there and there[-1].execute(attached).fetchall() == [(0,)]:
                return there[-1]
        there.append(new_engine(folder))
        return there[-1]

    return usable


@pytest.fixture
def open_folder():
    """A folder that everybody can enter, which `tmp_path` of root is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
        Path(folder).chmod(0o777)


def _beside(name, variable, what):
    """Return a folder that lies beside the checkout, or where the variable says; without it the test is skipped."""
    folder = Path(os.environ.get(variable) or PROJECT.parent / "shared" / name)
    if not folder.is_dir():
        pytest.skip(f"{what} not at {folder}; {variable} says where")
    return folder


@pytest.fixture(scope="session")
def real_data():
    return _beside("data", "ENGAGEMENT_DATA", "the real data is")


@pytest.fixture(scope="session")
def cases():
    """The folder of odd files as institutions have them, and of faults."""
    return _beside("cases", "ENGAGEMENT_CASES", "the cases are")


@pytest.fixture(scope="session")
def exports():
    """The folder of files that learning platforms write, with what must come out of each."""
    return _beside("exports", "ENGAGEMENT_EXPORTS", "the exports are")
