"""The locks beside a store: who holds one, and what else may lie under its name."""

import os
import signal

import pytest

from engagement.errors import StoreBusy, StoreUnusable
from engagement.store import Store, locks
from engagement.store.locks import runner, sole_exporter, sole_runner, turnstile

IMPATIENT_S = 0.05
FILES = ("gate", "lock", "run", "export")


def beside(path, suffix):
    return path.with_name(f"{path.name}.{suffix}")


def killed_writer(path):
    """Let a process take the lock and die of SIGKILL; return its number, which nobody has asked for yet."""
    child = os.fork()
    if not child:
        with turnstile(path, exclusive=True, wait_s=1):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    return child


def said_of_a_reader(path):
    with (
        turnstile(path, exclusive=False, wait_s=1),
        pytest.raises(StoreBusy) as refused,
        turnstile(path, exclusive=True, wait_s=IMPATIENT_S),
    ):
        pass
    return str(refused.value)


def test_a_writer_that_was_killed_is_not_named_for_a_living_reader(tmp_path):
    path = tmp_path / "store.duckdb"
    child = killed_writer(path)
    assert str(child) in beside(path, "lock").read_text()
    assert "is held by another process;" in said_of_a_reader(path)  # dead, and its parent has not noticed
    os.waitpid(child, 0)
    assert "is held by another process;" in said_of_a_reader(path)


@pytest.mark.parametrize(
    "signed",
    ["{pid} 1\n", "{pid}", "{pid} \n", "1 0\n", "99999999999999999999 1\n", "no number\n", "\0" * 60],
    ids=repr,
)
def test_only_the_very_process_that_signed_is_named(tmp_path, signed):
    path = tmp_path / "store.duckdb"
    beside(path, "lock").write_text(signed.format(pid=os.getpid()))
    assert "is held by another process;" in said_of_a_reader(path)


@pytest.mark.parametrize("processes", [True, False], ids=["with /proc", "without"])
def test_a_process_that_lives_is_named(tmp_path, monkeypatch, processes):
    if not processes:
        monkeypatch.setattr(locks, "_PROCESSES", tmp_path / "none")
    path = tmp_path / "store.duckdb"
    with (
        turnstile(path, exclusive=True, wait_s=1),
        pytest.raises(StoreBusy, match=f"held by process {os.getpid()};"),
        turnstile(path, exclusive=False, wait_s=IMPATIENT_S),
    ):
        pass
    with sole_runner(path):
        assert runner(path) == f"process {os.getpid()}"
    assert locks.begun(2**40) is None


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_in_place_of_a_lock_is_not_followed(store, tmp_path, suffix, there):
    precious = tmp_path / "precious.txt"
    if there:
        precious.write_text("precious")
    beside(store.path, suffix).symlink_to(precious)
    takers = {"run": lambda: sole_runner(store.path), "export": lambda: sole_exporter(store.path)}
    for take in [takers[suffix]] if suffix in takers else [store.read, store.write]:
        with (
            pytest.raises(
                StoreUnusable, match=r"cannot write the lock file: .* a link is not followed there: remove"
            ),
            take(),
        ):
            pass
    if suffix == "run":
        with pytest.raises(StoreUnusable, match="a link is not followed"):
            runner(store.path)
    assert precious.exists() is there
    assert not there or precious.read_text() == "precious"


def test_what_is_no_file_in_place_of_a_lock_is_refused(store):
    os.mkfifo(beside(store.path, "lock"))
    with pytest.raises(StoreUnusable, match="no ordinary file"), Store(store.path).read():
        pass
