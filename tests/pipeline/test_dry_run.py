"""What a dry run says is what the run then asks."""

import json
from dataclasses import asdict

import pytest

from engagement.errors import NotFound
from engagement.llm import titles
from engagement.llm.completions import prompts_to_ask
from engagement.llm.writer import chosen_model
from engagement.outreach import drafting, nudges, quizzes
from engagement.pipeline import config, dry_run
from engagement.policy import DEFAULT_SELECTION
from engagement.settings import read_settings
from engagement.targeting import decisions
from tests.support.cohort import AS_OF, begin, learner, load, rows
from tests.support.once import once

NIGHTLY = config.read_pipeline("nightly")
EACH = {"preferred_channel": "in_app", "completed_percent": 5}


@once
def estimated(store, *, model="gpt-4.1-mini", **given):
    return dry_run.of_run(
        store,
        NIGHTLY,
        read_settings(),
        as_of=AS_OF,
        day=AS_OF.date(),
        given=given,
        model=model,
        now=AS_OF,
    )


@pytest.fixture
def cohort(store):
    load_cohort(store)
    return store


@once
def load_cohort(store):
    load(
        store,
        *(learner(f"l{number}", **EACH, topic="loops") for number in range(30)),
        learner("out", **EACH, llm_opt_out=True),
        learner("other", **EACH, topic="nobody's business"),
    )
    titles.confirm(store, ["loops"], kind="topic", actor="c", now=AS_OF)


def test_it_counts_drafts_different_prompts_and_who_is_left_out(cohort):
    nudge, quiz = (estimated(cohort).parts[kind] for kind in ("nudges", "quizzes"))
    # three styles with the topic, one learner without a confirmed one; quizzes in three variants
    assert (nudge.drafts, nudge.withheld, nudge.prompts, nudge.to_ask) == (32, 1, 4, 4)
    assert (quiz.drafts, quiz.withheld, quiz.prompts, quiz.to_ask) == (32, 2, 3, 3)
    assert nudge.output_tokens == 4 * 200
    assert quiz.output_tokens == 3 * 2_000


def test_tokens_are_counted_once_for_each_prompt(cohort):
    part = estimated(cohort).parts["nudges"]
    instructions = nudges.WANTED.task("in_app", "en").instructions
    words = len(instructions.split())
    assert 4 * words < part.input_tokens < 4 * 2.5 * words


def test_a_price_is_named_for_the_model_and_for_others(cohort):
    costs = estimated(cohort, model="gpt-4.1").cost_usd
    assert next(iter(costs)) == "gpt-4.1"
    assert costs["gpt-4.1"] == pytest.approx(
        5 * costs["gpt-4.1-mini"], rel=1e-3
    )  # 2.00/8.00 against 0.40/1.60


def test_a_model_without_a_listed_price_has_none_until_it_is_said(cohort, monkeypatch):
    assert "our-own" not in estimated(cohort, model="our-own").cost_usd
    monkeypatch.setenv("ENGAGEMENT_PRICE", "1/1")
    parts = estimated(cohort, model="our-own")
    tokens = sum(part.input_tokens + part.output_tokens for part in parts.parts.values())
    assert parts.cost_usd["our-own"] == pytest.approx(tokens / 1e6)


def test_nothing_is_drafted_published_or_seen(cohort):
    estimated(cohort)
    for table in ("nudges", "quizzes", "risk_scores", "disclosures", "model_answers", "published_decisions"):
        assert rows(cohort, f"select count(*) from {table}") == [(0,)], table
    assert rows(cohort, "select pipeline, published_at from runs") == [("scratch", None)]


def test_what_was_answered_before_is_known(cohort):
    run = begin(cohort)
    decisions.decide(cohort, run, policy=DEFAULT_SELECTION)
    with cohort.staging():
        with cohort.read() as db:
            drafting.choose(db, nudges.NUDGES, run, why_not="", rewrites=True)
            asked = chosen_model(read_settings(), "gpt-4.1-mini")
            prompts_to_ask(db, nudges.WANTED, asked, as_of=AS_OF, basis="due")
            keys = db.execute("select distinct cache_key from temp.prompts order by all").fetchall()
        with cohort.write() as db:
            db.execute(
                "insert into model_answers by name "
                "select $key as cache_key, 'nudge' as kind, 'v1.0' as prompt_version, 'x' as content, "
                "1 as requests, 1 as input_tokens, 1 as output_tokens, 0 as cost_usd, 'm' as model, "
                "'u' as base_url, 'r' as run_id, $at::timestamp as answered_at",
                {"key": keys[0][0], "at": AS_OF},
            )
    part = estimated(cohort).parts["nudges"]
    assert (part.prompts, part.known, part.to_ask) == (4, 1, 3)


def test_parameters_of_the_run_count(cohort):
    assert estimated(cohort, capacity="5").parts["nudges"].drafts == 5


def test_untouched_templates_of_the_day_are_counted(cohort):
    run = begin(cohort)
    decisions.decide(cohort, run, policy=DEFAULT_SELECTION)
    nudges.draft(cohort, run)
    quizzes.draft(cohort, run)
    assert estimated(cohort).parts["nudges"].drafts == 32


def test_it_can_be_written_as_json(cohort):
    plain = json.loads(json.dumps(asdict(estimated(cohort)), default=str))
    assert plain["parts"]["nudges"]["prompts"] == 4


def test_without_a_store_there_is_nothing_to_estimate(no_store):
    with pytest.raises(NotFound):
        estimated(no_store)
