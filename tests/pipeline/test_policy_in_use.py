"""Whatever shows a threshold, a label or a driver shows those of the scores it shows, not of the documented policy."""

import html
import json
import re
import sys
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

import engagement as eg
from engagement import runs
from engagement.cli import app
from engagement.demo import sample
from engagement.ingest import learners
from engagement.pipeline import config, runner
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.reporting.charts import runs as charts
from engagement.risk.formula import compute_risk
from engagement.settings import PROJECT
from engagement.store import Store
from engagement.targeting import decisions
from engagement.views import cohorts, overview, profiles
from engagement.vocabulary import TERMS
from tests.support.cohort import LOW, learner, rows

AS_OF = datetime.fromisoformat("2026-03-01T23:59:59.999999")
DAY = date(2026, 3, 1)
WEEK = timedelta(weeks=1)
NUMBERS = {
    "weights": {"behind_pace": 0.28, "low_quiz": 0.36, "missed_session": 0.23, "inactivity": 0.13},
    "missed_sessions_cap": 11,
    "recency_days": 44,
    "high_above": 0.58,
    "medium_above": 0.33,
    "basis": "course",
}
OTHER = RiskPolicy(**NUMBERS)
# The largest term is the first by these numbers, the third by the documented ones, and the second by both mixed up.
TORN = {"completed_percent": 25, "avg_quiz_score": 30, "consecutive_missed_sessions": 6}
SAYS_A_DEFAULT = re.compile(
    r"(?<![\d.,])0[.,](7|4)0?(?!\d)|due work|work that was due|(seven|7) (missed )?sessions|(thirty|30) days"
)
NOT_SAID = re.compile(r"<(script|style|svg|table)\b.*?</\1>", re.DOTALL)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A night and a weekly look with their pages, under numbers of one's own; and where all that is."""
    place = tmp_path_factory.mktemp("policy")
    store = Store(place / "store.duckdb")
    for week in (4, 8):
        at = AS_OF - (8 - week) * WEEK
        frame = sample.cohort(200, seed=1, as_of=AS_OF).snapshot(week)
        learners.load(store, frame, observed_at=at, loaded_at=at)
    torn = learner("torn", last_login=AS_OF, **TORN)
    learners.load(store, sample_of(torn, learner("safe", **LOW)), observed_at=AS_OF, loaded_at=AS_OF)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGAGEMENT_STORE", str(store.path))
        made = {}
        nightly, weekly = (config.read_pipeline(name) for name in ("nightly", "weekly"))
        own = {"risk": NUMBERS, "steps": nightly.steps[1:]}  # everything is loaded already
        unprinted = {"report": weekly.report.model_copy(update={"for_mail": False})}
        for pipeline in (nightly.model_copy(update=own), weekly.model_copy(update=unprinted)):
            name = pipeline.name
            made[name] = runner.run(
                store,
                pipeline,
                as_of=AS_OF,
                day=DAY,
                given={},
                folder=place / "reports",
                started_at=AS_OF + timedelta(hours=1),
            )
    return store, made


@pytest.fixture
def store(told, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(told[0].path))
    return told[0]


def sample_of(*rows_: dict[str, Any]):
    import pandas as pd

    return pd.DataFrame(rows_)


def said(page):
    """Return the words of a page: what is drawn and what stands in tables are the learners' own numbers."""
    return html.unescape(re.sub(r"<[^>]+>", " ", NOT_SAID.sub(" ", page)))


def test_the_policy_differs_in_every_number():
    other, default = asdict(OTHER), asdict(DEFAULT_POLICY)
    assert all(other[name] != default[name] for name in default)
    assert all(OTHER.weights[term] != DEFAULT_POLICY.weights[term] for term in TERMS)


@pytest.mark.parametrize("pipeline", ["nightly", "weekly"])
def test_no_page_says_a_number_of_the_documented_policy(told, pipeline):
    pages = [page.html.read_text("utf-8") for page in told[1][pipeline].artifacts.pages]
    assert pages
    for page in pages:
        words = said(page)
        found = SAYS_A_DEFAULT.search(words)
        assert not found, words[max(0, found.start() - 80) : found.end() + 80]


def test_a_weekly_run_without_an_experiment_has_all_its_pages_and_says_so(told):
    weekly = told[1]["weekly"]
    assert weekly.status == "published"
    assert len(weekly.artifacts.pages) == 3
    assert "there is no experiment yet" in said(weekly.report.read_text("utf-8"))
    assert weekly.counts["answer"].startswith("Cannot tell: there is no experiment yet.")


def test_what_the_nightly_report_counts_of_few_stands_on_no_page_for_publication(told):
    """The first is for who sees the rows; the others are for boards."""
    few = {label: count for label, count in told[1]["nightly"].counts["labels"].items() if 0 < count < 10}
    report = said(told[1]["nightly"].report.read_text("utf-8"))
    assert few
    assert all(
        re.search(rf"{label}( risk)?\s+{count}\b", report, re.IGNORECASE) for label, count in few.items()
    )
    cells = re.compile(r'class="label (\w+)">\w+</span></td>\s*<td class="number">(\d+)</td>')
    pages = [page.html.read_text("utf-8") for page in told[1]["weekly"].artifacts.pages]
    counted = [(label, int(count)) for page in pages for label, count in cells.findall(page)]
    assert [label for label, _ in counted if label not in few]
    assert not [label for label, _ in counted if label in few]
    weekly = " ".join(map(said, pages))
    assert not any(re.search(rf"\b{count} (at )?{label}\b", weekly) for label, count in few.items())


