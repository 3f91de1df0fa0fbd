"""`engagement load`: files of learners or events, or the tables of the Open University's data set.

Apart from the other commands, because a source may need to be explained in many ways.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engagement import console
from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from engagement.conventions import Conventions
    from engagement.loads import LoadSummary

_OULAD_NEEDS = "`--oulad FOLDER` needs --module, --presentation and --as-of-day, such as AAA, 2013J and 84"


def load(
    files: Annotated[list[Path] | None, typer.Argument(help="CSV (also gzip) or Parquet files.")] = None,
    events: Annotated[bool, typer.Option("--events", help="The files hold events, not learners.")] = False,
    observed_at: Annotated[str, typer.Option(help="When this was known; now if left out.")] = "",
    rename: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=COLUMN", help="Our name of a column, and theirs."),
    ] = None,
    date_format: Annotated[
        list[str] | None,
        typer.Option(help="How dates are written if not as 2026-11-22: %d.%m.%Y, or excel for day numbers."),
    ] = None,
    percent_scale: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]1|100", help="What stands for all of it in percent columns, or in one."),
    ] = None,
    timezone: Annotated[
        str, typer.Option(help="Of times without one; ENGAGEMENT_TIMEZONE if left out.")
    ] = "",
    max_quarantine: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Refuse a file with more refused rows than this."),
    ] = 1.0,
    full: Annotated[
        bool, typer.Option("--full", help="The file lists everybody: who is absent becomes inactive.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --full: even where many are absent.")] = False,
    oulad: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Load a course of the Open University's data set.")
    ] = None,
    module: Annotated[str, typer.Option(help="With --oulad: the module, such as AAA.")] = "",
    presentation: Annotated[str, typer.Option(help="With --oulad: the presentation, such as 2013J.")] = "",
    as_of_day: Annotated[
        int | None, typer.Option(help="With --oulad: the day of the course; only earlier days are known.")
    ] = None,
    basis: Annotated[
        Literal["due", "course"],
        typer.Option(help="With --oulad: done work is a share of what was due, or of all."),
    ] = "due",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Load learners or events. Rows that cannot be read are quarantined with every reason."""
    settings, store, now = console.start_anew()
    if oulad is not None:
        if files or not module or not presentation or as_of_day is None:
            raise InvalidInput(_OULAD_NEEDS)
        from engagement import oulad as open_university

        loaded = open_university.load(
            store,
            oulad,
            module=module,
            presentation=presentation,
            as_of_day=as_of_day,
            basis=basis,
            loaded_at=now,
        )
        summaries = [summary for summary in loaded if summary is not None]
    elif not files:
        raise InvalidInput("name at least one file to load")
    else:
        known = console.instant(observed_at, settings, now) if observed_at else now
        load_one = partial(
            _loader(events=events, full=full, yes=yes, files=files),
            observed_at=known,
            loaded_at=now,
            conventions=_conventions(timezone or settings.timezone, rename, date_format, percent_scale),
            max_quarantine=max_quarantine,
        )
        summaries = [load_one(store, file) for file in files]
    if as_json:
        made = [summary.as_dict() for summary in summaries]
        console.print_json(made[0] if len(made) == 1 else made)
    else:
        _show(summaries)


def _loader(*, events: bool, full: bool, yes: bool, files: Sequence[Path]) -> Callable[..., "LoadSummary"]:
    from engagement import events as event_module
    from engagement import learners

    if not full:
        if yes:
            raise InvalidInput("`--yes` says something only with `--full`")
        return event_module.load if events else learners.load
    if events or len(files) > 1:
        raise InvalidInput("`--full` takes one file, which lists every learner")
    return partial(learners.load_full, max_absent=1.0 if yes else learners.MAX_ABSENT)


def _conventions(
    timezone: str,
    rename: Sequence[str] | None,
    date_formats: Sequence[str] | None,
    percent_scales: Sequence[str] | None,
) -> "Conventions":
    from engagement.conventions import PERCENT_COLUMNS, Conventions

    scales: dict[str, int] = {}
    for text in percent_scales or []:
        name, _, scale = text.rpartition("=")
        if not scale.isdecimal():
            raise InvalidInput(
                f"--percent-scale {text[:40]!r}: allowed are 1 and 100, or COLUMN=1 and COLUMN=100"
            )
        scales |= dict.fromkeys([name] if name else PERCENT_COLUMNS, int(scale))
    pairs = [console.name_and_value(text, option="--map") for text in rename or []]
    columns = dict(pairs)
    if len(columns) < len(pairs):
        raise InvalidInput("--map names one of our columns more than once")
    return Conventions(timezone, columns, tuple(date_formats or ()), scales)


def _show(summaries: Sequence["LoadSummary"]) -> None:
    for summary in summaries:
        inactive = "" if summary.inactivated is None else f", {summary.inactivated:,} absent and now inactive"
        print(
            f"{summary.source}: {summary.rows:,} rows, {summary.accepted:,} accepted, "
            f"{summary.quarantined:,} quarantined{inactive}"
        )
        for reason, count in summary.reasons.items():
            print(f"  {count:>8,}  {reason}")
