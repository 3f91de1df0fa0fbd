import json
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement import runs
from engagement.ingest import learners
from engagement.outreach import review
from engagement.pipeline import publication, rescoring
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.store import Store
from engagement.store.locks import sole_runner
from engagement.views import overview
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, UNKNOWN, begin, learner, load, night

NOW = AS_OF + HOUR
WELDING = ["Welding"]


@pytest.fixture
def nights(store):
    """Two published nights: `d` was at high risk in the first, `g` has left since."""
    load(
        store,
        learner("a"),
        learner("b", **MEDIUM),
        learner("c", program="Welding"),
        learner("d", program="Welding"),
        learner("e", program="Welding", **UNKNOWN),
        learner("g", program="Welding"),
    )
    night(store, AS_OF - DAY)
    load(
        store,
        learner("d", program="Welding", **LOW),
        learner("g", program="Welding", active=False),
        at=AS_OF - HOUR,
    )
    night(store)
    return store


def head(store, programs=None, program=None, now=NOW):
    return overview.overview(store, programs=programs, program=program, now=now)


def labels(found):
    return {label: (count["learners"], count["change"]) for label, count in found["labels"].items()}


def test_labels_are_counted_beside_those_of_the_night_before(nights):
    found = head(nights)
    assert found["learners"] == 5
    assert labels(found) == {"high": (2, -2), "medium": (1, 0), "low": (1, 1), "unknown": (1, 0)}
    assert found["compared_with"] == (AS_OF - DAY).date()


@pytest.mark.parametrize("asked", [{"programs": WELDING}, {"program": "Welding"}], ids=["viewer", "filter"])
def test_of_one_program_the_same_figures_come_from_its_learners(nights, asked):
    found = head(nights, **asked)
    assert found["learners"] == 3
    assert labels(found) == {"high": (1, -2), "medium": (0, 0), "low": (1, 1), "unknown": (1, 0)}
    assert found["compared_with"] == (AS_OF - DAY).date()
    assert found["programs"] == [
        {"program": "Welding", "learners": 3, "high": 1, "medium": 0, "low": 1, "unknown": 1}
    ]
    history = {(row["day"], row["label"]): row["learners"] for row in found["history"]}
    first, second = (AS_OF - DAY).date(), AS_OF.date()
    assert history == {
        (first, "high"): 3,
        (first, "unknown"): 1,
        (second, "high"): 1,
        (second, "low"): 1,
        (second, "unknown"): 1,
    }


def test_a_limited_viewer_learns_nothing_of_other_programs(nights):
    everybody, found = head(nights), head(nights, WELDING)
    assert found["nudges_waiting"] < everybody["nudges_waiting"]
    assert head(nights, WELDING, "Data")["learners"] == 0
    for programs in ([], ["Cooking"]):
        nothing = head(nights, programs)
        assert (nothing["learners"], nothing["bins"], nothing["programs"]) == (0, [], [])
        assert (nothing["nudges_waiting"], nothing["quizzes_waiting"], nothing["history"]) == (0, 0, [])
        assert labels(nothing) == dict.fromkeys(("high", "medium", "low", "unknown"), (0, 0))


def test_with_a_long_history_a_limited_viewer_gets_no_change_and_no_past(nights, monkeypatch):
    monkeypatch.setattr(overview, "MOST_WORDS", 0)
    found = head(nights, WELDING)
    assert {count["change"] for count in found["labels"].values()} == {None}
    assert (found["compared_with"], found["history"]) == (None, [])
    assert head(nights)["labels"]["high"]["change"] == -2


def test_the_first_night_has_nothing_to_compare_with(store):
    load(store, learner("a"))
    night(store)
    found = head(store)
    assert (found["labels"]["high"], found["compared_with"]) == ({"learners": 1, "change": None}, None)
    assert found["history"][0] == {"day": AS_OF.date(), "label": "high", "learners": 1}


def test_bins_hold_everybody_once_and_those_without_a_score_last(nights):
    bins = head(nights)["bins"]
    assert sum(bin_["learners"] for bin_ in bins) == 5
    assert bins[-1] == {"score_from": None, "label": "unknown", "learners": 1}
    assert {"score_from": 0.8, "label": "high", "learners": 2} in bins  # 0.825


def test_programs_come_with_the_largest_share_at_high_risk_first(nights):
    assert [(row["program"], row["high"], row["learners"]) for row in head(nights)["programs"]] == [
        ("Data", 1, 2),
        ("Welding", 1, 3),
    ]


OWN = RiskPolicy(
    weights={"behind_pace": 0.3, "low_quiz": 0.3, "missed_session": 0.3, "inactivity": 0.1},
    missed_sessions_cap=9,
    recency_days=20,
    high_above=0.6,
    medium_above=0.3,
)


def scored_at(store, programs=None):
    found = head(store, programs, now=AS_OF + 9 * DAY)
    return found["scored_as_of"], found["scored_on"], found["published_at"]


