"""What another policy would do: the same facts, scored twice, and nothing is written.

Before a threshold or a weight is changed, a person can see whom that moves, how many more there would be to contact,
and, where it is known how it ended, whether the other score tells better who leaves.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from engagement.errors import NotFound
from engagement.evaluation import metrics
from engagement.evaluation.told import Told
from engagement.policy import RiskPolicy
from engagement.risk import formula
from engagement.store import Cursor, Store, first_row, query
from engagement.targeting import decisions
from engagement.views import named as by_name
from engagement.vocabulary import LABELS


@dataclass(frozen=True, repr=False)
class Simulation(Told):
    """Learners of one instant by two policies.

    `moves` has one row per pair of labels that occurs: `label_now`, `label_then`, `learners`. `discrimination` has one
    row per policy: `policy`, `learners` whose end is known and who have a score, `auc`; none where no end is known.
    `to_contact` are those whom a night would contact by the scores of each, by all rules of selection.
    """

    as_of: datetime
    moves: pd.DataFrame
    to_contact: tuple[int, int]
    discrimination: pd.DataFrame

    @property
    def shown(self) -> pd.DataFrame:
        """What stands beneath the sentence: `workload`."""
        return self.workload

    @property
    def learners(self) -> int:
        """How many there are."""
        return int(self.moves["learners"].sum())

    @property
    def moved(self) -> int:
        """How many get another label."""
        return int(self.moves.loc[self.moves["label_now"] != self.moves["label_then"], "learners"].sum())

    @property
    def workload(self) -> pd.DataFrame:
        """One row per label and one for those a night would contact: `label`, `now`, `then`, `change` (learners)."""
        now, then = (
            self.moves.groupby(side)["learners"].sum().reindex(list(LABELS), fill_value=0)
            for side in ("label_now", "label_then")
        )
        frame = pd.DataFrame({"label": list(LABELS), "now": now.to_numpy(), "then": then.to_numpy()})
        now_to_contact, then_to_contact = self.to_contact
        contacted = pd.DataFrame(
            {"label": ["to contact"], "now": [now_to_contact], "then": [then_to_contact]}
        )
        both = pd.concat([frame, contacted], ignore_index=True)
        return both.assign(change=both["then"] - both["now"])

    def as_dict(self) -> dict[str, Any]:
        """The tables as lists of rows, and the sentence."""
        tables = {"workload": self.workload, "moves": self.moves, "discrimination": self.discrimination}
        return {name: frame.to_dict("records") for name, frame in tables.items()} | {"finding": self.in_words}

    @property
    def in_words(self) -> str:
        """What would change, as a sentence or two."""
        counts = self.workload.set_index("label")[["now", "then"]].astype(int)
        high, total = counts.loc["high"], counts.loc["to contact"]
        said = (
            f"{self.moved:,} of {self.learners:,} learners would get another label. At high risk: {high.then:,} in "
            f"place of {high.now:,}; to contact, by all rules of a night: {total.then:,} in place of {total.now:,}."
        )
        if self.discrimination.empty:
            return said + " How it ended is not known, so which score is better cannot be told."
        now, then = self.discrimination["auc"]
        better = "as well as" if abs(then - now) < 0.005 else "better than" if then > now else "worse than"
        return f"{said} It would tell who leaves {better} now (AUC {then:.3f}, now {now:.3f})."


def simulate(
    store: Store,
    policy: RiskPolicy,
    *,
    as_of: datetime,
    beside: RiskPolicy,
    program: str | None,
    now: datetime,
    day: date,
) -> Simulation:
    """Score everybody known at `as_of` by `policy` and by the one in use, and compare; nothing is written.

    Parameters
    ----------
    policy
        The other numbers. Work done is counted on the basis of each, as a run by it would count.
    as_of
        Naive UTC. Who left since then is known from events (`course_withdrawn`, `course_failed`, `course_passed`,
        `course_distinction`).
    beside
        The policy in use.
    program
        One program; None for all.
    now
        When the night would run, by which it keeps to limits, drafts and experiments; later than `as_of`, at `as_of`.
    day
        The day it would be for, which is that of `as_of` where the institution is.

    Raises
    ------
    NotFound
        Nobody is known at that instant.
    InvalidInput
        There is no such program.
    """
    with store.staging() as stage:
        with store.read() as db:
            by_name.program(db, program)
            db.execute(query("evaluation/simulation_inputs"), {"as_of": as_of})
        known = f"select count(*) from temp.simulation_inputs {_OF_PROGRAM}"  # noqa: S608 (our own condition)
        if not first_row(stage, known, {"program": program})[0]:
            raise NotFound(f"nobody is known by {as_of:%Y-%m-%d %H:%M} UTC")
        _score(stage, now=beside, other=policy)
        moves, ended = _compared(stage, program)
        with store.read() as db:
            chooses = decisions.policy_in_use(db)
            to_contact = [
                decisions.would_contact(
                    db,
                    f"select * from temp.scored_{side}",  # noqa: S608 (ours)
                    as_of=as_of,
                    decides_at=min(as_of, now),
                    day=day,
                    program=program,
                    policy=chooses,
                    risk_policy=numbers,
                )
                for side, numbers in (("now", beside), ("other", policy))
            ]
        stage.execute(
            "drop table temp.scored_now; drop table temp.scored_other; drop table temp.simulation_inputs"
        )
    return Simulation(as_of, moves, (to_contact[0], to_contact[1]), _discrimination(ended))


_OF_PROGRAM: Final = "where $program is null or program = $program"


def _score(stage: Cursor, **policies: RiskPolicy) -> None:
    """Fill a temporary table `scored_<name>` for each policy."""
    for name, policy in policies.items():
        inputs = stage.sql(
            f"select *, completed_percent_{policy.basis} as completed_percent from temp.simulation_inputs"  # noqa: S608 (ours)
        )
        scored: Any = formula.score(inputs, policy=policy)
        stage.execute(f"create or replace temp table scored_{name} as {scored.sql_query()}")


def _compared(stage: Cursor, program: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return who moves from which label to which, and both scores of whom the end is known."""
    stage.execute(
        f"""
        create or replace temp table simulated as
        select
            now.risk_label as label_now, other.risk_label as label_then,
            now.risk_score as score_now, other.risk_score as score_then, now.has_left
        from (select * from temp.scored_now {_OF_PROGRAM}) as now
        inner join temp.scored_other as other using (number)
        """,  # noqa: S608 (our own condition)
        {"program": program},
    )
    moves = stage.execute(
        "select label_now, label_then, count(*)::bigint as learners from temp.simulated group by all order by all"
    ).df()
    ended = stage.execute(
        """
        select score_now, score_then, has_left
        from temp.simulated
        where has_left is not null and score_now is not null and score_then is not null
        """
    ).df()
    stage.execute("drop table temp.simulated")
    return moves, ended


def _discrimination(ended: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"policy": name, "learners": len(ended), "auc": auc}
        for name in ("now", "then")
        if (auc := metrics.area_under_curve(ended[f"score_{name}"], ended["has_left"])) is not None
    ]
    return pd.DataFrame(rows, columns=["policy", "learners", "auc"])
