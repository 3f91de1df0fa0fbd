"""The head of the coordinators' page: how many learners stand where, what waits, and how old it all is.

Everything is of the newest published scores. For a viewer of some programs, or a filter, the same figures come from
the learners of these programs; what a large store could not say at once is left out then.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from engagement import runs
from engagement.store import Cursor, Store, first_row, invented, locks, query, records
from engagement.targeting import decisions
from engagement.views import roster
from engagement.vocabulary import LABELS

# Words of the history from which a limited viewer's figures are counted at once; with more, they are left out.
MOST_WORDS: Final = 300_000


def newest(store: Store, *, programs: Sequence[str] | None = None) -> dict[str, Any]:
    """Return `published_at` and `run_id` of the newest scores of those programs (None for all), and who is `running`.

    Both are None before the first. A run that scores nobody of them is not news to who sees them.
    """
    with store.read() as db:
        found = records(db, query("views/overview_newest"), {"programs": programs})
    return {
        "published_at": found[0]["published_at"] if found else None,
        "run_id": found[0]["run_id"] if found else None,
        "running": locks.runner(store.path),
    }


def overview(
    store: Store, *, programs: Sequence[str] | None, program: str | None, now: datetime
) -> dict[str, Any]:
    """Return the figures at the head of the page.

    Parameters
    ----------
    programs
        Those the viewer may see; None for all.
    program
        Only this one of them; one that is not among them is as if nobody were in it.

    Returns
    -------
    `learners`; `labels` with the `change` since the nightly run before the newest one (None where that is not known
    at once) and `compared_with`, its day; `nudges_waiting`, `quizzes_waiting` and `templates` among them; how old
    the scores are (`scored_as_of` and its day `scored_on`, `published_at`: of the program that was scored longest
    ago) and `newest_facts_at`, the moment since when the newest facts are known; `last_run` and whether one is
    `running`; the `policy` of these scores, the `limits` of a nightly run, whether the learners are the demo's
    (`is_invented`), `bins`, `history` and `programs`, the worst first.
    """
    allowed = roster.allowed(programs, program)
    running = locks.runner(store.path) is not None
    with store.read() as db:
        scored = records(db, query("views/overview_scores"), {"programs": allowed})
        drafts = _drafts(db, allowed)
        before = runs.before_newest(db, runs.NIGHTLY)
        labels = _counted(scored, "label")
        change = _change(db, before, labels, allowed)
        (age,) = records(db, query("views/overview_age"), {"programs": allowed, "now": now})
        history = _history(db, allowed)
        last_run = next(iter(records(db, query("views/overview_last_run"), {"pipeline": runs.NIGHTLY})), None)
        policy = runs.policy_in_use(db, allowed)
        chooses = decisions.policy_in_use(db)
        is_invented = invented.is_invented(db)
    # Asked on both sides of the look: a run that begins or ends meanwhile has not failed.
    running = running or locks.runner(store.path) is not None
    if last_run:
        if last_run["status"] == "running" and not running:
            last_run["status"] = "failed"  # its process is gone
        if last_run["status"] != "failed":
            last_run["failed_step"] = None
    return {
        "learners": labels.total(),
        "labels": {
            label: {"learners": labels[label], "change": change.get(label, 0) if change is not None else None}
            for label in LABELS
        },
        "compared_with": before.day if before and change is not None else None,
        **drafts,
        **age,
        "last_run": last_run,
        "running": running,
        "is_invented": is_invented,
        "policy": asdict(policy),
        "limits": {"recent_hours": chooses.recent_hours, "cap_contacts": chooses.cap_contacts},
        "bins": _bins(scored),
        "history": history,
        "programs": _programs(scored),
    }


def _drafts(db: Cursor, allowed: list[str] | None) -> dict[str, Any]:
    theirs = (
        "inner join learners on waiting.learner_id = learners.id "
        "where list_contains($programs::text[], learners.program)"
    )
    rows = records(
        db,
        f"""
        with waiting as ({query("views/overview_drafts")})
        select waiting.kind, waiting.reason, count(*) as drafts
        from waiting {theirs if allowed is not None else ""}
        group by all
        """,  # noqa: S608 (our own fragments)
        {"programs": allowed} if allowed is not None else {},
    )
    by_kind = _counted(rows, "kind", of="drafts")
    by_reason = _counted((row for row in rows if row["reason"] is not None), "reason", of="drafts")
    return {
        "nudges_waiting": by_kind["nudge"],
        "quizzes_waiting": by_kind["quiz"],
        "templates": {"texts": by_reason.total(), "of": by_kind.total(), "by_reason": dict(by_reason)},
    }


def _change(
    db: Cursor, before: runs.Run | None, now: Mapping[str, int], allowed: list[str] | None
) -> Mapping[str, int] | None:
    """Return how many more learners have each label than in the run before the newest; None: not known at once."""
    if before is None:
        return None
    if allowed is None:
        earlier: Any = runs.counts(db, before.run_id).get("labels")
        return {label: now[label] - int(earlier.get(label, 0)) for label in LABELS} if earlier else None
    (words,) = first_row(
        db, "select count(*) from score_words where as_of > $before", {"before": before.as_of}
    )
    if words > MOST_WORDS:
        return None
    named = {"before": before.as_of, "programs": allowed}
    return dict(db.execute(query("views/overview_label_moves"), named).fetchall())


def _history(db: Cursor, allowed: list[str] | None) -> list[dict[str, Any]]:
    """Return learners by label on up to 30 days of published nightly runs; nothing where that takes too long."""
    if allowed is None:
        found = records(db, query("views/overview_label_counts"), {"pipeline": runs.NIGHTLY})
        return [
            {"day": row["day"], "label": label, "learners": learners}
            for row in found
            for label, learners in _labels(row["counts"]).items()
        ]
    (words,) = first_row(db, "select count(*) from score_words")
    if words > MOST_WORDS:
        return []
    return records(db, query("views/overview_history"), {"pipeline": runs.NIGHTLY, "programs": allowed})


def _labels(counts: str | None) -> dict[str, int]:
    labels: Any = json.loads(counts or "{}").get("labels", {})
    return {label: int(labels.get(label, 0)) for label in LABELS} if labels else {}


def _counted(rows: Iterable[Mapping[str, Any]], *names: str, of: str = "learners") -> Counter[Any]:
    """Return the sum of a column for each value of another, or for each tuple of values of several."""
    counted = Counter[Any]()
    for row in rows:
        counted[itemgetter(*names)(row)] += row[of]
    return counted


def _bins(scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return learners by bin of 0.05 and label; the bin of those without a score is None, and last."""
    counted = _counted(scored, "score_from", "label")
    return [
        {"score_from": score_from, "label": label, "learners": learners}
        for (score_from, label), learners in sorted(
            counted.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0.0, item[0][1])
        )
    ]


def _programs(scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return learners by label of each program, that with the largest share at high risk first."""
    counted = _counted(scored, "program", "label")
    found = [
        {
            "program": program,
            "learners": learners,
            **{label: counted[program, label] for label in LABELS},
        }
        for program, learners in _counted(scored, "program").items()
    ]
    return sorted(
        found,
        key=lambda row: (-row["high"] / row["learners"], -row["medium"] / row["learners"], row["program"]),
    )
