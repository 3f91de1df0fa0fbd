"""Which column is which: by name, and never by guessing; what is missing comes with what may be meant."""

import shlex
import unicodedata

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.schema import EVENTS, LEARNERS, NAME_PARTS, ROLE, Column
from engagement.ingest.source.header import absent, match_header

ID = Column("id", "id", "", in_header=True)
NAME = Column("name", "text", "", in_header=True)
TOPIC = Column("topic", "text", "")
COLUMNS = (ID, NAME, TOPIC)


def places(header, **names):
    return {column.name: at for column, at in match_header(header, COLUMNS, names, "f.csv").items()}


def refusal(header, **names):
    with pytest.raises(InvalidInput) as caught:
        match_header(header, COLUMNS, names, "f.csv")
    return str(caught.value)


def test_a_header_with_none_of_ours_is_refused_also_where_no_column_is_needed():
    with pytest.raises(InvalidInput, match="the first line names none of ours"):
        match_header(["x", "y"], COLUMNS, {}, "f.csv", unneeded={"id", "name"})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["id", "name"], {"id": 0, "name": 1}),
        (["Topic", "x", "NAME", "Id"], {"id": 3, "name": 2, "topic": 0}),
        (["\ufeffid", " name\t"], {"id": 0, "name": 1}),
        (["id\xa0", "\r\nname"], {"id": 0, "name": 1}),
        (["x", "x", "", "", "id", "name"], {"id": 4, "name": 5}),
        (["\u200bid", "\u2060na\u00adme"], {"id": 0, "name": 1}),
    ],
)
def test_columns_are_found_by_name_whatever_stands_beside_them(header, expected):
    assert places(header) == expected


def test_columns_come_in_our_order():
    assert list(match_header(["topic", "name", "id"], COLUMNS, {}, "f.csv")) == [ID, NAME, TOPIC]


def test_a_name_of_the_source_stands_for_ours():
    assert places(["Student ID", "Name", "id"], id=" student id ") == {"id": 0, "name": 1}
    assert places(["id", "name", "Kurs"], topic="KURS") == {"id": 0, "name": 1, "topic": 2}


@pytest.mark.parametrize(
    "theirs",
    [
        *(
            "Last\u00a0access",
            "last\u2003ACCESS",
            "\u200bLast \u3000 access\ufeff",
            "Last\taccess",
            "Last\naccess",
        ),
        *("La\u00adst access", "Last access\u200e"),
    ],
)
def test_a_name_is_compared_as_it_is_seen_on_either_side(theirs):
    assert places(["id", "name", theirs], topic="Last access")["topic"] == 2
    assert places(["id", "name", "Last access"], topic=theirs)["topic"] == 2


@pytest.mark.parametrize(
    "name", ["Pr\u00e9nom", "Stra\u00dfe", "\u0110\u1ecba ch\u1ec9", "\u1112\u1161\u11ab"]
)
def test_letters_are_the_same_however_they_are_composed(name):
    for theirs in ("NFC", "NFD"):
        for ours in ("NFC", "NFD"):
            header = ["id", "name", unicodedata.normalize(theirs, name).upper()]
            assert places(header, topic=unicodedata.normalize(ours, name))["topic"] == 2


def test_one_column_may_be_two_of_ours():
    assert places(["user", "name"], id="user", topic="user") == {"id": 0, "name": 1, "topic": 0}


def test_missing_columns_are_all_named_with_a_way_out():
    columns = (*COLUMNS, Column("email", "email", "", in_header=True))
    with pytest.raises(InvalidInput) as caught:
        match_header(["topic", "x", "NAME"], columns, {}, "f.csv")
    assert str(caught.value) == (
        "f.csv: columns id, email are missing; the header has topic, x, name; "
        "`--map name=column` says which column is meant"
    )


def test_a_column_that_was_promised_and_is_not_there_is_missing():
    assert "column kurs missing" in refusal(["id", "name"], topic="Kurs")


@pytest.mark.parametrize(
    ("header", "names", "doubled"),
    [
        (["id", "name", "ID "], {}, "id"),
        (["id", "name", "topic", "Topic", "Name"], {}, "name, topic"),
        (["id", "name", "A", "a"], {"topic": "A"}, "a"),
    ],
)
def test_a_doubled_column_is_named_with_a_way_out(header, names, doubled):
    said = refusal(header, **names)
    assert f"column {doubled} stands more than once" in said
    assert "--map name=column" in said


def test_a_doubled_column_can_be_told_apart_by_another_name():
    assert places(["id", "name", "name", "who"], name="who") == {"id": 0, "name": 3}


def test_a_first_line_that_may_be_data_is_not_repeated():
    said = refusal(["7", "Zebulon Invented", "zebulon@example.invalid"])
    assert "ebulon" not in said
    assert "the first line names none of ours" in refusal(["Zebulon", "Invented"])


@pytest.mark.parametrize("cells", [["topic"], ["Topic", "topic "], ["name"]])
def test_one_cell_that_is_a_name_of_ours_makes_no_header_of_somebodys_data(cells):
    said = refusal(["Zebulon Invented", "zebulon@example.invalid", *cells])
    assert "ebulon" not in said


def test_the_one_name_that_was_found_is_said():
    assert "of our columns the first line names only 'topic'" in refusal(["7", "topic"])


# --- what may be meant -------------------------------------------------------------------------------------------


def learners_refused(header, **names):
    with pytest.raises(InvalidInput) as caught:
        match_header(header, (*LEARNERS, *NAME_PARTS, ROLE), names, "f.csv")
    return str(caught.value)


