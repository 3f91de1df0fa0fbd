"""Is the score right? It is held against how it ended, week by week, and against rivals that are easy to have.

Nothing of a cohort it is tested on goes into a rival or a calibration: they are fitted on earlier cohorts or, where
there is only one, on half of its persons. Figures come with the range that 200 resamples of persons give them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.evaluation import baselines, calibration, metrics
from engagement.evaluation.told import Told
from engagement.evaluation.trial import ALONE, OF_EACH, PROBABILITY, SCORE, TABLES, Trial
from engagement.policy import BASES, DEFAULT_POLICY, RiskPolicy
from engagement.vocabulary import LEFT_WORDS, WAYS_TO_LEAVE

CAPACITY: Final = 0.1  # share of the learners that a team can call in a week
WEEK: Final = (
    8  # the week that is looked at closely, where there is one: late enough to know, early enough to help
)


@dataclass(frozen=True, repr=False)
class Backtest(Told):
    """A score of the past, held against how it went on.

    * `population`: one row per basis and week: `learners` registered and not yet gone, `left_percent` of them later,
      `unknown_percent` without a score.
    * `measures`: one row per basis, week, model and measure: `value`, `low`, `high`. Measures: `auc` and
      `average_precision` (of learners with a score), `auc_above_score` (a rival's less the score's), `precision` and
      `recall` at capacity (of all learners, those without a score last), `brier`, `calibration_error`.
    * `programs`: one row per basis, week and program: `learners`, `auc`, `low`, `high`; none where too few.
    * `bins`: one row per basis and tenth of the learners of `week`: `predicted` and `observed` share, `learners`.
    * `stops`: one row per basis, model and place to stop in `week`: `contacted_percent`, `contacted`, `found_percent`.
    """

    outcome: str
    fitted_on: str
    tested_on: str
    capacity: float
    week: int
    population: pd.DataFrame
    measures: pd.DataFrame
    programs: pd.DataFrame
    bins: pd.DataFrame
    stops: pd.DataFrame
    calibrations: Mapping[str, calibration.Calibration]

    @property
    def shown(self) -> pd.DataFrame:
        """What stands beneath the sentences: `weeks_table`."""
        return self.weeks_table

    @property
    def bases(self) -> list[str]:
        """How work done was counted: `due`, `course` or both."""
        return list(dict.fromkeys(self.population["basis"]))

    @property
    def basis(self) -> str:
        """The basis that the score uses, where it is known: it comes first."""
        return self.bases[0]

    def value(self, measure: str, *, model: str = SCORE, basis: str = "", week: int = 0) -> pd.Series:
        """Return one row of `measures`, of the week that is looked at closely; `InvalidInput` where there is none."""
        wanted = {
            "measure": measure,
            "model": model,
            "basis": basis or self.basis,
            "week": week or self.week,
        }
        rows = self.measures[(self.measures[list(wanted)] == list(wanted.values())).all(axis=1)]
        if rows.empty:
            raise InvalidInput(f"{measure}: not measured for {', '.join(map(str, wanted.values()))}")
        return rows.iloc[0]

    @property
    def better(self) -> pd.DataFrame:
        """Rivals that beat the score by more than chance would: `model`, `weeks` of `of`, `most` (AUC) above it."""
        rows = self.measures[
            (self.measures["measure"] == "auc_above_score") & (self.measures["basis"] == self.basis)
        ]
        of_model = rows[rows["low"] > 0].groupby("model")["value"]
        won = pd.DataFrame({"weeks": of_model.size(), "most": of_model.max()})
        return (
            won.assign(of=rows["week"].nunique())
            .reset_index()
            .sort_values(["weeks", "most"], ascending=False, ignore_index=True)
        )

    @property
    def weeks(self) -> pd.DataFrame:
        """One row per week of `basis`: who was there, how well the score told, and the first calls at capacity."""
        there = (
            self.population[self.population["basis"] == self.basis].drop(columns="basis").set_index("week")
        )
        rows = self.measures[self.measures["basis"] == self.basis]
        areas = rows[(rows["model"] == SCORE) & (rows["measure"] == "auc")].set_index("week")
        values = rows.pivot(index="week", columns=["model", "measure"], values="value")
        return (
            there.assign(auc=areas["value"], auc_from=areas["low"], auc_to=areas["high"])
            .join(values[SCORE][["average_precision", "precision", "recall"]])
            .join(values[PROBABILITY][["brier", "calibration_error"]])
            .reset_index()
        )

    @property
    def lines(self) -> pd.DataFrame:
        """AUC by week of the score, the fitted rivals, and the single input that does best on average."""
        rows = self.measures[(self.measures["basis"] == self.basis) & (self.measures["measure"] == "auc")]
        alone = rows[rows["model"].isin(ALONE.values())].groupby("model")["value"].mean()
        models = [SCORE, *baselines.MODELS, str(alone.idxmax())]
        return pd.concat([rows[rows["model"] == model] for model in models], ignore_index=True)

    @property
    def weeks_table(self) -> pd.DataFrame:
        """`weeks` to be read: who was there, how well the score told, and what the first calls find."""
        rows = self.weeks
        shares = (100 * rows[["precision", "recall"]]).round().astype(int).add_suffix("_percent")
        counts = rows[["left_percent", "unknown_percent"]].round().astype(int)
        counts = counts.rename(
            columns={"left_percent": f"{LEFT_WORDS[self.outcome].replace(' ', '_')}_percent"}
        )
        areas = pd.DataFrame({"AUC": _ranges(rows["auc"], rows["auc_from"], rows["auc_to"])})
        areas["PR-AUC"] = rows["average_precision"].round(2)
        return pd.concat([rows[["week", "learners"]], counts, areas, shares], axis=1)

    @property
    def chances_table(self) -> pd.DataFrame:
        """`weeks` to be read: how right the chances are."""
        return self.weeks[["week", "brier", "calibration_error"]].round(3)

    @property
    def programs_table(self) -> pd.DataFrame:
        """`programs` to be read, of the week that is looked at closely and of `basis`."""
        rows = self.programs[(self.programs["basis"] == self.basis) & (self.programs["week"] == self.week)]
        read = rows.assign(AUC=_ranges(rows["auc"], rows["low"], rows["high"]))
        return read[["program", "learners", "AUC"]].reset_index(drop=True)

    @property
    def stops_here(self) -> pd.DataFrame:
        """`stops` of `basis`."""
        return self.stops[self.stops["basis"] == self.basis]

    @property
    def split_in_words(self) -> str:
        """On whom was fitted and on whom tested."""
        return f"Fitted on {self.fitted_on}; tested on {self.tested_on}. Predicted: who {self._ended}."

    @property
    def in_words(self) -> str:
        """How right the score is, what one misses, and which rival is better."""
        there = (
            f"In week {self.week}, {self._there['learners']:,.0f} learners of {self.tested_on} were there, and "
            f"{self._there['left_percent']:.0f} % of them {self._ended}."
        )
        return f"{there} {self.headline} {self.stops_in_words} {self.rivals_in_words}"

    @property
    def headline(self) -> str:
        """How right the score is, in one sentence."""
        auc = self.value("auc")
        return (
            f"The score of week {self.week} picks the one who {self._ended} in {100 * auc['value']:.0f} of 100 pairs "
            f"({100 * auc['low']:.0f} to {100 * auc['high']:.0f})."
        )

    @property
    def weeks_in_words(self) -> str:
        """From where to where the score gets better, as the title of a picture."""
        areas = self.lines[self.lines["model"] == SCORE].sort_values("week")
        first, last = areas.iloc[0], areas.iloc[-1]
        return (
            f"The score picks the right one of two in {100 * first['value']:.0f} of 100 pairs in week "
            f"{first['week']}, in {100 * last['value']:.0f} in week {last['week']}"
        )

    @property
    def stops_in_words(self) -> str:
        """What the first calls find, and what they miss."""
        precision, recall = self.value("precision")["value"], self.value("recall")["value"]
        called = self.capacity * self._there["learners"]
        most = min(1.0, 100 * self.capacity / self._there["left_percent"])
        return (
            f"Who calls the first {called:,.0f} is right in {100 * precision:.0f} % of the calls and finds "
            f"{100 * recall:.0f} % of all who {self._ended}; so few calls could find {100 * most:.0f} % at most."
        )

    @property
    def calibration_in_words(self) -> str:
        """How far the chance that was predicted lies from what came."""
        said = " and ".join(
            f"{100 * self.value('calibration_error', model=PROBABILITY, basis=basis)['value']:.1f} points "
            f"(work {'due' if basis == 'due' else 'of the course'})"
            for basis in self.bases
        )
        return f"In week {self.week}, predicted and observed shares lie apart by {said} on average"

    @property
    def rivals_in_words(self) -> str:
        """Which rivals are better, or that none is."""
        rows = self.better
        if rows.empty:
            return "No rival is better by more than chance would have it."
        said = [
            f"{row.model} in {row.weeks} of {row.of} weeks, by up to {row.most:.2f} of AUC"
            for row in rows.itertuples()
        ]
        return f"Better by more than chance would have it: {'; '.join(said)}."

    @property
    def _ended(self) -> str:
        return WAYS_TO_LEAVE[self.outcome]

    @property
    def _there(self) -> pd.Series:
        rows = self.population
        return rows[(rows["basis"] == self.basis) & (rows["week"] == self.week)].iloc[0]


def backtest(
    table: pd.DataFrame,
    *,
    outcome: str = "left",
    train: Sequence[str] = (),
    test: str = "",
    policy: RiskPolicy = DEFAULT_POLICY,
    capacity: float = CAPACITY,
    resamples: int = metrics.RESAMPLES,
) -> Backtest:
    """Hold the score against how it went on, with both ways of counting work where the table has both.

    Parameters
    ----------
    table
        As from `point_in_time`: one row per learner and week, cohorts in order of time.
    outcome
        What `has_left` means, one of `vocabulary.WAYS_TO_LEAVE`.
    train, test
        Cohorts that rivals and calibrations are fitted on, and the one all is tested on. Left out: the last one is
        tested, the others are fitted on; of a single one half of the persons each.
    policy
        Whose score is held against it; the two ways of counting work take the place of its own.
    capacity
        Share of the learners that can be called, above 0 and at most 1.

    Raises
    ------
    InvalidInput
        A cohort is not in the table, a capacity that is none, or no week has enough who left and who stayed.
    """
    if not 0 < capacity <= 1:
        raise InvalidInput(f"capacity: {capacity}; allowed is above 0 to 1")
    fitted, tested, (fitted_on, tested_on) = _split(table, train, test)
    bases = [basis for basis in BASES if table[f"completed_percent_{basis}"].notna().any()]
    bases.sort(key=lambda basis: basis != policy.basis)
    trials = [
        Trial(
            basis,
            policy=replace(policy, basis=basis),
            fitted=fitted,
            tested=tested,
            outcome=outcome,
            capacity=capacity,
            resamples=resamples,
        )
        for basis in bases
    ]
    weeks = sorted({week for trial in trials for week in trial.weeks})
    if not weeks:
        raise InvalidInput(
            f"no week has {OF_EACH} learners who left and {OF_EACH} who stayed, to fit on and to test on; "
            f"left is who {WAYS_TO_LEAVE[outcome]}"
        )
    week = WEEK if WEEK in weeks else weeks[len(weeks) // 2]
    results = [trial.results(closely=week) for trial in trials if trial.weeks]
    population, measures, programs, bins, stops = (
        pd.concat([result[name] for result in results], ignore_index=True) for name in TABLES
    )
    return Backtest(
        outcome=outcome,
        fitted_on=fitted_on,
        tested_on=tested_on,
        capacity=capacity,
        week=week,
        population=population,
        measures=measures,
        programs=programs,
        bins=bins[bins["week"] == week],
        stops=stops,
        calibrations={trial.basis: trial.calibration for trial in trials if trial.weeks},
    )


def _ranges(values: pd.Series, low: pd.Series, high: pd.Series) -> list[str]:
    return [
        f"{value:.2f} ({start:.2f} to {end:.2f})" for value, start, end in zip(values, low, high, strict=True)
    ]


def _split(
    table: pd.DataFrame, train: Sequence[str], test: str
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, str]]:
    cohorts = list(dict.fromkeys(table["cohort"]))
    if unknown := sorted({*train, *([test] if test else [])} - set(cohorts)):
        raise InvalidInput(f"cohort {unknown[0][:40]!r}: not in the table; allowed are {', '.join(cohorts)}")
    tested = test or (cohorts[-1] if cohorts else "")
    fitted = list(train) or cohorts[: cohorts.index(tested)] if cohorts else []
    if tested in fitted:
        raise InvalidInput(f"cohort {tested[:40]!r}: fitted on and tested on at once")
    if fitted:
        return (
            table[table["cohort"].isin(fitted)],
            table[table["cohort"] == tested],
            (", ".join(fitted), tested or "this course"),
        )
    of_cohort = table[table["cohort"] == tested]
    half = pd.util.hash_array(of_cohort["person"].to_numpy(dtype=object)) % 2 == 0
    name = tested or "this course"
    return of_cohort[half], of_cohort[~half], (f"half of {name}", f"the other half of {name}")
