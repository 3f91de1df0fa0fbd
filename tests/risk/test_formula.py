"""The formula against exact fractions, on every engine, and what is said about its result."""

import dataclasses
import itertools
import math
import random
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement import policy
from engagement.errors import InvalidInput
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.risk import explanations, formula
from engagement.vocabulary import LABELS, TERMS

AS_OF = datetime.fromisoformat("2026-11-22")
INPUTS = ("completed_percent", "avg_quiz_score", "consecutive_missed_sessions", "days_inactive")
WEIGHTS = (Fraction(1, 2), Fraction(1, 5), Fraction(1, 5), Fraction(1, 10))
WORST = (0.0, 0.0, 7.0, 30.0)
BEST = (100.0, 100.0, 0.0, 0.0)

a_few = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
numbers = st.one_of(
    st.none(),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 7.0, 30.0, 100.0]),
    st.floats(-20, 130, allow_nan=False),
    st.integers(-3, 110).map(float),
)
learners = st.tuples(numbers, numbers, numbers, numbers)
a_number = st.floats(-20, 130)


def frame(rows):
    return pd.DataFrame([list(row) for row in rows], columns=list(INPUTS), dtype="float64")


def scored(rows, **kwargs):
    """One dict per row, None where a value is missing."""
    result = formula.score(frame(rows), **kwargs)
    return [
        {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}
        for row in result.to_dict("records")
    ]


def share(value, whole):
    if math.isinf(value):
        return Fraction(1 if value > 0 else 0)
    return min(max(Fraction(value) / whole, Fraction(0)), Fraction(1))


def exact(row):
    """The documented formula in fractions: contributions, score, label."""
    values = [None if value is None or math.isnan(value) else value for value in row]
    completed, quiz, missed, days = values
    terms = [
        None if completed is None else 1 - share(completed, 100),
        None if quiz is None else 1 - share(quiz, 100),
        None if missed is None else share(missed, 7),
        Fraction(1) if days is None else share(days, 30),
    ]
    present = sum(weight for weight, term in zip(WEIGHTS, terms, strict=True) if term is not None)
    if present < Fraction(1, 2):
        return [None] * 4, None, "unknown"
    parts = [
        None if term is None else weight * term / present for weight, term in zip(WEIGHTS, terms, strict=True)
    ]
    total = sum(part for part in parts if part is not None)
    tie = Fraction(1, 10**9)
    label = "high" if total > Fraction(7, 10) + tie else "medium" if total > Fraction(4, 10) + tie else "low"
    return parts, total, label


def close(found, expected):
    return found is None if expected is None else found is not None and abs(found - float(expected)) <= 1e-12


@a_few
@given(st.lists(learners, min_size=1, max_size=40))
def test_score_is_the_documented_formula(rows):
    for row, found in zip(rows, scored(rows), strict=True):
        parts, total, label = exact(row)
        assert found["risk_label"] == label, row
        assert close(found["risk_score"], total), row
        assert all(close(found[term], part) for term, part in zip(TERMS, parts, strict=True)), row
        assert total is None or 0 <= found["risk_score"] <= 1


@a_few
@given(st.lists(st.tuples(learners, st.integers(0, 3), a_number, a_number), min_size=1, max_size=40))
def test_more_of_a_good_thing_never_raises_the_risk(cases):
    found = scored(
        [
            (*row[:which], value, *row[which + 1 :])
            for row, which, one, other in cases
            for value in sorted((one, other))
        ]
    )
    for case, before, after in zip(cases, found[::2], found[1::2], strict=True):
        if before["risk_score"] is not None:
            worse, better = (before, after) if case[1] < 2 else (after, before)
            assert better["risk_score"] <= worse["risk_score"] + 1e-15, case