def test_the_age_is_that_of_the_scores_a_viewer_sees_and_not_of_another_run(store):
    """A weekly run scores nobody, a recalculation some, a late look back nobody who has a newer score."""
    load(store, learner("a"), learner("b", program="Welding", **MEDIUM))
    early = AS_OF - 22 * HOUR
    run = night(store, now=early, policy=OWN)
    scored = (AS_OF, AS_OF.date(), early)
    weekly = begin(store, AS_OF + 6 * DAY, pipeline="weekly", now=AS_OF + 6 * DAY)
    with store.write() as db:
        runs.mark(db, weekly.run_id, "published", now=AS_OF + 6 * DAY)
    night(store, AS_OF - 5 * DAY, now=AS_OF + 7 * DAY)
    assert scored_at(store) == scored_at(store, WELDING) == scored
    assert head(store)["policy"] == asdict(OWN)
    assert overview.newest(store)["run_id"] == run.run_id
    later = AS_OF + 8 * DAY
    rescoring.publish_scores(
        store, as_of=later, zone=ZoneInfo("UTC"), programs=["Data"], now=later - HOUR, policy=DEFAULT_POLICY
    )
    assert scored_at(store, ["Data"]) == (later, later.date(), later - HOUR)
    assert scored_at(store, WELDING) == scored_at(store) == scored
    assert head(store, WELDING)["policy"] == asdict(OWN)
    assert head(store, program="Welding")["policy"] == asdict(OWN)
    assert overview.newest(store, programs=WELDING)["run_id"] == run.run_id
    assert overview.newest(store)["run_id"] != run.run_id


def test_facts_are_as_old_as_what_was_loaded_of_the_programs_a_viewer_sees(store):
    """Facts of a date lie at its end; since when they are known is said, never later than now."""
    load(store, learner("b", program="Welding"), at=AS_OF - 7 * DAY)
    loaded = AS_OF - 22 * HOUR
    learners.load(store, pd.DataFrame([learner("a")]), observed_at=AS_OF, loaded_at=loaded)
    night(store, now=loaded)
    now = AS_OF - 15 * HOUR  # the morning of the same day
    assert head(store, now=now)["newest_facts_at"] == loaded
    assert head(store, ["Data"], now=now)["newest_facts_at"] == loaded
    assert head(store, WELDING, now=now)["newest_facts_at"] == AS_OF - 7 * DAY
    assert head(store, ["Cooking"], now=now)["newest_facts_at"] is None


def test_drafts_that_wait_are_counted_with_why_they_are_templates(store):
    load(store, learner("a"), learner("b"))
    night(store)
    found = head(store)
    assert (found["nudges_waiting"], found["quizzes_waiting"]) == (2, 2)
    assert found["templates"] == {"texts": 4, "of": 4, "by_reason": {"no_model": 4}}
    (first, _) = review.listed(store)
    review.approve(store, [first["id"]], by=acting(NOW))
    with store.write() as db:
        db.execute("update nudges set gpt_fallback = false, reason = null where status = 'draft'")
    found = head(store)
    assert (found["nudges_waiting"], found["templates"]["texts"], found["templates"]["of"]) == (1, 2, 3)


def test_the_head_says_how_old_facts_and_scores_are(nights):
    found = head(nights)
    assert found["newest_facts_at"] == AS_OF - HOUR
    assert (found["scored_as_of"], found["published_at"]) == (AS_OF, AS_OF)
    assert RiskPolicy(**found["policy"]) == DEFAULT_POLICY
    assert json.dumps(found, default=str)


def test_the_last_run_is_the_one_begun_last_also_where_it_failed(nights):
    assert head(nights)["last_run"]["status"] == "published"
    assert head(nights)["last_run"]["failed_step"] is None
    run = begin(nights, AS_OF + DAY)
    with nights.write() as db:
        db.execute("update runs set status = 'failed' where run_id = $id", {"id": run.run_id})
        db.execute(
            "insert into steps values ($id, '10_load', 1, 'done', 1, 1, $now, null), "
            "($id, '30_nudges', 2, 'failed', 1, 1, $now, 'x')",
            {"id": run.run_id, "now": AS_OF + DAY},
        )
    last = head(nights)["last_run"]
    assert (last["run_id"], last["status"], last["failed_step"]) == (run.run_id, "failed", "30_nudges")
    assert last["started_at"] == AS_OF + DAY


def test_a_run_that_ends_while_the_figures_are_read_has_not_failed(nights):
    begin(nights, AS_OF + DAY)
    with ExitStack() as run:
        run.enter_context(sole_runner(nights.path))

        class Read(Store):
            @contextmanager
            def read(self):
                with super().read() as db:
                    yield db
                run.close()

        assert head(Read(nights.path))["last_run"]["status"] == "running"
    assert head(nights)["last_run"]["status"] == "failed"


def test_a_run_whose_process_is_gone_has_failed(nights):
    begin(nights, AS_OF + DAY)
    with sole_runner(nights.path):
        found = head(nights)
        assert (found["running"], found["last_run"]["status"]) == (True, "running")
        assert overview.newest(nights)["running"].startswith("process ")
    found = head(nights)
    assert (found["running"], found["last_run"]["status"]) == (False, "failed")


def test_the_newest_publication_is_that_of_any_pipeline(nights):
    assert overview.newest(nights) == {
        "published_at": AS_OF,
        "run_id": "nightly-2026-03-01-1",
        "running": None,
    }


def test_the_limits_are_those_that_the_newest_night_was_told(nights):
    assert head(nights)["limits"] == {"recent_hours": 72, "cap_contacts": 2}
    run = begin(nights, AS_OF + DAY)
    with nights.write() as db:
        runs.keep_parameters(db, run.run_id, {"30_nudges": {"recent_hours": 30.5, "cap_contacts": 5}})
    publication.publish(nights, run, now=AS_OF + DAY)
    assert head(nights, WELDING)["limits"] == {"recent_hours": 30.5, "cap_contacts": 5}


def test_an_empty_store_has_a_head_of_nothing(store):
    store.make()
    found = head(store)
    assert (found["learners"], found["history"], found["last_run"]) == (0, [], None)
    assert (found["published_at"], found["newest_facts_at"], found["compared_with"]) == (None, None, None)
    assert overview.newest(store) == {"published_at": None, "run_id": None, "running": None}
