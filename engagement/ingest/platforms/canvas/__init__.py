"""Canvas: the gradebook of a teacher, the reports of an administrator, and the tables of Canvas Data 2."""

from typing import Final

from engagement.ingest.platforms.canvas import data_2, gradebook, reports

KINDS: Final = (*gradebook.KINDS, *reports.KINDS, *data_2.KINDS)
