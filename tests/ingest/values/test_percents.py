"""Percents or fractions of 1: most values decide, what may be either is asked about, and the last load counts."""

import pytest

from engagement.errors import InvalidInput
from tests.ingest.test_cells import line, load  # noqa: F401 (fixtures)

COLUMN = "avg_quiz_score"


def lines(*values):
    return [line(f"{n:03}", **{COLUMN: value}) for n, value in enumerate(values)]


def percents(stored):
    return [value for (value,) in stored(f"select {COLUMN} from newest_facts order by learner_id")]


FRACTIONS = [f"0.{n:02}" for n in range(40, 60)]
ASKED = {
    "fractions": FRACTIONS,
    "with one slip": [*FRACTIONS, "85"],
    "with a few slips": [*FRACTIONS, "85", "7", "40", "12"],
    "with ones and nothing": [*FRACTIONS, "1", "0", "", "0"],
    "beside percents with a sign": [*FRACTIONS, *["85 %"] * 30],
    "beside points": [*FRACTIONS, *["17/20"] * 30],
    "with commas": [f'"0,{n}"' for n in range(4, 9)],
    "0 and 1": ["0", "1", "1", "0"],
    "0 and 1 with decimals": ["0.0", "1.0", ""],
    "one 1": ["0", "0", "1", "0"],
    "0 and 1 beside a sign": ["0", "1", "50 %"],
}


@pytest.mark.parametrize("values", ASKED.values(), ids=ASKED)
def test_what_may_be_fractions_is_asked_about_by_its_column(load, stored, values):  # noqa: F811
    with pytest.raises(InvalidInput) as caught:
        load(*lines(*values))
    said = str(caught.value)
    assert f"learners.csv: {COLUMN} holds " in said
    assert f"`--percent-scale {COLUMN}=1`" in said
    assert "completed_percent" not in said
    assert load(*lines(*values), percent_scale={COLUMN: 1}).accepted >= len(values) - 4
    assert load(*lines(*values), percent_scale={COLUMN: 100}).accepted == len(values)


TAKEN = {
    "nothing above 0": ["0", "0.0", ""],
    "percents": ["40", "85.5", "100"],
    "low percents among others": ["0.5", "0.9", "1", "3", "12", "40"],
    "signs alone": ["0.5 %", "0.9 %", "1%"],
    "points alone": ["1/20", "0/20", "20/20"],
    "one and more": ["1", "2"],
}


@pytest.mark.parametrize("values", TAKEN.values(), ids=TAKEN)
def test_what_is_percent_is_not_asked_about(load, values):  # noqa: F811
    assert load(*lines(*values)).accepted == len(values)


def test_the_last_load_tells_of_a_scale_that_was_forgotten(load, stored):  # noqa: F811
    load(*lines("0.5", "0.25"), percent_scale={COLUMN: 1})
    assert percents(stored) == [50, 25]
    with pytest.raises(InvalidInput, match="at the last load it was read as fractions"):
        load(*lines("0.5", "40", "30", "20"))  # of which one alone is low
    with pytest.raises(InvalidInput, match="at the last load it was read as fractions"):
        load(*lines("1", "0"))
    assert load(*lines("50", "40")).accepted == 2  # in percent from now on, which nobody can mistake
    with pytest.raises(InvalidInput, match=r"at the last load it was in percent, (40|45|50) in the middle"):
        load(*lines("0.5", "0.4"))
    assert percents(stored) == [50, 40]


def test_who_answered_for_a_low_column_is_not_asked_again_while_it_is_low(load):  # noqa: F811
    with pytest.raises(InvalidInput):
        load(*lines("0.4", "0.8", "1"))
    load(*lines("0.4", "0.8", "1"), percent_scale={COLUMN: 100})
    assert load(*lines("0.5", "0.9", "1")).accepted == 3


def test_percents_that_are_said_to_be_fractions_are_asked_about(load, stored):  # noqa: F811
    with pytest.raises(
        InvalidInput, match=f"{COLUMN} is said to be fractions of 1, and 3 of 4 values are more than 1"
    ):
        load(*lines("1", "40", "55.5", "80", "0"), percent_scale={COLUMN: 1})
    assert load(*lines("0.4", "0.5", "0.6", "85"), percent_scale={COLUMN: 1}).quarantined == 1


def test_bonus_points_are_taken_as_100_where_it_is_said(load, stored):  # noqa: F811
    values = ("104.2", "100", "199 %", "201", "95", "-1")
    summary = load(*lines(*values))
    assert summary.reasons == {
        f"{COLUMN}: outside 0 to 100": 2,
        f"{COLUMN}: outside 0 to 100; `--cap 100` takes bonus points as 100": 2,
    }
    summary = load(*lines(*values), cap=100)
    assert summary.reasons == {f"{COLUMN}: outside 0 to 100": 2}
    assert summary.odd_cells == {f"{COLUMN}: above 100, taken as 100": {"cells": 2, "line": 2}}
    assert percents(stored) == [100, 100, 100, 95]


def test_no_other_cap_is_allowed(load):  # noqa: F811
    with pytest.raises(InvalidInput, match="cap 90: allowed is 100"):
        load(line(), cap=90)
