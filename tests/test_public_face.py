import ast
import logging
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
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
    "all_nudges",
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


def test_dir_names_the_questions_and_no_module():
    assert set(dir(eg)) == DOCUMENTED


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
    assert eg.messages is eg.all_nudges
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
    said = f"{eg.learners().to_dict()} {eg.learner('a')} {eg.cohort().to_dict()} {eg.all_nudges().to_dict()}"
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


@pytest.mark.parametrize("copied", [" a", '="a"', "a\u200b", "'a"])
def test_an_id_is_found_however_it_was_copied(store, monkeypatch, copied):
    load(store, learner("a"))
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    assert eg.learner(copied)["id"] == "a"


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


@pytest.fixture
def asked(store, monkeypatch):
    """A store of three programs that the questions are put to."""
    load(store, learner("17"), learner("b", program="Welding", **LOW), learner("c", program="Nursing"))
    night(store)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    return store


MISTAKEN = {
    "eg.learner(17)": "learner_id: a text is needed, such as '17'",
    "eg.history(None)": "learner_id: a text",
    "eg.timeline(['17'])": "learner_id: a text",
    "eg.learners(limit=-1)": "limit '-1': a whole number",
    "eg.learners(limit='3')": "limit '3': a whole number",
    "eg.learners(limit=2.5)": "limit '2.5': a whole number",
    "eg.learners(risk=3)": "risk '3': allowed are high",
    "eg.learners(program='Nope')": "program 'Nope': there is none; there are Data, Nursing, Welding",
    "eg.cohort(program='nursing')": "program 'nursing': there is none; there are Nursing, Data, Welding",
    "eg.cohort(program=3)": "program: a text is needed, such as '3'",
    "eg.shares(program='Weldin')": "there are Welding, ",
    "eg.moves('2026-01-01', program='x')": "program 'x': there is none",
    "eg.moves('2026-03-01', '2026-02-01')": "since 2026-03-01: lies after until, 2026-02-01",
    "eg.simulate({'high_above': 0.6}, program='x')": "program 'x': there is none",
    "eg.simulate(3)": "policy: a RiskPolicy, numbers by name",
    "eg.simulate([1])": "policy: a RiskPolicy, numbers by name",
    "eg.all_nudges('snet')": "status 'snet': allowed are draft, approved",
    "eg.all_nudges(3)": "status 3: allowed are",
    "eg.experiment(3)": "name: a text is needed",
    "eg.query(3)": "sql: a text is needed",
    "eg.cohort(3)": "as_of '3' is neither a date",
    "eg.cohort('yesterday')": "as_of 'yesterday' is neither a date",
    "eg.cohort('9999-01-01')": "as_of 9999-01-01: lies after today; the newest facts are from 2026-01-30",
    "eg.cohorts.learners_at(eg.open_store(), eg.instant(eg.open_store(), ''), cohort='2027')": "cohort '2027'",
    "eg.compute_risk([1])": "learners: each has to be a dict",
    "eg.compute_risk(None)": "learners: each has to be a dict",
    "eg.compute_and_update_all(None)": "learners: each has to be a dict",
    "eg.compute_and_update_all(pd.DataFrame({'a': [1]}))": "eg.risk.score takes a table",
    "eg.compute_risk({}, as_of='yesterday')": "as_of 'yesterday' is neither a date",
    "eg.compute_risk({}, as_of=3)": "as_of: a date, a datetime or the text of one",
    "eg.risk.score([{}], as_of='2026-03-01')": "frame: a table of pandas",
    "eg.explanations.what_would_help({})": "risk_label: missing",
}


def test_what_is_mistaken_is_an_error_of_the_tree_that_says_what_is_needed(asked):
    said = {}
    for code in MISTAKEN:
        with pytest.raises(InvalidInput) as refused:
            eval(code, {"eg": eg, "pd": pd})
        said[code] = str(refused.value)
    assert {code: text for code, text in said.items() if MISTAKEN[code] not in text} == {}


def test_a_program_that_somebody_is_in_is_no_mistake_whatever_the_day(asked):
    assert eg.cohort("2020-01-01", program="Nursing").empty
    assert eg.learners(program="Nursing", risk="low").empty


def test_a_moment_is_a_text_a_date_or_a_time_in_any_zone(asked):
    whole = eg.shares("2026-02-15")
    same = ["2026-02-15T23:00:00", datetime(2026, 2, 15), datetime(2026, 2, 15).date()]  # noqa: DTZ001
    for moment in (*same, pd.Timestamp("2026-02-15"), datetime(2026, 2, 15, tzinfo=UTC)):
        assert eg.shares(moment).equals(whole)
    assert eg.cohort(None).equals(eg.cohort())


def test_a_store_without_scores_says_so_and_has_a_cohort(store, monkeypatch, caplog):
    load(store, learner("a"))
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    with caplog.at_level(logging.WARNING):
        assert eg.learners().empty
    assert "no scores are published yet" in caplog.text
    assert len(eg.cohort()) == 1


