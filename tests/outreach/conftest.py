import pytest

from engagement.outreach import review
from tests.support.cohort import learner, load, night


@pytest.fixture
def two_programs(store):
    """A (worse) and c in Data, b in Welding; a nudge and a quiz each."""
    load(
        store,
        learner("a", name="Ána Example", completed_percent=0),
        learner("b", program="Welding", email="b.Other@example.invalid", completed_percent=1),
        learner("c", name=None, completed_percent=2),
    )
    night(store)
    return store


@pytest.fixture
def drafts(store):
    """Three drafts in a published run, worst first: a, b, c."""
    worse = ({"completed_percent": percent} for percent in (0, 1, 2))
    load(store, *(learner(name, **facts) for name, facts in zip("abc", worse, strict=True)))
    night(store)
    return [row["id"] for row in review.listed(store)]
