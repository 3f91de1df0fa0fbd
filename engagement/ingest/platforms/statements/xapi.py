"""xAPI statements: of Moodle, Open edX, H5P and players of cmi5, as a record store gives them out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engagement.ingest.platforms.exports import Asked, Kind, Look, Part
from engagement.ingest.platforms.statements import reading
from engagement.store import query

NAME: Final = "xapi"


def _is_statements(look: Look) -> bool:
    return any({"actor", "verb", "object"} <= found.keys() for found in reading.objects(look))


def _statements(files: Sequence[Path], asked: Asked) -> list[Part]:
    return reading.parts(files, asked, NAME, query("ingest/xapi_acts"))


KINDS: Final = (
    Kind(
        NAME,
        "xAPI statements",
        _is_statements,
        _statements,
        gives="last login, mean score, enrolment, events; of cmi5 also done of the course (of the parts that occur)",
        cannot="no due dates or missed sessions, as statements tell what was done and not what was to be done",
    ),
)
