"""`engagement load`, files of learners or events, and `oulad`, a course of the Open University's data set.

The second has the name that its publishers, and whoever works with it, give the data set.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json
from engagement.errors import InvalidInput

_LONGEST_ID: Final = 60  # characters
OneLoad = tuple[Literal["learners", "events"], Callable[["Store"], "LoadSummary"]]  # of what, and how

if TYPE_CHECKING:
    from datetime import datetime

    from engagement.ingest.loads.loading import LoadSummary
    from engagement.ingest.platforms.exports import Kind as ExportKind
    from engagement.ingest.source.source_format import SourceFormat
    from engagement.store import Store


def load(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV (also gzip), Excel (.xlsx) or Parquet files, or exports of a platform."),
    ] = None,
    platform: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PLATFORM",
            help="Whose exports they are, such as canvas; told by their headers.",
        ),
    ] = "",
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
    encoding: Annotated[
        str,
        typer.Option(help="Of a file that is not UTF-8, such as cp1250; guessed if left out."),
    ] = "",
    cap: Annotated[
        int | None,
        typer.Option(metavar="100", help="Takes more than 100 percent, of bonus points, as 100."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Stands for nothing in this file, such as EX; ids and names stay."),
    ] = None,
    sheet: Annotated[str, typer.Option(help="Of a workbook that has several.")] = "",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Holds for every row, such as program=Maths."),
    ] = None,
    name_order: Annotated[
        str, typer.Option(help="given-first, or family-first where the family's name comes first.")
    ] = "given-first",
    key: Annotated[
        str, typer.Option(help="What names a known learner in this file: id, email or name+program.")
    ] = "id",
    timezone: Annotated[
        str,
        typer.Option(help="Of times without one; ENGAGEMENT_TIMEZONE if left out."),
    ] = "",
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=COLUMN]", help="A column by which `fairness` looks; nothing else does."),
    ] = None,
    map_type: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="A type of event, and what it is here: viewed=login."),
    ] = None,
    max_quarantine: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Refuse a file with more refused rows than this."),
    ] = 1.0,
    full: Annotated[
        bool, typer.Option("--full", help="The file lists everybody: who is absent becomes inactive.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --full: even where many are absent.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and for whom; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load learners or events. Rows that cannot be read are quarantined with every reason."""
    from engagement.ingest.loads import remembered
    from engagement.ingest.platforms import recognition

    settings, store, now = console.start_anew()
    said = _source_format(
        rename,
        percent_scale,
        group,
        values,
        timezone=timezone or settings.timezone,
        date_formats=tuple(date_format or ()),
        encoding=encoding,
        sheet=sheet,
        cap=cap,
        missing=tuple(missing or ()),
        name_order=name_order,
        key=key,
        types=_by_name(map_type, option="--map-type"),
    )
    observed = console.instant(observed_at, settings, now) if observed_at else now
    kind: Literal["learners", "events"] = "events" if events else "learners"
    load_rows = _loader(events=events, full=full, yes=yes, files=files, group=group)
    known = {"observed_at": observed, "loaded_at": now, "max_quarantine": max_quarantine}
    exports = _exports(store, files or [], said, platform=platform)
    load_one = partial(
        _as_remembered,
        load_one=partial(load_rows, **known),
        said=said,
        kind=kind,
        timezone=settings.timezone,
        now=now,
    )

    def of_exports() -> Iterator[OneLoad]:
        for part in recognition.read(store, exports, said, as_of=observed):
            is_asked = part.of == "learners" and not events  # an export says itself what it holds
            load_part = load_rows if is_asked else _loader(events=part.of == "events", files=files)
            yield part.of, partial(load_part, source=part.source, source_format=part.source_format, **known)

    # Exports are read once the other files are loaded: some need to know the learners.
    loads: Iterable[OneLoad] = chain(
        ((kind, partial(load_one, source=file)) for file in files or [] if file not in exports),
        of_exports(),
    )
    carry_out(store, loads, dry_run=dry_run, now=now, as_json=as_json)
    if said.types and not dry_run:
        for file, export in exports.items():
            remembered.remember_types(store, export.what, file.name, said, now=now)


def carry_out(
    store: "Store", loads: Iterable[OneLoad], *, dry_run: bool, now: "datetime", as_json: bool
) -> None:
    """Do the loads one after the other and print each; or print what each would change, and change nothing."""
    if dry_run:
        _preview(store, loads, now=now, as_json=as_json)
    else:
        tell((load_it(store) for _, load_it in loads), as_json=as_json)


