"""Each rule as a table, on three engines; then what must hold for whatever learners there are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import InvalidInput
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION, RiskPolicy, SelectionPolicy
from engagement.targeting import selection
from engagement.targeting.selection import REASONS
from engagement.vocabulary import NUDGE_TYPES

# At high risk through missed sessions (0.2 of 0.2), reachable by e-mail, nothing in the way.
LEARNER: dict[str, Any] = {
    "learner_id": "a",
    "person_id": None,  # the learner_id
    "in_app": None,
    "whatsapp": "no_opt_in",
    "email": None,
    "preferred_channel": None,
    "risk_score": 0.8,
    "risk_label": "high",
    "behind_pace": 0.4,
    "low_quiz": 0.1,
    "missed_session": 0.2,
    "inactivity": 0.05,
    "days_since_enrolled": 100.0,
    "never_logged_in": False,
    "runs_high": 0,
    "nudges_without_return": 0,
    "label_at_last_nudge": None,
    "open_drafts": 0,
    "hours_since_contact": None,
    "contacts_in_7_days": 0,
    "held_out": False,
    "avg_quiz_score": 80.0,
    "topic": "fractions",
}
KINDS = {
    "boolean": "never_logged_in held_out",
    "float64": "risk_score behind_pace low_quiz missed_session inactivity days_since_enrolled "
    "hours_since_contact avg_quiz_score",
    "int64": "runs_high nudges_without_return open_drafts contacts_in_7_days",
    "str": "learner_id person_id in_app whatsapp email preferred_channel risk_label label_at_last_nudge topic",
}
WAYS = ("in_app", "whatsapp", "email")
DTYPES = {column: kind for kind, columns in KINDS.items() for column in columns.split()}


def learners(*changes: dict[str, Any]) -> pd.DataFrame:
    rows = [LEARNER | change for change in changes]
    rows = [row | {"person_id": row["person_id"] or row["learner_id"]} for row in rows]
    return pd.DataFrame(rows, columns=list(LEARNER)).astype(DTYPES)


DUCKDB = duckdb.connect(config={"threads": 2})


def relation(frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
    return DUCKDB.from_df(frame)


def polars_frame(frame: pd.DataFrame) -> pl.LazyFrame:
    types = {"boolean": pl.Boolean, "float64": pl.Float64, "int64": pl.Int64, "str": pl.String}
    columns = {name: frame[name].astype(object).where(frame[name].notna(), None).to_list() for name in frame}
    return pl.LazyFrame(columns, schema={name: types[DTYPES[name]] for name in frame})


Engine = Callable[[pd.DataFrame], Any]
ENGINES: dict[str, Engine] = {"pandas": lambda frame: frame, "duckdb": relation, "polars": polars_frame}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param]


def rows(result: Any) -> dict[str, dict[str, Any]]:
    """The decisions by learner, missing values as None on every engine."""
    table = nw.from_native(result).lazy().collect("pandas").to_native()
    plain = table.astype(object).where(table.notna(), None).to_dict("records")
    return {row["learner_id"]: row for row in plain}


ANSWERS: dict[tuple[str, Engine], dict[str, dict[str, Any]]] = {}


def answer(rule: nw.Expr, engine: Engine, cases: list[dict[str, Any]], change: dict[str, Any]) -> Any:
    """What the rule says of one of the cases; all are asked at once, as a call costs the same for many rows."""
    asked = f"{rule}{cases}", engine
    if asked not in ANSWERS:
        frame = learners(*(case | {"learner_id": str(number)} for number, case in enumerate(cases)))
        answered = nw.from_native(engine(frame)).select("learner_id", answer=rule)
        ANSWERS[asked] = rows(answered.to_native())
    return ANSWERS[asked][str(cases.index(change))]["answer"]


def decide(frame: Any, *, policy: SelectionPolicy = DEFAULT_SELECTION) -> Any:
    return selection.decide(frame, policy=policy, risk_policy=DEFAULT_POLICY)


def decision(engine: Engine, policy: SelectionPolicy = DEFAULT_SELECTION, **change: Any) -> dict[str, Any]:
    return rows(decide(engine(learners(change)), policy=policy))["a"]


WELCOMES: list[tuple[bool, float | None, bool]] = [
    (True, 3.0, True),
    (True, 14.0, True),
    (True, 14.1, False),
    (True, -0.1, False),
    (True, None, False),
    (False, 3.0, False),
]


@pytest.mark.parametrize(
    ("never", "days", "expected"),
    WELCOMES,
    ids=["new", "fourteen-days", "after", "before", "enrolment-unknown", "has-been-there"],
)
def test_welcome_is_for_who_never_came_in_fourteen_days(
    engine: Engine, never: bool, days: float | None, expected: bool
) -> None:
    rule = selection.welcome(DEFAULT_SELECTION)
    cases = [{"never_logged_in": case[0], "days_since_enrolled": case[1]} for case in WELCOMES]
    change = {"never_logged_in": never, "days_since_enrolled": days}
    assert answer(rule, engine, cases, change) is expected


REFERRALS = [(2, 1, False), (3, 0, True), (0, 2, True), (3, 2, True)]


@pytest.mark.parametrize(("runs_high", "nudges", "expected"), REFERRALS)
def test_a_person_calls_after_three_high_runs_or_two_nudges(
    engine: Engine, runs_high: int, nudges: int, expected: bool
) -> None:
    rule = selection.support_referral(DEFAULT_SELECTION)
    cases = [{"runs_high": case[0], "nudges_without_return": case[1]} for case in REFERRALS]
    change = {"runs_high": runs_high, "nudges_without_return": nudges}
    assert answer(rule, engine, cases, change) is expected


PRAISES = [
    ("high", "medium", True),
    ("high", "low", True),
    ("medium", "low", True),
    ("high", "high", False),
    ("medium", "high", False),
    ("low", "medium", False),
    ("unknown", "medium", False),
    ("high", "unknown", False),
    (None, "medium", False),
    ("high", None, False),
]


@pytest.mark.parametrize(("before", "now", "expected"), PRAISES)
def test_praise_is_for_a_better_label_only(
    engine: Engine, before: str | None, now: str | None, expected: bool
) -> None:
    cases = [{"label_at_last_nudge": case[0], "risk_label": case[1]} for case in PRAISES]
    change = {"label_at_last_nudge": before, "risk_label": now}
    assert answer(selection.praise(), engine, cases, change) is expected


# Contributions; divided by 0.5, 0.2, 0.2 and 0.1 they are the terms in the id.
LARGEST = [
    pytest.param((0.4, 0.1, 0.2, 0.05), "missed_session", id="0.8 0.5 1.0 0.5"),
    pytest.param((0.4, 0.1, 0.1, 0.05), "behind_pace", id="0.8 0.5 0.5 0.5"),
    pytest.param((0.2, 0.02, 0.02, 0.05), "inactivity", id="0.4 0.1 0.1 0.5"),
    pytest.param((0.5, 0.2, 0.2, 0.1), "behind_pace", id="1 1 1 1"),
    pytest.param((0.05, 0.2, 0.2, 0.1), "low_quiz", id="0.1 1 1 1"),
    pytest.param((0.35, 0.14, 0.14, 0.01), "behind_pace", id="0.7 0.7 0.7 0.1"),
    pytest.param((None, 0.01, None, None), "low_quiz", id="missing 0.05 missing missing"),
    pytest.param((0.0, 0.0, 0.0, 0.0), "behind_pace", id="0 0 0 0"),
    pytest.param((None, None, None, None), "behind_pace", id="all missing"),
]


@pytest.mark.parametrize(("contributions", "expected"), LARGEST)
def test_largest_term_compares_terms_and_not_contributions(
    engine: Engine, contributions: tuple[float | None, ...], expected: str
) -> None:
    cases = [dict(zip(selection.TERMS, case.values[0], strict=True)) for case in LARGEST]
    change = dict(zip(selection.TERMS, contributions, strict=True))
    assert answer(selection.largest_term(DEFAULT_POLICY), engine, cases, change) == expected


def test_a_term_without_weight_is_never_the_type(engine: Engine) -> None:
    only_quiz = RiskPolicy(
        weights={"behind_pace": 0.0, "low_quiz": 1.0, "missed_session": 0.0, "inactivity": 0.0}
    )
    change = {"behind_pace": 0.0, "low_quiz": 0.0, "missed_session": 0.0, "inactivity": 0.0}
    assert answer(selection.largest_term(only_quiz), engine, [change], change) == "low_quiz"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "welcome"),
        ({"days_since_enrolled": 15.0}, "support_referral"),
        ({"days_since_enrolled": 15.0, "runs_high": 0}, "praise"),
        ({"days_since_enrolled": 15.0, "runs_high": 0, "label_at_last_nudge": None}, "missed_session"),
    ],
    ids=["welcome", "referral", "praise", "term"],
)
def test_the_rules_for_the_type_are_asked_in_order(
    engine: Engine, change: dict[str, Any], expected: str
) -> None:
    everything = {"never_logged_in": True, "days_since_enrolled": 3.0, "runs_high": 3}
    everything |= {"risk_label": "medium", "label_at_last_nudge": "high"}
    assert decision(engine, **(everything | change))["type"] == expected


CHANNELS: list[tuple[str | None, str | None, str | None, str | None]] = [
    (None, "no_opt_in", None, "email"),
    (None, None, "no_address", "in_app"),
    ("in_app", None, None, "in_app"),
    ("email", "no_opt_in", None, "email"),
    ("email", None, "no_address", None),
    ("whatsapp", None, None, "whatsapp"),
    ("whatsapp", "no_address", None, None),
    ("whatsapp", "no_opt_in", None, "email"),
    ("whatsapp", "no_opt_in", "no_address", "in_app"),
    ("pigeon", None, None, "email"),
]


@pytest.mark.parametrize(("preferred", "whatsapp", "email", "expected"), CHANNELS)
def test_channel_is_the_preferred_one_where_it_is_allowed(
    engine: Engine, preferred: str | None, whatsapp: str | None, email: str | None, expected: str | None
) -> None:
    named = ("preferred_channel", "whatsapp", "email")
    cases = [dict(zip(named, case, strict=True)) for *case, _ in CHANNELS]
    change = dict(zip(named, (preferred, whatsapp, email), strict=True))
    assert answer(selection.channel(), engine, cases, change) == expected


NEW = {"never_logged_in": True, "days_since_enrolled": 3.0}


REASON_OF: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"risk_label": "medium"}, None),
    (dict.fromkeys(WAYS, "inactive"), "inactive"),
    ({"risk_label": None}, "not_scored"),
    ({"risk_label": None} | NEW, None),
    ({"risk_label": "low"}, "low"),
    ({"risk_label": "low"} | NEW, "low"),
    ({"risk_label": "unknown"}, "unknown"),
    ({"risk_label": "unknown"} | NEW, None),
    ({"risk_label": "purple"}, "label_not_selected"),
    (dict.fromkeys(WAYS, "opted_out"), "opted_out"),
    ({"preferred_channel": "email", "email": "no_address"}, "no_address"),
    ({"open_drafts": 1}, "open_draft"),
    ({"hours_since_contact": 71.9}, "recently_contacted"),
    ({"hours_since_contact": 72.0}, None),
    ({"contacts_in_7_days": 1}, None),
    ({"contacts_in_7_days": 2}, "cap_reached"),
]


@pytest.mark.parametrize(("change", "expected"), REASON_OF)
def test_reason_of_one_learner(engine: Engine, change: dict[str, Any], expected: str | None) -> None:
    cases = [case for case, _ in REASON_OF]
    assert answer(selection.refusal(DEFAULT_SELECTION), engine, cases, change) == expected


def test_each_reason_hides_those_after_it(engine: Engine) -> None:
    obstacles: dict[str, Any] = {**dict.fromkeys(WAYS, "inactive"), "open_drafts": 1}
    obstacles |= {"preferred_channel": "email"}
    obstacles |= {"hours_since_contact": 1.0, "contacts_in_7_days": 2, "risk_label": None}
    ways_out: list[dict[str, Any]] = [
        dict.fromkeys(WAYS, "opted_out"),
        {"risk_label": "low"},
        {"risk_label": "unknown"},
        {"risk_label": "medium"},
        {"risk_label": "high"},
        {"in_app": None, "whatsapp": "no_opt_in", "email": "no_address"},
        {"email": None},
        {"open_drafts": 0},
        {"hours_since_contact": 100.0},
        {"contacts_in_7_days": 0},
    ]
    steps = [{**obstacles, "learner_id": "00"}]
    for number, way_out in enumerate(ways_out, start=1):
        steps.append(steps[-1] | way_out | {"learner_id": f"{number:02}", "person_id": None})
    # A better and a worse enrolment of one person, and nobody may be contacted.
    steps.append(steps[-1] | {"learner_id": "11", "person_id": "10"})
    for step in steps:
        step["held_out"] = True
    only_high = SelectionPolicy(labels=("high",))
    decided = rows(decide(engine(learners(*steps)), policy=only_high))
    reasons = [decided[step["learner_id"]]["reason"] for step in steps]
    full = rows(decide(engine(learners(*steps)), policy=replace(only_high, capacity=0)))
    assert [*reasons[:-2], reasons[-1], full["10"]["reason"], reasons[-2]] == list(REASONS)


def test_who_is_held_out_was_within_reach(engine: Engine) -> None:
    """Those who wait are as badly off as those who are contacted, however few these may be."""
    steps = [
        {"learner_id": f"{number:02}", "risk_score": 0.99 - number / 100, "held_out": number % 2 == 0}
        for number in range(8)
    ]
    decided = rows(decide(engine(learners(*steps)), policy=SelectionPolicy(capacity=2)))
    reached = {"00": "held_out", "01": 1, "02": "held_out", "03": 2}
    assert outcomes(decided) == reached | {f"{number:02}": "over_capacity" for number in range(4, 8)}


def test_a_missing_mark_holds_nobody_out(engine: Engine) -> None:
    assert decision(engine, held_out=None)["reason"] is None


def test_a_medium_learner_waits_where_only_high_is_selected(engine: Engine) -> None:
    only_high = SelectionPolicy(labels=("high",))
    assert decision(engine, only_high, risk_label="medium")["reason"] == "label_not_selected"
    assert decision(engine, only_high, risk_label="high")["reason"] is None


def test_a_low_learner_is_contacted_where_low_is_selected(engine: Engine) -> None:
    assert decision(engine, SelectionPolicy(labels=("low",)), risk_label="low")["decision"] == "contact"


def test_numbers_of_the_policy_replace_the_defaults(engine: Engine) -> None:
    policy = SelectionPolicy(recent_hours=24, cap_contacts=4, referral_runs=2, quiz_below=90)
    decided = decision(engine, policy, hours_since_contact=24.0, contacts_in_7_days=3, runs_high=2)
    assert (decided["reason"], decided["type"], decided["quiz"]) == (None, "support_referral", True)


def test_a_contact_has_type_channel_and_priority_and_a_refusal_a_reason(engine: Engine) -> None:
    decided = rows(decide(engine(learners({}, {"learner_id": "b", "held_out": True}))))
    assert decided == {
        "a": {
            "learner_id": "a",
            "person_id": "a",
            "decision": "contact",
            "type": "missed_session",
            "channel": "email",
            "reason": None,
            "quiz": False,
            "quiz_topic": None,
            "priority": 1,
            "risk_score": 0.8,
            "risk_label": "high",
        },
        "b": {
            "learner_id": "b",
            "person_id": "b",
            "decision": "no_contact",
            "type": None,
            "channel": None,
            "reason": "held_out",
            "quiz": False,
            "quiz_topic": None,
            "priority": None,
            "risk_score": 0.8,
            "risk_label": "high",
        },
    }


def outcomes(decided: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The reason, or else the priority, of each learner."""
    return {name: row["reason"] or row["priority"] for name, row in sorted(decided.items())}


