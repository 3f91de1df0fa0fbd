import random
import shutil
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from engagement.demo import sample
from engagement.errors import NotFound
from engagement.evaluation import effect, intervals
from engagement.evaluation.effect import estimate, verdict
from engagement.evaluation.intervals import Interval, Share
from engagement.outreach import export, nudges, review
from engagement.pipeline import publication
from engagement.policy import DEFAULT_SELECTION
from engagement.reporting.charts import effects
from engagement.store import Store
from engagement.targeting import contact_log, decisions, experiments
from engagement.targeting.experiments import Plan
from tests.support.acting import acting
from tests.support.arms import drawn_arm
from tests.support.cohort import AS_OF, DAY, HOUR, begin, learner, load, night, rows
from tests.support.once import once

UTC = ZoneInfo("UTC")
END_OF_DAY = datetime.combine(AS_OF.date(), time.max)
HALF = Plan(holdout=0.5, term="trial", ends_on=AS_OF.date())
OVER = AS_OF + 8 * DAY
PEOPLE = [f"{number:03}" for number in range(80)]
RUNS = 2_000


@pytest.fixture
def tried(store):
    """A store after a night that held out half of 80 people; nothing was sent yet."""
    try_half_of(store)
    return store


@once
def try_half_of(store):
    load(store, *map(learner, PEOPLE))
    run = begin(store)
    decisions.decide(store, run, plan=HALF, policy=DEFAULT_SELECTION)
    nudges.draft(store, run)
    publication.publish(store, run, now=AS_OF)


def of_arm(store, arm):
    found = rows(store, "select person_id from published_assignments where arm = $arm order by all", arm=arm)
    return [person for (person,) in found]


@once
def happen(store, people, kind="login", at=AS_OF + DAY):
    with store.write() as db:
        for person in people:
            db.execute(
                "insert into events values ($id, $person, $kind, '{}', $at, 'import', 'test')",
                {"id": f"{person} {kind} {at}", "person": person, "kind": kind, "at": at},
            )


def found(store, **different):
    return estimate(store, **{"as_of": OVER, "zone": UTC} | different)


def counted(arm):
    return arm.persons, arm.contacted, arm.share.count


def test_shares_of_both_arms_and_their_difference(tried):
    nudged, waiting = of_arm(tried, "nudge"), of_arm(tried, "control")
    happen(tried, nudged[:30] + waiting[:10])
    result = found(tried)
    assert counted(result.nudged) == (len(nudged), 0, 30)
    assert counted(result.compared) == (len(waiting), 0, 10)
    assert result.difference == intervals.newcombe(Share(30, len(nudged)), Share(10, len(waiting)))
    assert result.verdict == "helped"
    assert "came back within 7 days" in result.in_words
    assert "points more" in result.title


def test_everybody_counts_as_assigned_whatever_was_done_since(tried):
    """Nobody of those to be nudged was sent anything; one who was to wait was phoned, another left the course."""
    nudged, waiting = of_arm(tried, "nudge"), of_arm(tried, "control")
    happen(tried, nudged[:5])
    contact_log.phoned(tried, waiting[0], by=acting(AS_OF + HOUR))
    load(tried, learner(waiting[1], active=False), at=AS_OF + DAY)
    result = found(tried)
    assert counted(result.nudged) == (len(nudged), 0, 5)
    assert counted(result.compared) == (len(waiting), 1, 0)


def test_a_nudge_that_a_person_sends_to_whoever_waits_is_recorded_and_counted(tried):
    (first, *_) = waiting = of_arm(tried, "control")
    made = nudges.write(tried, first, channel="email", by=acting(AS_OF + HOUR))
    assert "held_out" in made["warnings"]
    deed = "select metadata ->> 'past' from events where type = 'nudge_drafted' and actor = 'ana'"
    assert "held_out" in rows(tried, deed)[0][0]
    review.approve(tried, [made["id"]], by=acting(AS_OF + 2 * HOUR))
    export.hand_over(tried, by=acting(AS_OF + 3 * HOUR))
    assert counted(found(tried).compared) == (len(waiting), 1, 0)


