from zoneinfo import ZoneInfo

import pytest

from engagement.dates import end_of_day
from engagement.errors import NotFound
from engagement.evaluation import calibration
from engagement.evaluation.calibration import Calibration
from engagement.outreach import export, nudges, quizzes, review
from engagement.pipeline import rescoring
from engagement.policy import DEFAULT_POLICY
from engagement.targeting import contact_log
from engagement.targeting.selection import REASONS
from engagement.views import overview, profiles
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, UNKNOWN, learner, load, night


def profile(store, learner_id, *, now=AS_OF + 2 * HOUR, programs=None):
    return profiles.profile(store, learner_id, now=now, day=AS_OF.date(), programs=programs)


def test_a_profile_says_who_why_what_would_help_and_what_happened(store):
    load(store, learner("a", name="Kim Example"))
    night(store)
    draft = review.listed(store)[0]["id"]
    review.approve(store, [draft], by=acting(AS_OF + HOUR))
    found = profile(store, "a")
    assert (found["id"], found["name"], found["program"]) == ("a", "Kim Example", "Data")
    assert found["risk_label"] == "high"
    assert found["reasons"][0] == {"term": "behind_pace", "value": 5.0, "never": False, "basis": "due"}
    assert [reason["term"] for reason in found["reasons"]] == ["behind_pace", "missed_session", "low_quiz"]
    # 0.5 * 0.95 + 0.2 * 0.7 + 0.2 * 5/7 + 0.1 * 20/30
    assert found["risk_score"] == pytest.approx(0.475 + 0.14 + 1 / 7 + 1 / 15, abs=1e-6)
    assert found["contributions"] == pytest.approx(
        {"behind_pace": 0.475, "low_quiz": 0.14, "missed_session": 1 / 7, "inactivity": 1 / 15}, abs=1e-6
    )
    assert sum(found["contributions"].values()) == pytest.approx(found["risk_score"])
    first = found["what_would_help"][0]
    assert (first["term"], first["input"], first["needed"]) == ("behind_pace", "completed_percent", 30)
    assert [(row["risk_label"], row["as_of"]) for row in found["history"]] == [("high", AS_OF)]
    assert [(row["type"], row["actor"]) for row in found["events"]] == [("nudge_approved", "ana")]
    assert [(row["id"], row["status"]) for row in found["nudges"]] == [(draft, "approved")]
    assert (found["nudges"][0]["changed_by"], found["nudges"][0]["changed_at"]) == ("ana", AS_OF + HOUR)
    assert found["events"][0]["metadata"]["version"] == 2
    assert "Kim" in found["nudges"][0]["content_filled"]
    said = profiles.in_words(found)
    assert said["top_reason"] == said["reasons"][0] == "5 % of the due work done"
    assert "Kim" in said["nudges"][0]["content"]
    assert len(found["quizzes"]) == 1
    assert len(found["quizzes"][0]["questions"]) >= 3


def test_a_subject_has_its_name_filled_in_like_the_text(store):
    load(store, learner("a", name="Kim Example"))
    nudges.ask(store, "a", channel="email", by=acting(AS_OF))
    with store.write() as db:
        db.execute("update nudges set subject = 'For you, {first_name}!'")
    assert profile(store, "a")["nudges"][0]["subject_filled"] == "For you, Kim!"


def test_a_learner_who_was_never_scored_has_a_profile_without_a_score(store):
    load(store, learner("a"))
    found = profile(store, "a")
    assert (found["risk_score"], found["risk_label"], found["what_would_help"]) == (None, None, [])
    assert set(found["contributions"].values()) == {None}
    assert found["reasons"] == profiles.in_words(found)["reasons"] == []
    assert (found["history"], found["events"], found["nudges"], found["quizzes"]) == ([], [], [], [])


