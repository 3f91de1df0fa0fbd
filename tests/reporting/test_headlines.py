import pandas as pd
import pytest

from engagement.reporting import headlines
from engagement.vocabulary import LABELS
from tests.support.cohort import AS_OF


def labels(high, low, change):
    counted = {"label": ["high", "medium", "low", "unknown"], "learners": [high, 0, low, 0]}
    return pd.DataFrame(counted).assign(change=pd.array([change, None, None, None], dtype="Int64"))


@pytest.mark.parametrize(
    ("high", "low", "change", "sentence"),
    [
        (20, 80, None, "20 of 100 learners are at high risk (20 %)."),
        (20, 80, -2, "20 of 100 learners are at high risk (20 %), 2 fewer than in the last run."),
        (
            1500,
            1500,
            1200,
            "1,500 of 3,000 learners are at high risk (50 %), 1,200 more than in the last run.",
        ),
        (1, 2, 0, "1 of 3 learners are at high risk (33 %), as many as in the last run."),
        (0, 0, None, "0 of 0 learners are at high risk (0 %)."),
    ],
    ids=["first run", "fewer", "more", "the same", "nobody"],
)
def test_headline(high, low, change, sentence):
    assert headlines.headline(labels(high, low, change)) == sentence


def fresh(age_days=0.5, without_facts=0, logins_in_future=0, newest=AS_OF, odd_cells=None):
    row = {
        "newest_facts": newest,
        "age_days": age_days,
        "logins_in_future": logins_in_future,
        "without_facts": without_facts,
        "odd_cells": odd_cells,
    }
    return headlines.freshness(pd.DataFrame([row]))


@pytest.mark.parametrize(
    ("age_days", "words"), [(0.5, "less than a day"), (1.0, "1 day"), (1.4, "1 day"), (2.6, "3 days")]
)
def test_freshness_says_how_old_the_newest_facts_are(age_days, words):
    assert fresh(age_days) == f"The newest facts are from 1 March 2026, {words} old."


def test_freshness_says_who_is_left_out_and_what_is_odd():
    told = fresh(without_facts=1200, logins_in_future=3)
    assert "1,200 active learners have no facts by this date and are not scored." in told
    assert "3 last logins are later than the run and count as today." in told


def test_freshness_tells_of_cells_that_could_not_be_read():
    told = fresh(
        odd_cells='{"email: not an address": {"cells": 1200, "line": 7}, "phone: x": {"cells": 1, "line": 2}}'
    )
    assert told.endswith(
        "Odd cells of the newest load, left empty or changed: email: not an address (1,200), phone: x (1)."
    )


def test_freshness_of_nothing_says_so():
    assert fresh(newest=pd.NaT) == "Nothing is known by this date."


def shares(high, low):
    return pd.DataFrame({"label": ["high", "medium", "low", "unknown"], "learners": [high, 0, low, 0]})


def test_a_cohort_is_told_with_its_main_reason():
    drivers = pd.DataFrame({"driver": ["inactivity", "low_quiz"], "learners": [1200, 30]})
    told = headlines.cohort(shares(25, 75), drivers)
    assert told.startswith("25 of 100 learners were at high risk (25 %). The main reason")
    assert told.endswith("(1,200 learners).")


def test_a_cohort_without_anybody_at_risk_has_no_reason():
    nobody = pd.DataFrame({"driver": [], "learners": []})
    assert headlines.cohort(shares(0, 10), nobody) == "0 of 10 learners were at high risk (0 %)."


def test_a_small_number_at_high_risk_is_not_named():
    nobody = pd.DataFrame({"driver": [], "learners": []})
    assert headlines.cohort(shares(4, 75), nobody) == "Fewer than 10 of 79 learners were at high risk."
    few = shares(25, 75).assign(learners=[25, 0, 3, 2])
    assert "25" not in headlines.cohort(few, nobody)
    few = pd.DataFrame({"driver": ["inactivity", "low_quiz"], "learners": [40, 3]})
    assert "reason" not in headlines.cohort(shares(25, 75), few)  # the larger one would give the smaller away