def test_worst_first_with_equal_scores_by_id_and_no_score_last(engine: Engine) -> None:
    frame = learners(
        {"learner_id": "e", "risk_score": None, "risk_label": "unknown"} | NEW,
        {"learner_id": "d", "risk_score": 0.0},
        {"learner_id": "c", "risk_score": 0.7 + 0.1},  # a sum of tenths that ends in another bit
        {"learner_id": "a", "risk_score": 0.8 - 1e-15},
        {"learner_id": "b", "risk_score": 0.9},
    )
    assert outcomes(rows(decide(engine(frame)))) == {"a": 2, "b": 1, "c": 3, "d": 4, "e": 5}


def test_a_person_in_two_programs_hears_from_the_worse_one_only(engine: Engine) -> None:
    frame = learners(
        {"learner_id": "math", "person_id": "p", "risk_score": 0.75},
        {"learner_id": "art", "person_id": "p", "risk_score": 0.95},
        {"learner_id": "tie2", "person_id": "q", "risk_score": 0.9},
        {"learner_id": "tie1", "person_id": "q", "risk_score": 0.9},
    )
    expected = {"art": 1, "math": "other_enrolment", "tie1": 2, "tie2": "other_enrolment"}
    assert outcomes(rows(decide(engine(frame)))) == expected