@a_few
@given(st.lists(learners, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows, shuffle):
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    straight, shuffled = scored(rows), scored([rows[i] for i in order])
    assert [straight[i] for i in order] == shuffled


def test_worst_learner_scores_one_and_best_zero():
    worst, best = scored([WORST, BEST])
    assert worst["risk_score"] == pytest.approx(1, abs=1e-15)
    assert (best["risk_score"], best["risk_label"]) == (0.0, "low")


def test_a_learner_worked_out_by_hand():
    # 0.5·0.6 + 0.2·0.3 + 0.2·2/7 + 0.1·15/30
    (found,) = scored([(40.0, 70.0, 2.0, 15.0)])
    assert found["risk_score"] == pytest.approx(0.30 + 0.06 + 0.4 / 7 + 0.05, abs=1e-15)
    assert found["risk_label"] == "medium"


@pytest.mark.parametrize(("thousandths", "label"), [(700, "medium"), (400, "low")])
def test_every_tie_takes_the_milder_label(thousandths, label):
    grid = itertools.product(range(101), range(101), (0, 7), range(0, 31, 3))
    ties = [
        row for row in grid
        if 5 * (100 - row[0]) + 2 * (100 - row[1]) + 200 * (row[2] // 7) + 10 * (row[3] // 3) == thousandths
    ]  # fmt: skip
    labels = formula.score(pd.DataFrame(ties, columns=list(INPUTS)))["risk_label"]
    assert len(ties) > 250
    assert set(labels) == {label}


def test_a_hair_above_a_tie_takes_the_graver_label():
    # 0.5·0.8001 = 0.40005, and 0.5 + 0.2 + 0.1/720
    labels = [row["risk_label"] for row in scored([(19.99, 100.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1 / 24)])]
    assert labels == ["medium", "high"]


def test_tie_with_a_missing_quiz_takes_the_milder_label():
    # (0.5·1 + 0.1·18/30) / 0.8 = 0.7 and 0.5·0.64 / 0.8 = 0.4
    labels = [row["risk_label"] for row in scored([(0.0, None, 0.0, 18.0), (36.0, None, 0.0, 0.0)])]
    assert labels == ["medium", "low"]


GONE = [
    (gone, nothing)
    for nothing in (None, math.nan)
    for n in range(5)
    for gone in itertools.combinations(range(4), n)
]


def without(gone, nothing):
    return tuple(nothing if i in gone else value for i, value in enumerate((30.0, 80.0, 3.0, 10.0)))


@pytest.fixture(scope="module")
def scored_without():
    return scored([without(*case) for case in GONE])


@pytest.mark.parametrize("case", range(len(GONE)), ids=[f"{gone}-{nothing}" for gone, nothing in GONE])
def test_missing_input_is_never_zero_and_never_safe(scored_without, case):
    gone, _ = GONE[case]
    row, found = without(*GONE[case]), scored_without[case]
    parts, total, label = exact(row)
    assert found["risk_label"] == label
    assert close(found["risk_score"], total)
    if 0 in gone and (1 in gone or 2 in gone):  # 0.7 or more of the weight
        assert (label, found["risk_score"]) == ("unknown", None)
    # Promise 3: what is missing has no contribution, and the others keep their proportions.
    assert [found[term] is None for term in TERMS] == [part is None for part in parts]


def test_missing_quiz_gives_what_the_known_inputs_say():
    worst, best = scored([(0.0, None, 7.0, 30.0), (100.0, None, 0.0, 0.0)])
    assert worst["risk_score"] == pytest.approx(1, abs=1e-12)
    assert best["risk_score"] == 0.0


def test_exactly_half_of_the_weight_is_enough():
    (found,) = scored([(None, 0.0, 7.0, None)])
    assert found["risk_label"] == "high"
    assert found["risk_score"] == pytest.approx(1, abs=1e-12)


def test_never_logged_in_counts_as_fully_away():
    never, long_ago = scored([(100.0, 100.0, 0.0, None), (100.0, 100.0, 0.0, 300.0)])
    assert never["inactivity"] == long_ago["inactivity"] == 0.1


def test_numbers_out_of_range_are_held_to_it():
    found = scored([(-5.0, -math.inf, 70.0, math.inf), (140.0, math.inf, -2.0, -math.inf)])
    assert found[0]["risk_score"] == pytest.approx(1, abs=1e-15)
    assert found[1]["risk_score"] == 0.0


def dirty(count):
    rng = random.Random(11)
    odd = [None, None, math.nan, math.inf, -math.inf, -3.0, 250.0, 0.0, 100.0]
    return [
        tuple(rng.choice(odd) if rng.random() < 0.3 else rng.uniform(0, top) for top in (100, 100, 10, 60))
        for _ in range(count)
    ]


ROWS = dirty(1500)
COLUMNS = {name: [row[i] for row in ROWS] for i, name in enumerate(INPUTS)}


def relation(columns):
    # Each relation keeps its own connection alive.
    source = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    return duckdb.connect().from_arrow(source)


ENGINES = {
    "pandas on numpy": lambda columns: pd.DataFrame(columns, dtype="float64"),
    "pandas on pyarrow": lambda columns: pd.DataFrame(
        {
            k: pd.Series(pa.array(v, pa.float64()), dtype=pd.ArrowDtype(pa.float64()))
            for k, v in columns.items()
        }
    ),
    "pandas nullable": lambda columns: pd.DataFrame(
        {k: pd.array(v, dtype="Float64") for k, v in columns.items()}
    ),
    "polars": lambda columns: pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64)),
    "polars lazy": lambda columns: pl.LazyFrame(columns, schema=dict.fromkeys(columns, pl.Float64)),
    "pyarrow": lambda columns: pa.table({k: pa.array(v, pa.float64()) for k, v in columns.items()}),
    "duckdb": relation,
}


