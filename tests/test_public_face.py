# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import re
import subprocess
import sys

import pytest

import engagement as eg

DOCUMENTED = {
    "RiskPolicy",
    "SelectionPolicy",
    "compute_and_update_all",
    "compute_risk",
    "generate_nudge",
    "generate_quiz",
    "instant",
    "open_run",
    "open_store",
    "writer",
    "zone",
}
HEAVY = {
    "duckdb",
    "jinja2",
    "narwhals",
    "nbconvert",
    "numpy",
    "openai",
    "pandas",
    "papermill",
    "plotly",
    "pydantic",
}


def modules_after(code):
    """Return the top-level modules that are loaded after some code ran in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_public_names_are_the_documented_ones():
    assert set(eg.__all__) == DOCUMENTED
    assert len(eg.__all__) == len(DOCUMENTED)


@pytest.mark.parametrize("name", [name for name in dir(eg) if not name.startswith("_")])
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(eg, name).__doc__


def test_dir_names_what_can_be_reached():
    assert set(dir(eg)) >= DOCUMENTED


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        eg.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    assert modules_after("import engagement") & HEAVY == set()


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['engagement', '--help']\nfrom engagement import cli\n"
    code += "try: cli.main()\nexcept SystemExit as ended: assert not ended.code"
    assert modules_after(code) & HEAVY == set()


def test_the_example_of_the_package_works(store, tmp_path):
    """The lines of the docstring, with the names they leave open."""
    from datetime import date, datetime
    from pathlib import Path

    from engagement import sample

    lines = re.findall(r"^    (.+)$", eg.__doc__, flags=re.MULTILINE)
    assert lines[0] == "import engagement as eg"
    assert any("eg.enrolments.load(" in line for line in lines)
    assert any("eg.compute_risk(" in line for line in lines)
    now = datetime(2026, 3, 1)
    sample.write_csv(sample.cohort(20, seed=1, as_of=now), tmp_path)
    loaded = eg.enrolments.load(store, Path(tmp_path / "sample_learners.csv"), observed_at=now, loaded_at=now)
    assert loaded.accepted == 20
    scored = eg.compute_risk(
        {"completed_percent": 20, "avg_quiz_score": 45, "consecutive_missed_sessions": 7, "last_login": None},
        as_of=date(2026, 3, 1),
    )
    # 0.5 * 0.8 + 0.2 * 0.55 + 0.2 + 0.1
    assert scored["risk_score"] == pytest.approx(0.81)
    assert scored["risk_label"] == "high"


def test_all_modules_of_the_package_can_be_imported_in_any_order():
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            "import engagement as eg\nfor name in reversed(dir(eg)): getattr(eg, name)\nprint('done')",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
