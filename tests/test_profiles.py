from zoneinfo import ZoneInfo

import pytest

from engagement import nudges, profiles, publication, quizzes, review
from engagement.errors import NotFound
from tests.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, learner, load, night


def test_a_profile_says_who_why_what_would_help_and_what_happened(store):
    load(store, learner("a", name="Kim Example"))
    night(store)
    draft = review.listed(store)[0]["id"]
    review.approve(store, [draft], actor="ana", now=AS_OF + HOUR)
    found = profiles.profile(store, "a")
    assert (found["id"], found["name"], found["program"]) == ("a", "Kim Example", "Data")
    assert (found["risk_label"], found["top_reason"]) == ("high", "5 % of the due work done")
    # 0.5 * 0.95 + 0.2 * 0.7 + 0.2 * 5/7 + 0.1 * 20/30
    assert found["risk_score"] == pytest.approx(0.475 + 0.14 + 1 / 7 + 1 / 15, abs=1e-6)
    assert found["contributions"] == pytest.approx(
        {"behind_pace": 0.475, "low_quiz": 0.14, "missed_session": 1 / 7, "inactivity": 1 / 15}, abs=1e-6
    )
    assert sum(found["contributions"].values()) == pytest.approx(found["risk_score"])
    first = found["what_would_help"][0]
    assert (first["input"], first["needed"]) == ("completed_percent", 30)
    assert [(row["risk_label"], row["as_of"]) for row in found["history"]] == [("high", AS_OF)]
    assert [(row["type"], row["actor"]) for row in found["events"]] == [("nudge_approved", "ana")]
    assert [(row["id"], row["status"]) for row in found["nudges"]] == [(draft, "approved")]
    assert "Kim" in found["nudges"][0]["content"]
    assert len(found["quizzes"]) == 1
    assert len(found["quizzes"][0]["questions"]) >= 3


def test_a_subject_has_its_name_filled_in_like_the_text(store):
    load(store, learner("a", name="Kim Example"))
    nudges.ask(store, "a", channel="email", actor="ana", now=AS_OF, day=AS_OF.date())
    with store.write() as db:
        db.execute("update nudges set subject = 'For you, {first_name}!'")
    assert profiles.profile(store, "a")["nudges"][0]["subject"] == "For you, Kim!"


def test_a_learner_who_was_never_scored_has_a_profile_without_a_score(store):
    load(store, learner("a"))
    found = profiles.profile(store, "a")
    assert (found["risk_score"], found["risk_label"], found["what_would_help"]) == (None, None, [])
    assert set(found["contributions"].values()) == {None}
    assert (found["history"], found["events"], found["nudges"], found["quizzes"]) == ([], [], [], [])


def test_the_history_shows_every_change_in_order(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    load(store, learner("a", **LOW), at=AS_OF - HOUR)
    night(store)
    assert [row["risk_label"] for row in profiles.profile(store, "a")["history"]] == ["high", "low"]


def test_a_profile_is_of_one_learner_only(store):
    load(store, learner("a"), learner("b"))
    night(store)
    quizzes.ask(store, "b", topic=None, actor="ana", now=AS_OF + HOUR, day=AS_OF.date())
    found = profiles.profile(store, "a")
    assert len(found["nudges"]) == len(found["quizzes"]) == 1


def test_a_profile_of_nobody_is_not_found(store):
    load(store, learner("a"))
    with pytest.raises(NotFound, match="no learner 'b'"):
        profiles.profile(store, "b")


def test_the_history_of_one_instant_is_in_the_order_of_publishing(store):
    load(store, learner("a"))
    publication.recalculate(store, as_of=AS_OF, zone=ZoneInfo("UTC"), programs=None, now=AS_OF - 5 * HOUR)
    load(store, learner("a", **MEDIUM), at=AS_OF - 4 * HOUR)
    night(store)
    assert [entry["risk_label"] for entry in profiles.profile(store, "a")["history"]] == ["high", "medium"]
