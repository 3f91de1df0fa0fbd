from math import comb

import pytest

from engagement.errors import InvalidInput
from engagement.evaluation.intervals import Share, detectable, newcombe, wilson


# Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(one, other, low, high):
    found = newcombe(Share(*one), Share(*other))
    assert found.value == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_difference_the_other_way_round_is_its_mirror_image():
    there, back = newcombe(Share(30, 50), Share(10, 40)), newcombe(Share(10, 40), Share(30, 50))
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


@pytest.mark.parametrize("count", [0, 7, 20])
def test_a_share_lies_within_its_interval_and_that_within_0_and_1(count):
    found = wilson(Share(count, 20))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_more_people_make_a_share_surer():
    few, many = wilson(Share(5, 10)), wilson(Share(500, 1000))
    assert many.high - many.low < (few.high - few.low) / 5


@pytest.mark.parametrize(("count", "of"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_share_is_refused(count, of):
    with pytest.raises(InvalidInput, match="a share of"):
        Share(count, of)


# n = (1.96 + 0.842)² · (p₁(1 - p₁) + p₀(1 - p₀)) / (p₁ - p₀)²: two-sided 5 %, power 80 %.
@pytest.mark.parametrize(
    ("learners", "rate", "expected"), [(385, 0.5, 0.10), (199, 0.1, 0.10), (1000, 0.2, 0.052)]
)
def test_the_detectable_rise_is_that_of_the_usual_formula(learners, rate, expected):
    assert detectable(learners, learners, rate=rate) == pytest.approx(expected, abs=0.002)


def test_the_detectable_rise_shrinks_with_more_people_and_a_larger_holdout():
    assert detectable(900, 100, rate=0.5) > detectable(500, 500, rate=0.5) > detectable(5000, 5000, rate=0.5)


@pytest.mark.parametrize(
    ("learners", "compared", "rate"), [(0, 5, 0.5), (5, 0, 0.5), (3, 3, 0.9), (50, 50, 1.0)]
)
def test_too_few_people_show_nothing(learners, compared, rate):
    assert detectable(learners, compared, rate=rate) is None


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match=r"rate: 1\.5"):
        detectable(10, 10, rate=1.5)


def _chance(count, of, rate):
    return comb(of, count) * rate**count * (1 - rate) ** (of - count)


@pytest.mark.parametrize(
    ("learners", "compared", "rate"), [(90, 10, 0.05), (45, 25, 0.1), (60, 60, 0.5), (25, 20, 0.0)]
)
def test_the_detectable_rise_is_found_in_four_of_five_cases_counted_one_by_one(learners, compared, rate):
    """Also of a small group that waits beside a large one at a low rate, where the normal curve promises too much."""
    raised = rate + detectable(learners, compared, rate=rate)
    found = sum(
        _chance(did, learners, raised) * _chance(other, compared, rate)
        for did in range(learners + 1)
        for other in range(compared + 1)
        if newcombe(Share(did, learners), Share(other, compared)).low > 0
    )
    assert found == pytest.approx(0.8, abs=0.001)