def _exports(
    store: "Store", files: Sequence[Path], said: "SourceFormat", *, platform: str
) -> dict[Path, "ExportKind"]:
    """Return which of the files are exports of a platform; how the others are written is told by whoever loads them.

    Who says how a file's columns are called, or did so for one of its shape, is asked first.
    """
    from engagement.ingest.loads import remembered
    from engagement.ingest.platforms import recognition

    return {
        file: kind
        for file in files
        if (platform or remembered.recalled(store, file, "learners") is None)
        and (kind := recognition.recognised(file, said, platform=platform))
    }


def _as_remembered(
    store: "Store",
    source: Path,
    *,
    load_one: Callable[..., "LoadSummary"],
    said: "SourceFormat",
    kind: Literal["learners", "events"],
    timezone: str,
    now: "datetime",
) -> "LoadSummary":
    """Load a file as somebody says that it is written; where nobody does, as one of its shape was the last time."""
    from engagement.ingest.loads import remembered
    from engagement.ingest.source.source_format import SourceFormat

    if said != SourceFormat(timezone):
        summary = load_one(store, source, source_format=said)
        remembered.remember(store, source, kind, said, now=now)
        return summary
    if (known := remembered.recalled(store, source, kind)) is None:
        return load_one(store, source, source_format=said)
    summary = load_one(store, source, source_format=known.source_format)
    remembered.remember(store, source, kind, known.source_format, now=now)
    shape = known.shape[: remembered.SHORT]
    options = ", ".join(known.options)
    told = f"read as the last file of its shape ({options}); `engagement sources show {shape}`"
    return replace(summary, notes=(told, *summary.notes))


def _preview(
    store: "Store",
    loads: Iterable[OneLoad],
    *,
    now: "datetime",
    as_json: bool,
) -> None:
    """Print what each load would change, as if none of them were done."""
    from engagement.cli.terminal.render import show_preview
    from engagement.pipeline.config import read_pipeline
    from engagement.pipeline.incoming import preview
    from engagement.runs import NIGHTLY

    policy = read_pipeline(NIGHTLY).policy
    found = list(preview.of_loads(store, loads, policy=policy, now=now))
    if as_json:
        told = [one.as_dict() for one in found]
        console.print_json(told[0] if len(told) == 1 else told)
        return
    for one in found:
        _show(one.summary)
        show_preview(console.screen(), one)


