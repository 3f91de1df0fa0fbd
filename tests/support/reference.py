"""The contract in slow and plain Python, one person after the other: what the product must agree with.

It is written from the documented rules and imports nothing of the product, so that a rule which is wrong there is
not wrong here in the same way. Instants are naive UTC; a policy is anything with the numbers of `RiskPolicy` and
`SelectionPolicy`.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FOREVER = datetime(9999, 1, 1)  # noqa: DTZ001 (naive UTC, as everywhere)
TYPES = ("behind_pace", "low_quiz", "missed_session", "inactivity")
LIMITS = ("recently_contacted", "cap_reached", "held_out")
RECENT_HOURS, MOST_IN_7_DAYS = 72, 2  # as messages are approved and leave, however a run was told to choose


@dataclass
class Enrolment:
    """What is known of one, as it was loaded last, and its facts with the instants from which they are known."""

    id: str
    person: str
    email: str | None
    phone: str | None
    preferred_channel: str | None
    whatsapp_opt_in: bool
    contact_opt_out: bool
    enrolled_at: datetime | None
    inactive_since: datetime | None = None
    facts: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def known(self, instant: datetime) -> dict[str, Any] | None:
        """The newest facts by then."""
        return next((facts for observed_at, facts in reversed(self.facts) if observed_at <= instant), None)

    def is_active(self, instant: datetime) -> bool:
        return self.inactive_since is None or self.inactive_since > instant


@dataclass
class Message:
    id: str
    learner: str
    campaign: str
    period: str
    channel: str
    type: str
    as_of: datetime
    score: float | None
    label: str | None
    status: str = "draft"
    approved_at: datetime | None = None
    sent_at: datetime | None = None
    overruled_at: datetime | None = None
    is_touched: bool = False


@dataclass
class Quiz:
    learner: str
    week: str
    day: date
    as_of: datetime
    is_over: bool = False


@dataclass
class Night:
    """What a run, or a person who asked for scores (`campaign` "score"), has published."""

    campaign: str
    day: date
    as_of: datetime
    scores: dict[str, tuple[float | None, str, dict[str, float]]]


@dataclass
class Decision:
    reason: str | None
    type: str | None
    channel: str | None
    quiz: bool


@dataclass
class World:
    """Everything that has happened."""

    risk: Any
    rules: Any
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    calls: list[tuple[str, datetime]] = field(default_factory=list)
    nights: list[Night] = field(default_factory=list)  # in the order in which they were published
    waiting: list[tuple[str, datetime, datetime]] = field(
        default_factory=list
    )  # comparison group: who, from, until
    assigned: dict[str, str] = field(default_factory=dict)  # the arm of each person in the experiment
    quizzes: list[Quiz] = field(default_factory=list)
    _by_person: dict[str, list[Enrolment]] = field(default_factory=lambda: defaultdict(list))
    _by_learner: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def know(self, enrolment: Enrolment) -> None:
        known = self.enrolments.get(enrolment.id)
        self.enrolments[enrolment.id] = enrolment
        if known:
            self._by_person[known.person].remove(known)
        self._by_person[enrolment.person].append(enrolment)

    def add(self, message: Message) -> None:
        self.messages[message.id] = message
        self._by_learner[message.learner].append(message)

    def forget(self, message: Message) -> None:
        del self.messages[message.id]
        self._by_learner[message.learner].remove(message)

    def person(self, learner: str) -> str:
        return self.enrolments[learner].person

    def of_person(self, person: str) -> list[Enrolment]:
        return self._by_person[person]

    def to(self, person: str) -> list[Message]:
        """All messages to the person, whichever enrolment they are about."""
        return [message for enrolment in self.of_person(person) for message in self._by_learner[enrolment.id]]

    def about(self, learner: str) -> list[Message]:
        return self._by_learner[learner]


def score(world: World, enrolment: Enrolment, as_of: datetime) -> tuple[float | None, str, dict[str, float]]:
    """Return the score, its label and the terms that are known; 0 is safe, 1 is leaving."""
    facts, numbers = enrolment.known(as_of), world.risk
    assert facts is not None
    terms = {}
    if facts["completed_percent"] is not None:
        terms["behind_pace"] = 1 - facts["completed_percent"] / 100
    if facts["avg_quiz_score"] is not None:
        terms["low_quiz"] = 1 - facts["avg_quiz_score"] / 100
    if facts["consecutive_missed_sessions"] is not None:
        terms["missed_session"] = min(facts["consecutive_missed_sessions"] / numbers.missed_sessions_cap, 1)
    since = facts["last_login"] or enrolment.enrolled_at
    away = 1.0 if since is None else (as_of - since) / DAY / numbers.recency_days
    terms["inactivity"] = min(max(away, 0), 1)
    weight = sum(numbers.weights[term] for term in terms)
    if weight < 0.5 - 1e-9:
        return None, "unknown", {}
    total = sum(numbers.weights[term] * value for term, value in terms.items()) / weight
    label = "low"
    if total > numbers.medium_above + 1e-9:
        label = "medium"
    if total > numbers.high_above + 1e-9:
        label = "high"
    return total, label, terms


def scores(world: World, as_of: datetime) -> dict[str, tuple[float | None, str, dict[str, float]]]:
    return {
        enrolment.id: score(world, enrolment, as_of)
        for enrolment in world.enrolments.values()
        if enrolment.is_active(as_of) and enrolment.known(as_of)
    }


def word(world: World, learner: str, instant: datetime) -> str | None:
    """Return the label of the newest score that speaks of that instant or an earlier one; of two the last one."""
    said: tuple[datetime, str] | None = None
    for night in world.nights:
        if night.as_of <= instant and learner in night.scores and (said is None or night.as_of >= said[0]):
            said = night.as_of, night.scores[learner][1]
    return said and said[1]


def nights_high(world: World, learner: str, day: date) -> int:
    """Return in how many of the newest three published runs before the day the learner was high."""
    newest = {
        night.day: night.as_of for night in world.nights if night.campaign == "nightly" and night.day < day
    }
    asked = [newest[earlier] for earlier in sorted(newest)[-3:]]
    return sum(word(world, learner, as_of) == "high" for as_of in asked)


def refused(world: World, enrolment: Enrolment, channel: str) -> str | None:
    """Return why nobody may write to the enrolment that way; a no of a person counts for all of their enrolments."""
    if enrolment.inactive_since is not None:
        return "inactive"
    if any(other.contact_opt_out for other in world.of_person(enrolment.person)):
        return "opted_out"
    if channel == "whatsapp" and not enrolment.whatsapp_opt_in:
        return "no_opt_in"
    if channel == "whatsapp" and not enrolment.phone:
        return "no_address"
    if channel == "email" and not enrolment.email:
        return "no_address"
    return None


def channel_for(enrolment: Enrolment) -> str | None:
    wanted = enrolment.preferred_channel
    if wanted == "in_app":
        return "in_app"
    if wanted == "whatsapp" and enrolment.whatsapp_opt_in:
        return "whatsapp" if enrolment.phone else None
    if wanted == "email":
        return "email" if enrolment.email else None
    return "email" if enrolment.email else "in_app"


def contacts(world: World, person: str, now: datetime, *, but: set[str]) -> list[tuple[datetime, datetime]]:
    """Return from when on each contact with the person could be known, and when it was: what waits is one as of now."""
    found = []
    for message in world.to(person):
        if message.status in ("approved", "queued") and message.id not in but:
            found.append((message.approved_at, now))
        if message.status in ("sent", "delivered"):
            found.append((message.approved_at, message.sent_at))
    found += [(at, at) for learner, at in world.calls if world.person(learner) == person]
    return found


def limits_of(
    world: World,
    person: str,
    now: datetime,
    *,
    but: set[str] = frozenset(),
    overruled_at: datetime | None = None,
    recent_hours: float = RECENT_HOURS,
    most_in_7_days: int = MOST_IN_7_DAYS,
) -> list[str]:
    """Return the limits that one more message to the person would pass; those known when it was overruled are none."""
    counted = [
        at
        for known_at, at in contacts(world, person, now, but=but)
        if overruled_at is None or known_at > overruled_at
    ]
    passed = []
    if any(now - at < recent_hours * HOUR for at in counted):
        passed.append("recently_contacted")
    if sum(at > now - 7 * DAY for at in counted) >= most_in_7_days:
        passed.append("cap_reached")
    since = [start for who, start, end in world.waiting if who == person and start <= now < end]
    if since and (overruled_at is None or max(since) > overruled_at):
        passed.append("held_out")
    return passed


def kind_of_message(world: World, enrolment: Enrolment, night: Night) -> str | None:
    """Return the type that fits the enrolment tonight: three rules, then the largest term."""
    facts = enrolment.known(night.as_of)
    assert facts is not None
    sent = [message for message in world.about(enrolment.id) if message.status in ("sent", "delivered")]
    _, label, terms = night.scores.get(enrolment.id, (None, None, {}))
    if is_new(world, enrolment, facts, night.as_of):
        return "welcome"
    without_return = [
        message for message in sent if facts["last_login"] is None or message.sent_at > facts["last_login"]
    ]
    if (
        nights_high(world, enrolment.id, night.day) >= world.rules.referral_runs
        or len(without_return) >= world.rules.referral_nudges
    ):
        return "support_referral"
    if sent:
        then = max(sent, key=lambda message: message.sent_at).label
        if (then, label) in (("high", "medium"), ("high", "low"), ("medium", "low")):
            return "praise"
    return max(terms, key=lambda term: (round(terms[term], 12), -TYPES.index(term))) if terms else None


def is_new(world: World, enrolment: Enrolment, facts: dict[str, Any], as_of: datetime) -> bool:
    """Return whether the enrolment should be welcomed: begun lately, never there, not welcomed before."""
    welcomed = any(
        message.type == "welcome"
        and message.status in ("approved", "rejected", "queued", "sent", "delivered")
        for message in world.about(enrolment.id)
    )
    if facts["last_login"] is not None or enrolment.enrolled_at is None or welcomed:
        return False
    return timedelta() <= as_of - enrolment.enrolled_at <= world.rules.welcome_days * DAY


def reason(world: World, enrolment: Enrolment, night: Night, at: datetime) -> str | None:
    """Return why the run leaves the enrolment alone, as far as the others do not matter; None where it does not."""
    label = night.scores[enrolment.id][1] if enrolment.id in night.scores else None
    no = refused(world, enrolment, "in_app")
    if no == "inactive":
        return "inactive"
    facts = enrolment.known(night.as_of)
    is_unscored = label in (None, "unknown")
    is_welcome = is_unscored and facts is not None and is_new(world, enrolment, facts, night.as_of)
    if label not in world.rules.labels and not is_welcome:
        return {None: "not_scored", "low": "low", "unknown": "unknown"}.get(label, "label_not_selected")
    if no:
        return no
    if channel_for(enrolment) is None:
        return "no_address"
    drafts = [
        message
        for message in world.to(enrolment.person)
        if message.status == "draft" and not gives_way(world, message, night)
    ]
    if any(draft.as_of > at - 72 * HOUR for draft in drafts):
        return "open_draft"
    limits = limits_of(
        world,
        enrolment.person,
        at,
        recent_hours=world.rules.recent_hours,
        most_in_7_days=world.rules.cap_contacts,
    )
    return next((limit for limit in limits if limit != "held_out"), None)


def wants_quiz(world: World, enrolment: Enrolment, night: Night) -> bool:
    facts = enrolment.known(night.as_of)
    is_selected = enrolment.id in night.scores and night.scores[enrolment.id][1] in world.rules.labels
    may = refused(world, enrolment, "in_app") is None
    average = facts["avg_quiz_score"] if facts else None
    return may and is_selected and average is not None and average < world.rules.quiz_below


def decide(world: World, night: Night, now: datetime, *, waits: set[str], left: float) -> dict[str, Decision]:
    """Return whom the run of the night contacts; `waits` are the persons whom chance lets wait from now on.

    `left` is for how many there is room yet.
    """
    at = min(night.as_of, now)
    waiting = waits | {who for who, start, end in world.waiting if start <= at < end}
    decided: dict[str, Decision] = {}
    chosen: set[str] = set()
    places = 0
    for learner in worst_first(world, night):
        enrolment = world.enrolments[learner]
        person, why = enrolment.person, reason(world, enrolment, night, at)
        has_place = places < left
        if why is None and person in chosen:
            why = "other_enrolment"
        elif why is None:
            chosen.add(person)
            places += person not in waiting
            why = "over_capacity" if not has_place else "held_out" if person in waiting else None
        quiz = has_place and person not in waiting and wants_quiz(world, enrolment, night)
        is_contacted = why is None
        decided[learner] = Decision(
            reason=why,
            type=kind_of_message(world, enrolment, night) if is_contacted else None,
            channel=channel_for(enrolment) if is_contacted else None,
            quiz=quiz,
        )
    return decided


def worst_first(world: World, night: Night) -> list[str]:
    """Return the enrolments in order: of two equal to twelve digits the first by id, those without a score last."""
    found = {learner: score for learner, (score, *_) in night.scores.items() if score is not None}
    return sorted(world.enrolments, key=lambda each: (-round(found[each], 12) if each in found else 1, each))


def looks_back(world: World, night: Night) -> bool:
    return any(other.campaign == night.campaign and other.day > night.day for other in world.nights)


def gives_way(world: World, message: Message, night: Night) -> bool:
    """Return whether the draft goes as the night is published: of an earlier attempt at its day, and untouched."""
    return (
        (message.campaign, message.period) == (night.campaign, night.day.isoformat())
        and message.status == "draft"
        and not message.is_touched
        and any((other.campaign, other.day) == (night.campaign, night.day) for other in world.nights)
    )


def drafted(world: World, decided: dict[str, Decision], night: Night) -> set[tuple[str, str, str]]:
    """Return learner, channel and type of what is new: one per person, campaign and day; nothing for a look back."""
    if looks_back(world, night):
        return set()
    there = [
        message
        for message in world.messages.values()
        if message.campaign == night.campaign
        and message.period == night.day.isoformat()
        and not gives_way(world, message, night)
    ]
    written_to = {world.person(message.learner) for message in there if message.status != "failed"}
    failed = {(world.person(message.learner), message.channel) for message in there}
    return {
        (learner, decision.channel, decision.type)
        for learner, decision in decided.items()
        if decision.reason is None
        and world.person(learner) not in written_to
        and (world.person(learner), decision.channel) not in failed
    }


def expired(world: World, instant: datetime) -> list[Message]:
    """Return the drafts that speak of a week that is over."""
    return [
        message
        for message in world.messages.values()
        if message.status == "draft" and message.as_of <= instant - 72 * HOUR
    ]


def newest_label(world: World, learner: str) -> str | None:
    """Return the label that is shown now."""
    if world.enrolments[learner].inactive_since is not None:
        return None
    return word(world, learner, FOREVER)


def is_over(world: World, message: Message, now: datetime) -> str | None:
    """Return why an approval says nothing any more."""
    if message.status not in ("approved", "queued"):
        return None
    if message.approved_at <= now - 7 * DAY:
        return "approved_long_ago"
    if message.label in ("high", "medium") and newest_label(world, message.learner) == "low":
        return "no_longer_at_risk"
    return None


def held_back(
    world: World, asked: list[Message], now: datetime, known: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    """Return why messages may not go now, by id: of two to one person one may."""
    in_turn = sorted(
        asked,
        key=lambda one: (
            one.approved_at or FOREVER,
            -(one.score if one.score is not None else -1),
            one.id,
        ),
    )
    held, going = {}, set()
    for message in in_turn:
        enrolment = world.enrolments[message.learner]
        why = is_over(world, message, now) or refused(world, enrolment, message.channel)
        codes = (
            [why]
            if why
            else limits_of(
                world,
                enrolment.person,
                now,
                but={one.id for one in asked},
                overruled_at=message.overruled_at,
            )
        )
        is_told = message.status != "draft" and message.overruled_at is not None
        if not codes and enrolment.person in going and not is_told:
            codes = ["recently_contacted"]
        if unknown := [code for code in codes if code not in known or code not in LIMITS]:
            held[message.id] = unknown
        else:
            going.add(enrolment.person)
    return held


def drawn(key: str, choices: int) -> int:
    """Return one of 0 to choices - 1 by chance, the same for the same key."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % choices


def quizzes_drafted(world: World, decided: dict[str, Decision], night: Night) -> set[tuple[str, str]]:
    """Return learner and ISO week of each new quiz: one a week."""
    if looks_back(world, night):
        return set()
    week = f"{night.day:%G-W%V}"
    there = {
        quiz.learner
        for quiz in world.quizzes
        if quiz.week == week and (quiz.day != night.day or quiz.is_over)
    }
    return {
        (learner, week) for learner, decision in decided.items() if decision.quiz and learner not in there
    }
