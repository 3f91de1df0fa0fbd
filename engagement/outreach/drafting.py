"""Drafts, as nudges and quizzes have them in common: whom they are for, who wrote them, and when they go again.

A run drafts in bulk for whom it chose; a person asks for one by hand, or has one written anew. Each way a text is
written once, however many learners it is for, and where a model gives none, a template says why. What tells a nudge
from a quiz stands in a `DraftKind`; the rules stand here, once.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from engagement import audit, runs
from engagement.content import templates
from engagement.content.generation import Generation
from engagement.dates import iso_week
from engagement.errors import InvalidInput
from engagement.llm import completions, prompts
from engagement.llm.writer import Writer, writer_for
from engagement.outreach import editing, queue
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query
from engagement.targeting import decisions, limits, selection

MANUAL: Final = "manual"  # the campaign of what a person asks for by hand

_REFUSED: Final = {
    "inactive": "the enrolment is no longer active",
    "opted_out": "asked not to be contacted",
    "no_opt_in": "WhatsApp needs an opt-in and a phone number",
    "no_address": "has no e-mail address, or one that several persons have",
}
_OF_THE_LEARNER: Final = ("learner_id", "person_id", "program", "locale", "risk_score", "risk_label")
# One draft that a person asked for, in the shape of those a run has chosen.
_ONE_TO_DRAFT: Final = """
    create or replace temp table to_draft as
    select $id as id, $learner_id as learner_id, $person_id as person_id, $type as type, $channel as channel,
        $topic::text as topic, $risk_score::double as risk_score, $risk_label::text as risk_label, $program as program,
        $locale as locale, $draw::integer as draw, $draw::integer % $variants + 1 as variant,
        null::text as cache_key, $why_not as reason, 1 as place
"""
# Columns of both tables that a row of `drafted` fills: who it is for, and who wrote it.
_FOR_WHOM: Final = ("id", "learner_id", "person_id", "program")
_WRITTEN: Final = ("gpt_prompt_version", "gpt_fallback", "reason", "fallback_id", "model", "cache_key")


@dataclass(frozen=True, kw_only=True)
class DraftKind:
    """What tells nudges from quizzes.

    Attributes
    ----------
    job
        How a model is asked for one.
    one_per
        Whom there is one for, by channel, campaign and period.
    period
        From the day of a run to what there is one in.
    choices
        How many texts a learner's is drawn from.
    write_templates
        Fills `with_template`: the rows of `to_draft`, each with the template that may stand in.
    chosen, text
        Columns of the table, each with the column of `drafted` it is filled from: what a draft keeps, and what is
        written anew with it.
    stays
        From a draft to what it is about whenever it is written anew: `type`, `channel`, `topic`.
    draws_again
        From the draft, and what its first draw was made of, to the draw with which it is written anew.
    limits
        The usual limits that one more goes past when a person asks for it, as codes.
    """

    job: completions.TextJob
    one_per: str
    period: Callable[[date], str]
    choices: int
    write_templates: Callable[[Cursor], None]
    chosen: tuple[str, ...]
    text: Mapping[str, str]
    stays: Callable[[Mapping[str, Any]], Mapping[str, str]]
    draws_again: Callable[[Cursor, Mapping[str, Any], str], int]
    limits: Callable[[Mapping[str, Any]], list[str]]

    @property
    def table(self) -> str:
        """The table of the store that holds them."""
        return queue.TABLES[self.job.kind]


def variant_key(learner_id: str, campaign: str, day: date) -> str:
    """Return what keeps a learner's words the same for one campaign and ISO week."""
    return f"{learner_id}|{campaign}|{iso_week(day)}"


async def generated(
    job: completions.TextJob,
    template: Callable[..., Generation],
    context: Mapping[str, object],
    *,
    channel: str,
    variant: int,
    titles: Collection[str],
    withheld: str,
) -> dict[str, object]:
    """Return a text for one context that is in no store, within eight seconds, as other programs rely on it.

    The `template`, with the reason, where the context is `withheld` from a model, or none writes a text.
    """
    writer = writer_for(read_settings())
    reason = writer.why_not or withheld
    if not reason:
        task = job.task(channel, str(context.get("locale") or ""))
        prefix = writer.key_prefix(task)
        answer = await writer.write_soon(
            prompts.one(task, job.data, context, variant=variant, titles=titles, prefix=prefix)
        )
        if not answer.reason:
            return Generation(
                content=answer.content or "", prompt_version=answer.prompt_version, gpt_fallback=False
            ).as_contract()
        reason = answer.reason
    return template(context, reason=reason).as_contract()