def test_a_message_that_failed_is_no_contact(tried):
    drafted = rows(tried, "select id from nudges where status = 'draft' order by id limit 3")
    review.approve(tried, [nudge for (nudge,) in drafted], by=acting(AS_OF + HOUR))
    export.hand_over(tried, by=acting(AS_OF + 2 * HOUR))
    assert found(tried).nudged.contacted == 3
    with tried.write() as db:
        for status, (nudge,) in zip(("delivered", "failed"), drafted, strict=False):
            db.execute("update nudges set status = $status where id = $id", {"status": status, "id": nudge})
    assert found(tried).nudged.contacted == 2


@pytest.mark.parametrize(
    ("at", "counts"),
    [(AS_OF, False), (AS_OF + HOUR, True), (AS_OF + 7 * DAY, True), (AS_OF + 7 * DAY + HOUR, False)],
)
def test_what_happens_within_the_window_counts(tried, at, counts):
    happen(tried, of_arm(tried, "control")[:4], at=at)
    assert found(tried).compared.share.count == (4 if counts else 0)


def test_the_outcome_that_was_named_is_the_one_looked_at(store):
    happened = {"login": 1, "quiz_completed": 2, "session_attended": 3, "session_missed": 4}
    seen = {}
    for outcome in experiments.OUTCOMES:
        own = Store(shutil.copy(store.path, store.path.with_name(f"{outcome}.duckdb")))
        load(own, *map(learner, PEOPLE))
        run = begin(own)
        decisions.decide(own, run, plan=replace(HALF, outcome=outcome), policy=DEFAULT_SELECTION)
        publication.publish(own, run, now=AS_OF)
        people = iter(of_arm(own, "nudge"))
        for kind, count in happened.items():
            happen(own, [next(people) for _ in range(count)], kind)
        late = next(people)
        happen(own, [late], "session_missed", AS_OF + DAY)
        happen(own, [late], "session_attended", AS_OF + 2 * DAY)
        seen[outcome] = found(own).nudged.share.count
    # Not whoever missed the next one; no facts came that could have moved a score.
    assert seen == {"back": 1 + 2 + 3 + 1, "session": 3, "quiz": 2, "score": 0}


def test_a_score_that_fell_by_a_twentieth_in_the_window_counts(store):
    load(store, *map(learner, PEOPLE))
    run = begin(store)
    decisions.decide(store, run, plan=replace(HALF, outcome="score"), policy=DEFAULT_SELECTION)
    publication.publish(store, run, now=AS_OF)
    waiting = of_arm(store, "control")
    # So many of each that the sum tells who was counted.
    half_of_a_tenth, less, late, unknown = waiting[:8], waiting[8:12], waiting[12:14], waiting[14:15]
    for at, work in (
        (AS_OF + DAY, dict.fromkeys(unknown)),
        (AS_OF + 7 * DAY, dict.fromkeys(half_of_a_tenth, 15) | dict.fromkeys(less, 14)),
        (AS_OF + 7 * DAY + HOUR, dict.fromkeys(late, 60)),
    ):
        # The last login is moved along, so that only the work done makes a difference.
        some = [learner(who, completed_percent=done, last_login=at - 20 * DAY) for who, done in work.items()]
        load(store, *some, at=at - HOUR)
        publication.publish(store, begin(store, at), now=at)
    assert found(store).compared.share == Share(len(half_of_a_tenth), len(waiting))


@pytest.mark.parametrize(("mended", "fell"), [(5, 0), (60, 3)])
def test_a_score_that_a_later_attempt_for_its_day_corrected_is_not_read(store, mended, fell):
    """The morning's attempt and the evening's are for one instant: the end of the day."""
    load(store, *map(learner, PEOPLE))
    run = begin(store)
    decisions.decide(store, run, plan=replace(HALF, outcome="score"), policy=DEFAULT_SELECTION)
    publication.publish(store, run, now=AS_OF)
    day = AS_OF + 3 * DAY
    for hours, done in ((20, 60 if mended == 5 else 5), (2, mended)):
        some = [
            learner(who, completed_percent=done, avg_quiz_score=29) for who in of_arm(store, "control")[:3]
        ]
        load(store, *some, at=day - hours * HOUR)
        publication.publish(store, begin(store, day, now=day - hours * HOUR), now=day - hours * HOUR)
    assert found(store).compared.share.count == fell


