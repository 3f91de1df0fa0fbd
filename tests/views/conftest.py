import pytest

from engagement.store import Store
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MIXED, begin, learner, load, night


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    """A store with one published night, and a second that is not published; `d` was at high risk before."""
    store = Store(tmp_path_factory.mktemp("cohorts") / "store.duckdb")
    load(store, *MIXED[:3], learner("d", program="Welding"), *MIXED[4:])
    night(store, AS_OF - DAY)
    load(store, *MIXED, learner("g", last_login=AS_OF + DAY, **LOW), at=AS_OF - HOUR)
    return store, begin(store)