def test_titles_say_what_a_picture_shows():
    table = pd.DataFrame(5000, index=list(LABELS), columns=list(LABELS))
    assert headlines.moves(table) == "15,000 moved to a higher risk, 15,000 to a lower one"
    assert headlines.moves(table * 0) == "0 moved to a higher risk, 0 to a lower one"
    assert headlines.label_shares(shares(25, 75)) == "25 at high risk and 0 at medium risk"
    groups = pd.DataFrame(
        {"quadrant": ["drifting", "on track"], "learners": [30, 70], "share_percent": [30.0, 70.0]}
    )
    assert headlines.quadrants(groups) == "30 learners (30 %) are drifting"
    assert headlines.quadrants(groups.tail(1)) == "No group off track can be shown"
    reasons = pd.DataFrame({"driver": ["low_quiz"], "learners": [30]})
    assert headlines.drivers(reasons) == "Low quiz results weighs most, for 30 learners"


def test_a_cohort_of_nobody_is_told_so():
    nobody = pd.DataFrame({"driver": [], "learners": []})
    assert headlines.cohort(shares(0, 0), nobody).startswith("Fewer than 10 learners are known")


@pytest.mark.parametrize(
    ("cells", "title"),
    [
        (
            [[116, 154, 3], [154, 535, 132], [21, 130, 622]],
            "305 moved to a higher risk, 289 to a lower one",
        ),
        ([[40, 9, 0], [30, 80, 0], [0, 20, 70]], "50 moved to a higher risk, fewer than 10 to a lower one"),
        ([[40, 0, 0], [30, 80, 0], [0, 0, 70]], "30 moved to a higher risk, 0 to a lower one"),
        # nine who stayed would follow from the 11 who were at high risk
        (
            [[9, 1, 1], [80, 80, 80], [80, 80, 80]],
            "240 moved to a higher risk, 82 to a lower one",
        ),
    ],
)
def test_a_title_of_moves_tells_the_directions_and_no_small_number(cells, title):
    scored = ["high", "medium", "low"]
    table = pd.DataFrame(cells, index=scored, columns=scored)
    assert headlines.moves(table) == title


def test_a_direction_that_would_tell_of_few_is_told_to_be_of_ten_or_more():
    scored = ["high", "medium", "low"]
    table = pd.DataFrame([[3, 0, 50], [0, 0, 0], [60, 0, 70]], index=scored, columns=scored)
    assert headlines.moves(table) == "10 or more moved to a higher risk, 10 or more to a lower one"


def test_a_title_of_groups_says_how_far_they_lie_apart():
    shares = pd.DataFrame({"measure": ["at risk", "at risk", "at risk", "other"], "share": [59, 57, None, 1]})
    assert headlines.group_shares(shares, "at risk") == "57 to 59 % at risk, by group"
    assert headlines.group_shares(shares, "other") == "1 % other in every group"
    assert headlines.group_shares(shares.assign(share=None), "at risk") == "No share at risk can be shown"


def test_a_title_of_masked_moves_tells_what_stands_there_and_that_there_is_more():
    """As notebooks of before hand them over: no number of its own is told of what is hidden."""
    scored = ["high", "medium", "low"]
    table = pd.DataFrame([[116, 154, 3], [154, 535, 132], [21, 130, 622]], index=scored, columns=scored)
    for hidden, title in (
        ([(0, 2), (1, 2)], "305 moved to a higher risk, 154 or more to a lower one"),
        (
            [(0, 1), (0, 2), (1, 2), (2, 0)],
            "284 or more moved to a higher risk, a number that is not shown to a lower one",
        ),
        ([(0, 0)], "305 moved to a higher risk, 289 to a lower one"),
    ):
        masked = table.astype("Int64")
        for row, column in hidden:
            masked.iloc[row, column] = pd.NA
        assert headlines.moves(masked) == headlines.moves(masked.astype("Float64")) == title


def test_refused_rows_are_named_by_the_command_that_lists_them_and_left_out_ones_counted():
    loads = pd.DataFrame(
        {
            "load_id": ["L000003", "L000002"],
            "source": ["b.csv", "a.csv"],
            "quarantined": [12, 0],
            "left_out": [1, 2],
        }
    )
    assert headlines.rows_apart(loads) == (
        "Refused rows: engagement quarantine --load L000003 lists 12 of b.csv. "
        "3 rows were nobody's, such as sums, test accounts or statements without a user, and left out."
    )
    assert (
        headlines.rows_apart(loads.assign(quarantined=0, left_out=0))
        == "No row of the newest loads was refused."
    )