def test_the_history_shows_every_change_in_order(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    load(store, learner("a", **LOW), at=AS_OF - HOUR)
    night(store)
    assert [row["risk_label"] for row in profile(store, "a")["history"]] == ["high", "low"]


def test_a_profile_is_of_one_learner_only(store):
    load(store, learner("a"), learner("b"))
    night(store)
    quizzes.ask(store, "b", topic=None, by=acting(AS_OF + HOUR, day=AS_OF.date()))
    found = profile(store, "a")
    assert len(found["nudges"]) == len(found["quizzes"]) == 1


def test_a_profile_of_nobody_is_not_found(store):
    load(store, learner("a"))
    with pytest.raises(NotFound, match="no learner 'b'"):
        profile(store, "b")


def test_the_history_of_one_instant_is_what_was_published_last(store):
    load(store, learner("a"))
    rescoring.publish_scores(
        store, as_of=AS_OF, zone=ZoneInfo("UTC"), programs=None, now=AS_OF - 5 * HOUR, policy=DEFAULT_POLICY
    )
    load(store, learner("a", **MEDIUM), at=AS_OF - 4 * HOUR)
    night(store)
    assert [entry["risk_label"] for entry in profile(store, "a")["history"]] == ["medium"]


def test_dates_of_runs_travel_as_days_where_the_institution_is(store):
    """The end of a day in New York is the next morning in UTC, and a browser anywhere is to show the day."""
    load(store, learner("a"))
    end = end_of_day(AS_OF.date(), ZoneInfo("America/New_York"))
    rescoring.publish_scores(
        store,
        as_of=end,
        zone=ZoneInfo("America/New_York"),
        programs=None,
        now=end - 20 * HOUR,
        policy=DEFAULT_POLICY,
    )
    found = profile(store, "a")
    assert (found["scored_on"], [word["day"] for word in found["history"]]) == (AS_OF.date(), [AS_OF.date()])
    assert overview.overview(store, programs=None, program=None, now=end)["scored_on"] == AS_OF.date()


def test_what_happened_in_one_instant_stands_in_the_order_of_its_transitions(store):
    people = [f"l{number}" for number in range(6)]
    load(store, *map(learner, people))
    night(store)
    review.approve(store, [row["id"] for row in review.listed(store)], by=acting(AS_OF + HOUR))
    export.hand_over(store, by=acting(AS_OF + HOUR))
    for person in people:
        types = [
            event["type"] for event in profile(store, person)["events"] if event["type"].startswith("nudge")
        ]
        assert types == ["nudge_sent", "nudge_queued", "nudge_approved"]


def test_a_learner_outside_the_viewers_programs_is_not_there(store):
    load(store, learner("a"), learner("b", program="Welding"))
    night(store)
    assert profile(store, "b", programs=["Welding"])["id"] == "b"
    for programs in (["Welding"], []):
        with pytest.raises(NotFound, match="no learner 'a'"):
            profile(store, "a", programs=programs)


def contact(store, **different):
    load(store, learner("a", **different))
    night(store)
    return profile(store, "a")["contact"]


def test_whoever_can_be_reached_any_way_is_refused_none(store):
    found = contact(store, whatsapp_opt_in=True, preferred_channel="whatsapp")
    assert found == {
        "refusals": {"in_app": None, "whatsapp": None, "email": None, "quiz": None},
        "warnings": ["open_draft"],
        "last_contact_at": None,
        "contacts_in_7_days": 0,
        "approved_messages": 0,
        "open_drafts": 1,
        "suggested_channel": "whatsapp",
        "suggested_type": "behind_pace",
    }


@pytest.mark.parametrize(
    ("different", "refused"),
    [
        ({}, {"whatsapp": "no_opt_in"}),
        ({"whatsapp_opt_in": True, "phone": None}, {"whatsapp": "no_address"}),
        ({"email": None}, {"whatsapp": "no_opt_in", "email": "no_address"}),
        ({"contact_opt_out": True}, dict.fromkeys(("in_app", "whatsapp", "email", "quiz"), "opted_out")),
        ({"active": False}, dict.fromkeys(("in_app", "whatsapp", "email", "quiz"), "inactive")),
    ],
    ids=["no opt-in", "no phone", "no e-mail", "opted out", "inactive"],
)
def test_each_way_says_why_nobody_may_write_so(store, different, refused):
    found = contact(store, **different)
    assert found["refusals"] == {"in_app": None, "whatsapp": None, "email": None, "quiz": None} | refused


def test_a_profile_warns_of_contacts_like_a_draft_by_hand_does(store):
    load(store, learner("a"))
    night(store)
    for hours in (1, 30):
        contact_log.phoned(store, "a", "", by=acting(AS_OF - hours * HOUR))
    found = profile(store, "a", now=AS_OF)["contact"]
    assert (found["last_contact_at"], found["contacts_in_7_days"]) == (AS_OF - HOUR, 2)
    assert found["warnings"] == ["recently_contacted", "cap_reached", "open_draft"]
    made = nudges.ask(store, "a", channel="email", by=acting(AS_OF))
    assert made["warnings"] == [REASONS[code] for code in found["warnings"]]


def test_a_profile_has_the_chance_with_what_it_is_of_and_by_which_data(store):
    load(store, learner("a"), learner("b", **UNKNOWN), at=AS_OF - 14 * DAY)
    night(store)
    assert profile(store, "a")["probability"] is None
    score = profile(store, "a")["risk_score"]
    twenty = tuple(0.2 for _ in range(1001))
    kept = Calibration(DEFAULT_POLICY.policy_hash, "left", ("2013B", "2013J"), 1500, {2: twenty})
    calibration.keep(store, kept, now=AS_OF)
    found = profile(store, "a")
    assert found["probability"] == {
        "risk_probability": 0.2,
        "week": 3,
        "outcome": "left",
        "cohorts": "2013B, 2013J",
        "learners": 1500,
        "kept_at": AS_OF,
    }
    assert found["risk_score"] == score
    assert profiles.in_words(found)["probability"]["in_words"] == (
        "Of 100 learners with such a score at this time of a course, 20 withdrew or failed later "
        "(fitted on 2013B, 2013J)."
    )
    assert profile(store, "b")["probability"] is None
    assert profiles.in_words(profile(store, "b"))["probability"] is None


@pytest.mark.parametrize("active", [True, False])
def test_what_a_person_says_no_to_in_another_enrolment_is_shown_in_this_one(store, active):
    no = {"contact_opt_out": True, "llm_opt_out": True}
    load(store, learner("a", person_id="p"), learner("z", person_id="p", email=None, active=active, **no))
    night(store)
    shown = profile(store, "a")
    assert (shown["contact_opt_out"], shown["llm_opt_out"]) == (True, True)
    assert set(shown["contact"]["refusals"].values()) == {"opted_out"}
