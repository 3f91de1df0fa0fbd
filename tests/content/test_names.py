import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.content.names import fill, first_name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Learner 12 (AAA)", "Learner"),
        ("  Ana-María   Example", "Ana-María"),
        ("Ana-Mari\u0301a", "Ana-María"),
        ("O’Example", "O’Example"),
        ("J.P. Example", None),
        ("J.P Example", "J.P"),
        ("नमस्ते", "नमस्ते"),
        ("ന്\u200d", "ന്\u200d"),
        ("明", "明"),
        ("x" * 40, "x" * 40),
        ("x" * 41, None),
        ("<img src=x onerror=alert(1)>", None),
        ("=HYPERLINK(0)", None),
        ("{first_name}", None),
        ("../../x", None),
        ("-dash", None),
        ("\u0301x", None),
        ("Ana\u202e", None),
        ("Ana\x00", None),
        ("Ana\u200b", None),
        ("Ana7", None),
        ("Ana🎓", None),
        ("a..b", None),
        ("   ", None),
        ("", None),
        (None, None),
    ],
)
def test_first_name_is_a_name_or_nothing(name: str | None, first: str | None) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Invented, Mei", "Mei"),
        ("Garcia Placeholder, Ana", "Ana"),
        ("de la Example, Ana Lucía", "Ana"),
        ("van Example,Vin", "Vin"),
        ("Example, Van", "Van"),
        ("Mc Example, Al", "Al"),
        ("EXAMPLE, Jürgen", "Jürgen"),
        ("Invented，明", "明"),
        ("Mei INVENTED", "Mei"),
        ("MEI INVENTED", "MEI"),
        ("Jean-Luc Example", "Jean-Luc"),
        ("N'Golo Example", "N'Golo"),
        ("Ñuño Example", "Ñuño"),
        ("Anne Marie Example", "Anne"),
        ("Vincent van Example", "Vincent"),
        ("mei invented", "mei"),
        ("王小明", "王小明"),
        ("محمد مثال", "محمد"),
        ("Dr. Mei Invented", None),
        ("Dr Mei Invented", None),
        ("PROF Ada Example", None),
        ("Frau Ada Example", None),
        ("Señora Ada Example", None),
        ("Example, Dr. Ada", None),
        ("Ada Example, PhD", None),
        ("Ada Example, Jr.", None),
        ("de la Example Ana", None),
        ("Von Example Ana", None),
        ("Example, von", None),
        ("d'Example Ana", None),
        ("J Smith", None),
        ("Example, J.", None),
        ("Ж Пример", None),
        ("INVENTED Mei", None),
        ("INVENTED-EXAMPLE Mei", None),
        ("x.invented", None),
        ("Mei.Invented", None),
        ("m.invented 12", None),
        ("mei_invented", None),
        ("mei@example.invalid", None),
        ("Unknown", None),
        ("null", None),
        ("Student, Test", None),
        ("Test Student", None),
        ("Unbekannt Unbekannt", None),
        ("Example,", None),
        (",", None),
    ],
)
def test_who_cannot_be_told_by_a_first_name_is_greeted_without(name, first):
    assert first_name(name) == first


def test_fill_is_a_single_pass() -> None:
    assert fill("Hi {first_name}, hello.", "{first_name}") == "Hi, hello."
    assert fill("Hi {first_name}, {0.__class__} {other}", "Kim") == "Hi Kim, {0.__class__} {other}"
    assert fill("{first{first_name}_name}", None) == "{first_name}"


def test_fill_reads_well_without_a_name() -> None:
    assert fill("Hi {first_name}, hello. Bye {first_name}!", None) == "Hi, hello. Bye!"
    assert fill("Thank you, {first_name}!", None) == "Thank you!"
    assert fill("Thank you, {first_name}!", "Kim") == "Thank you, Kim!"


@given(name=st.text(max_size=60))
def test_no_name_brings_a_placeholder_or_too_many_characters(name: str) -> None:
    filled = fill("Hi {first_name}, hello.", name)
    assert set("{}<>=/\\\n\x00").isdisjoint(filled)
    assert filled.startswith("Hi")
    assert filled.endswith(", hello.")
    assert len(filled) <= len("Hi , hello.") + 40
