"""One published night, and commands run on it as a shell does."""

import io
import json
import logging
import shutil
import sys

import pytest

from engagement import dates
from engagement.cli import app
from engagement.store import Store
from tests.support.cohort import AS_OF, HOUR, LOW, learner, load, night

NOW = AS_OF + 9 * HOUR


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A store with one published night: a and b at high risk, c at low."""
    store = Store(tmp_path_factory.mktemp("cli") / "store.duckdb")
    load(store, learner("a", completed_percent=0), learner("b", program="Welding"), learner("c", **LOW))
    night(store)
    return store.path


@pytest.fixture
def path(published, tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "own.duckdb"))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(dates, "utc_now", lambda: NOW)
    return shutil.copy(published, tmp_path / "own.duckdb")


@pytest.fixture
def engagement(path, monkeypatch, capsys):
    """Run a command as a shell does: return exit code, standard output, standard error."""
    log = logging.getLogger("engagement")
    before = list(log.handlers)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["engagement", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    yield run
    log.handlers[:] = before


@pytest.fixture
def as_json(engagement):
    """Run a command with --json that must succeed; only strict JSON is on standard output."""

    def run(*arguments):
        code, out, err = engagement(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out, parse_constant=pytest.fail)

    return run


@pytest.fixture
def refused(engagement):
    """Run a command that must fail in one line without a traceback: return exit code and that line."""

    def run(*arguments):
        code, out, err = engagement(*arguments)
        assert out == ""
        assert err.startswith("engagement: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return code, err

    return run


@pytest.fixture
def printed(engagement, monkeypatch):
    """Run a command whose standard output has another encoding: return exit code and bytes."""

    def run(encoding, *arguments):
        into = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", into)
        code, _, err = engagement(*arguments)
        into.flush()
        assert "Traceback" not in err
        return code, into.buffer.getvalue()

    return run
