import json

import numpy as np
import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.evaluation import backtest, baselines, metrics, point_in_time
from engagement.evaluation.trial import PROBABILITY, SCORE
from engagement.policy import DEFAULT_POLICY
from engagement.reporting.charts import backtests
from engagement.risk import formula

ATTENDS, STAYS_AWAY = 0, 7


def cohort(name, size=240, *, week=8, seed=1, known=True):
    """A cohort in which who misses sessions leaves, most of the time."""
    chance = np.random.default_rng(seed)
    misses = np.arange(size) % 2 == 0
    left = np.where(misses, chance.random(size) < 0.8, chance.random(size) < 0.1)
    done = 50.0 if known else np.nan
    return pd.DataFrame(
        {
            "cohort": name,
            "program": np.where(np.arange(size) % 4 < 2, "Data", "Welding"),
            "week": week,
            "person": [f"{name} {number}" for number in range(size)],
            "completed_percent": done,
            "completed_percent_due": done,
            "completed_percent_course": np.nan,
            "avg_quiz_score": 50.0,
            "consecutive_missed_sessions": np.where(misses, STAYS_AWAY, ATTENDS),
            "days_inactive": chance.random(size),
            "has_left": left,
        },
        columns=list(point_in_time.COLUMNS),
    )


@pytest.fixture(scope="module")
def table():
    return pd.concat(
        [cohort("2013B", seed=1), cohort("2013J", seed=2), cohort("2014B", seed=3)], ignore_index=True
    )


@pytest.fixture(scope="module")
def found(table):
    return backtest.backtest(table, resamples=50, policy=DEFAULT_POLICY)


def test_the_last_cohort_is_tested_on_what_earlier_ones_taught(found):
    assert (found.fitted_on, found.tested_on) == ("2013B, 2013J", "2014B")
    assert found.population.to_dict("records") == [
        {
            "week": 8,
            "learners": 240,
            "left_percent": pytest.approx(100 * cohort("2014B", seed=3)["has_left"].mean()),
            "unknown_percent": 0.0,
            "basis": "due",
        }
    ]


def test_the_measures_are_those_of_the_score_on_the_cohort_that_is_tested(found):
    tested = formula.score(cohort("2014B", seed=3))
    assert found.value("auc")["value"] == pytest.approx(
        metrics.area_under_curve(tested["risk_score"], tested["has_left"])
    )
    first = tested.sort_values("risk_score", ascending=False, kind="stable").head(24)
    assert found.value("precision")["value"] == pytest.approx(first["has_left"].mean())
    assert found.value("recall")["value"] == pytest.approx(first["has_left"].sum() / tested["has_left"].sum())
    for measure in ("auc", "average_precision", "precision", "recall"):
        row = found.value(measure)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["high"] - row["low"] < 0.5


def test_nothing_of_the_tested_cohort_is_learnt_from(table, found):
    turned = table.assign(has_left=table["has_left"] ^ (table["cohort"] == "2014B"))
    other = backtest.backtest(turned, resamples=1, policy=DEFAULT_POLICY)
    assert other.calibrations == found.calibrations
    for model in baselines.MODELS:
        right, wrong = (one.value("auc", model=model)["value"] for one in (found, other))
        assert wrong == pytest.approx(1 - right)


def test_a_rival_that_knows_more_is_said_to_be_better(table):
    """Here the quiz average tells everything, and the formula gives it a fifth of the weight, the wrong way round."""
    told = table.assign(avg_quiz_score=np.where(table["has_left"], 90.0, 10.0))
    found = backtest.backtest(told, resamples=50, policy=DEFAULT_POLICY)
    assert set(baselines.MODELS) <= set(found.better["model"])
    assert found.better["weeks"].eq(1).all()
    assert "Better by more than chance would have it: " in found.in_words
    assert "in 1 of 1 weeks" in found.in_words


def test_where_no_rival_is_better_that_is_said(found):
    assert found.better.empty
    assert found.in_words.endswith("No rival is better by more than chance would have it.")


def test_the_chance_is_that_of_earlier_cohorts(found):
    learnt = found.calibrations["due"]
    assert learnt.cohorts == ("2013B", "2013J")
    assert learnt.probability([0.352, 0.552], week=8) == pytest.approx([0.1, 0.8], abs=0.1)
    assert 0 < found.value("calibration_error", model=PROBABILITY)["value"] < 0.2
    assert found.value("brier", model=PROBABILITY)["value"] < 0.2


def test_who_has_no_score_comes_last_and_is_counted(table):
    blind = cohort("2014B", seed=3)
    blind.loc[::3, ["completed_percent_due", "avg_quiz_score"]] = np.nan
    found = backtest.backtest(
        pd.concat([table[table["cohort"] != "2014B"], blind]), resamples=5, policy=DEFAULT_POLICY
    )
    assert found.population["unknown_percent"].tolist() == [pytest.approx(100 / 3)]
    whole = backtest.backtest(
        pd.concat([table[table["cohort"] != "2014B"], blind]), resamples=5, capacity=1, policy=DEFAULT_POLICY
    )
    assert whole.value("recall")["value"] == 1


