"""Who is contacted, with which type of nudge, on which channel, or why not; and who gets a quiz.

Every learner gets one decision, also the ones who are left alone: a coordinator asks "why did she hear
nothing?" more often than "why did she?". The rules are small Narwhals expressions over one row per learner,
so that a million learners are decided inside DuckDB and three in a pandas table, with the same result.

Who may be written to in which way, the rules are told (`contact_refusals` in the store): what they know of it are the
codes there. Only `one_per_person` and `within_capacity` look at more than one row. Both take the worst first
(highest score, rounded as ties are, then `learner_id`), so that the order of the rows does not matter.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import narwhals as nw
from narwhals.typing import FrameT, IntoFrameT

from engagement.errors import InvalidInput
from engagement.policy import RANK_DIGITS, RiskPolicy, SelectionPolicy
from engagement.risk.explanations import largest_term
from engagement.vocabulary import CHANNELS, TERMS

# In the order in which they are asked. Words are what a coordinator reads.
REASONS: Final = {
    "inactive": "The enrolment is no longer active.",
    "not_scored": "Nothing was known about the learner by that date.",
    "low": "The learner is at low risk.",
    "unknown": "Too little is known to score the learner.",
    "label_not_selected": "This risk label is not contacted under the present settings.",
    "opted_out": "The learner asked not to be contacted.",
    "no_address": "There is no address for the channel the learner prefers, or several persons have the same.",
    "open_draft": "There is a draft for this person already.",
    "recently_contacted": "This person was contacted too recently.",
    "cap_reached": "This person has had the most nudges and calls allowed in a week.",
    "other_enrolment": "Another enrolment of the same person is worse and comes first.",
    "over_capacity": "Learners at higher risk use up the number of contacts set for a run.",
    "held_out": "By chance, this person waits, so that the effect of nudges can be measured.",
}
# Why a run leaves alone whom it chose, and every reason there is.
NO_TEXT_LEFT: Final = (
    "Each text there is for this was rejected; choose another channel by hand, or add templates."
)
WORDS: Final = {**REASONS, "no_text_left": NO_TEXT_LEFT}

COLUMNS: Final = (
    *("learner_id", "person_id", *CHANNELS, "preferred_channel", "risk_score", "risk_label", *TERMS),
    *("days_since_enrolled", "never_logged_in", "runs_high", "nudges_without_return"),
    *("label_at_last_nudge", "open_drafts", "hours_since_contact", "contacts_in_7_days"),
    *("held_out", "avg_quiz_score", "topic"),
)


# What one more nudge goes past: of which number, and from where on. It is said once, for the column of a night and for
# the number of one learner whom a person writes to or approves for.
_LIMITS: Final[Mapping[str, tuple[str, Callable[[Any, SelectionPolicy], Any]]]] = {
    "recently_contacted": ("hours_since_contact", lambda hours, policy: hours < policy.recent_hours),
    "cap_reached": ("contacts_in_7_days", lambda contacts, policy: contacts >= policy.cap_contacts),
    "open_draft": ("open_drafts", lambda drafts, _: drafts > 0),
}


def decide(
    frame: IntoFrameT,
    *,
    policy: SelectionPolicy,
    risk_policy: RiskPolicy,
) -> IntoFrameT:
    """Return one decision per learner, on the engine of `frame` and as lazily.

    The reason is the first of `REASONS` that applies. `low` and `unknown` come before `opted_out` and the
    limits, so that the counts of those speak of learners at risk: "40 opted out" means 40 whom nobody may
    write to although somebody should.

    Parameters
    ----------
    frame
        One row per learner, with `COLUMNS`: those named as a channel say why nobody may write to the learner that way,
        as in `contact_refusals`; null where somebody may.
    policy
        The numbers of the rules.
    risk_policy
        The policy of the scores: a contribution divided by its weight is the term that chooses the type.

    Returns
    -------
    learner_id, person_id, decision ("contact" or "no_contact"), type, channel, reason, quiz, quiz_topic
    (null: reflective), priority (1 is the worst), risk_score, risk_label. Type, channel and priority are null
    for who is not contacted, the reason for who is.
    """
    learners: nw.LazyFrame[Any] = nw.from_native(cast("Any", frame))
    if missing := [column for column in COLUMNS if column not in learners.collect_schema().names()]:
        raise InvalidInput(
            f"learners: {len(missing)} of {len(COLUMNS)} columns missing, first {missing[0]!r}"
        )
    judged = learners.select(
        *("learner_id", "person_id", "risk_score", "risk_label", "topic"),
        type=nudge_type(policy, risk_policy),
        channel=channel(),
        reason=refusal(policy),
        held_out=_is("held_out", True),
        quiz=quiz(policy),
    )
    limited = within_capacity(one_per_person(judged), policy.capacity)
    contacted = nw.col("reason").is_null()
    decided = limited.select(
        *("learner_id", "person_id"),
        nw.when(contacted).then(nw.lit("contact")).otherwise(nw.lit("no_contact")).alias("decision"),
        nw.when(contacted).then("type").alias("type"),
        nw.when(contacted).then("channel").alias("channel"),
        *("reason", "quiz"),
        nw.when("quiz").then("topic").alias("quiz_topic"),
        nw.when(contacted).then("priority").alias("priority"),
        *("risk_score", "risk_label"),
    )
    return cast("IntoFrameT", decided.to_native())


def welcome(policy: SelectionPolicy) -> nw.Expr:
    """True for who enrolled lately and has never logged in: too early to speak of falling behind.

    Not before the day of enrolment, and once: of an enrolment that was welcomed `days_since_enrolled` is missing.
    """
    days = _number("days_since_enrolled")
    return _is("never_logged_in", True) & _holds(days >= 0) & _holds(days <= policy.welcome_days)


def support_referral(policy: SelectionPolicy) -> nw.Expr:
    """True where a person should call: high for several runs, or nudged and never back."""
    long_high = _holds(_number("runs_high") >= policy.referral_runs)
    no_return = _holds(_number("nudges_without_return") >= policy.referral_nudges)
    return long_high | no_return


def praise() -> nw.Expr:
    """True where the label is better than at the last nudge; `unknown` is neither better nor worse."""
    from_high = _is("label_at_last_nudge", "high") & (_is("risk_label", "medium") | _is("risk_label", "low"))
    from_medium = _is("label_at_last_nudge", "medium") & _is("risk_label", "low")
    return from_high | from_medium


def nudge_type(policy: SelectionPolicy, risk_policy: RiskPolicy) -> nw.Expr:
    """One of `NUDGE_TYPES`: the three rules first, then the largest term."""
    return nw.coalesce(
        nw.when(welcome(policy)).then(nw.lit("welcome")),
        nw.when(support_referral(policy)).then(nw.lit("support_referral")),
        nw.when(praise()).then(nw.lit("praise")),
        largest_term(risk_policy),
    )


def channel() -> nw.Expr:
    """One of `CHANNELS`; null where the preferred one is allowed but has no address."""
    has_email = ~_is("email", "no_address")
    wants_email = _is("preferred_channel", "email")
    # Without opt-in the wish for WhatsApp cannot be granted and counts as none.
    wants_whatsapp = _is("preferred_channel", "whatsapp") & ~_is("whatsapp", "no_opt_in")
    in_app = _is("preferred_channel", "in_app") | ~(wants_email | wants_whatsapp | has_email)
    return nw.coalesce(
        nw.when(in_app).then(nw.lit("in_app")),
        nw.when(wants_whatsapp & ~_is("whatsapp", "no_address")).then(nw.lit("whatsapp")),
        nw.when(~wants_whatsapp & has_email).then(nw.lit("email")),
    )


def refusal(policy: SelectionPolicy) -> nw.Expr:
    """The first of `REASONS` that one row can tell; null where the learner may be contacted."""
    obstacles = {
        "opted_out": _is("in_app", "opted_out"),
        "no_address": channel().is_null(),
        **{code: _holds(goes_past(_number(column), policy)) for code, (column, goes_past) in _LIMITS.items()},
    }
    in_order = [code for code in REASONS if code in obstacles]
    return nw.coalesce(
        nw.when(_is("in_app", "inactive")).then(nw.lit("inactive")),
        nw.when(~eligible(policy)).then(_label_reason()),
        *(nw.when(obstacles[reason]).then(nw.lit(reason)) for reason in in_order),
    )


def eligible(policy: SelectionPolicy) -> nw.Expr:
    """True for a selected label; a welcome needs no score: nobody drifts away before having come."""
    unscored = nw.col("risk_label").is_null() | _is("risk_label", "unknown")
    return _selected(policy) | (welcome(policy) & unscored)


def quiz(policy: SelectionPolicy) -> nw.Expr:
    """True where a quiz fits; contact limits do not matter: a quiz waits, it does not ring.

    `capacity` does (`within_capacity`): somebody has to look at each quiz before it goes out.
    """
    return (
        nw.col("in_app").is_null()
        & ~_is("held_out", True)
        & _selected(policy)
        & _holds(_number("avg_quiz_score") < policy.quiz_below)
    )


def one_per_person(judged: FrameT) -> FrameT:
    """Refuse every contactable enrolment but the worst of a person: `other_enrolment`."""
    worse_or_equal = _running_count(over="person_id")
    return _ordered(judged, nw.col("reason").is_null()).with_columns(
        reason=nw.coalesce("reason", nw.when(worse_or_equal > 1).then(nw.lit("other_enrolment")))
    )


def within_capacity(judged: FrameT, capacity: int | None) -> FrameT:
    """Add `priority`, 1 for the worst of the contactable; refuse who comes after: `over_capacity`, and no quiz.

    Who is not contactable takes no place; a quiz goes to those of them who are worse than the last who is contacted.
    Who is held out is so only where there would have been a place: the others are compared with nobody.
    """
    contacted = nw.col("reason").is_null() & ~nw.col("held_out")
    ranked = _ordered(judged, contacted).with_columns(priority=_running_count())
    has_place = nw.lit(True) if capacity is None else nw.col("priority") - nw.col("contactable") < capacity
    over = nw.when(~has_place).then(nw.lit("over_capacity"))
    held_out = nw.when("held_out").then(nw.lit("held_out"))
    return ranked.with_columns(reason=nw.coalesce("reason", over, held_out), quiz=nw.col("quiz") & has_place)


def _ordered(judged: FrameT, counted: nw.Expr) -> FrameT:
    """Add what the two rules sort by, and count: scores are 0 to 1, so a learner without one comes last."""
    return judged.with_columns(
        safety=(-_number("risk_score").round(RANK_DIGITS)).fill_null(1.0),
        contactable=counted.cast(nw.Int64),
    )


def _running_count(over: str | None = None) -> nw.Expr:
    """How many contactable rows are at least as bad, this one included."""
    count = nw.col("contactable").cum_sum()
    order = ("safety", "learner_id")
    return (count.over(over, order_by=order) if over else count.over(order_by=order)).cast(nw.Int64)


def limits_passed(learner: Mapping[str, Any], policy: SelectionPolicy) -> list[str]:
    """Return the limits of a nightly run that one more nudge goes past, as codes; a person may, knowing it."""
    passed = [
        code
        for code, (column, goes_past) in _LIMITS.items()
        if learner[column] is not None and goes_past(learner[column], policy)
    ]
    return [*passed, "held_out"] if learner["held_out"] else passed


def _label_reason() -> nw.Expr:
    return nw.coalesce(
        nw.when(nw.col("risk_label").is_null()).then(nw.lit("not_scored")),
        nw.when(_is("risk_label", "low")).then(nw.lit("low")),
        nw.when(_is("risk_label", "unknown")).then(nw.lit("unknown")),
        nw.lit("label_not_selected"),
    )


def _selected(policy: SelectionPolicy) -> nw.Expr:
    return _holds(nw.col("risk_label").is_in(policy.labels))


def _is(column: str, value: str | bool) -> nw.Expr:
    """True where the column is known to be `value`; never null, so that it can be negated."""
    return _holds(nw.col(column) == nw.lit(value))


def _holds(condition: nw.Expr) -> nw.Expr:
    return condition.fill_null(False)


def _number(column: str) -> nw.Expr:
    """The column as a double, NaN as null: DuckDB holds NaN to be greater than every number."""
    value = nw.col(column).cast(nw.Float64)
    return nw.when(~value.is_nan()).then(value)