def rows_of(native):
    table = nw.from_native(native)
    table = table.collect("pyarrow") if isinstance(table, nw.LazyFrame) else table
    return [
        {
            k: None if v is None or v is pd.NA or (isinstance(v, float) and math.isnan(v)) else v
            for k, v in row.items()
        }
        for row in table.rows(named=True)
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_labels_and_scores(engine):
    native = ENGINES[engine](COLUMNS)
    result = formula.score(native)
    assert type(result) is type(native)
    found = rows_of(result)
    assert list(found[0]) == [*INPUTS, *TERMS, "risk_score", "risk_label"]
    for row, line in zip(ROWS, found, strict=True):
        parts, total, label = exact(row)
        assert line["risk_label"] == label, row
        assert close(line["risk_score"], total), row
        assert all(close(line[term], part) for term, part in zip(TERMS, parts, strict=True)), row


@pytest.mark.parametrize("engine", ENGINES)
def test_a_last_login_that_is_not_known_is_neither_recent_nor_never(engine):
    """Its weight is shared by the others: 0.5, 0.2 and 0.2 of 0.9; with the quiz alone, too little is known."""
    columns = {
        "completed_percent": [40.0, 40.0, None, 40.0],
        "avg_quiz_score": [70.0, 70.0, 70.0, 70.0],
        "consecutive_missed_sessions": [7.0, 7.0, None, 7.0],
        "days_inactive": [None, None, None, 0.0],
        "login_is_unknown": [1.0, 0.0, 1.0, None],
    }
    unknown, never, nothing, there = rows_of(formula.score(ENGINES[engine](columns)))
    assert unknown["risk_score"] == pytest.approx((0.3 + 0.06 + 0.2) / 0.9, abs=1e-12)
    assert (unknown["inactivity"], unknown["risk_label"]) == (None, "medium")
    assert never["risk_score"] == pytest.approx(0.66, abs=1e-12)
    assert (nothing["risk_score"], nothing["risk_label"]) == (None, "unknown")
    assert there["risk_score"] == pytest.approx(0.56, abs=1e-12)
    assert explanations.reasons({**unknown, "last_login": None}) == [
        "missed 7 sessions in a row",
        "40 % of the due work done",
        "quiz average 70",
    ]


def test_labels_stay_with_their_rows_under_any_index():
    source = frame([BEST, WORST, (None,) * 4]).set_axis([5, 5, 0])
    result = formula.score(source)
    assert result["risk_label"].to_list() == ["low", "high", "unknown"]
    assert result.index.to_list() == [5, 5, 0]


def test_callers_frame_is_not_changed():
    source = frame([WORST, BEST])
    before = source.copy(deep=True)
    formula.score(source)
    pd.testing.assert_frame_equal(source, before)


def test_scoring_a_scored_frame_again_changes_nothing():
    once = formula.score(frame(ROWS[:50]))
    pd.testing.assert_frame_equal(formula.score(once), once)


def test_whole_numbers_and_empty_columns_are_read():
    source = pd.DataFrame(dict(zip(INPUTS, ([50], [None], [7], [None]), strict=True)))
    # (0.5·0.5 + 0.2 + 0.1) / 0.8
    assert formula.score(source)["risk_score"].to_list() == pytest.approx([0.6875], abs=1e-12)
    assert formula.score(pl.DataFrame(source.to_dict("list")))["risk_score"].to_list() == pytest.approx(
        [0.6875]
    )


def test_no_rows_give_no_rows():
    assert list(formula.score(frame([])).columns) == [*INPUTS, *TERMS, "risk_score", "risk_label"]


def test_missing_columns_are_named():
    with pytest.raises(InvalidInput, match=r"^avg_quiz_score, days_inactive: missing column"):
        formula.score(pd.DataFrame({"completed_percent": [1.0], "consecutive_missed_sessions": [1.0]}))


def test_column_of_text_is_refused():
    with pytest.raises(InvalidInput, match=r"^avg_quiz_score: a column of numbers"):
        formula.score(frame([BEST]).assign(avg_quiz_score="90"))


REASONS = [
    ((12.0, 90.0, 0.0, 1.0), "12 % of the due work done"),
    ((90.0, 34.4, 0.0, 1.0), "quiz average 34"),
    ((90.0, 90.0, 5.0, 1.0), "missed 5 sessions in a row"),
    ((99.0, 99.0, 1.0, 0.0), "missed 1 session in a row"),
    ((99.0, 99.0, 0.0, 23.9), "last login 23 days ago"),
    ((99.9, 99.9, 0.0, 0.9), "last login less than a day ago"),
    ((99.0, 99.0, 0.0, None), "never logged in"),
    ((99.0, 99.0, 0.0, math.inf), "last login more than 30 days ago"),
    ((None, 100.0, 0.0, 0.0), "no sign of risk"),
    ((None, None, 7.0, 30.0), "too little is known to score"),
]


@pytest.fixture(scope="module")
def reasoned():
    return dict(zip((row for row, _ in REASONS), scored([row for row, _ in REASONS]), strict=True))


@pytest.mark.parametrize(("row", "words"), REASONS)
def test_reason_says_the_largest_term_in_words(reasoned, row, words):
    assert explanations.reason(reasoned[row], policy=DEFAULT_POLICY) == words


def test_reasons_come_largest_first_and_at_most_three():
    # Terms 0.4, 0.66, 5/7 = 0.714 and 3/30 = 0.1, whatever they add: 0.2, 0.132, 0.143 and 0.01.
    assert explanations.reasons(scored([(60.0, 34.0, 5.0, 3.0)])[0], policy=DEFAULT_POLICY) == [
        "missed 5 sessions in a row",
        "quiz average 34",
        "60 % of the due work done",
    ]


def test_reasons_leave_out_what_contributes_nothing():
    assert explanations.reasons(scored([(60.0, 100.0, 0.0, 3.0)])[0], policy=DEFAULT_POLICY) == [
        "60 % of the due work done",
        "last login 3 days ago",
    ]


def test_reason_names_the_whole_course_where_that_is_the_basis():
    assert (
        explanations.reason(scored([WORST])[0], policy=RiskPolicy(basis="course")) == "0 % of the course done"
    )


def test_reason_is_never_logged_in_even_where_the_days_since_enrolment_are_known():
    learner = {"completed_percent": 99, "avg_quiz_score": 99, "consecutive_missed_sessions": 0}
    result = formula.compute_risk(
        learner | {"last_login": None, "enrolled_at": date(2026, 11, 1)}, as_of=AS_OF
    )
    assert result["days_inactive"] == 21.0
    assert explanations.reason(result, policy=DEFAULT_POLICY) == "never logged in"


def test_reason_asks_for_the_input_it_has_to_name():
    with pytest.raises(InvalidInput, match="completed_percent"):
        explanations.reason({"behind_pace": 0.5, "risk_score": 0.5}, policy=DEFAULT_POLICY)


def test_what_would_help_worked_out_by_hand():
    # 0.5·0.88 + 0.2·0.66 + 0.2·5/7 + 0.1·21/30 = 0.7849; 0.0849 less is
    # 17 percent of work, 43 of quiz or 2.97 sessions, and more than being away costs
    row = scored([(12.0, 34.0, 5.0, 21.0)])[0]
    assert explanations.what_would_help(row, policy=DEFAULT_POLICY) == [
        explanations.Lever("completed_percent", 12.0, 29.0, "medium"),
        explanations.Lever("avg_quiz_score", 34.0, 77.0, "medium"),
        explanations.Lever("consecutive_missed_sessions", 5.0, 2.0, "medium"),
    ]


def test_nothing_is_suggested_for_low_and_unknown():
    assert [
        explanations.what_would_help(row, policy=DEFAULT_POLICY)
        for row in scored([BEST, (None, None, 1.0, 1.0)])
    ] == [[], []]


def test_logging_in_is_suggested_to_who_never_did():
    # 0.5·0.5 + 0.2·0.6 + 0.1 = 0.47; without the 0.1 it is 0.37, and 0.03 of it may stay: 9 days
    row = scored([(50.0, 40.0, 0.0, None)])[0]
    assert explanations.what_would_help(row, policy=DEFAULT_POLICY)[-1] == explanations.Lever(
        "days_inactive", None, 9.0, "low"
    )


# Rounded, so that no learner is within the tolerance of a threshold by a hundred-millionth of a day.
percents = st.one_of(st.none(), st.integers(0, 100), st.floats(0, 100).map(lambda x: round(x, 2)))
days = st.one_of(st.none(), st.floats(0, 60).map(lambda x: round(x, 2)))
plain = st.tuples(percents, percents, st.one_of(st.none(), st.integers(0, 12)), days)


@a_few
@given(st.lists(plain, min_size=1, max_size=25))
def test_what_would_help_changes_the_label_and_one_step_less_does_not(rows):
    cases, changed, not_quite = [], [], []
    for found in scored(rows):
        milder = {"high": "medium", "medium": "low"}.get(found["risk_label"])
        for lever in explanations.what_would_help(found, policy=DEFAULT_POLICY):
            assert lever.label_then == milder
            values = [found[name] for name in INPUTS]
            step = -1 if lever.input in INPUTS[:2] else 1
            which = INPUTS.index(lever.input)
            cases.append((found, lever))
            changed.append([*values[:which], lever.needed, *values[which + 1 :]])
            not_quite.append([*values[:which], lever.needed + step, *values[which + 1 :]])
    for (found, lever), after, almost in zip(cases, scored(changed), scored(not_quite), strict=True):
        assert after["risk_label"] == lever.label_then, (found, lever)
        assert almost["risk_label"] == found["risk_label"], (found, lever)


LEARNER = {
    "id": "invented-1",
    "email": "one@example.invalid",
    "last_login": datetime.fromisoformat("2026-11-07"),
    "completed_percent": 40,
    "avg_quiz_score": 70,
    "consecutive_missed_sessions": 2,
}


def test_one_learner_and_a_batch_get_the_same_new_dict():
    before = dict(LEARNER)
    one = formula.compute_risk(LEARNER, as_of=AS_OF)
    # 0.5·0.6 + 0.2·0.3 + 0.2·2/7 + 0.1·15/30
    assert one["risk_score"] == pytest.approx(0.41 + 0.4 / 7, abs=1e-12)
    assert one["risk_label"] == "medium"
    assert {name: one[name] for name in before} == before
    assert set(one) == {*before, *TERMS, "days_inactive", "risk_score", "risk_label"}
    assert before == LEARNER
    assert formula.compute_and_update_all([LEARNER, {}, LEARNER], as_of=AS_OF)[2] == one
    assert formula.compute_and_update_all([], as_of=AS_OF) == []


def test_missing_key_none_and_nan_are_the_same_to_the_dict_interface():
    bare = {name: value for name, value in LEARNER.items() if name != "avg_quiz_score"}
    spelled = [bare, bare | {"avg_quiz_score": None}, bare | {"avg_quiz_score": math.nan}]
    spelled.append(bare | {"avg_quiz_score": pd.NA})
    results = formula.compute_and_update_all(spelled, as_of=AS_OF)
    assert {row["risk_score"] for row in results} == {results[0]["risk_score"]}
    assert results[0]["low_quiz"] is None
    assert results[0]["risk_score"] is not None


def test_learner_of_whom_nothing_is_known_is_unknown():
    result = formula.compute_risk({"id": "invented-2"}, as_of=AS_OF)
    assert (result["risk_score"], result["risk_label"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("last_login", "enrolled_at", "days"),
    [
        ("2026-11-21T00:00:00", None, 1.0),
        ("2026-11-21T12:00:00Z", None, 0.5),
        ("2026-11-21", None, 1.0),
        (date(2026, 11, 20), None, 2.0),
        (datetime(2026, 11, 21, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))), None, 1.0),
        (pd.Timestamp("2026-11-20"), None, 2.0),
        (datetime.fromisoformat("2026-11-25"), None, 0.0),
        (None, "2026-11-12", 10.0),
        (pd.NaT, datetime(2026, 11, 12, tzinfo=UTC), 10.0),
        (None, None, None),
    ],
    ids=str,
)
def test_days_away_are_read_from_any_date(last_login, enrolled_at, days):
    result = formula.compute_risk({"last_login": last_login, "enrolled_at": enrolled_at}, as_of=AS_OF)
    assert result["days_inactive"] == days