def draft(store: Store, kind: DraftKind, run: Run, writer: Writer) -> int:
    """Draft one for each learner whom the run chose and return how many are new: again, only what is missing."""
    rewrites = not writer.is_nobody
    with store.staging():
        with store.read() as db:
            choose(db, kind, run, why_not=writer.why_not, rewrites=rewrites)
            kind.write_templates(db)
            (count,) = first_row(db, "select count(*) from temp.to_draft")
        completions.complete(
            store, kind.job, writer, as_of=run.as_of, basis=run.policy.basis, run_id=run.run_id
        )
        made = {
            **_once(kind, run),
            "run_id": run.run_id,
            "as_of": run.as_of,
            "created_at": run.started_at,
            "actor": None,
            "rewrites": rewrites,
        }
        for first in range(1, count + 1, TEXT_ROWS_PER_BLOCK):
            with store.write() as db:
                _insert(db, kind, made, first_place=first)
        left_out = _without_text(store) if count else []
        if left_out and kind.job.kind == "nudge":
            with store.write() as db:
                decisions.leave_out(db, run.run_id, left_out, reason="no_text_left")
    return int(count) - len(left_out)


def _without_text(store: Store) -> list[str]:
    """Return the learners of `to_draft` for whom there is no text: each of theirs was rejected."""
    with store.staging() as db:
        db.execute(query("outreach/drafted"))
        found = db.execute(
            "select learner_id from temp.to_draft where id not in (select drafted.id from temp.drafted)"
        ).fetchall()
    return [learner_id for (learner_id,) in found]


def choose(db: Cursor, kind: DraftKind, run: Run, *, why_not: str, rewrites: bool) -> None:
    """Fill the temporary table `to_draft`: each learner whom the run chose and who has none yet; nobody looking back.

    Where it `rewrites`, a template of an earlier attempt that nobody has touched counts as none.
    """
    db.execute(
        query("outreach/to_draft"),
        {
            **_once(kind, run),
            "kind": kind.job.kind,
            "drafts": kind.table,
            "one_per": kind.one_per,
            "run_id": run.run_id,
            "looks_back": runs.looks_back(db, run),
            "why_not": why_not,
            "rewrites": rewrites,
            "week": iso_week(run.day),
            "choices": kind.choices,
            "variants": templates.VARIANTS,
        },
    )


def _once(kind: DraftKind, run: Run) -> dict[str, str]:
    """Return what there is one of, for each person and channel."""
    return {"campaign": run.pipeline, "period": kind.period(run.day)}


def write(
    store: Store,
    kind: DraftKind,
    learner_id: str,
    asked: Mapping[str, str],
    *,
    by: audit.Actor,
    writer: Writer,
) -> tuple[dict[str, Any], list[str]]:
    """Draft one that a person asked for and return it as `queue.one` does, and the usual limits that it goes past.

    What is `asked` (`type`, `channel`, `topic`) counts before what the rules would choose. Raises `NotFound`, and
    `InvalidInput` where the learner opted out, is inactive, or cannot be reached that way.
    """
    period = by.now.isoformat()
    with store.staging():
        with store.read() as db:
            learner = decisions.look_at(db, learner_id, now=by.now, day=by.day, programs=by.programs)
            about = {**learner, **asked}
            _refuse(db, learner_id, about["channel"])
            parts = [learner[kind.one_per], MANUAL, about["channel"], period]
            (draft_id,) = first_row(db, "select content_id($parts)", {"parts": parts})
            draw = templates.drawn(variant_key(learner_id, MANUAL, by.day), kind.choices)
            _want(db, kind, about, writer, id=draft_id, draw=draw)
        completions.complete_one(store, kind.job, writer, as_of=learner["known_at"], basis=learner["basis"])
        past = kind.limits(learner)
        made = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": by.now, "created_at": by.now}
        _refuse_nothing(store)
        with store.write() as db:
            _refuse(db, learner_id, about["channel"])  # who opted out meanwhile
            _insert(db, kind, {**made, "rewrites": False, "actor": by.name}, first_place=1)
            if set(past) & set(limits.LIMITS):  # who asked was told: what comes after that is told again
                told = {"id": draft_id, "now": by.now}
                db.execute("update nudges set overruled_at = $now where id = $id", told)
            audit.record(
                db,
                learner_id,
                f"{kind.job.kind}_drafted",
                by=by,
                source="review",
                metadata={
                    f"{kind.job.kind}_id": draft_id,
                    "version": 1,
                    **({"past": past} if past else {}),
                },
            )
            return queue.one(db, kind.job.kind, draft_id, programs=None), past


def as_contract(made: Mapping[str, Any], *, content: str) -> dict[str, Any]:
    """Return a draft as other programs rely on it, with `warnings` in words; its text is in the field `content`."""
    return {
        "id": made["id"],
        "content": made[content],
        "prompt_version": made["prompt_version"],
        "gptFallback": made["gpt_fallback"],
        "subject": made.get("subject_filled"),
        "status": made["status"],
        "reason": made["reason"],
        "warnings": [selection.REASONS[code] for code in made.get("warnings", ())],
    }


