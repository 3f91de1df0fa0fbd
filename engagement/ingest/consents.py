"""What a file says of consents, from all of its rows: a no counts, also where the row is refused for something else.

Who said no, or is over, is not forgotten because their quiz average cannot be read. A consent that nobody can read
holds the learner back until a row of theirs is accepted in a file that has its column. The other way round nothing is
taken from a refused row: no yes, and no learner. Among the rows of one learner a no counts, whichever is newer; from
file to file the newest word does.
"""

from dataclasses import dataclass
from typing import Final

from engagement.ingest.loads import loading
from engagement.store import first_row, query, registered

COLUMNS: Final = ("contact_opt_out", "llm_opt_out", "whatsapp_opt_in", "active")


@dataclass(frozen=True)
class Settled:
    """What became of the consents of a file: whether somebody's are not simply those of their accepted row.

    `refusing` are the learners of whom a refused row says no to something, `held_back` those of whom a consent cannot
    be read.
    """

    anybody: bool
    refusing: int
    held_back: int


def settle(begun: loading.Load) -> Settled:
    """Give the accepted rows of `checked` the consents that hold; write those of learners whose rows are refused."""
    db, columns = begun.db, begun.checked.columns
    known = {"observed_at": begun.observed_at}
    of_load = {**known, "load_id": begun.load_id}
    here = {"here": sorted(columns.intersection(COLUMNS))}
    with registered(db, "fields_of_not_rows", begun.checked.incoming.fields_of_not_rows()):
        db.execute(query("ingest/refused_consents"), here)
    db.execute(query("ingest/keep_consents_ahead"), of_load)
    db.execute(query("ingest/settled_consents"), {**known, **here})
    db.execute(query("ingest/settle_accepted"))
    db.execute(query("ingest/settle_refused"), of_load)
    refusing, held_back = first_row(db, query("ingest/count_consents"))
    (settled,) = first_row(db, "select count(*) from temp.settled_consents")
    return Settled(settled > 0, refusing, held_back)


def mark(begun: loading.Load) -> None:
    """Keep from when refused rows spoke, and forget what they said ahead of enrolments that are there now."""
    begun.db.execute(query("ingest/mark_consents"), {"observed_at": begun.observed_at})
    begun.db.execute("delete from consents_ahead where learner_id in (select id from learners)")
