"""How new what is known of learners was, at an instant."""

from engagement.ingest.facts import newest_facts_at
from tests.support.cohort import AS_OF, DAY, learner, load


def test_the_newest_facts_are_those_that_were_known_then(store):
    load(store, learner("a", completed_percent=10), at=AS_OF - 3 * DAY)
    load(store, learner("a", completed_percent=20), at=AS_OF - DAY)
    with store.read() as db:
        assert newest_facts_at(db, AS_OF) == AS_OF - DAY
        assert newest_facts_at(db, AS_OF - DAY) == AS_OF - DAY
        assert newest_facts_at(db, AS_OF - 2 * DAY) == AS_OF - 3 * DAY
        assert newest_facts_at(db, AS_OF - 4 * DAY) is None