def rewrite(
    store: Store,
    kind: DraftKind,
    draft_id: str,
    *,
    version: int,
    by: audit.Actor,
    writer: Writer,
) -> dict[str, Any]:
    """Have a draft written anew, in another style, about what is known by now; return it as `queue.one` does.

    Where the model gives none, a template stands there, and says why. Nothing is held while the model thinks: raises
    `Changed` where somebody has changed the draft before or meanwhile, and leaves it as it is. Raises `NotFound`, and
    `InvalidInput` where it is no draft or the learner may not be written to any more.
    """
    name = kind.job.kind
    with store.staging():
        with store.read() as db:
            draft = editing.draft_as_seen(db, name, draft_id, version=version, programs=by.programs)
            learner = decisions.look_at(db, draft["learner_id"], now=by.now, day=by.day)
            about = {**learner, **kind.stays(draft)}  # was shown in the queue
            _refuse(db, draft["learner_id"], about["channel"])
            draw = kind.draws_again(db, draft, variant_key(draft["learner_id"], MANUAL, by.day))
            _want(db, kind, about, writer, id=draft_id, draw=draw)
        completions.complete_one(store, kind.job, writer, as_of=learner["known_at"], basis=learner["basis"])
        _refuse_nothing(store)
        with store.write() as db:
            editing.draft_as_seen(db, name, draft_id, version=version, programs=by.programs)
            _refuse(db, draft["learner_id"], about["channel"])
            _replace(db, kind, by)
            return editing.edited(db, name, draft, f"{name}_rewritten", by=by)


def _want(
    db: Cursor, kind: DraftKind, about: Mapping[str, Any], writer: Writer, *, id: str, draw: int
) -> None:
    """Fill `to_draft` with one draft about the learner, and prepare its template."""
    named = {"id": id, "draw": draw, "variants": templates.VARIANTS, "why_not": writer.why_not}
    named |= {name: about[name] for name in (*_OF_THE_LEARNER, "type", "channel", "topic")}
    db.execute(_ONE_TO_DRAFT, named)
    kind.write_templates(db)


def _insert(db: Cursor, kind: DraftKind, made: Mapping[str, object], *, first_place: int) -> None:
    """Insert a block of drafts: the model's text, or the template; one that is there already stays the only one."""
    db.execute(query("outreach/drafted"))
    columns = {name: name for name in (*_FOR_WHOM, *kind.chosen, *_WRITTEN)} | dict(kind.text)
    db.execute(
        f"""
        insert into {kind.table} (
            {", ".join(columns)}, campaign, period, as_of, run_id, created_at, changed_by, changed_at, version
        )
        select
            {", ".join(f"drafted.{name}" for name in columns.values())}, $campaign, $period, $as_of, $run_id,
            $created_at, $actor::text, case when $actor is not null then $created_at end,
            1 + coalesce(before.version, 0)  -- whoever has seen the one whose place it takes has not seen this one
        from temp.drafted
        left join {kind.table} as before on drafted.id = before.id
        where
            drafted.place between $first_place and $last_place
            and drafted.id not in (
                select id from {kind.table}
                where not gives_way(run_id, gpt_fallback, reason, status, changed_by, $run_id, $rewrites)
            )
        """,  # noqa: S608 (our own tables and columns)
        {**made, "first_place": first_place, "last_place": first_place + TEXT_ROWS_PER_BLOCK - 1},
    )


def _replace(db: Cursor, kind: DraftKind, by: audit.Actor) -> None:
    """Put what was written anew into its draft, one version on. What a run is about to put there stays as it is."""
    db.execute(query("outreach/drafted"))
    columns = {name: name for name in _WRITTEN} | dict(kind.text)
    db.execute(
        f"""
        update {kind.table}
        set
            {", ".join(f"{column} = drafted.{name}" for column, name in columns.items())},
            version = version + 1, edited = false, changed_by = $actor, changed_at = $now
        from temp.drafted
        where {kind.table}.id = drafted.id and {queue.PUBLISHED}
        """,  # noqa: S608 (our own tables and columns)
        {"actor": by.name, "now": by.now},
    )


def publish(db: Cursor, kind: DraftKind, run: Run, *, rewrites: bool) -> None:
    """Let the run's drafts take the place of those that give way to them, within the transaction that publishes it.

    Where somebody has touched one of these meanwhile, it stays, and the rewritten one goes. So it is where the new one
    goes another way: a person has one.
    """
    named = {"campaign": run.pipeline, "run_id": run.run_id}
    db.execute(
        query("outreach/superseded"),
        {**named, "drafts": kind.table, "one_per": kind.one_per, "rewrites": rewrites},
    )
    db.execute(
        f"""
        delete from {kind.table}
        where
            campaign = $campaign
            and (id, coalesce(run_id = $run_id, false)) in (select (id, is_new) from temp.superseded)
        """,  # noqa: S608 (our own tables)
        named,
    )


def discard(db: Cursor, kind: DraftKind, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute(f"delete from {kind.table} where run_id = $run_id", {"run_id": run_id})  # noqa: S608 (ours)


def _refuse_nothing(store: Store) -> None:
    for learner_id in _without_text(store):
        raise InvalidInput(f"learner {learner_id!r}: {selection.NO_TEXT_LEFT}")


def _refuse(db: Cursor, learner_id: str, channel: str) -> None:
    if code := decisions.refusals(db, learner_id)[channel]:
        why = _REFUSED["no_opt_in" if (channel, code) == ("whatsapp", "no_address") else code]
        raise InvalidInput(f"learner {learner_id!r}: {why}")
