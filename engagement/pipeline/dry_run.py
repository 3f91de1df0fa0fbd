"""What a run would ask of a model and what that would cost, before anything is asked.

Scores and decisions are worked out as in a notebook that is opened by hand: in a scratch run that nobody else sees.
From there on it is the run's own way up to the prompts, which are counted in place of being sent.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from engagement import runs
from engagement.llm import completions, pricing, writer
from engagement.llm.client import Model
from engagement.llm.prompts import Task
from engagement.outreach import drafting
from engagement.outreach.drafting import DraftKind
from engagement.outreach.nudges import NUDGES
from engagement.outreach.quizzes import QUIZZES
from engagement.pipeline import config
from engagement.pipeline.config import Pipeline
from engagement.policy import SelectionPolicy
from engagement.risk import scores
from engagement.runs import Run
from engagement.settings import Settings
from engagement.store import Store, first_row
from engagement.targeting import decisions

_NUDGES_STEP: Final = "30_nudges"


@dataclass(frozen=True)
class Part:
    """Nudges or quizzes: how many, how many different prompts, and how many tokens they take.

    `withheld` are drafts about which a model is told nothing, `known` prompts that an earlier run was answered.
    """

    drafts: int
    withheld: int
    prompts: int
    known: int
    to_ask: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Estimate:
    """A dry run: `cost_usd` is at most so much for each model whose price is known."""

    day: date
    model: str
    parts: Mapping[str, Part]
    cost_usd: Mapping[str, float]


def of_run(
    store: Store,
    pipeline: Pipeline,
    settings: Settings,
    *,
    as_of: datetime,
    day: date,
    given: Mapping[str, str],
    model: str,
    now: datetime,
) -> Estimate:
    """Return what the pipeline would ask with what is loaded now. Raises `NotFound` where there is no store."""
    with store.read():
        pass
    taken = config.parameters_of(pipeline, given).get(_NUDGES_STEP, {})
    policy = replace(SelectionPolicy.told(taken), rewrite_templates=True)
    run = replace(
        runs.scratch(store, as_of=as_of, day=day, now=now), pipeline=pipeline.name, policy=pipeline.policy
    )
    scores.score(store, run)
    decisions.decide(store, run, policy=policy)
    asked = writer.chosen_model(settings, model)
    parts = {
        "nudges": _part(store, run, NUDGES, asked),
        "quizzes": _part(store, run, QUIZZES, asked),
    }
    return Estimate(day, asked.name, parts, dict(_costs(parts.values(), asked.name, settings.price)))


def _part(store: Store, run: Run, kind: DraftKind, model: Model) -> Part:
    with store.staging(), store.read() as db:
        drafting.choose(db, kind, run, why_not="", rewrites=True)
        tasks = completions.prompts_to_ask(db, kind.job, model, as_of=run.as_of, basis=run.policy.basis)
        drafts, withheld = first_row(db, "select count(*), count(withheld) from temp.prompt_inputs")
        (different,) = first_row(db, "select count(distinct cache_key) from temp.prompts")
        to_ask = db.execute("select task, data from temp.prompts_to_ask").fetchall()
        read, written = _tokens([(tasks[task], data) for task, data in to_ask])
    return Part(drafts, withheld, different, different - len(to_ask), len(to_ask), read, written)


def _tokens(asked: list[tuple[Task, str]]) -> tuple[int, int]:
    """Return how many tokens are read, counted, and at most written."""
    different = {task.digest: task for task, _ in asked}
    shared = {digest: pricing.count_tokens([task.shared_text]) for digest, task in different.items()}
    read = sum(shared[task.digest] for task, _ in asked) + pricing.count_tokens([data for _, data in asked])
    return read, sum(task.max_output_tokens for task, _ in asked)


def _costs(parts: Collection[Part], model: str, own: str | None) -> Iterator[tuple[str, float]]:
    """Return the cost by model: the one that would be asked first, then others to compare with."""
    read, written = sum(part.input_tokens for part in parts), sum(part.output_tokens for part in parts)
    for name in dict.fromkeys((model, *pricing.COMPARED)):
        if known := pricing.price(name, own=own if name == model else None):
            yield name, round(known.cost_usd(read, written), 6)
