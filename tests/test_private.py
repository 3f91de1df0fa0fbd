"""Nobody but the owner, or the group that shares, reads what the platform makes: by whatever hand it is made."""

import grp
import os
import stat

import pytest

from engagement import private
from engagement.errors import InvalidInput
from engagement.settings import read_settings
from engagement.store import Store
from tests.support.cohort import learner, load


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def careless():
    """A shell that lets everybody read and write, as some machines have it."""
    before = os.umask(0)
    yield
    private.keep_to(None)
    os.umask(before)


@pytest.fixture
def shared(monkeypatch):
    """The number of a group that shares, unlike the process's own where root can choose one."""
    number = grp.getgrnam("nogroup").gr_gid if os.geteuid() == 0 else os.getegid()
    monkeypatch.setenv("ENGAGEMENT_GROUP", str(number))
    return number


def made(folder):
    """Make a store, what a run writes, and what a library makes by itself; return their paths."""
    read_settings()
    store = Store(folder / "data" / "deep" / "store.duckdb")
    load(store, learner("a"))
    private.make_folder(folder / "reports" / "nightly")
    private.write_whole(folder / "reports" / "nightly" / "report.html", b"Ann Example")
    (folder / "reports" / "nightly" / "by_a_library.ipynb").write_text("Ann Example")
    return sorted(path for path in folder.rglob("*"))


def test_only_the_owner_reads_what_is_made(tmp_path):
    for path in made(tmp_path):
        assert rights(path) == (0o700 if path.is_dir() else 0o600), path


def test_a_group_that_is_set_shares_it_and_nobody_else(tmp_path, shared):
    for path in made(tmp_path):
        if path.name != ".spill":  # of one process alone
            assert rights(path) == (0o2770 if path.is_dir() else 0o660), path
            assert path.stat().st_gid == shared, path


@pytest.mark.parametrize("door", ["read", "write"])
def test_a_store_that_was_open_is_closed_whenever_it_is_opened_also_behind_a_link(tmp_path, door):
    kept = Store(tmp_path / "disk" / "store.duckdb")
    kept.make()
    load(kept, learner("a"))
    store = Store(tmp_path / "store.duckdb")
    store.path.symlink_to(kept.path)
    kept.path.chmod(0o644)
    with getattr(store, door)():
        assert rights(kept.path) == 0o600


def test_a_copy_that_is_only_read_stays_so(tmp_path):
    store = Store(tmp_path / "store.duckdb")
    store.make()
    store.path.chmod(0o400)
    with store.read():
        pass
    assert rights(store.path) == 0o400


def test_a_folder_that_is_there_stays_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    private.make_folder(tmp_path)
    assert rights(tmp_path) == 0o755


def test_what_is_open_to_others_is_found_and_an_empty_file_says_nothing(tmp_path):
    for name, rights in (("open", 0o711), ("closed", 0o700)):
        (tmp_path / name).mkdir(mode=rights)
        (tmp_path / name / "report.html").write_text("x")
    report = tmp_path / "open" / "report.html"
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "link").symlink_to(report)
    assert list(private.open_to_others(tmp_path / "link")) == []
    tmp_path.chmod(0o711)
    assert list(private.open_to_others(tmp_path)) == [report]
    tmp_path.chmod(0o700)
    assert list(private.open_to_others(tmp_path)) == []


@pytest.mark.parametrize("name", ["no-such-group", "4294967294000"])
def test_a_group_that_is_not_there_is_refused(monkeypatch, name):
    monkeypatch.setenv("ENGAGEMENT_GROUP", name)
    with pytest.raises(InvalidInput, match="ENGAGEMENT_GROUP"):
        read_settings()


def test_a_group_of_others_is_refused(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setenv("ENGAGEMENT_GROUP", grp.getgrall()[-1].gr_name)
    monkeypatch.setattr(os, "getgroups", list)
    monkeypatch.setattr(os, "getegid", lambda: 4711)
    with pytest.raises(InvalidInput, match="not in the group"):
        read_settings()
