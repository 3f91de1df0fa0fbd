"""What lies beside Moodle's usual downloads: the same as workbooks, answers to a quiz, and what is refused by name."""

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.platforms.recognition import recognised
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store
from tests.support.exports import known_by, load

WORKSHEET = (
    '\ufeffIdentifier,"Full name",Status,Grade,"Maximum Grade","Grade can be changed"\n'
    '"Participant 16","Ida Tester",Graded,40.00,100.00,Yes\n"Participant 1","Bo Tester",-,,100.00,Yes\n'
)
PAGE = (
    "Select all\tFirst name Sort by First name Ascending / Surname Sort by Surname Ascending\tRoles\n"
    "Select 'Ida Tester'\tIT Ida Tester\tStudent\n"
)
OUTLINE = "Aktivität\tZugriffe\tÄhnliche Blogeinträge\tLetzter Zugriff\nSkript\t36 Ansichten von 3 Nutzer/innen\t-\t-\n"


@pytest.fixture
def folder(exports):
    return exports / "moodle" / "exports"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("workbook", "text"),
    [
        ("participants.xlsx", "participants.csv"),
        ("reportbuilder.xlsx", "reportbuilder.csv"),
        ("grades.all3.xlsx", "grades.percentage.comma.csv"),
        ("quiz1.responses.csv", "quiz1.csv"),
    ],
)
def test_a_workbook_or_the_answers_say_what_the_text_says(
    store, folder, tmp_path, *, language, workbook, text
):
    other = Store(tmp_path / "other.duckdb")
    for place, name in ((store, workbook), (other, text)):
        load(place, [folder / language / name], as_of="2026-11-29", zone="Europe/Berlin", program="Data")
    assert known_by(store, "id")
    assert known_by(store, "id") == known_by(other, "id")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("assign1.offline.csv", "worksheet of one assignment"),
        ("assign1.grading.page.tsv", "copied from a page"),
        ("participants.page.tsv", "copied from a page"),
        ("participation.page.tsv", "copied from a page"),
        ("outline.page.tsv", "names nobody"),
    ],
)
def test_what_tells_nothing_of_a_course_is_refused_with_what_to_take(folder, language, name, what):
    with pytest.raises(InvalidInput, match=rf"{what}.*Activity completion"):
        recognised(folder / language / name)


@pytest.mark.parametrize(
    ("text", "what"), [(WORKSHEET, "worksheet"), (PAGE, "copied from a page"), (OUTLINE, "names nobody")]
)
def test_it_is_told_by_what_stands_in_it(tmp_path, text, what):
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    for platform in ("", "moodle"):
        with pytest.raises(InvalidInput, match=what):
            recognised(file, platform=platform)
    assert recognised(file, SourceFormat(columns={"id": "Identifier"})) is None  # somebody knows better


def test_a_list_of_ones_own_with_such_ids_is_read(tmp_path):
    file = tmp_path / "a.csv"
    for header, row in (
        ("id,name,status,grade", "Participant 16,Ida,active,7"),
        ("id,name,Maximum Grade", "ida,Ida,7"),
    ):
        file.write_text(f"{header}\n{row}\n", encoding="utf-8")
        assert recognised(file) is None


def test_no_answer_is_kept_of_a_row_that_cannot_be_read(store, stored, tmp_path):
    file = tmp_path / "quiz.csv"
    file.write_text(
        'Surname,"First name","Email address",State,Grade/10.00,"Response 1"\n'
        "Tester,Ida,ida@example.invalid,Finished,6.00,a\n"
        "Tester,Bo,bo@example.invalid,Finished,6.00,what I wrote,and a comma\n",
        encoding="utf-8",
    )
    (summary,) = load(store, [file], as_of="2026-11-20", program="Data")
    assert summary.quarantined == 1
    assert "what I wrote" not in str(stored("from quarantine"))