def test_date_as_as_of_means_its_end():
    result = formula.compute_risk({"last_login": "2026-11-21"}, as_of=date(2026, 11, 21))
    assert result["days_inactive"] == pytest.approx(1.0, abs=1e-9)


def test_without_as_of_the_day_is_today():
    login = datetime.now(UTC) - timedelta(days=3)
    assert formula.compute_risk({"last_login": login})["days_inactive"] == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("avg_quiz_score", "ninety"),
        ("completed_percent", True),
        ("last_login", "yesterday"),
        ("enrolled_at", 5),
    ],
)
def test_unreadable_value_is_refused_by_column_count_and_first_id(name, value):
    rows = [LEARNER, LEARNER | {"id": "invented-7", name: value}, LEARNER | {"id": "invented-8", name: value}]
    with pytest.raises(InvalidInput, match=rf"^{name}: 2 of 3 learners .* first at 'invented-7'$") as refused:
        formula.compute_and_update_all(rows, as_of=AS_OF)
    assert str(value) not in str(refused.value)


def test_as_of_that_is_no_date_is_refused():
    with pytest.raises(InvalidInput, match="as_of"):
        formula.compute_risk(LEARNER, as_of=1993)


def test_policy_changes_the_score_as_it_says():
    policy = RiskPolicy(
        weights=dict(zip(TERMS, (0.25, 0.25, 0.25, 0.25), strict=True)),
        missed_sessions_cap=4,
        recency_days=10,
        high_above=0.6,
        medium_above=0.5,
    )
    # (0.6 + 0.3 + 2/4 + 1) / 4 = 0.6, a tie
    (found,) = scored([(40.0, 70.0, 2.0, 15.0)], policy=policy)
    assert found["risk_score"] == pytest.approx(0.6, abs=1e-12)
    assert found["risk_label"] == "medium"


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"behind_pace": 1.0}},
        {"weights": dict(zip(TERMS, (0.5, 0.2, 0.2, 0.2), strict=True))},
        {"weights": dict(zip(TERMS, (0.9, 0.2, -0.2, 0.1), strict=True))},
        {"weights": dict(zip(TERMS, ("a", 0.2, 0.2, 0.1), strict=True))},
        {"weights": 1.0},
        {"missed_sessions_cap": 0},
        {"recency_days": math.nan},
        {"high_above": 0.4},
        {"high_above": 1.0},
        {"medium_above": 0},
        {"basis": "guess"},
    ],
    ids=str,
)
def test_policy_that_makes_no_sense_is_refused(change):
    with pytest.raises(InvalidInput):
        RiskPolicy(**change)