def test_an_enrolment_that_cannot_be_contacted_does_not_block_the_other(engine: Engine) -> None:
    frame = learners(
        {"learner_id": "gone", "person_id": "p", "risk_score": 0.95} | dict.fromkeys(WAYS, "inactive"),
        {"learner_id": "here", "person_id": "p", "risk_score": 0.75},
    )
    assert outcomes(rows(decide(engine(frame)))) == {"gone": "inactive", "here": 1}


def test_capacity_counts_persons_and_only_those_who_may_be_contacted(engine: Engine) -> None:
    frame = learners(
        {"learner_id": "a", "risk_score": 0.99, "held_out": True},
        {"learner_id": "b", "person_id": "p", "risk_score": 0.95},
        {"learner_id": "c", "person_id": "p", "risk_score": 0.94},
        {"learner_id": "d", "risk_score": 0.93},
        {"learner_id": "e", "risk_score": 0.92},
    )
    decided = rows(decide(engine(frame), policy=SelectionPolicy(capacity=2)))
    expected = {"a": "held_out", "b": 1, "c": "other_enrolment", "d": 2, "e": "over_capacity"}
    assert outcomes(decided) == expected
    assert decided["e"]["priority"] is None


QUIZZES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"avg_quiz_score": 60.0}, False),
    ({"avg_quiz_score": 0.0}, True),
    ({"avg_quiz_score": None}, False),
    ({"risk_label": "medium"}, True),
    ({"risk_label": "low"}, False),
    ({"risk_label": "unknown"} | NEW, False),
    ({"risk_label": None} | NEW, False),
    (dict.fromkeys(WAYS, "inactive"), False),
    (dict.fromkeys(WAYS, "opted_out"), False),
    ({"held_out": True}, False),
    ({"hours_since_contact": 1.0, "contacts_in_7_days": 5, "open_drafts": 2}, True),
    ({"preferred_channel": "email", "email": "no_address"}, True),
]