def oulad(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The tables as published, or as Parquet files of the same names."
        ),
    ],
    module: Annotated[str, typer.Option(help="Such as AAA.")],
    presentation: Annotated[str, typer.Option(help="Such as 2013J.")],
    as_of_day: Annotated[
        int, typer.Option(help="A day of the course, such as 84; only earlier days are known.")
    ],
    basis: Annotated[
        Literal["due", "course"], typer.Option(help="Done work is a share of what was due, or of all.")
    ] = "due",
    timezone: Annotated[
        str, typer.Option(help="Of the course's days; ENGAGEMENT_TIMEZONE if left out.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Load a course of the Open University's data set (OULAD) as it was known on one of its days."""
    from engagement import settings as environment
    from engagement.ingest import oulad

    settings, store, now = console.start_anew()
    loaded = oulad.load(
        store,
        folder,
        module=module,
        presentation=presentation,
        as_of_day=as_of_day,
        basis=basis,
        zone=environment.zone(timezone or settings.timezone),
        loaded_at=now,
    )
    tell((summary for summary in loaded if summary is not None), as_json=as_json)


def as_said_now(arguments: list[str]) -> list[str]:
    """Return what a command line means today: `load --oulad FOLDER …` was the way to say `oulad FOLDER …`.

    >>> as_said_now(["load", "--oulad", "tables", "--module", "AAA"])
    ['oulad', 'tables', '--module', 'AAA']
    """
    if arguments[:1] != ["load"] or not any(word.partition("=")[0] == "--oulad" for word in arguments):
        return arguments
    return ["oulad", *(word.removeprefix("--oulad=") for word in arguments[1:] if word != "--oulad")]


def _loader(
    *,
    files: Sequence[Path] | None,
    events: bool,
    full: bool = False,
    yes: bool = False,
    group: Sequence[str] | None = None,
) -> Callable[..., "LoadSummary"]:
    from engagement.ingest import learners
    from engagement.ingest.events import load as load_events

    for why, refused in {
        "name at least one file to load": not files,
        "`--group` is about learners, not about events": events and group,
        "`--yes` says something only with `--full`": yes and not full,
        "`--full` takes one file, which lists every learner": full and (events or len(files or []) > 1),
    }.items():
        if refused:
            raise InvalidInput(why)
    if not full:
        return load_events if events else learners.load
    return partial(learners.load_full, max_absent=1.0 if yes else learners.MAX_ABSENT)


def _source_format(
    rename: Sequence[str] | None,
    percent_scales: Sequence[str] | None,
    groups: Sequence[str] | None,
    values: Sequence[str] | None,
    **as_said: Any,
) -> "SourceFormat":
    """Return how the files are written; `as_said` is what needs no reading."""
    from engagement.ingest.source.source_format import PERCENT_COLUMNS, SourceFormat

    scales: dict[str, int] = {}
    for text in percent_scales or []:
        name, _, scale = text.rpartition("=")
        if not scale.isdecimal():
            raise InvalidInput(
                f"--percent-scale {text[:40]!r}: allowed are 1 and 100, or COLUMN=1 and COLUMN=100"
            )
        scales |= dict.fromkeys([name] if name else PERCENT_COLUMNS, int(scale))
    columns, said = _by_name(rename, option="--map"), _by_name(values, option="--set")
    by_name = {name: theirs or name for name, _, theirs in (text.partition("=") for text in groups or [])}
    return SourceFormat(columns=columns, percent_scale=scales, groups=by_name, values=said, **as_said)


def _by_name(given: Sequence[str] | None, *, option: str) -> dict[str, str]:
    found = dict(console.name_and_value(text, option=option) for text in given or [])
    if len(found) < len(given or []):
        raise InvalidInput(f"{option} names something more than once")
    return found


def tell(loaded: Iterable["LoadSummary"], *, as_json: bool) -> None:
    """Print each load: for a person as it is done; as JSON once all are, or one has failed."""
    if not as_json:
        for summary in loaded:
            _show(summary)
        return
    done: list[dict[str, object]] = []
    try:
        for summary in loaded:
            done.append(summary.as_dict())
    except BaseException:
        if done:  # these stand, whatever became of the next
            console.print_json(done)
        raise
    console.print_json(done[0] if len(done) == 1 else done)


def _show(summary: "LoadSummary") -> None:
    inactive = "" if summary.inactivated is None else f", {summary.inactivated:,} absent and now inactive"
    print(
        f"{summary.source}: {summary.rows:,} rows, {summary.accepted:,} accepted, "
        f"{summary.quarantined:,} quarantined{inactive}",
        *(f"  {count:>8,}  {reason}" for reason, count in summary.reasons.items()),
        *(
            f"  {odd['cells']:>8,}  {oddity}{'' if ', taken as ' in oddity else ': left empty'}, "
            f"first in line {odd['line']:,}"
            for oddity, odd in summary.odd_cells.items()
        ),
        *(
            f"  {left['rows']:>8,}  left out: {what}, in line {_lines(left)}"
            for what, left in summary.left_out.items()
        ),
        *(f"unlike the loads before it: {why}" for why in summary.unlike),
        *_first_refused(summary),
        *_besides(summary),
        sep="\n",
        flush=True,  # the next one may take long
    )


def _lines(left: Mapping[str, Any]) -> str:
    more = ", …" if left["rows"] > len(left["lines"]) else ""
    return ", ".join(f"{line:,}" for line in left["lines"]) + more


def _first_refused(summary: "LoadSummary") -> list[str]:
    from engagement.text import one_line

    if not (first := summary.first_refused):
        return []
    whose = f" (id {one_line(first.id, _LONGEST_ID)})" if first.id else ""
    return [
        f"the first refused row is in line {first.line:,}{whose}; `engagement quarantine --load {summary.load_id}` "
        "lists them"
    ]


def _besides(summary: "LoadSummary") -> list[str]:
    said = {
        "are known from a newer load, which stands": summary.known_later,
        "say no in a refused row (no contact, no model, or no longer active): it counts": summary.refusing,
        "are held back until their consent can be read": summary.held_back,
        "have an e-mail address that several persons have: nobody writes there": summary.sharing_an_address,
    }
    return [*summary.notes, *(f"{count:,} learners {what}" for what, count in said.items() if count)]
