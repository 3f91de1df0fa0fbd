"""What grows with every night although nothing changes, and the bound that it keeps to."""

from engagement import policy, runs
from engagement.outreach import nudges, quizzes
from engagement.policy import DEFAULT_SELECTION
from engagement.risk import scores
from engagement.targeting import decisions
from tests.support.cohort import AS_OF, DAY, at_night, learner, load, rows

COUNTS = """
    select
        (select count(*) from quarantine),
        (select count(*) from model_answers),
        (select count(*) from run_scores),
        (select count(*) from nudges where campaign = 'scratch'),
        (select count(*) from runs where pipeline = 'scratch'),
        (select count(*) from contact_decisions)
"""


def opened_by_hand(store, day):
    now = AS_OF + day * DAY
    run = runs.scratch(store, as_of=now, day=now.date(), now=now)
    scores.score(store, run)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(store, run)
    quizzes.draft(store, run)


def test_a_file_that_comes_every_night_keeps_its_refused_rows_once(store):
    refused = [learner(one, avg_quiz_score=101) for one in "bbc"]  # b twice, in two lines
    for day in range(4):
        summary = load(store, learner("a"), *refused, at=AS_OF + day * DAY)
        assert (summary.accepted, summary.quarantined) == (1, 3)
        assert rows(store, "select count(*), count(distinct load_id) from quarantine") == [(3, 1)]
    load(store, learner("a"), learner("b", avg_quiz_score=102), at=AS_OF + 4 * DAY)
    assert rows(store, "select count(*) from quarantine") == [(4,)]


def test_after_a_hundred_nights_that_are_alike_there_is_no_more_than_after_the_first(store):
    load(store, learner("a"), learner("b"), at=AS_OF - 200 * DAY)
    nights = {"at": AS_OF, "nights": 200}
    with store.write() as db:
        for sql in (
            """
            insert into loads by name
            select 'M' || lpad(night::text, 4, '0') as load_id, 'learners' as kind, 'l.csv' as source,
                night::text as content_hash, $at - to_days($nights::integer - night::integer) as observed_at,
                observed_at as loaded_at, 9 as rows, 8 as accepted, 1 as quarantined, '{}' as reasons
            from range(1, $nights) as made (night)
            """,
            """
            insert into quarantine by name
            select load_id, 2 as line, load_id || ',another row each night' as raw, ['x'] as reasons
            from loads where starts_with(load_id, 'M')
            """,
            """
            insert into model_answers by name
            select 'key ' || (night % 7) as cache_key, 'nudge' as kind, '1' as prompt_version,
                case when night % 2 = 0 then 'deadline' end as reason, 'text' as content, 1 as requests,
                1 as input_tokens, 1 as output_tokens, 'm' as model, 'u' as base_url,
                $at - to_days($nights::integer - night::integer) as answered_at
            from range($nights) as made (night)
            """,
        ):
            db.execute(sql, {name: value for name, value in nights.items() if f"${name}" in sql})
    for day in (-5, -4, -3):
        opened_by_hand(store, day)
    at_night(store, 1)
    [(refused, answers, *scratch, decided)] = rows(store, COUNTS)
    assert 20 < refused <= policy.REFUSED_DAYS
    assert 20 < answers <= policy.USELESS_ANSWER_DAYS + 7
    assert scratch == [0, 0, 0]
    assert decided == 2
    opened_by_hand(store, 1)
    at_night(store, 2)
    [(then, answers_then, *scratch, _)] = rows(store, COUNTS)
    assert (then, answers_then) < (refused, answers)
    assert scratch[-1] == 1, "one that was opened today is still looked at"


def test_the_newest_file_s_refused_rows_stay_however_old_it_is(store):
    load(store, learner("a"), learner("b", avg_quiz_score=101))
    at_night(store, 100)
    assert rows(store, "select count(*) from quarantine") == [(1,)]