def test_policy_hash_follows_the_numbers_only():
    default = formula.DEFAULT_POLICY
    assert RiskPolicy(missed_sessions_cap=7.0).policy_hash == default.policy_hash
    assert len(default.policy_hash) == 12
    others = [RiskPolicy(recency_days=14), RiskPolicy(basis="course"), RiskPolicy(high_above=0.75)]
    assert len({each.policy_hash for each in (default, *others)}) == 4


def test_policy_cannot_be_changed_afterwards():
    weights = dict(policy.WEIGHTS)
    made = RiskPolicy(weights=weights)
    weights["behind_pace"] = 9.0
    assert made == policy.DEFAULT_POLICY
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.high_above = 0.1


def test_policy_is_read_from_toml(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[risk]\nrecency_days = 14\nbasis = "course"\n[risk.weights]\nbehind_pace = 0.4\n'
                    "low_quiz = 0.3\nmissed_session = 0.2\ninactivity = 0.1\n[other]\nx = 1\n")  # fmt: skip
    read = RiskPolicy.from_toml(file)
    assert (read.recency_days, read.basis, read.weights["low_quiz"]) == (14, "course", 0.3)
    assert read.missed_sessions_cap == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[risk]\nhigh_over = 0.8\nlow = 1\n", "unknown in .risk.: high_over, low"),
        ("[risk]\nhigh_above = '0.8'\n", "high_above: a number"),
        ("[rsik]\nhigh_above = 0.8\n", "a .risk. table is needed"),
        ("risk = 3\n", "a .risk. table is needed"),
        ("[risk\n", "readable TOML"),
        ("[risk.weights]\nbehind_pace = 1.0\n", "weights: exactly"),
    ],
)
def test_policy_file_with_a_mistake_is_refused_by_name(tmp_path, text, message):
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        RiskPolicy.from_toml(file)


def test_policy_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"absent\.toml"):
        RiskPolicy.from_toml(tmp_path / "absent.toml")


def test_labels_are_the_four_documented_ones():
    assert {row["risk_label"] for row in scored(ROWS)} == set(LABELS)
