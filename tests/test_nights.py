"""Sixty nights as they come, and cohorts that nobody thought of: the product agrees with a plain reference."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import random
import shutil
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.policy import DEFAULT_POLICY, RiskPolicy, SelectionPolicy
from engagement.store import Store
from engagement.targeting.experiments import Plan
from engagement.vocabulary import CHANNELS
from tests.support import reference
from tests.support.reference import DAY, HOUR
from tests.support.side_by_side import SideBySide, promises_broken

FIRST = datetime(2026, 3, 2)
UNLIKE = RiskPolicy(
    weights={"behind_pace": 0.4, "low_quiz": 0.3, "missed_session": 0.2, "inactivity": 0.1},
    missed_sessions_cap=5,
    recency_days=21,
    high_above=0.6,
    medium_above=0.35,
)


class Cohort:
    """Invented learners who come and go: persons with one to three enrolments, whose facts change by the day."""

    def __init__(self, learners, chance, first):
        self.chance, self.rows = chance, {}
        person = 0
        while len(self.rows) < learners:
            person += 1
            about = {
                "person_id": f"p{person}",
                "name": f"Ex{person} Ample",
                "email": f"p{person}@example.invalid" if chance.random() < 0.85 else None,
                "phone": "+1-202-555-0100" if chance.random() < 0.7 else None,
                "preferred_channel": chance.choice([None, "email", "in_app", "whatsapp"]),
                "whatsapp_opt_in": chance.random() < 0.5,
                "contact_opt_out": chance.random() < 0.05,
            }
            for enrolment in range(chance.choice([1, 1, 1, 2, 3])):
                self.rows[f"e{person}-{enrolment}"] = {
                    **about,
                    "id": f"e{person}-{enrolment}",
                    "program": chance.choice(["Data", "Welding"]),
                    "enrolled_at": first + chance.randint(-90, 20) * DAY,
                    "active": True,
                    "last_login": first - chance.randint(0, 40) * DAY if chance.random() < 0.9 else None,
                    "completed_percent": chance.choice([None, *range(0, 101, 5)]),
                    "avg_quiz_score": chance.choice([None, *range(0, 101, 5)]),
                    "consecutive_missed_sessions": chance.choice([None, *range(9)]),
                }

    def changed(self, now, share):
        """Return the rows of those of whom something is new."""
        some = [row for row in self.rows.values() if self.chance.random() < share]
        for row in some:
            self._change(row, now)
        people = {row["person_id"] for row in some}
        return [row for row in self.rows.values() if row["person_id"] in people]

    def _change(self, row, now):
        chance = self.chance
        change = chance.random()
        if change < 0.5:
            row["last_login"] = now - chance.random() * HOUR
            row["completed_percent"] = min((row["completed_percent"] or 0) + chance.randint(0, 30), 100)
        elif change < 0.85:
            row["consecutive_missed_sessions"] = (row["consecutive_missed_sessions"] or 0) + 1
            row["avg_quiz_score"] = chance.choice([None, *range(0, 101, 5)])
        elif change < 0.9:
            row["active"] = not row["active"]
        else:
            same = [other for other in self.rows.values() if other["person_id"] == row["person_id"]]
            email = f"{row['person_id']}@example.invalid" if chance.random() < 0.7 else None
            opt_in = chance.random() < 0.5
            for other in same:
                other["email"], other["whatsapp_opt_in"] = email, opt_in
            row["contact_opt_out"] = chance.random() < 0.4


@pytest.fixture
def held(store):
    """The store, with its file attached all the while: every block is a transaction of its own all the same.

    To attach and detach is a quarter of sixty nights; those of the other test do it.
    """
    cursor = store._attach(read_only=False)
    yield store
    store._detach(cursor)


def test_sixty_nights_break_no_promise(held, tmp_path):
    chance = random.Random(20260302)
    plan = Plan(holdout=0.2, term="spring", ends_on="2026-04-10")
    both = SideBySide(held, tmp_path / "reports", risk=UNLIKE, rules=SelectionPolicy(capacity=40), plan=plan)
    cohort = Cohort(500, chance, FIRST)
    both.load(list(cohort.rows.values()), FIRST)
    for day in range(60):
        midnight = FIRST + day * DAY
        both.load(cohort.changed(midnight + HOUR, 0.1), midnight + HOUR)
        both.night(midnight + 2.25 * HOUR)
        if day % 9 == 8:  # what came late makes a second attempt at the day
            both.load(cohort.changed(midnight + 4 * HOUR, 0.1), midnight + 4 * HOUR)
            both.night(midnight + 5 * HOUR)
        _a_day(both, midnight, chance, weekday=day % 7)
    sent = [message for _, _, message in both.log]
    assert len(sent) > 500
    assert any(message.overruled_at for message in sent)
    assert not promises_broken(both)


def _a_day(both, midnight, chance, *, weekday):
    """Do what coordinators do on a day, at all hours."""
    messages = both.world.messages
    for hour in sorted(chance.sample(range(6, 24), 2)):
        now = midnight + (hour + chance.random()) * HOUR
        drafts = [each for each, message in messages.items() if message.status == "draft"]
        some = sorted(chance.sample(drafts, min(len(drafts), 15)))
        if hour % 5 == 0 and some:
            both.move(some[:2], "rejected", now)
        elif some:
            both.approve(some, now, known=reference.LIMITS if hour % 3 == 0 else ())
    learners = sorted(both.world.enrolments)
    both.phone(chance.choice(learners), midnight + 12 * HOUR)
    if weekday in (1, 4):
        both.write_by_hand(chance.choice(learners), chance.choice(CHANNELS), midnight + 13 * HOUR)
    if weekday in (0, 2, 4):
        both.export(midnight + 17 * HOUR)


# What happens next, and how many hours after what happened before: a clock may go back.
ACTS = (
    *(
        ["load", "night", "approve", "export"],
        ["night", "approve", "export"],
        ["night", "approve"],
        ["night"],
    ),
    *(
        ["load", "recalculate", "export"],
        ["load", "yesterday", "approve"],
        ["yesterday"],
        ["load", "night", "overrule"],
    ),
    *(
        ["phone", "by hand", "approve", "export"],
        ["by hand", "overrule", "night", "export"],
        ["reject", "night"],
    ),
    *(
        ["approve", "undo", "night"],
        ["load"],
        ["load", "night", "overrule"],
        ["load", "night", "load", "night"],
    ),
)
HOURS = (-49, -2.25, 0.5, 8, 21, 24, 24, 24, 27, 49, 73, 73, 170)


@pytest.fixture
def folder(tmp_path_factory, empty_file):
    """Make the file of an empty store, as often as it is called."""
    return lambda: shutil.copyfile(empty_file, tmp_path_factory.mktemp("nights") / "store.duckdb")


SELECTIONS = st.builds(
    SelectionPolicy,
    capacity=st.sampled_from([None, 3, 8]),
    cap_contacts=st.sampled_from([2, 2, 1, 3]),
    recent_hours=st.sampled_from([72, 72, 24]),
    referral_runs=st.sampled_from([1, 2, 3]),
    labels=st.sampled_from([("high", "medium"), ("high",), ("low", "medium")]),
)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(
    chance=st.randoms(use_true_random=False),
    numbers=st.tuples(st.sampled_from([DEFAULT_POLICY, UNLIKE]), SELECTIONS),
    plan=st.sampled_from([None, None, Plan(holdout=0.5, term="spring", ends_on="2026-04-10")]),
    days=st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(HOURS)), min_size=4, max_size=9),
)
def test_whatever_happens_the_reference_agrees(folder, chance, numbers, plan, days):
    risk, rules = numbers
    store = Store(folder())
    both = SideBySide(store, store.path.parent / "reports", risk=risk, rules=rules, plan=plan)
    cohort, now = Cohort(25, chance, FIRST), FIRST + HOUR
    both.load(list(cohort.rows.values()), now)
    both.night(now + HOUR)
    for acts, hours in days:
        now += hours * HOUR
        for act in acts:
            _do(both, cohort, act, now, chance)
            now += HOUR
    shutil.rmtree(store.path.parent)


def _do(both, cohort, act, now, chance):
    messages, learners = both.world.messages, sorted(both.world.enrolments)

    def some(*statuses):
        there = sorted(each for each, message in messages.items() if message.status in statuses)
        return chance.sample(there, min(len(there), 10))

    if act == "load" and (rows := cohort.changed(now, 0.4)):
        both.load(rows, max(now, both.loaded_at))  # an older file is another matter
    elif act == "night":
        both.night(now)
    elif act == "yesterday":
        both.night(now, (now - DAY).date())
    elif act == "recalculate":
        both.recalculate(now)
    elif act in ("approve", "overrule") and (ids := some("draft")):
        both.approve(ids, now, known=reference.LIMITS if act == "overrule" else ())
    elif act == "reject" and (ids := some("draft")):
        both.move(ids, "rejected", now)
    elif act == "undo" and (ids := some("approved", "rejected")):
        both.move(ids, "draft", now)
    elif act == "by hand":
        both.write_by_hand(chance.choice(learners), chance.choice(CHANNELS), now)
    elif act == "phone":
        both.phone(chance.choice(learners), now)
    elif act == "export":
        both.export(now)
