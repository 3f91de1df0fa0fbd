"""Exports of platforms, loaded as `engagement load` does, and held against what must come out."""

import json
import math
from datetime import datetime, timedelta

from engagement.ingest import events, learners
from engagement.ingest.platforms import recognition
from engagement.ingest.schema import LEARNERS
from engagement.ingest.source.source_format import SourceFormat

_OURS = {column.name for column in LEARNERS} - {"completed_percent"}


def load(store, files, *, as_of, zone="UTC", platform="", full=False, **said):
    """Load exports as of the end of a day, or an instant; return the summaries."""
    at = datetime.fromisoformat(as_of)
    at = at + timedelta(days=1, microseconds=-1) if len(as_of) == len("2026-11-20") else at
    kinds = {file: recognition.recognised(file, platform=platform) for file in files}
    assert None not in kinds.values(), kinds
    loaders = {"learners": learners.load_full if full else learners.load, "events": events.load}
    return [
        loaders[part.of](store, part.source, observed_at=at, loaded_at=at, source_format=part.source_format)
        for part in recognition.read(store, kinds, SourceFormat(zone, values=said), as_of=at)
    ]


def expected(folder, case=0):
    """Return what must come out of one case of a kind, as its script made it."""
    return json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))["cases"][case]


def differences(store, case, *, besides=()):
    """Return where the store differs from what must be in it, learner by learner; `besides` are columns left out."""
    with store.read() as db:
        known = db.execute(
            "select l.*, f.* exclude (learner_id) from learners as l "
            "left join learner_facts as f on l.id = f.learner_id "
            "qualify row_number() over (partition by l.id order by f.observed_at desc) = 1"
        ).df()
    found = {row["id"]: row for row in known.astype(object).where(known.notna(), None).to_dict("records")}
    wanted = {str(row["id"]): row for row in case["learners"]}
    told = [f"missing {each}" for each in wanted.keys() - found.keys()]
    told += [f"unexpected {each}" for each in found.keys() - wanted.keys()]
    for each in wanted.keys() & found.keys():
        for name in (_OURS & wanted[each].keys()) - set(besides):
            if not _same(wanted[each][name], found[each][name], name, found[each]):
                told.append(f"{each} {name}: wanted {wanted[each][name]!r}, found {found[each][name]!r}")
    return sorted(told)


def _same(wanted, found, name, row):
    if name == "person_id" and wanted is None:  # one who is not told of is a person of their own
        return found == row["id"]
    if name == "active" and wanted is None:  # unknown is left as it is, and begins as yes
        return found is True
    if name == "email" and wanted is not None:  # an address is kept in small letters
        return found == wanted.casefold()
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return math.isclose(wanted, found, abs_tol=1e-3)
    if isinstance(found, datetime):
        return wanted is not None and datetime.fromisoformat(wanted).replace(microsecond=0) == found.replace(
            microsecond=0
        )
    return wanted == found


def known_by(store, column):
    """Return what is known of each learner in the end, by a column that tells them apart."""
    if not store.is_there():
        return {}
    with store.read() as db:
        rows = db.execute(
            "select l.*, f.* exclude (learner_id) from learners as l "
            "left join facts_at('2027-01-01') as f on l.id = f.learner_id"
        ).df()
    return {row[column]: row for row in rows.astype(object).where(rows.notna(), None).to_dict("records")}
