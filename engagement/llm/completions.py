"""From drafts without a text to texts: which prompts they need, what is known already, what is asked, what it cost.

Nudges and quizzes go the same way, one or a hundred thousand. Equal prompts are one question. A batch reads the
answers of earlier batches and asks the rest; each answer is in a journal when it arrives and in the store soon after,
so that whoever is killed goes on where it was. What a prompt says about a learner is recorded before it leaves. No
block of the store is held while a model thinks.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd

from engagement.dates import utc_now
from engagement.llm import journal, progress, prompts
from engagement.llm.client import Model
from engagement.llm.writer import Writer
from engagement.store import Cursor, Store, first_row, query, registered

PROMPTS_PER_BLOCK: Final = 500


@dataclass(frozen=True)
class TextJob:
    """What is drafted, and how it is asked for.

    Attributes
    ----------
    table
        The temporary table of the drafts, with `id`, `cache_key` and `reason`.
    inputs
        The query that says what their prompts are made of.
    task
        From channel and locale to what is asked.
    """

    kind: prompts.Kind
    table: str
    inputs: str
    data: Callable[[Any], Any]
    task: Callable[[str, str], prompts.Task]


def complete(
    store: Store,
    job: TextJob,
    writer: Writer,
    *,
    as_of: datetime,
    basis: str,
    run_id: str,
) -> None:
    """Give every draft of a run the key of its text in `written`, or the reason why a template stands in.

    Within a `staging` that holds the drafts. Raises `StoreUnusable` where answers cannot be kept: nothing is asked
    that would be lost.
    """
    with store.staging() as db:
        _no_texts(db)
    if writer.is_nobody:
        return
    take_over(store)
    with store.read() as db:
        tasks = prompts_to_ask(db, job, writer.model, as_of=as_of, basis=basis)
        (count,) = first_row(db, "select count(*) from temp.prompts_to_ask")
        (spent_usd,) = first_row(
            db,
            "select coalesce(sum(cost_usd), 0) from model_answers where run_id = $run_id",
            {"run_id": run_id},
        )
    failed: dict[str, str] = {}
    unsent: list[str] = []
    stopped: str | None = None
    begun_at = utc_now()
    if count:
        with journal.opened(store.path) as kept:
            batch = writer.batch(kept, run_id=run_id, spent_usd=spent_usd)
            blocks = _blocks(store, job, writer, tasks, count=count, run_id=run_id, now=begun_at)
            for answers in batch.answers(blocks):
                failed |= {answer.cache_key: answer.reason for answer in answers if answer.reason}
                unsent += [answer.cache_key for answer in answers if not answer.requests]
                if answers:
                    with store.write() as db:
                        keep(db, answers)
                progress.note(store.path, run_id, batch.progress(count))
            progress.forget(store.path, run_id)
            stopped = batch.job.stopped
    with store.write() as db:
        _forget_disclosures(db, unsent, at=begun_at)
    with store.read() as db:
        _tell_drafts(db, job, failed, stopped)


def complete_one(store: Store, job: TextJob, writer: Writer, *, as_of: datetime, basis: str) -> None:
    """Do what `complete` does for one draft that a person waits for: asked anew, at most eight seconds."""
    with store.read() as db:
        _no_texts(db)
        if writer.is_nobody:
            return
        tasks = _make_prompts(db, job, writer.model, as_of=as_of, basis=basis)
        db.execute("create or replace temp table prompts_to_ask as select *, 1 as place from temp.prompts")
        found = _read_block(db, tasks, 1, 1)
    answer = None
    if found:
        begun_at = utc_now()
        with store.write() as db:
            _record(db, job, writer, found, first=1, run_id=None, now=begun_at)
        answer = writer.write(found[0])
        with store.write() as db:
            keep(db, [answer])
            if not answer.requests:
                _forget_disclosures(db, [answer.cache_key], at=begun_at)
    with store.read() as db:
        _tell_drafts(db, job, {answer.cache_key: answer.reason} if answer and answer.reason else {}, None)


def take_over(store: Store) -> None:
    """Bring into the store what processes that were killed had been answered."""
    with journal.abandoned(store.path) as found:
        if found:
            with store.write() as db:
                keep(db, found)


def keep(db: Cursor, answers: Sequence[journal.Answer]) -> None:
    """Keep what was sent and what came back, each answer once; what was never sent is not kept."""
    sent = [answer for answer in answers if answer.requests]
    if not sent:
        return
    contents = [answer.content for answer in sent]
    frame = pd.DataFrame(
        {name: [getattr(answer, name) for answer in sent] for name in journal.Answer.__slots__}
        | {"content": [json.dumps(c, ensure_ascii=False) if isinstance(c, list) else c for c in contents]}
    )
    with registered(db, "arrived", frame.astype({"reason": "str", "subject": "str", "content": "str"})):
        db.execute(
            """
            insert into model_answers by name
            select * replace (answered_at::timestamp as answered_at)
            from arrived
            where (cache_key, answered_at::timestamp) not in (select (cache_key, answered_at) from model_answers)
            """
        )


def forget(db: Cursor, *, before: datetime, useless_before: datetime) -> None:
    """Forget answers of a model that are old, and those that serve nobody, sooner."""
    db.execute(query("llm/forget_answers"), {"before": before, "useless_before": useless_before})


def _no_texts(db: Cursor) -> None:
    db.execute(
        "create or replace temp table written "
        "(cache_key text, language text, subject text, content text, prompt_version text, model text)"
    )


def prompts_to_ask(
    db: Cursor, job: TextJob, model: Model, *, as_of: datetime, basis: str
) -> list[prompts.Task]:
    """Fill `prompts_to_ask`, the different ones of `prompts` whose answer is not known, worst learners first.

    Returns the tasks that their numbers mean.
    """
    tasks = _make_prompts(db, job, model, as_of=as_of, basis=basis)
    db.execute(query("llm/prompts_to_ask"))
    return tasks


def _make_prompts(
    db: Cursor, job: TextJob, model: Model, *, as_of: datetime, basis: str
) -> list[prompts.Task]:
    """Fill `prompts`, one row per draft a model may be told about; return the tasks that its numbers mean."""
    db.execute(query(job.inputs), {"as_of": as_of, "basis": basis})
    pairs = db.execute("select distinct channel, locale from temp.prompt_inputs order by all").fetchall()
    tasks = [job.task(channel, locale) for channel, locale in pairs]
    numbered = pd.DataFrame(pairs, columns=["channel", "locale"], dtype="str").assign(
        task=range(len(pairs)),
        language=pd.Series([task.language for task in tasks], dtype="str"),
        prefix=pd.Series(
            [task.key_prefix(model=model.name, base_url=model.address) for task in tasks], dtype="str"
        ),
    )
    told = job.data(db.table("temp.prompt_inputs")).sql_query()
    with registered(db, "tasks", numbered):
        db.execute(
            f"""
            create or replace temp table prompts as
            select
                told.id, told.learner_id, told.type, told.risk_score, told.data, tasks.task, tasks.language,
                sha256(concat(tasks.prefix, chr(10), told.data)) as cache_key
            from ({told}) as told
            inner join tasks on told.channel = tasks.channel and told.locale = tasks.locale
            where told.withheld is null
            """  # noqa: S608 (made by Narwhals from our own names)
        )
    fields = (
        {"quiz": prompts.disclosed_fields("quiz")}
        if job.kind == "quiz"
        else {type: prompts.disclosed_fields("nudge", type) for type in prompts.NEEDED}
    )
    frame = pd.DataFrame({"type": list(fields), "fields": [list(names) for names in fields.values()]})
    with registered(db, "told", frame):
        db.execute(
            "create or replace temp table disclosed as select type, fields::text[] as fields from told"
        )
    return tasks


def _blocks(
    store: Store,
    job: TextJob,
    writer: Writer,
    tasks: Sequence[prompts.Task],
    *,
    count: int,
    run_id: str,
    now: datetime,
) -> Iterator[list[prompts.Prompt]]:
    """Yield the prompts, worst learners first; what each block tells is recorded before it is yielded."""
    for first in range(1, count + 1, PROMPTS_PER_BLOCK):
        with store.read() as db:
            block = _read_block(db, tasks, first, first + PROMPTS_PER_BLOCK - 1)
        with store.write() as db:
            _record(db, job, writer, block, first=first, run_id=run_id, now=now)
        yield block


def _read_block(db: Cursor, tasks: Sequence[prompts.Task], first: int, last: int) -> list[prompts.Prompt]:
    rows = db.execute(
        "select task, data, cache_key from temp.prompts_to_ask where place between $first and $last order by place",
        {"first": first, "last": last},
    ).fetchall()
    return [prompts.Prompt(tasks[task], data, cache_key) for task, data, cache_key in rows]


def _record(
    db: Cursor,
    job: TextJob,
    writer: Writer,
    block: Sequence[prompts.Prompt],
    *,
    first: int,
    run_id: str | None,
    now: datetime,
) -> None:
    db.execute(
        query("llm/record_disclosures"),
        {
            "kind": job.kind,
            "model": writer.model.name,
            "base_url": writer.model.address,
            "prompt_version": prompts.VERSION,
            "run_id": run_id,
            "now": now,
            "first_place": first,
            "last_place": first + len(block) - 1,
        },
    )


def _forget_disclosures(db: Cursor, cache_keys: Sequence[str], *, at: datetime) -> None:
    """Take back the record of what did not leave after all."""
    if cache_keys:
        db.execute(
            "delete from disclosures where disclosed_at = $at and cache_key in (select unnest($cache_keys))",
            {"at": at, "cache_keys": list(cache_keys)},
        )


def _tell_drafts(db: Cursor, job: TextJob, failed: Mapping[str, str], stopped: str | None) -> None:
    """Fill `written`, and write into each draft which text is its, or why there is none."""
    db.execute(query("llm/written_texts"))
    frame = pd.DataFrame({"cache_key": list(failed), "reason": list(failed.values())}, dtype="str")
    with registered(db, "failed", frame):
        db.execute(
            f"""
            update temp.{job.table} as draft
            set cache_key = known.cache_key, reason = known.reason
            from (
                select
                    inputs.id,
                    prompts.cache_key,
                    case
                        when failed.reason is not null or written.cache_key is null
                            then coalesce(inputs.withheld, failed.reason, $stopped, 'error')
                    end as reason
                from temp.prompt_inputs as inputs
                left join temp.prompts on inputs.id = prompts.id
                left join failed on prompts.cache_key = failed.cache_key
                left join temp.written on prompts.cache_key = written.cache_key
            ) as known
            where draft.id = known.id
            """,  # noqa: S608 (our own table)
            {"stopped": stopped},
        )
