"""The page's log is kept within its bound, whole, and to its owner."""

import json
import logging

import pytest

from engagement.dashboard import log


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where the log lies; the package's own handlers come back afterwards."""
    kept = logging.getLogger("engagement")
    before = list(kept.handlers)
    monkeypatch.setattr(kept, "propagate", True)
    monkeypatch.setattr(log, "LARGEST_LOG_BYTES", 2_000)
    monkeypatch.setenv(log.LOG_FILE, str(tmp_path / "dashboard.log"))
    yield tmp_path / "dashboard.log"
    end()
    kept.handlers[:] = before


def end():
    """Close what is written to, as a process does that ends."""
    for handler in logging.getLogger("engagement").handlers:
        handler.close()


def begin(count):
    """Write as a kernel does that has begun: so many failures."""
    end()
    log.to_file()
    return [log.failure(ValueError("of 'Ann Example'"), "note")["error_id"] for _ in range(count)]


def ids(path):
    return [json.loads(line)["error_id"] for line in path.read_text("utf-8").splitlines()]


def test_a_log_that_is_full_is_put_aside_whole_and_a_new_one_begun(file):
    aside = file.with_name("dashboard.log.1")
    first = begin(20)
    assert ids(file) == first
    assert not aside.exists()
    second = begin(20)
    assert (ids(file), ids(aside)) == (second, first)
    third = begin(1)
    assert (ids(file), ids(aside)) == (third, second)
    fourth = begin(1)  # not full yet
    assert (ids(file), ids(aside)) == (third + fourth, second)
    assert sorted(path.name for path in file.parent.iterdir()) == ["dashboard.log", "dashboard.log.1"]
    assert "Ann" not in file.read_text() + aside.read_text()


def test_what_another_kernel_still_writes_to_the_log_that_was_put_aside_is_not_lost(file):
    first = begin(20)
    handlers = logging.getLogger("engagement").handlers
    (of_one,), handlers[:] = list(handlers), []
    second = begin(1)
    end()
    handlers[:] = [of_one]
    late = log.failure(ValueError(), "note")["error_id"]
    end()
    assert ids(file) == second
    assert ids(file.with_name("dashboard.log.1")) == [*first, late]


def test_a_log_that_others_could_read_is_closed(file):
    file.write_text("x")
    file.chmod(0o644)
    begin(0)
    assert file.stat().st_mode & 0o077 == 0
