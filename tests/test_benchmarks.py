"""Benchmarks are run by hand, and rarely; here each is imported and run at its smallest size, so that it can be."""

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from tests.benchmarks import __main__ as benchmarks


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("name", benchmarks.benchmarks())
def test_a_benchmark_runs(name, capfd):
    rows = import_module(f"tests.benchmarks.{name}").smallest()
    said = "".join(capfd.readouterr())
    if not rows and ("is not there" in said or "no chromium" in said):
        pytest.skip(said)
    assert rows
    assert all(row["what"] for row in rows)


def test_a_benchmark_that_fails_is_told_in_the_end_and_keeps_no_other_from_running(
    monkeypatch, tmp_path, capsys
):
    def fail():
        raise ValueError("no such thing")

    row = {"what": "a thing", "ours": 1.0, "unit": "s", "most": 2}
    monkeypatch.setitem(sys.modules, "tests.benchmarks.effect", SimpleNamespace(main=fail))
    monkeypatch.setitem(sys.modules, "tests.benchmarks.score", SimpleNamespace(main=lambda: [row]))
    monkeypatch.setattr(benchmarks, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "effect", "score"])
    with pytest.raises(SystemExit, match="could not be run: effect"):
        benchmarks.main()
    assert "a thing" in capsys.readouterr().out
    assert '"a thing"' in (tmp_path / "figures.json").read_text()