def test_another_enrolment_of_the_person_counts_once(store):
    load(store, *map(learner, PEOPLE), learner("again", person_id="000", email=None))
    run = begin(store)
    decisions.decide(store, run, plan=HALF, policy=DEFAULT_SELECTION)
    publication.publish(store, run, now=AS_OF)
    happen(store, ["000", "again"])
    both = found(store)
    assert both.nudged.persons + both.compared.persons == len(PEOPLE)
    assert both.nudged.share.count + both.compared.share.count == 1


def test_there_is_no_verdict_before_the_last_window_is_over(tried):
    happen(tried, of_arm(tried, "nudge"))
    early = found(tried, as_of=END_OF_DAY + 7 * DAY - HOUR)
    assert early.verdict == "running"
    assert "Cannot tell yet" in early.in_words
    # Persons and dates, and nothing that a look could be taken at.
    assert (early.nudged, early.compared, early.difference, early.before) == (None, None, None, None)
    assert (early.planned_for, early.detectable) == (None, None)
    persons = {"nudged": len(of_arm(tried, "nudge")), "waited": len(of_arm(tried, "control"))}
    assert effect.arms(early).set_index("group").to_dict() == {"persons": persons}
    assert effect.comparisons(early).empty
    said = " ".join((early.in_words, early.title, early.power_in_words))
    assert not {"points", "more", "%"} & set(said.replace(".", " ").split())
    assert found(tried, as_of=END_OF_DAY + 7 * DAY).verdict == "helped"


def test_what_became_known_after_the_day_asked_for_is_not_looked_at(tried):
    happen(tried, of_arm(tried, "nudge"))
    assert found(tried, as_of=AS_OF + DAY).nudged is None


def test_before_and_after_is_shown_as_what_it_is(tried):
    nudged = of_arm(tried, "nudge")
    happen(tried, nudged[:12], at=AS_OF - DAY)
    happen(tried, nudged[:20] + of_arm(tried, "control")[:20])
    ways = effect.comparisons(found(tried)).set_index("way")
    naive = ways.loc["Misleading: after less before"]
    assert naive["difference"] == pytest.approx(8 / len(nudged))
    assert naive[["low", "high"]].isna().all()
    assert ways.loc["Nudged less waited", "low"] < 0 < ways.loc["Nudged less waited", "high"]


def told(result):
    """Return all that is told of an experiment that is over."""
    tables = effect.arms(result), effect.comparisons(result), result.shown
    return result.in_words, result.title, result.power_in_words, *(frame.to_csv() for frame in tables)


@pytest.mark.parametrize(
    ("waited", "verdict_told"),
    [((3, 9), "helped"), ((-3, -1), "cannot_tell")],
    ids=["few did", "few did not"],
)
def test_of_fewer_than_ten_who_did_or_did_not_there_is_a_verdict_and_no_number(tried, waited, verdict_told):
    control, seen = of_arm(tried, "control"), []
    happen(tried, of_arm(tried, "nudge"))
    for number, few in enumerate(waited):
        happen(tried, control[:few], at=AS_OF + (1 + number) * DAY)
        result = found(tried)
        assert (result.verdict, result.is_of_few) == (verdict_told, True)
        assert result.compared.share.count == few % len(control)  # for one's own eyes
        seen.append(told(result))
    assert seen[0] == seen[1]
    assert not {"%", "points"} & set(" ".join(seen[0]).replace(".", " ").split())
    assert effect.arms(result)[["did", "percent"]].isna().all(axis=None)


