"""The product and the reference side by side: what is done to the one is done to the other, and both must agree.

A night runs through the functions that its notebooks call, without kernels.
"""

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta

import pandas as pd
import pytest

from engagement.dates import end_of_day
from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.outreach import export, nudges, quizzes, review
from engagement.pipeline import attempt, publication, rescoring
from engagement.pipeline.config import read_pipeline
from engagement.risk import scores
from engagement.settings import read_settings
from engagement.targeting import contact_log, decisions, experiments
from tests.support import reference
from tests.support.acting import acting
from tests.support.reference import DAY, HOUR, Decision, Enrolment, Message, Night, Quiz, World

PARTS = 1_000_000
ALIKE = 1e-12
_FACTS = ("last_login", "completed_percent", "avg_quiz_score", "consecutive_missed_sessions")


class SideBySide:
    """Both, from an empty store on; `log` has what was sent, with what was known of the person then."""

    def __init__(self, store, folder, *, risk, rules, plan=None):
        self.store, self.folder, self.plan = store, folder, plan
        pipeline = read_pipeline("nightly")
        self.pipeline = pipeline.model_copy(update={"risk": {**asdict(risk), "weights": dict(risk.weights)}})
        assert self.pipeline.policy == risk
        self.zone = read_settings().zone
        self.world = World(risk, rules)
        self.log, self.loaded_at = [], None

    # --- what comes in

    def load(self, rows, now):
        """Load the rows, dicts in the columns of a file, as they are known now."""
        summary = learners.load(self.store, pd.DataFrame(rows), observed_at=now, loaded_at=now)
        assert summary.accepted == len(rows)
        self.loaded_at = now
        for row in rows:
            known = self.world.enrolments.get(row["id"])
            enrolment = Enrolment(
                id=row["id"],
                person=row["person_id"],
                email=row["email"],
                phone=row["phone"],
                preferred_channel=row["preferred_channel"],
                whatsapp_opt_in=row["whatsapp_opt_in"],
                contact_opt_out=row["contact_opt_out"],
                enrolled_at=row["enrolled_at"],
                facts=known.facts if known else [],
            )
            if not row["active"]:
                enrolment.inactive_since = known.inactive_since if known and known.inactive_since else now
            enrolment.facts.append((now, {name: row[name] for name in _FACTS}))
            self.world.know(enrolment)

    # --- what the platform does

    def night(self, now, day=None):
        """Run the nightly pipeline for the day (today's, at 02:15 for its end) and return whether it did anything."""
        day = day or now.date()
        as_of = end_of_day(day, self.zone)
        given = {step.notebook: dict(step.parameters) for step in self.pipeline.steps}
        begun = attempt.found_or_begun(
            self.store,
            self.pipeline,
            as_of=as_of,
            day=day,
            parameters=given,
            folder=self.folder,
            now=now,
            again=False,
        )
        if begun.run.is_published:
            self.agrees("a night that is done")
            return False
        run = begun.run
        scores.score(self.store, run)
        decisions.decide(self.store, run, policy=self.world.rules, plan=self.plan)
        night = Night("nightly", day, as_of, reference.scores(self.world, as_of))
        decided, waits = self._decided(night, now)
        with self.store.read():  # one look for both
            self._same_scores(run, night)
            self._same_decisions(run, decided)
        nudges.draft(self.store, run)
        quizzes.draft(self.store, run)
        self._same_drafts(run, decided, night)
        publication.publish(self.store, run, now=now)
        self._published(night, decided, waits, now)
        self.agrees(f"the night of {day} at {now}")
        return True

    def recalculate(self, now):
        """Score everybody as of now, as a person asks for it."""
        rescoring.publish_scores(
            self.store, as_of=now, zone=self.zone, programs=None, now=now, policy=self.world.risk
        )
        self.world.nights.append(Night("score", now.date(), now, reference.scores(self.world, now)))
        self.agrees("a recalculation")

    # --- what people do

    def approve(self, ids, now, known=()):
        """Approve drafts, going past the limits that are known; return the ids that were approved."""
        asked = [self.world.messages[each] for each in ids]
        past = reference.held_back(self.world, asked, now)
        held = reference.held_back(self.world, asked, now, known)
        if held and len(held) == len(asked):
            with pytest.raises(InvalidInput):
                review.approve(self.store, ids, by=acting(now), known=known)
            return []
        told = {
            row["id"]: row["why"]
            for row in review.approve(self.store, ids, by=acting(now), known=known)
            if "why" in row
        }
        assert told == held, ("held back at approval", told, held)
        approved = [message for message in asked if message.id not in held]
        for message in approved:
            message.status, message.approved_at, message.is_touched = "approved", now, True
            if known and set(past.get(message.id, ())) & set(reference.LIMITS):
                message.overruled_at = now
        self.agrees("an approval")
        return [message.id for message in approved]

    def move(self, ids, to, now):
        """Reject drafts, or take an approval or a rejection back."""
        review.move(self.store, ids, to, by=acting(now), reason="not now")
        for each in ids:
            self.world.messages[each].status, self.world.messages[each].is_touched = to, True
            if to == "draft":
                self.world.messages[each].approved_at = self.world.messages[each].overruled_at = None
        self.agrees(f"a move to {to}")

    def write_by_hand(self, learner, channel, now):
        """Ask for one message to the learner; return its id, None where nobody may be written to that way."""
        world = self.world
        enrolment = world.enrolments[learner]
        refused = reference.refused(world, enrolment, channel)
        with suppress(InvalidInput):
            made = nudges.write(self.store, learner, channel=channel, by=acting(now))
            assert not refused, (learner, channel, refused)
            warned = [code for code in made["warnings"] if code in reference.LIMITS]
            limits = reference.limits_of(world, enrolment.person, now)
            assert warned == limits, ("warned", warned, limits)
            score, label = made["risk_score"], made["risk_label"]
            message = Message(
                made["id"], learner, "manual", now.isoformat(), channel, made["type"], now, score, label
            )
            message.overruled_at = now if limits else None
            world.add(message)
            self.agrees("a message by hand")
            return message.id
        assert refused, (learner, channel, "refused by the product alone")
        return None

    def phone(self, learner, now):
        contact_log.phoned(self.store, learner, by=acting(now))
        self.world.calls.append((learner, now))

    def export(self, now):
        """Export what is approved; return the ids of what left."""
        world = self.world
        for message in world.messages.values():
            if message.status == "approved" and reference.is_over(world, message, now):
                message.status = "expired"
        ready = [message for message in world.messages.values() if message.status in ("approved", "queued")]
        held = reference.held_back(world, ready, now)
        left = {row["id"] for row in export.hand_over(self.store, by=acting(now))}
        expected = {message.id for message in ready} - set(held)
        assert left == expected, ("left", left ^ expected, now)
        for message in ready:
            if message.id in left:
                message.status, message.sent_at = "sent", now
                assert not reference.refused(world, world.enrolments[message.learner], message.channel)
                self.log.append((now, world.person(message.learner), message))
        self.agrees("an export")
        return sorted(left)

    # --- whether they agree

    def agrees(self, after):
        """Assert that every message has the same status on both sides, and when."""
        with self.store.read() as db:
            found = db.execute(
                "select id, status, approved_at, sent_at, overruled_at from published_nudges"
            ).fetchall()
        theirs = {each: tuple(rest) for each, *rest in found}
        ours = {
            message.id: (message.status, message.approved_at, message.sent_at, message.overruled_at)
            for message in self.world.messages.values()
        }
        different = [(each, ours.get(each), theirs.get(each)) for each in ours.keys() | theirs.keys()]
        different = [entry for entry in different if entry[1] != entry[2]]
        assert not different, (after, len(different), "reference, product:", different[:3])

    def _same_scores(self, run, night):
        with self.store.read() as db:
            found = db.execute(
                "select learner_id, risk_score, risk_label from run_scores where run_id = $run",
                {"run": run.run_id},
            ).fetchall()
        assert {learner for learner, *_ in found} == set(night.scores)
        for learner, score, label in found:
            expected, expected_label, _ = night.scores[learner]
            assert label == expected_label, learner
            assert score == expected or abs(score - expected) <= ALIKE, learner  # or nobody can say it

    def _decided(self, night, now):
        world, plan = self.world, self.plan
        waits = set()
        if plan and night.day <= plan.last_day:
            share = round(plan.holdout * PARTS)
            persons = {enrolment.person for enrolment in world.enrolments.values()} - set(world.assigned)
            name = experiments.identity("nightly", plan.term)
            waits = {person for person in persons if reference.drawn(f"{name}|{person}", PARTS) < share}
        capacity, period = world.rules.capacity, night.day.isoformat()
        used = sum(
            (message.campaign, message.period) == ("nightly", period)
            and not reference.gives_way(world, message, night)
            for message in world.messages.values()
        )
        left = float("inf") if capacity is None else max(capacity - used, 0)
        return reference.decide(world, night, now, waits=waits, left=left), waits

    def _same_decisions(self, run, decided):
        with self.store.read() as db:
            found = db.execute(
                "select learner_id, reason, type, channel, quiz from contact_decisions where run_id = $run",
                {"run": run.run_id},
            ).fetchall()
        theirs = {learner: Decision(*rest) for learner, *rest in found}
        different = [(each, decided.get(each), theirs.get(each)) for each in decided.keys() | theirs.keys()]
        different = [entry for entry in different if entry[1] != entry[2]]
        assert not different, (run.run_id, len(different), "reference, product:", different[:3])

    def _same_drafts(self, run, decided, night):
        world = self.world
        with self.store.read() as db:
            drafts = db.execute(
                """
                select id, learner_id, channel, type, risk_score, risk_label, as_of from nudges where run_id = $run
                """,
                {"run": run.run_id},
            ).fetchall()
            asked = db.execute(
                "select learner_id, period from quizzes where run_id = $run", {"run": run.run_id}
            ).fetchall()
        expected = reference.drafted(world, decided, night)
        assert {(learner, channel, kind) for _, learner, channel, kind, *_ in drafts} == expected
        assert set(asked) == reference.quizzes_drafted(world, decided, night)
        self._new = [
            Message(each, learner, "nightly", night.day.isoformat(), channel, kind, as_of, score, label)
            for each, learner, channel, kind, score, label, as_of in drafts
        ]
        self._new_quizzes = [Quiz(learner, week, night.day, night.as_of) for learner, week in asked]

    def _published(self, night, decided, waits, now):
        world, plan, at = self.world, self.plan, min(night.as_of, now)
        if plan and night.day <= plan.last_day and not reference.looks_back(world, night):
            for learner, decision in decided.items():
                person = world.person(learner)
                if decision.reason in (None, "held_out") and person not in world.assigned:
                    waits_now = person in waits
                    world.assigned[person] = "control" if waits_now else "nudge"
                    if waits_now:
                        world.waiting.append((person, at, at + timedelta(days=plan.window_days)))
        for message in list(world.messages.values()):
            if reference.gives_way(world, message, night):
                world.forget(message)
        for message in self._new:
            world.add(message)
        world.quizzes = [quiz for quiz in world.quizzes if quiz.day != night.day or quiz.is_over]
        world.quizzes += self._new_quizzes
        for quiz in world.quizzes:
            quiz.is_over = quiz.is_over or quiz.as_of <= at - 7 * DAY
        for message in reference.expired(world, at):
            message.status = "expired"
        world.nights.append(night)
        for message in world.messages.values():
            if message.status == "approved" and reference.is_over(world, message, now):
                message.status = "expired"


def promises_broken(both):
    """Return how many of what was sent broke a promise, by which: counted from the log alone.

    Whoever went past a limit knew what had been approved by then.
    """
    calls = [(at, at, both.world.person(learner), None) for learner, at in both.world.calls]
    sent = [(at, message.approved_at, person, message) for at, person, message in both.log]
    broken, earlier = Counter(), defaultdict(list)
    for at, known_at, person, message in sorted([*calls, *sent], key=lambda contact: contact[0]):
        if message is not None:
            overruled_at = message.overruled_at
            before = [then for then, known in earlier[person] if overruled_at is None or known > overruled_at]
            broken["within 72 hours"] += any(at - then < 72 * HOUR for then in before)
            broken["more than 2 in 7 days"] += sum(then > at - 7 * DAY for then in before) >= 2
            broken["in the comparison group"] += overruled_at is None and any(
                who == person and start <= at < end for who, start, end in both.world.waiting
            )
        earlier[person].append((at, known_at))
    return +broken