def test_the_report_says_the_numbers_in_use(told):
    words = said(told[1]["nightly"].report.read_text("utf-8"))
    assert "Above 0.58 the risk is high, above 0.33 medium" in words
    assert "28 % is work of the course that is not done, 36 % low quiz results, 23 % sessions missed" in words
    assert re.search(r"\d+ of [\d,]+ scores lie above 0\.58", words)


@pytest.mark.parametrize(("pipeline", "step"), [("nightly", "90_report"), ("weekly", "explore_cohort")])
def test_the_lines_of_a_picture_are_the_thresholds_in_use(told, pipeline, step):
    made = told[1][pipeline]
    notebook = json.loads((made.report.parent / f"{step}.ipynb").read_text())
    figures = [
        output["data"]["application/vnd.plotly.v1+json"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    lines = [[shape["x0"] for shape in figure["layout"].get("shapes", [])] for figure in figures]
    assert [0.33, 0.58] in lines
    named = [note["text"] for figure in figures for note in figure["layout"].get("annotations", [])]
    assert {"Medium<br>above 0.33", "High<br>above 0.58"} <= set(named)
    assert not any(SAYS_A_DEFAULT.search(text) for text in named)


def test_the_page_of_coordinators_is_told_the_policy(store):
    found = overview.overview(store, programs=None, program=None, now=AS_OF)
    assert found["policy"] == asdict(OTHER)


@pytest.mark.parametrize("learner_id", ["torn", "safe"])
def test_a_learners_panel_is_told_the_policy(store, learner_id):
    found = profiles.profile(store, learner_id, now=AS_OF, day=DAY)
    assert found["thresholds"] == {"high_above": 0.58, "medium_above": 0.33}
    assert (found["weights"], found["basis"]) == (dict(OTHER.weights), "course")


def test_a_learner_without_a_score_is_told_of_by_the_policy_in_use(store):
    learners.load(store, sample_of(learner("new")), observed_at=AS_OF + WEEK, loaded_at=AS_OF + WEEK)
    assert profiles.profile(store, "new", now=AS_OF + WEEK, day=DAY)["basis"] == "course"


def test_analysts_get_drivers_and_labels_of_the_policy_in_use(store):
    expected = compute_risk({**TORN, "last_login": AS_OF, "id": "torn"}, as_of=AS_OF, policy=OTHER)
    table = eg.learners().set_index("id").loc["torn"]
    as_known = eg.cohort(AS_OF).set_index("id").loc["torn"]
    for row in (table, as_known):
        assert row["risk_label"] == expected["risk_label"] == "high"
        assert row["risk_score"] == pytest.approx(expected["risk_score"], abs=1e-12)
        assert row["driver"] == "behind_pace"
    assert compute_risk({**TORN, "last_login": AS_OF}, as_of=AS_OF)["risk_label"] == "medium"


def test_the_command_line_tells_of_the_course_where_that_is_counted(store, capsys):
    for words in (["learner", "torn", "--json"], ["learners", "--json"]):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(sys, "argv", ["engagement", *words])
            app.main()
        out = capsys.readouterr().out
        assert ended.value.code in (0, None)
        assert "of the course done" in out
        assert "due work" not in out


def test_another_policy_is_held_against_the_one_in_use(store):
    assert eg.simulate(OTHER, as_of=AS_OF).moved == 0
    assert eg.simulate({"high_above": 0.7}, as_of=AS_OF).moved > 0


def test_a_notebook_opened_by_hand_scores_by_the_policy_in_use(store):
    run = eg.open_run(store, run_id="", as_of="2026-03-01")
    assert run.policy == OTHER


def test_a_person_who_writes_finds_the_reason_that_the_table_shows(store):
    with store.read() as db:
        assert decisions.look_at(db, "torn", now=AS_OF, day=DAY)["type"] == "behind_pace"


def test_a_picture_that_is_told_no_policy_names_no_threshold():
    bins = cohorts.bins(sample_of({"risk_score": 0.65, "risk_label": "high"}))
    drawn = charts.score_distribution(bins)
    assert drawn.layout.shapes == ()
    assert drawn.layout.meta["title"] == "1 of 1 scores are high"


def test_the_newest_scores_say_which_policy_is_in_use(store):
    assert rows(
        store, "select count(*) from runs where pipeline = 'weekly' and published_at is not null"
    ) == [(1,)]
    with store.read() as db:
        assert runs.policy_in_use(db) == OTHER


def test_what_the_page_of_coordinators_says_by_itself_names_no_number_of_a_policy():
    static = PROJECT / "engagement" / "dashboard" / "static"
    scripts = [file for file in static.rglob("*.js") if "vendor" not in file.parts]
    named = re.compile(r"_above: 0|score\(0|up to (seven|thirty|\d)|(behind_pace|low_quiz): (50|20)\b")
    assert scripts
    assert [file.name for file in scripts if named.search(file.read_text("utf-8"))] == []