@pytest.mark.parametrize("few", [0, 10])
def test_of_ten_or_nobody_the_numbers_are_told(tried, few):
    happen(tried, of_arm(tried, "nudge") + of_arm(tried, "control")[:few])
    assert not found(tried).is_of_few
    assert effect.arms(found(tried))["did"].tolist() == [len(of_arm(tried, "nudge")), few]


def test_few_in_the_week_before_tell_of_nobody_either(tried):
    for arm in ("nudge", "control"):
        happen(tried, of_arm(tried, arm)[:9], at=AS_OF - DAY)
        happen(tried, of_arm(tried, arm)[:20])
        assert "%" not in " ".join(told(found(tried)))
        happen(tried, of_arm(tried, arm)[9:10], at=AS_OF - DAY)
        assert "%" in " ".join(told(found(tried)))


def test_few_who_were_contacted_are_not_counted(tried):
    for person in of_arm(tried, "control")[:9]:
        contact_log.phoned(tried, person, by=acting(AS_OF + HOUR))
    assert effect.arms(found(tried))["contacted"].isna().tolist() == [False, True]
    contact_log.phoned(tried, of_arm(tried, "control")[9], by=acting(AS_OF + HOUR))
    assert effect.arms(found(tried))["contacted"].tolist() == [0, 10]


@pytest.mark.parametrize("people", [16, 17])
def test_an_arm_of_fewer_than_ten_is_not_counted_running_or_over(store, people):
    load(store, *map(learner, PEOPLE[:people]))
    run = begin(store)
    decisions.decide(store, run, plan=HALF, policy=DEFAULT_SELECTION)
    publication.publish(store, run, now=AS_OF)
    assert min(len(of_arm(store, arm)) for arm in ("nudge", "control")) < 10
    assert effect.shown_plans(effect.planned(store))[["nudge", "control"]].isna().all(axis=None)
    for as_of in (AS_OF + DAY, OVER):
        assert effect.arms(found(store, as_of=as_of))["persons"].isna().all()


def test_the_newest_experiment_that_is_over_is_looked_at_first(tried):
    load(tried, *(learner(f"new{number}") for number in range(5)), at=AS_OF + DAY)
    run = begin(tried, AS_OF + 2 * DAY)
    decisions.decide(
        tried, run, plan=replace(HALF, term="next", ends_on="2026-05-01"), policy=DEFAULT_SELECTION
    )
    publication.publish(tried, run, now=AS_OF + 2 * DAY)
    assert effect.planned(tried)["experiment"].tolist() == ["nightly/next", "nightly/trial"]
    assert found(tried).experiment == "nightly/trial"
    assert found(tried, experiment="nightly/next").verdict == "running"


def test_no_experiment_is_a_finding_and_one_that_was_named_and_is_not_there_an_error(store):
    load(store, learner("a"))
    night(store)
    none = found(store)
    assert none.verdict == "none"
    assert "no experiment yet" in none.in_words
    assert (effect.arms(none).empty, effect.comparisons(none).empty) == (True, True)
    with pytest.raises(NotFound, match="no experiment 'nightly/other'"):
        found(store, experiment="nightly/other")


def test_the_outlook_says_what_these_numbers_can_show(store):
    load(store, *map(learner, PEOPLE))
    happen(store, PEOPLE[:40], at=AS_OF - DAY)
    run = begin(store)
    assert effect.outlook(store, run, None) == "Nobody waits: there is no experiment."
    decisions.decide(store, run, plan=HALF, policy=DEFAULT_SELECTION)
    said = effect.outlook(store, run, HALF)
    assert "of 80 persons wait" in said
    assert "50 % of them all came back within 7 days" in said
    publication.publish(store, run, now=AS_OF)
    result = found(store)
    assert effect.points(result.planned_for) in said
    assert effect.points(result.planned_for) in result.power_in_words


