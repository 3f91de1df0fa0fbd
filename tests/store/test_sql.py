"""Queries that are made, or read, once."""

from engagement.policy import RiskPolicy
from engagement.risk import formula
from engagement.store import query_made, read_once
from engagement.store.sql import _MOST_KEPT, _READ


def _missed(table, policy):
    return table.project(f"missed / {policy.missed_sessions_cap} as term")


def test_a_query_is_built_anew_for_other_numbers_and_for_other_columns(store):
    day, week = (RiskPolicy(missed_sessions_cap=cap) for cap in (1, 7))
    with store.staging() as db:
        db.execute("create temp table learners as select 3.5::double as missed")
        terms = [db.execute(query_made(db, "temp.learners", _missed, cap)).fetchall() for cap in (day, week)]
        assert terms == [[(3.5,)], [(0.5,)]]
        db.execute("create or replace temp table learners as select '3.5' as missed")
        made = [query_made(db, "temp.learners", _missed_of_text, cap) for cap in (day, week)]
        db.execute("create or replace temp table learners as select 3.5::double as missed, 1 as more")
        assert query_made(db, "temp.learners", _missed_of_text, week) not in made


def _missed_of_text(table, policy):
    return table.project(f"{', '.join(table.columns)}, {policy.missed_sessions_cap} as cap")


def test_policies_that_differ_in_a_weight_alone_have_queries_of_their_own(store):
    other = {"behind_pace": 0.4, "low_quiz": 0.3, "missed_session": 0.2, "inactivity": 0.1}
    with store.staging() as db:
        db.execute(
            """
            create temp table inputs as
            select 50.0::double as completed_percent, 0.0::double as avg_quiz_score,
                0.0::double as consecutive_missed_sessions, 0.0::double as days_inactive
            """
        )
        scores = [
            db.sql(query_made(db, "temp.inputs", _scored, policy)).df()["risk_score"].round(9).tolist()
            for policy in (RiskPolicy(), RiskPolicy(weights=other))
        ]
    assert scores == [[0.45], [0.5]]


def _scored(table, policy):
    return formula.score(table, policy=policy)


def test_a_statement_that_was_read_once_runs_on_any_engine_with_any_parameters(store, tmp_path):
    long = "select $number + 1 -- as long as you like"
    with store.staging() as db:
        statement = read_once(db, long)
        assert db.execute(statement, {"number": 1}).fetchall() == [(2,)]
    with store.read() as db:
        assert read_once(db, long) is statement
        assert db.execute(statement, {"number": 41}).fetchall() == [(42,)]


def test_no_more_statements_are_kept_than_a_page_needs(store):
    with store.staging() as db:
        for number in range(2 * _MOST_KEPT):
            read_once(db, f"select {number}")
    assert len(_READ) == _MOST_KEPT
