import numpy as np
import pandas as pd
import pytest

from engagement.views import retention
from tests.support.cohort import AS_OF, DAY, learner, load

WEEK = 7 * DAY


def people(count, name, **different):
    return [learner(f"{name}{number:03}", **different) for number in range(count)]


def happened(store, ids, kind, at):
    with store.write() as db:
        for learner_id in ids:
            db.execute(
                "insert into events values ($id, $learner, $kind, '{}', $at, 'import', 'test')",
                {"id": f"{learner_id} {kind}", "learner": learner_id, "kind": kind, "at": at},
            )


def ids(rows):
    return [row["id"] for row in rows]


def curve(store, **asked):
    found = retention.retention(store, as_of=AS_OF, **asked)
    return found.set_index("week")["there_percent"].to_dict()


@pytest.fixture
def forty(store):
    rows = people(40, "a", cohort="spring", enrolled_at=AS_OF - 4 * WEEK)
    load(store, *rows)
    return store, rows


def test_where_nobody_left_all_are_there_until_the_data_ends(forty):
    store, _ = forty
    assert curve(store) == {0: 100, 1: 100, 2: 100, 3: 100, 4: 100, 5: 100}


def test_a_curve_falls_in_the_week_in_which_ten_had_gone(forty):
    store, rows = forty
    happened(store, ids(rows)[:10], "course_withdrawn", AS_OF - 3 * WEEK + DAY)
    assert curve(store) == {0: 100, 1: 100, 2: 75, 3: 75, 4: 75, 5: 75}


def test_fewer_than_ten_are_told_only_together_with_others(forty):
    store, rows = forty
    happened(store, ids(rows)[:4], "course_withdrawn", AS_OF - 4 * WEEK + DAY)
    happened(store, ids(rows)[4:10], "course_failed", AS_OF - 2 * WEEK + DAY)
    assert curve(store) == {0: 100, 3: 75, 4: 75, 5: 75}


def test_how_many_are_followed_does_not_tell_of_few_who_are_not(forty):
    """Four leave, later three pass: no two of the numbers differ by one to nine people."""
    store, rows = forty
    happened(store, ids(rows)[:4], "course_withdrawn", AS_OF - 4 * WEEK + DAY)
    happened(store, ids(rows)[4:10], "course_failed", AS_OF - 2 * WEEK + DAY)
    happened(store, ids(rows)[10:13], "course_passed", AS_OF - WEEK + DAY)
    followed = retention.retention(store, as_of=AS_OF).set_index("week")["learners"]
    assert followed.dropna().to_dict() == {0: 40, 4: 30}  # not 36 in the third week, nor 27 in the fifth


def test_who_passed_or_was_followed_briefly_counts_as_long_as_they_could_be(store):
    """Kaplan and Meier by hand: 10 of 40 go in the first week, 10 of the 20 left in the third, after 10 had passed."""
    rows = people(40, "a", cohort="spring", enrolled_at=AS_OF - 4 * WEEK)
    load(store, *rows)
    happened(store, ids(rows)[:10], "course_withdrawn", AS_OF - 4 * WEEK + DAY)
    happened(store, ids(rows)[10:20], "course_passed", AS_OF - 3 * WEEK + DAY)
    happened(store, ids(rows)[20:30], "course_withdrawn", AS_OF - 2 * WEEK + DAY)
    found = curve(store)
    assert found[1] == 75
    assert found[3] == round(75 * 10 / 20)


def test_who_became_inactive_is_gone(forty):
    store, rows = forty
    load(store, *[row | {"active": False} for row in rows[:10]], at=AS_OF - 2 * WEEK + DAY)
    assert curve(store)[3] == 75


def test_of_fewer_than_ten_there_is_no_curve_and_another_cohort_is_left_out(forty):
    store, _ = forty
    load(store, *people(9, "b", cohort="autumn", program="Welding", enrolled_at=AS_OF - 4 * WEEK))
    found = retention.retention(store, as_of=AS_OF)
    assert set(found["cohort"]) == {"spring"}
    assert retention.retention(store, as_of=AS_OF, cohort="autumn").empty
    assert retention.retention(store, as_of=AS_OF, program="Welding").empty


def test_what_happened_later_is_not_known(forty):
    store, rows = forty
    happened(store, ids(rows)[:20], "course_withdrawn", AS_OF + DAY)
    assert set(curve(store).values()) == {100}


def test_no_step_of_a_curve_tells_of_fewer_than_ten():
    chance = np.random.default_rng(5)
    for _ in range(200):
        size = int(chance.integers(5, 120))
        learners = pd.DataFrame({"weeks": chance.integers(0, 9, size), "has_left": chance.random(size) < 0.4})
        found = retention._curve("x", learners)
        told = [0]
        for week in found["week"].tolist()[1:]:
            told.append(int(learners.loc[learners["weeks"] < week, "has_left"].sum()))
        assert all(step == 0 or step >= 10 for step in np.diff(told))


def test_the_curve_of_a_program_beside_that_of_all_tells_of_no_few_in_the_others():
    chance = np.random.default_rng(6)
    told_some = 0
    for _ in range(200):
        sizes = chance.integers(10, 120, 2)
        program, others = (
            pd.DataFrame({"weeks": chance.integers(0, 9, size), "has_left": chance.random(size) < 0.4})
            for size in sizes
        )
        found = retention._curve("x", program, pd.concat([program, others]))
        for side in (program, others):
            gone = [int(side.loc[side["weeks"] < week, "has_left"].sum()) for week in found["week"]]
            assert all(step == 0 or step >= 10 for step in np.diff(gone))
            counted = found.loc[found["learners"].notna(), "week"]
            followed = [int((side["weeks"] >= max(week - 1, 0)).sum()) for week in counted]
            assert all(step == 0 or step >= 10 for step in np.diff(followed) * -1)
        told_some += len(found) > 1
    assert told_some > 20
    few = others.head(9)
    assert retention._curve("x", program, pd.concat([program, few])).empty


def test_where_a_curve_ends_is_said():
    curves = pd.DataFrame(
        {"cohort": ["spring"] * 2, "week": [0, 8], "learners": [40, 30], "there_percent": [100, 75]}
    )
    assert retention.in_words(curves) == "Still there: spring: 75 % after 8 weeks"
    assert retention.in_words(curves.head(0)) == "No cohort has 10 learners who can be followed."