OURS = [column.name for column in LEARNERS][:9]  # as the documentation names them


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("last_login", "Last access"),
        ("last_login", "Letzter Zugriff"),
        ("last_login", "Last login"),
        ("last_login", "Derni\u00e8re connexion"),
        ("id", "Student ID"),
        ("id", "SIS User ID"),
        ("name", "Full name"),
        ("email", "E-Mail-Adresse"),
        ("program", "Course"),
        ("completed_percent", "Progress (%)"),
        ("completed_percent", "Completed percent"),
        ("avg_quiz_score", "Quiz Avg"),
        ("consecutive_missed_sessions", "Missed"),
    ],
)
def test_a_name_from_elsewhere_comes_with_the_option_to_copy(ours, theirs):
    header = [theirs if name == ours else name for name in OURS]
    if ours in {"id", "program"}:
        said = learners_refused(header)
        assert said.startswith(f"f.csv: column {ours} missing; did you mean {theirs!r}? `--map ")
    else:
        said = absent(header, LEARNERS, {})
        assert f"did you mean {theirs!r}? `--map " in said
        assert said.startswith(f"there is no {ours}: ") or ours in {"name", "email"}
    option = shlex.split(said.split("`")[1])
    assert option == ["--map", f"{ours}={theirs}"]
    name, _, meant = option[1].partition("=")
    assert match_header(header, LEARNERS, {name: meant}, "f.csv")


def test_all_options_stand_in_one_line():
    header = ["Student ID", "Full name", "E-mail", "phone", "Course", "Last access", "x", "y", "z"]
    said = learners_refused(header)
    assert shlex.split(said.split("`")[1]) == [
        *("--map", "id=Student ID", "--map", "program=Course", "--map", "name=Full name"),
        *("--map", "email=E-mail", "--map", "last_login=Last access"),
    ]
    assert said.startswith("f.csv: columns id, program are missing")
    said = absent(header, LEARNERS, {"id": "Student ID", "program": "Course"})
    assert shlex.split(said.split("`")[1]) == [
        *("--map", "name=Full name", "--map", "email=E-mail", "--map", "last_login=Last access")
    ]
    assert (
        "no last_login, completed_percent, avg_quiz_score, consecutive_missed_sessions: what was known"
        in said
    )


def test_who_has_addresses_and_no_ids_is_told_of_the_key():
    said = learners_refused(["E-Mail", "Punkte", "Fehlzeiten"])
    assert said.startswith(
        "f.csv: columns id, program are missing; did you mean 'E-Mail', 'Fehlzeiten'? `--map "
    )
    assert "`--key email` where learners are known by their addresses" in said


def test_the_nearest_name_counts_and_not_the_first_column_that_is_looked_for():
    said = learners_refused(["Username", "Surname", "Vorname", "Kurs", "Rolle"])
    assert shlex.split(said.split("`")[1])[1::2] == [
        *("id=Username", "program=Kurs", "first_name=Vorname", "last_name=Surname", "role=Rolle")
    ]


def test_a_source_that_has_it_all_is_silent_about_nothing():
    assert absent(OURS, LEARNERS, {}) == ""
    parts = ["id", "program", "first_name", "email", "phone", "last_login", "completed_percent_course"]
    assert (
        absent([*parts, "avg_quiz_score", "consecutive_missed_sessions"], (*LEARNERS, *NAME_PARTS), {}) == ""
    )


def test_a_slip_in_an_option_is_seen():
    header = ["Matrikelnummer", *OURS[1:]]
    said = learners_refused(header, id="Matrikelnumer")
    assert "did you mean 'Matrikelnummer'? `--map id=Matrikelnummer`" in said


def test_a_column_that_is_found_is_nobody_else_s():
    said = absent(["id", "name", "program", "Student"], LEARNERS, {})
    assert "did you mean" not in said


def test_a_name_that_acts_in_a_terminal_or_a_shell_is_shown_as_text():
    said = absent([*OURS[:5], "Last access\x1b[31m", *OURS[6:]], LEARNERS, {})
    assert "\x1b" not in said
    said = absent([*OURS[:5], "Last access $(id)", *OURS[6:]], LEARNERS, {})
    assert "$" not in said or "'last_login=Last access $(id)'" in said


@pytest.mark.parametrize(
    "line",
    [
        [
            "S-1",
            "Zebulon Invented",
            "zebulon@example.invalid",
            "",
            "Nursing",
            "2026-02-11 08:12",
            "41.5",
            "62",
            "1",
        ],
        ["7", "Zebulon", "", "", "Nursing", "11.02.2026", "41,5", "62 %", "1"],
        ["Zebulon", "zebulon@example.invalid"],
    ],
)
def test_a_first_line_of_values_is_told_as_that(line):
    said = learners_refused(line)
    assert said.startswith(
        "f.csv: the first line looks like a row: there is no header; put a line with the names"
    )
    assert "above it, such as id,name," in said
    assert not any(text in said for text in ("ebulon", "Nursing"))
    assert "are missing" not in said
    assert "--map" not in said


def test_a_name_is_offered_as_it_is_seen():
    said = learners_refused(["Student\u00a0\t I\u200bD\ufeff", *OURS[1:]])
    assert "`--map 'id=Student ID'`" in said


def test_events_have_their_own_names():
    with pytest.raises(InvalidInput) as caught:
        match_header(["User ID", "Event", "Time"], EVENTS, {}, "f.csv")
    assert "`--map 'learner_id=User ID' --map type=Event --map timestamp=Time`" in str(caught.value)
