import ast
import re
import subprocess
import sys

import pytest

import engagement as eg
from engagement import api
from engagement.errors import InvalidInput, NotFound
from engagement.evaluation import calibration
from engagement.evaluation.calibration import Calibration
from engagement.outreach import drafting, export, nudges
from engagement.policy import DEFAULT_POLICY
from engagement.settings import PROJECT
from engagement.targeting import contact_log
from engagement.views import cohorts
from tests.support.cohort import AS_OF, DAY, LOW, MEDIUM, UNKNOWN, learner, load, night

DOCUMENTED = {
    "RiskPolicy",
    "SelectionPolicy",
    "cohort",
    "compute_and_update_all",
    "compute_risk",
    "experiment",
    "generate_nudge",
    "generate_quiz",
    "group_differences",
    "history",
    "instant",
    "learner",
    "learners",
    "messages",
    "moves",
    "open_run",
    "open_store",
    "past_runs",
    "query",
    "real_data",
    "shares",
    "simulate",
    "tables",
    "timeline",
    "weeks_before",
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


def test_what_notebooks_of_before_call_is_still_there():
    assert eg.cohorts.label_counts is eg.run_tables.label_counts
    assert eg.decisions.phoned is contact_log.phoned
    assert eg.nudges.variant_key is drafting.variant_key
    assert eg.nudges.draft is nudges.draft
    assert eg.review.write_csv is export.write_csv
    assert eg.cohorts.learners_at is cohorts.learners_at
    assert eg.findings is eg.headlines
    with pytest.raises(AttributeError):
        eg.cohorts.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    assert modules_after("import engagement") & HEAVY == set()


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['engagement', '--help']\nfrom engagement import cli\n"
    code += "try: cli.main()\nexcept SystemExit as ended: assert not ended.code"
    assert modules_after(code) & HEAVY == set()


def test_the_lines_of_the_package_work(store_of_examples, monkeypatch):
    for name, value in store_of_examples.items():
        if name.startswith("ENGAGEMENT_"):
            monkeypatch.setenv(name, value)
    first, *lines = re.findall(r"^    (.+)$", eg.__doc__, flags=re.MULTILINE)
    assert first == "import engagement as eg"
    assert len(lines) > 5
    for line in lines:
        code, _, says = line.partition("   ")
        assert says.strip()
        found = eval(code, {"eg": eg})
        assert len(found)


def test_no_question_has_the_name_of_a_module_which_would_take_its_place():
    modules = {path.stem for path in (PROJECT / "engagement").iterdir()}
    assert set(eg.__all__).isdisjoint(modules)


@pytest.mark.parametrize("name", sorted(vars(api).keys() & DOCUMENTED))
def test_every_question_has_an_example_that_is_run(name):
    if getattr(api, name).__module__ == "engagement.api":
        assert ">>> " in getattr(api, name).__doc__


def test_questions_name_nobody_unless_they_are_asked_to(store, monkeypatch):
    load(store, learner("a"))
    night(store)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    said = f"{eg.learners().to_dict()} {eg.learner('a')} {eg.cohort().to_dict()} {eg.messages().to_dict()}"
    assert "Example" not in said
    assert "example.invalid" not in said
    assert eg.learners(with_names=True)["name"].tolist() == ["A Example"]
    assert eg.learner("a", with_names=True)["email"] == "a@example.invalid"


def test_a_chance_stands_beside_the_score_where_a_calibration_is_kept(store, monkeypatch):
    load(store, learner("a"), learner("b", **LOW), learner("c", **UNKNOWN), at=AS_OF - 14 * DAY)
    night(store)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    assert eg.learners()["risk_probability"].isna().all()
    assert eg.learner("a")["probability"] is None
    thirds = tuple(step / 3000 for step in range(1001))
    kept = Calibration(DEFAULT_POLICY.policy_hash, "left", ("2013B", "2013J"), 500, {2: thirds})
    calibration.keep(store, kept, now=AS_OF)
    found = eg.learners().set_index("id")
    assert found["risk_probability"]["a"] == pytest.approx(found["risk_score"]["a"] / 3, abs=0.001)
    assert found["risk_probability"].isna().to_dict() == {"a": False, "b": False, "c": True}
    assert eg.learner("a")["probability"]["risk_probability"] == found["risk_probability"]["a"]


def test_what_there_is_not_is_refused_in_words(store, monkeypatch):
    load(store, learner("a"))
    night(store)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    with pytest.raises(InvalidInput, match="high, medium, low, unknown"):
        eg.learners(risk="huge")
    with pytest.raises(NotFound, match="no learner"):
        eg.history("nobody")
    with pytest.raises(InvalidInput, match=r"unknown in \[risk\]: high"):
        eg.simulate({"high": 0.5})


def test_moves_count_who_was_there_on_both_dates(store, monkeypatch):
    load(store, learner("a"), learner("b", **LOW), learner("gone"), at=AS_OF - 20 * DAY)
    load(store, learner("a", **MEDIUM), learner("gone", active=False), learner("new"), at=AS_OF - DAY)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    found = eg.moves(AS_OF - 10 * DAY, AS_OF)
    assert found.loc["high", "medium"] == 1
    assert found.loc["low", "low"] == 1
    assert found.to_numpy().sum() == 2
    assert eg.shares(AS_OF.date())["learners"].sum() == 3


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


def test_the_lines_of_the_readme_work():
    block = re.search(r"```python\n(.+?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
        1
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("medium ['35 % of the due work done'")


ASSUMES_THE_DOCUMENTED_POLICY = {
    "backtest": "backtest",
    "explanations": "reasons what_would_help",
    "formula": "score compute_risk compute_and_update_all",
}


def test_what_analysts_may_leave_out_the_package_itself_always_says():
    for module in (PROJECT / "engagement").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=home), attr=name)):
                    if name in ASSUMES_THE_DOCUMENTED_POLICY.get(home, "").split():
                        assert "policy" in {keyword.arg for keyword in node.keywords}, (module, node.lineno)