@pytest.mark.parametrize(("change", "expected"), QUIZZES)
def test_quiz_is_for_eligible_learners_below_sixty(
    engine: Engine, change: dict[str, Any], expected: bool
) -> None:
    below = {"avg_quiz_score": 59.9}
    cases = [below | case for case, _ in QUIZZES]
    assert answer(selection.quiz(DEFAULT_SELECTION), engine, cases, below | change) is expected


def test_a_quiz_keeps_its_topic_or_none(engine: Engine) -> None:
    frame = learners(
        {"learner_id": "a", "avg_quiz_score": 10.0},
        {"learner_id": "b", "avg_quiz_score": 10.0, "topic": None},
        {"learner_id": "c"},
    )
    decided = rows(decide(engine(frame)))
    quizzes = {name: (row["quiz"], row["quiz_topic"]) for name, row in decided.items()}
    assert quizzes == {"a": (True, "fractions"), "b": (True, None), "c": (False, None)}


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [(None, "abcdef"), (0, ""), (1, "ab"), (2, "abcd"), (3, "abcdef")],
)
def test_a_quiz_goes_to_nobody_beyond_the_capacity(
    engine: Engine, capacity: int | None, expected: str
) -> None:
    low = {"avg_quiz_score": 10.0}
    frame = learners(
        {"learner_id": "a", "risk_score": 0.99, "open_drafts": 1} | low,
        {"learner_id": "b", "risk_score": 0.98} | low,
        {"learner_id": "c", "risk_score": 0.97, "hours_since_contact": 1.0} | low,
        {"learner_id": "d", "risk_score": 0.96} | low,
        {"learner_id": "e", "risk_score": 0.95, "preferred_channel": "email", "email": "no_address"} | low,
        {"learner_id": "f", "risk_score": 0.94} | low,
    )
    decided = rows(decide(engine(frame), policy=SelectionPolicy(capacity=capacity)))
    assert "".join(sorted(name for name, row in decided.items() if row["quiz"])) == expected


