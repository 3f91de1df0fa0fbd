"""What a load would do, found by doing it: to a copy of the store that nobody keeps."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from engagement.ingest.loads.loading import Kind, LoadSummary
from engagement.policy import RiskPolicy
from engagement.risk import scores
from engagement.store import Cursor, Store, query, records, snapshots
from engagement.vocabulary import LABELS

EXAMPLES: Final = 20  # learners who are shown before and after


@dataclass(frozen=True)
class Preview:
    """What would change: of how many learners, who they are first, and which labels would move.

    `examples` say what it is `about`, `before` and `after`, for up to 20 learners; of a name, an address or a phone
    number only that it changes. `moves` count learners `from` one label `to` another, scored by the same policy
    at the same instant, so that the file alone moves them; `last` is what became of the newest load of its kind.
    """

    summary: LoadSummary
    new: int
    changed: int
    gone: int
    examples: list[dict[str, Any]]
    labels: dict[str, dict[str, int]]
    moves: list[dict[str, Any]]
    last: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {**asdict(self), "summary": self.summary.as_dict()}


def of_load(
    store: Store, load: Callable[[Store], LoadSummary], *, kind: Kind, policy: RiskPolicy, now: datetime
) -> Preview:
    """Return what `load` would do to the store, which stays as it is; raises as the load does."""
    return next(of_loads(store, [(kind, load)], policy=policy, now=now))


def of_loads(
    store: Store,
    loads: Iterable[tuple[Kind, Callable[[Store], LoadSummary]]],
    *,
    policy: RiskPolicy,
    now: datetime,
) -> Iterator[Preview]:
    """Yield what each of several loads would do after those before it; the store stays as it is."""
    with snapshots.trial(store) as copy:
        for kind, load in loads:
            yield _of_one(copy, load, kind=kind, policy=policy, now=now)


def _of_one(
    copy: Store, load: Callable[[Store], LoadSummary], *, kind: Kind, policy: RiskPolicy, now: datetime
) -> Preview:
    with copy.staging() as stage:
        with copy.read() as db:
            last = next(iter(records(db, query("pipeline/last_load"), {"kind": kind})), None)
            before = _look(db, policy, now)
        stage.execute("create or replace temp table learners_before as from temp.learners_now")
        stage.execute("create or replace temp table scored_before as from temp.scored")
        summary = load(copy)
        with copy.read() as db:
            after = _look(db, policy, now)
        (counted,) = records(stage, query("pipeline/learners_changed"))
        return Preview(
            summary,
            **counted,
            examples=records(stage, query("pipeline/changes_of_learners"), {"most": EXAMPLES}),
            labels={"before": before, "after": after},
            moves=records(stage, query("pipeline/labels_moved")),
            last=last,
        )


def _look(db: Cursor, policy: RiskPolicy, now: datetime) -> dict[str, int]:
    """Put everybody into `learners_now` and their scores into `scored`; return learners by label."""
    db.execute(query("pipeline/learners_now"))
    scores.compute(db, as_of=now, policy=policy, programs=None)
    counted = dict(db.execute("select risk_label, count(*) from temp.scored group by risk_label").fetchall())
    return {label: counted.get(label, 0) for label in LABELS}
