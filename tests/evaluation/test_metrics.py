import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from engagement.evaluation import metrics
from engagement.evaluation.metrics import Ranking

learners = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=4, max_size=60)


def ranking(score, left, weights=None):
    weights = np.ones((1, len(score))) if weights is None else np.atleast_2d(np.asarray(weights, dtype=float))
    return Ranking.of(score, left, weights)


@given(learners)
def test_measures_of_order_are_those_of_a_library_also_with_ties_and_weights(drawn):
    score, left, weights = (np.array(column) for column in zip(*drawn, strict=True))
    if not weights[left].sum() or not weights[~left].sum():
        return
    found = ranking(score, left, weights)
    assert found.area()[0] == pytest.approx(roc_auc_score(left, score, sample_weight=weights))
    expected = average_precision_score(left, score, sample_weight=weights)
    assert found.average_precision()[0] == pytest.approx(expected)
    assert metrics.brier(score / 6, left, weights[None, :].astype(float))[0] == pytest.approx(
        brier_score_loss(left, score / 6, sample_weight=weights)
    )


@given(learners)
def test_the_area_of_a_ranking_is_the_area_under_the_curve(drawn):
    score, left, _ = (np.array(column) for column in zip(*drawn, strict=True))
    found, expected = ranking(score, left).area()[0], metrics.area_under_curve(score, left)
    assert (np.isnan(found) and expected is None) or found == pytest.approx(expected)


def test_precision_and_recall_of_the_first_so_many():
    found = ranking([0.9, 0.8, 0.7, 0.1], [True, False, True, True])
    assert found.precision(1)[0] == 1
    assert found.precision(2)[0] == 0.5
    assert found.recall(3)[0] == pytest.approx(2 / 3)
    assert found.recall(4)[0] == 1
    assert found.precision(9)[0] == 0.75  # more than there are


def test_within_a_tie_nobody_is_first():
    found = ranking([0.5] * 4, [True, False, False, False])
    assert found.found(2)[0] == 0.5


def test_measures_of_nobody_who_left_are_missing():
    found = ranking([0.1, 0.2], [False, False])
    assert np.isnan(found.area()[0])
    assert np.isnan(found.average_precision()[0])
    assert np.isnan(found.recall(1)[0])
    assert found.precision(1)[0] == 0


def test_resamples_draw_persons_and_not_enrolments():
    drawn = metrics.resamples(["a", "b", "a", "c"], seed=1, times=50)
    assert drawn.shape == (51, 4)
    assert (drawn[0] == 1).all()
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[1:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len({tuple(row) for row in drawn[1:]}) > 5
    assert (drawn == metrics.resamples(["a", "b", "a", "c"], seed=1, times=50)).all()


def test_an_interval_is_the_middle_of_the_resamples():
    found = metrics.interval(np.array([0.5, *np.linspace(0, 1, 201)]))
    assert (found.value, found.low, found.high) == (0.5, pytest.approx(0.025), pytest.approx(0.975))
    nothing = metrics.interval(np.array([0.5]))
    assert nothing.value == 0.5
    assert np.isnan(nothing.low)


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    chance = np.random.default_rng(7)
    held = 0
    for number in range(200):
        left = chance.random(150) < 0.4
        score = left + chance.normal(0, 1.2, 150)  # its true area: P(N(0, 1.2√2) < 1) = 0.7223
        one = metrics.interval(ranking(score, left, metrics.resamples(np.arange(150), seed=number)).area())
        held += one.low <= 0.7223 <= one.high
    assert 180 <= held <= 199


def test_groups_by_probability_are_of_about_the_same_size_and_split_nobody_alike():
    table = metrics.calibration_bins([0.1] * 50 + [0.2] * 25 + [0.9] * 25, [False] * 60 + [True] * 40)
    assert table["learners"].tolist() == [50, 25, 25]
    assert table["observed"].tolist() == [0, 0.6, 1]


def test_a_probability_that_is_right_has_no_calibration_error():
    assert metrics.calibration_error([0.25] * 4 + [0.75] * 4, [True, *[False] * 3, *[True] * 3, False]) == 0
    assert metrics.calibration_error([0.0] * 4, [True] * 4) == 1
