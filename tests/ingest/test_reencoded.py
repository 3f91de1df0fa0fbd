"""Known ids in another encoding are told as such, before anybody is taken for two."""

from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import events, learners
from engagement.ingest.source.source_format import SourceFormat

WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


@pytest.fixture
def load(store, tmp_path):
    """Load a file of these ids in an encoding."""

    def load(*ids, written="utf-8", module=learners, **source_format):
        path = tmp_path / "export.csv"
        rows = [f"{name},,,,P,2026-11-01,50,60,1" for name in ids]
        lines = (
            [HEADER, *rows]
            if module is learners
            else ["learner_id,type,timestamp", *(f"{name},login,2026-11-01" for name in ids)]
        )
        path.write_bytes("\n".join(lines).encode(written))
        return module.load(
            store, path, observed_at=WHEN, loaded_at=WHEN, source_format=SourceFormat(**source_format)
        )

    return load


# As Windows-1252 these are words too, so that nothing but what is known tells otherwise.
@pytest.mark.parametrize(
    ("encoding", "known"), [("cp1250", "Bohdalů-2"), ("mac_roman", "Bjö-2"), ("cp1254", "Şan-2")]
)
@pytest.mark.parametrize("module", [learners, events], ids=["learners", "events"])
def test_ids_of_a_wrong_guess_are_known_ones(load, encoding, known, module):
    load("S-1", known)
    with pytest.raises(InvalidInput) as caught:
        load("S-1", known, written=encoding, module=module)
    said = str(caught.value)
    assert "1 ids are known ones in another encoding, first in line 3: this file was read as cp1252" in said
    assert f"`--encoding {encoding}`" in said
    assert known not in said
    assert load("S-1", known, written=encoding, module=module, encoding=encoding).accepted == 2


def test_new_ids_beyond_ascii_are_new_learners(load):
    load("Zoë-1")
    assert load("Zoë-1", "Bohdalů-2", "Søren-3").accepted == 3
    assert load("Zoë-1", "André-4", written="cp1252").accepted == 2