def test_a_day_after_the_newest_facts_is_told(asked, caplog):
    with caplog.at_level(logging.WARNING):
        eg.cohort("2026-01-30")
        assert caplog.messages == []
        eg.cohort("2026-02-15")
    assert caplog.messages == [
        "as of 2026-02-15: the newest facts are from 2026-01-30, and are looked at as they were then"
    ]


def test_a_store_says_which_tables_it_has_in_every_way_that_people_ask(asked):
    tables = set(eg.tables()["table"])
    assert {"learners", "risk_scores", "learner_risk"} <= tables
    for question in ("show tables", "SHOW TABLES;"):
        assert tables <= set(eg.query(question)["name"])
    assert tables <= set(eg.query("from information_schema.tables")["table_name"])
    assert (
        eg.query("select count(*) as learners from learners, duckdb_tables() where table_name = 'runs'")[
            "learners"
        ].item()
        == 3
    )
    assert eg.query("describe learners")["column_name"].tolist()[0] == "id"


def test_a_view_says_as_its_tables_do_what_is_personal(asked):
    said = eg.tables().set_index(["table", "column"])["comment"]
    assert not said.isna().any()
    assert said["learner_risk", "email"] == said["learners", "email"] != ""
    assert said["published_nudges", "content"] == said["nudges", "content"] != ""


def test_results_show_themselves(asked):
    for found, column in ((eg.simulate({"high_above": 0.9}), "change"), (eg.experiment(), "persons")):
        assert repr(found) == found.in_words
        shown = found._repr_html_()
        assert found.in_words.split(":")[0] in shown
        assert f"<th>{column}</th>" in shown
        assert len(shown) < 5_000


def test_tables_go_to_excel_and_no_text_of_a_learner_is_a_formula(store, monkeypatch, tmp_path):
    load(
        store, learner("a", name="=1+1", program="=HYPERLINK(A1)"), learner("b", program="https://x.invalid")
    )
    night(store)
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    eg.learners(with_names=True).to_excel(tmp_path / "learners.xlsx")
    with zipfile.ZipFile(tmp_path / "learners.xlsx") as file:
        sheet, texts = (
            file.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "sharedStrings")
        )
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower()
    assert "=HYPERLINK(A1)" in texts


ROWS = {
    "completed_percent": [1.0, 35.0, 90.0],
    "avg_quiz_score": [30.0, 52.0, None],
    "consecutive_missed_sessions": [7, 4, 0],
}
LOGINS = (datetime(2026, 2, 11, 6), None, datetime(2026, 3, 5))  # noqa: DTZ001
ZONED = pd.Series(LOGINS).dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")
TABLES = {
    "pandas": lambda: pd.DataFrame(ROWS | {"last_login": pd.Series(LOGINS)}),
    "pandas with a zone": lambda: pd.DataFrame(ROWS | {"last_login": ZONED}),
    "pandas with text": lambda: pd.DataFrame(ROWS | {"last_login": [at and at.isoformat() for at in LOGINS]}),
    "polars": lambda: pl.DataFrame(ROWS | {"last_login": LOGINS}),
    "polars with text": lambda: pl.DataFrame(ROWS | {"last_login": [at and f"{at}+00:00" for at in LOGINS]}),
    "polars lazily": lambda: pl.LazyFrame(ROWS | {"last_login": LOGINS}),
    "pyarrow": lambda: pa.table(ROWS | {"last_login": LOGINS}),
    "DuckDB": lambda: duckdb.from_arrow(pa.table(ROWS | {"last_login": LOGINS})),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_scored_as_its_rows_are(kind):
    rows = [
        dict(zip([*ROWS, "last_login"], row, strict=True)) for row in zip(*ROWS.values(), LOGINS, strict=True)
    ]
    scored = nw.from_native(eg.risk.score(TABLES[kind](), as_of="2026-03-01")).lazy().collect("pyarrow")
    expected = eg.compute_and_update_all(rows, as_of="2026-03-01")
    assert scored["risk_score"].to_list() == pytest.approx([row["risk_score"] for row in expected], abs=1e-12)
    assert scored["risk_label"].to_list() == [row["risk_label"] for row in expected]


def test_a_table_is_scored_by_the_days_since_enrolment_of_who_never_came():
    frame = pd.DataFrame(ROWS | {"last_login": [None] * 3, "enrolled_at": ["2026-02-20", None, "2026-03-04"]})
    days = eg.risk.score(frame, as_of=datetime(2026, 2, 22).date())["days_inactive"]  # noqa: DTZ001
    assert days.tolist() == pytest.approx([3, float("nan"), 0], nan_ok=True)
    with pytest.raises(InvalidInput, match="as_of: is needed"):
        eg.risk.score(frame)
    with pytest.raises(InvalidInput, match="last_login: 1 of 3 learners hold a value that is not a date"):
        eg.risk.score(frame.assign(last_login=["2026-02-11", "yesterday", None]), as_of="2026-03-01")


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
            "import engagement as eg\nfor name in reversed([*dir(eg), *eg._MODULES]): getattr(eg, name)\nprint('done')",
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
