"""A load that falls short of those before it by more than a fifth is told of, or refused."""

import shutil

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.loads.likeness import COMPARED, FEWEST_ROWS
from engagement.store import Store
from tests.support.cohort import AS_OF, DAY, learner, rows


def week(store, number, *, size=40, if_unlike="warn", without=(), **different):
    """Load the file of a week: so many learners, of whom those by place are `without` a quiz average."""
    at = AS_OF - (20 - number) * DAY
    given = [
        learner(
            f"x{place}",
            avg_quiz_score=None if place in without else 60,
            **{"completed_percent": 50, **different},
        )
        for place in range(size)
    ]
    return learners.load(store, pd.DataFrame(given), observed_at=at, loaded_at=at, if_unlike=if_unlike)


@pytest.fixture(scope="module")
def three_weeks(empty_file, tmp_path_factory):
    """The file of a store with three loads that are alike."""
    path = tmp_path_factory.mktemp("weeks") / "store.duckdb"
    store = Store(shutil.copyfile(empty_file, path))
    for number in range(3):
        week(store, number)
    return path


def test_files_that_are_alike_are_nothing_to_tell(store):
    for number, size in enumerate((40, 44, 38, 33)):
        assert week(store, number, size=size).unlike == ()


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"size": 31}, ("31 rows, where 40 were usual",)),
        ({"size": 32}, ()),
        ({"without": range(9)}, ("avg_quiz_score is filled in 78 % of the rows, where 100 % were usual",)),
        ({"without": range(8)}, ()),
        ({"completed_percent": 39}, ("half of completed_percent is below 39, where 50 was usual",)),
        ({"completed_percent": 40}, ()),
        ({"email": None}, ("email is filled in 0 % of the rows, where 100 % were usual",)),
    ],
)
def test_more_than_a_fifth_less_is_said(store, three_weeks, different, said):
    shutil.copyfile(three_weeks, store.path)
    assert week(store, 4, **different).unlike == said


def test_what_is_said_is_kept_with_the_load(store):
    week(store, 0)
    assert week(store, 1, size=20).as_dict()["unlike"] == ("20 rows, where 40 were usual",)
    assert rows(store, "select unlike from loads order by load_id") == [
        (None,),
        (["20 rows, where 40 were usual"],),
    ]


def test_it_is_held_against_the_newest_loads_and_one_odd_one_among_them_changes_little(store):
    for number in range(COMPARED):
        week(store, number, size=100)
    for number in range(COMPARED):
        assert bool(week(store, COMPARED + number, size=40).unlike) is (number <= COMPARED // 2)


def test_a_source_with_other_columns_is_another_matter(store):
    week(store, 0, size=100)
    frame = pd.DataFrame(
        [{"id": f"x{place}", "program": "Data", "avg_quiz_score": 60} for place in range(30)]
    )
    assert learners.load(store, frame, observed_at=AS_OF, loaded_at=AS_OF).unlike == ()


def test_a_few_rows_say_nothing_of_what_is_usual(store):
    week(store, 0, size=FEWEST_ROWS - 1)
    assert week(store, 1, size=2).unlike == ()


def test_where_it_shall_fail_nothing_of_it_is_loaded(store):
    week(store, 0)
    with pytest.raises(
        InvalidInput, match="is unlike the loads before it: 20 rows, where 40 were usual; if it is right"
    ):
        week(store, 1, size=20, if_unlike="fail", completed_percent=60)
    assert rows(store, "select count(*), max(completed_percent) from learner_facts") == [(40, 50)]
    assert week(store, 1, if_unlike="fail").unlike == ()