def test_of_a_single_cohort_one_half_is_tested_on_what_the_other_taught():
    found = backtest.backtest(cohort("2013B", 600), resamples=5, policy=DEFAULT_POLICY)
    assert found.fitted_on == "half of 2013B"
    assert found.tested_on == "the other half of 2013B"
    assert 250 < found.population["learners"].iloc[0] < 350


def test_both_ways_of_counting_work_are_tried_where_both_are_known(table):
    both = table.assign(completed_percent_course=np.where(table["has_left"], 10.0, 60.0))
    found = backtest.backtest(both, resamples=5, policy=DEFAULT_POLICY)
    assert found.bases == ["due", "course"]
    assert found.value("auc", basis="course")["value"] > found.value("auc")["value"]
    assert found.basis == "due"
    assert "work due" in found.calibration_in_words


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"test": "2015B"}, "2015B"),
        ({"train": ["2012B"]}, "2012B"),
        ({"train": ["2013B"], "test": "2013B"}, "at once"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 1.1}, "capacity"),
    ],
)
def test_what_makes_no_sense_is_refused(table, asked, says):
    with pytest.raises(InvalidInput, match=says):
        backtest.backtest(table, **asked, policy=DEFAULT_POLICY)


def test_too_few_who_left_or_stayed_cannot_be_judged(table):
    for everybody in (True, False):
        with pytest.raises(InvalidInput, match="10 learners who left"):
            backtest.backtest(table.assign(has_left=everybody), policy=DEFAULT_POLICY)
    with pytest.raises(InvalidInput, match="10 learners who left"):
        backtest.backtest(table.head(0), policy=DEFAULT_POLICY)


def test_a_program_that_cannot_be_judged_is_left_out(table):
    rare = table.assign(program=np.where(table.index % 240 < 12, "Rare", table["program"]))
    found = backtest.backtest(rare, resamples=5, policy=DEFAULT_POLICY)
    assert set(found.programs["program"]) == {"Data", "Welding"}
    assert found.programs["low"].notna().all()


def test_a_week_is_looked_at_closely_in_the_middle_where_there_is_no_eighth(table):
    weeks = pd.concat([table.assign(week=week) for week in (1, 2, 3)])
    assert backtest.backtest(weeks, resamples=2, policy=DEFAULT_POLICY).week == 2


def test_the_same_table_gives_the_same_figures(table, found):
    again = backtest.backtest(
        table.sample(frac=1, random_state=1).sort_values("cohort"), resamples=50, policy=DEFAULT_POLICY
    )
    assert again.value("auc")["value"] == pytest.approx(found.value("auc")["value"])
    pd.testing.assert_frame_equal(
        backtest.backtest(table, resamples=50, policy=DEFAULT_POLICY).measures, found.measures
    )


def test_stopping_later_finds_more_and_in_the_end_everybody(found):
    here = found.stops_here
    for _, part in here.groupby("model"):
        assert part["found_percent"].is_monotonic_increasing
        assert part["found_percent"].iloc[-1] == pytest.approx(100)
    assert here["contacted"].max() == 240


def test_the_pictures_have_their_finding_and_their_numbers(found):
    figures = [
        backtests.over_weeks(found.lines, title=found.weeks_in_words),
        backtests.stops(found.stops_here, title=found.stops_in_words, capacity=found.capacity),
        backtests.calibration(found.bins, title=found.calibration_in_words),
    ]
    for figure in figures:
        meta = json.loads(figure.to_json())["layout"]["meta"]
        assert any(letter.isdigit() for letter in meta["title"])
        assert meta["rows"]
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text
    assert figures[0].data[1].name == SCORE


def test_on_real_courses_the_chances_are_right_and_the_rivals_are_told(real_data):
    known = point_in_time.known(None, as_of=None, real_data=real_data)
    found = backtest.backtest(
        known.table, train=["2013B", "2013J"], test="2014B", resamples=20, policy=DEFAULT_POLICY
    )
    errors = found.measures[
        (found.measures["measure"] == "calibration_error") & (found.measures["model"] == PROBABILITY)
    ]
    late = errors[errors["week"] >= 8]
    assert set(late["basis"]) == {"due", "course"}
    assert sorted(late["week"].unique()) == [8, 12, 16, 20, 24, 28, 32]
    assert late["value"].max() <= 0.07
    assert found.value("auc")["value"] == pytest.approx(0.792, abs=0.001)
    assert found.value("auc", basis="course")["value"] == pytest.approx(0.756, abs=0.001)
    assert set(found.better["model"]) == set(baselines.MODELS)  # by 0.03 at most, and said so
    assert "logistic regression in 9 of 10 weeks" in found.in_words