@pytest.mark.parametrize(
    ("interval", "persons", "expected"),
    [
        (None, 0, "too_few"),
        (Interval(0.5, 0.4, 0.6), effect.PERSONS_NEEDED - 1, "too_few"),
        (Interval(0.1, 0.01, 0.2), 100, "helped"),
        (Interval(-0.1, -0.2, -0.01), 100, "harmed"),
        (Interval(0.1, -0.01, 0.2), 100, "cannot_tell"),
        (Interval(0.1, 0.0, 0.2), 100, "cannot_tell"),
    ],
)
def test_the_verdict_follows_from_the_interval(interval, persons, expected):
    assert verdict(interval, persons) == expected


def simulated(outcomes):
    """Return the verdicts of many experiments, each with its own draw of 400 people; `outcomes` gives who did it."""
    people = [f"p{number}" for number in range(400)]
    verdicts = []
    for number in range(RUNS):
        arms = {person: drawn_arm(f"nightly/{number}", person, 0.5) for person in people}
        did = outcomes(number, arms)
        shares = []
        for arm in experiments.ARMS:
            members = [person for person in people if arms[person] == arm]
            shares.append(Share(sum(did[person] for person in members), len(members)))
        verdicts.append(verdict(intervals.newcombe(*shares), min(share.of for share in shares)))
    return verdicts


def test_without_an_effect_the_verdict_is_seldom_wrong():
    def nothing(number, arms):
        chance = random.Random(number)
        return {person: chance.random() < 0.3 for person in arms}

    verdicts = simulated(nothing)
    assert sum(found in {"helped", "harmed"} for found in verdicts) <= 0.062 * RUNS
    assert {"helped", "harmed", "cannot_tell"} == set(verdicts)


def test_an_effect_of_the_size_called_detectable_is_found_as_often_as_promised():
    rise = intervals.detectable(200, 200, rate=0.3)

    def planted(number, arms):
        chance = random.Random(number)
        return {person: chance.random() < 0.3 + rise * (arm == "nudge") for person, arm in arms.items()}

    verdicts = simulated(planted)
    assert verdicts.count("helped") / RUNS == pytest.approx(intervals.POWER, abs=0.03)
    assert verdicts.count("harmed") == 0


def test_a_picture_shows_each_difference_with_its_range(tried):
    happen(tried, of_arm(tried, "nudge"))
    result = found(tried)
    ways = effect.comparisons(result)
    figure = effects.differences(ways, title=result.title)
    sure, misleading = figure.data
    assert sure.x == (round(100 * result.difference.value, 2),)
    assert sure.error_x.array == (round(100 * (result.difference.high - result.difference.value), 2),)
    assert misleading.error_x.visible is False
    assert figure.layout.meta["title"] == result.title
    assert [row[0] for row in figure.layout.meta["rows"]] == ways["way"].tolist()


def test_the_effect_planted_in_the_demo_is_found(store):
    from engagement.demo import history

    end = datetime.combine(AS_OF.date(), time.max)
    history.fill(store, size=2_000, seed=1, as_of=end, now=end, zone=UTC)
    result = estimate(store, as_of=end, zone=UTC)
    assert result.verdict == "helped"
    # What was planted works on whoever stays away and was sent something.
    sent = result.nudged.contacted / result.nudged.persons
    planted = sample.NUDGE_RETURN_EFFECT * (1 - result.compared.share.value) * sent
    assert result.difference.low < planted < result.difference.high


def test_a_report_tells_an_experiment_in_words(tried):
    (plan,) = effect.plans_in_words(effect.planned(tried)).to_dict("records")
    drawn = [len(of_arm(tried, arm)) for arm in ("nudge", "control")]
    assert plan == {
        "experiment": "nightly/trial",
        "waits_percent": 50,
        "assigned_until": AS_OF.date(),
        "looks_at_who": "came back within 7 days",
        "nudged": drawn[0],
        "waited": drawn[1],
    }
    assert effect.plans_in_words(effect.planned(tried).head(0)).empty
    result = found(tried)
    assert list(effect.arms_in_words(result))[3] == "came back within 7 days"
    assert (
        effect.arms_in_words(result).set_axis(list(effect.arms(result)), axis=1).equals(effect.arms(result))
    )