def test_no_learners_give_no_decisions(engine: Engine) -> None:
    assert rows(decide(engine(learners({}).head(0)))) == {}


def test_the_frame_that_was_passed_in_is_not_changed() -> None:
    frame = learners({}, {"learner_id": "b"})
    decide(frame)
    pd.testing.assert_frame_equal(frame, learners({}, {"learner_id": "b"}))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidInput, match="learners: 1 of 23 columns missing, first 'held_out'"):
        decide(learners({}).drop(columns="held_out"))


@pytest.mark.parametrize(
    "setting",
    [
        {"labels": ()},
        {"labels": "high"},
        {"labels": ("high", "unknown")},
        {"capacity": -1},
        {"capacity": 1.5},
        {"capacity": True},
        {"recent_hours": -1},
        {"recent_hours": float("nan")},
        {"cap_contacts": 0},
        {"welcome_days": float("inf")},
        {"quiz_below": 100.5},
        {"referral_runs": 4},
        {"referral_nudges": 0},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(InvalidInput, match=f"^{name}: .* allowed is "):
        SelectionPolicy(**setting)


def test_labels_from_a_file_give_an_equal_policy() -> None:
    from_file = SelectionPolicy(labels=["high", "medium"])  # type: ignore[arg-type]
    assert hash(from_file) == hash(DEFAULT_SELECTION)


flags = st.sampled_from([True, False, None])
amounts = st.none() | st.sampled_from([0.0, 0.25, 0.5])
labels = st.sampled_from(["high", "high", "medium", "low", "unknown", None])
random_learner = st.fixed_dictionaries(
    {
        "person_id": st.sampled_from([None, "p", "q"]),
        "in_app": st.sampled_from([None, None, None, "inactive", "opted_out"]),
        "whatsapp": st.sampled_from([None, "no_opt_in", "no_address"]),
        "email": st.sampled_from([None, None, "no_address"]),
        "preferred_channel": st.sampled_from(["email", "whatsapp", "in_app", None]),
        "risk_score": st.none() | st.floats(0, 1) | st.sampled_from([0.5, 0.8]),
        "risk_label": labels,
        "behind_pace": amounts,
        "low_quiz": amounts,
        "missed_session": amounts,
        "inactivity": amounts,
        "days_since_enrolled": st.sampled_from([None, 1.0, 14.0, 20.0]),
        "never_logged_in": flags,
        "runs_high": st.integers(0, 3),
        "nudges_without_return": st.integers(0, 2),
        "label_at_last_nudge": labels,
        "open_drafts": st.sampled_from([0, 0, 0, 1]),
        "hours_since_contact": st.sampled_from([None, None, 10.0, 72.0]),
        "contacts_in_7_days": st.sampled_from([0, 0, 1, 2]),
        "held_out": st.sampled_from([False, False, True, None]),
        "avg_quiz_score": st.sampled_from([None, 30.0, 60.0, 90.0]),
        "topic": st.sampled_from(["fractions", None]),
    }
)
random_frame = st.lists(random_learner, min_size=1, max_size=80).map(
    lambda changes: learners(
        *(
            row | {"learner_id": f"{n:02}"} | (dict.fromkeys(WAYS, row["in_app"]) if row["in_app"] else {})
            for n, row in enumerate(changes)
        )
    )
)
policies = st.builds(SelectionPolicy, capacity=st.none() | st.integers(0, 4))
some = settings(max_examples=6)  # many rows cost as much as one does


@some
@given(random_frame, policies)
def test_everyone_gets_one_decision_and_no_forbidden_contact_is_made(
    frame: pd.DataFrame, policy: SelectionPolicy
) -> None:
    result = decide(frame, policy=policy)
    decided = rows(result)
    assert sorted(result["learner_id"]) == sorted(frame["learner_id"])
    for row in decided.values():
        contact = row["decision"] == "contact"
        assert [row[key] is not None for key in ("type", "channel", "priority")] == [contact] * 3
        assert (row["reason"] is None) is contact
        assert row["reason"] is None or row["reason"] in REASONS
    contacted = {name: row for name, row in decided.items() if row["decision"] == "contact"}
    persons = [row["person_id"] for row in contacted.values()]
    assert len(persons) == len(set(persons))
    assert sorted(row["priority"] for row in contacted.values()) == list(range(1, len(contacted) + 1))
    assert policy.capacity is None or len(contacted) <= policy.capacity
    given_rows = frame.astype(object).set_index("learner_id").to_dict("index")
    for name, row in contacted.items():
        assert pd.isna(given_rows[name][row["channel"]])
        assert given_rows[name]["held_out"] is not True
        assert row["type"] in NUDGE_TYPES


@some
@given(random_frame, policies)
def test_engines_decide_alike(frame: pd.DataFrame, policy: SelectionPolicy) -> None:
    on_pandas = rows(decide(frame, policy=policy))
    assert rows(decide(relation(frame), policy=policy)) == on_pandas
    assert rows(decide(polars_frame(frame), policy=policy)) == on_pandas


@some
@given(random_frame, st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(frame: pd.DataFrame, random: Any) -> None:
    policy = SelectionPolicy(capacity=2)
    order = list(range(len(frame)))
    random.shuffle(order)
    shuffled = relation(frame.iloc[order])
    assert rows(decide(shuffled, policy=policy)) == rows(decide(relation(frame), policy=policy))


def test_deciding_on_a_relation_stays_lazy() -> None:
    assert isinstance(decide(relation(learners({}))), duckdb.DuckDBPyRelation)
