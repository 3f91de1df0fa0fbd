import pandas as pd
import pytest

from engagement.outreach import review
from engagement.views import cohorts, run_tables
from tests.support.cohort import AS_OF, DAY, learner, load, rows


def test_a_cohort_on_an_earlier_day_is_what_was_known_then(two_nights):
    store, _ = two_nights
    then, now = (cohorts.learners_at(store, as_of) for as_of in (AS_OF - DAY, AS_OF))
    assert then.set_index("id")["risk_label"]["d"] == "high"
    assert now.set_index("id")["risk_label"]["d"] == "low"
    assert "name" not in now
    assert len(cohorts.learners_at(store, AS_OF - 60 * DAY)) == 0
    assert cohorts.learners_at(store, AS_OF, program="Welding")["id"].tolist() == ["c", "d"]


def test_shares_of_a_cohort_add_up(two_nights):
    store, _ = two_nights
    shares = cohorts.label_shares(cohorts.learners_at(store, AS_OF))
    assert shares["learners"].tolist() == [2, 1, 2, 1]
    assert shares["share_percent"].tolist() == [33.3, 16.7, 33.3, 16.7]


def test_nobody_has_no_shares(two_nights):
    store, _ = two_nights
    shares = cohorts.label_shares(cohorts.learners_at(store, AS_OF - 60 * DAY))
    assert shares["share_percent"].tolist() == [0, 0, 0, 0]


def test_a_cohorts_own_counts_agree_with_those_of_the_run(two_nights):
    store, run = two_nights
    cohort = cohorts.learners_at(store, AS_OF)
    assert cohorts.driver_counts(cohort).to_dict() == run_tables.drivers(store, run).to_dict()
    high = cohorts.bins(cohort)
    assert high[high["label"] == "high"]["learners"].sum() == 2


def seen(**different):
    row = {
        "completed_percent": 80.0,
        "avg_quiz_score": 80.0,
        "consecutive_missed_sessions": 0.0,
        "days_inactive": 1.0,
    }
    return row | different


@pytest.mark.parametrize(
    ("row", "group"),
    [
        (seen(), "on track"),
        (seen(days_inactive=7), "on track"),
        (seen(days_inactive=7.1), "drifting"),
        (seen(days_inactive=None), "drifting"),  # never seen
        (seen(consecutive_missed_sessions=1), "on track"),
        (seen(consecutive_missed_sessions=2), "drifting"),
        (seen(consecutive_missed_sessions=None), "on track"),
        (seen(avg_quiz_score=40), "on track"),  # 60 is good
        (seen(avg_quiz_score=39), "struggling"),
        (seen(avg_quiz_score=None), "on track"),
        (seen(avg_quiz_score=39, days_inactive=20), "under-engaged"),
        (seen(avg_quiz_score=None, completed_percent=None), "results not known"),
    ],
)
def test_activity_and_results_make_four_groups_and_a_fifth(row, group):
    found = cohorts.quadrants(pd.DataFrame([row])).set_index("quadrant")
    assert found["learners"].to_dict() == {name: int(name == group) for name in cohorts.QUADRANTS}
    assert found.loc[group, "share_percent"] == 100


def test_moves_count_from_which_label_to_which():
    before = pd.DataFrame({"id": ["a", "b", "c", "gone"], "risk_label": ["low", "low", "high", "high"]})
    after = pd.DataFrame({"id": ["a", "b", "c", "new"], "risk_label": ["low", "high", "high", "low"]})
    table = cohorts.moves(before, after)
    assert table.index.tolist() == table.columns.tolist() == ["high", "medium", "low"]
    assert table.loc["low", "high"] == table.loc["low", "low"] == table.loc["high", "high"] == 1
    assert table.to_numpy().sum() == 3


def test_of_fewer_than_ten_nobody_is_left():
    cohort = pd.DataFrame({"id": range(9)})
    assert cohorts.enough(cohort).empty
    assert len(cohorts.enough(pd.DataFrame({"id": range(10)}))) == 10


def test_medians_are_of_labels_that_ten_have():
    rows = [seen(risk_label="high", days_inactive=number) for number in range(10)] + [
        seen(risk_label="low")
    ] * 9
    found = cohorts.medians(pd.DataFrame(rows))
    assert found["risk_label"].tolist() == ["high"]
    assert found["days_inactive"].tolist() == [4.5]


def test_one_cohort_can_be_looked_at(store):
    load(store, learner("a", cohort="spring"), learner("b", cohort="autumn"), learner("c"))
    assert cohorts.learners_at(store, AS_OF, cohort="spring")["id"].tolist() == ["a"]


def test_reading_a_cohort_changes_nothing(two_nights):
    store, run = two_nights
    before = rows(store, "select count(*) from run_scores"), review.listed(store, status=None)
    cohorts.learners_at(store, AS_OF)
    run_tables.label_counts(store, run)
    assert (rows(store, "select count(*) from run_scores"), review.listed(store, status=None)) == before
