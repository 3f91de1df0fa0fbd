"""Quizzes as packages of QTI 2.1: every file is named, every part in its order, and every text as it was."""

import io
import zipfile
from xml.etree import ElementTree

import pytest

from engagement.content import qti
from engagement.errors import InvalidInput

ITEM = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
PACKAGE = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
# As the schema of an item has them.
ORDER = ["responseDeclaration", *["outcomeDeclaration"] * 3, "itemBody", "responseProcessing"]


def question(stem="What is 2 + 2?", right=1, explanation="Count.", feedback=("a", "", "<c>", "d")):
    options = [{"text": f"option {at} & <b>", "feedback": told} for at, told in enumerate(feedback)]
    return {"stem": stem, "explanation": explanation, "options": options, "answer_index": right}


def package(*quizzes):
    made = qti.package(quizzes, ["written by template; not approved"] * len(quizzes))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def text_of(element):
    """Return a text with its line ends, as a browser shows it."""
    return element.text + "".join(f"\n{line.tail or ''}" for line in element)


def test_every_file_is_in_the_manifest_and_every_reference_leads_somewhere():
    files = package(("One", [question(), question()]), ("Two", [question()]))
    manifest = files.pop("imsmanifest.xml")
    resources = {each.get("identifier"): each for each in manifest.iter(f"{PACKAGE}resource")}
    assert {each.get("href") for each in resources.values()} == files.keys()
    assert {each.get("identifierref") for each in manifest.iter(f"{PACKAGE}dependency")} < resources.keys()
    told = {each.get("href") for file in files.values() for each in file.iter(f"{ITEM}assessmentItemRef")}
    assert told == {"quiz1_q1.xml", "quiz1_q2.xml", "quiz2_q1.xml"}
    assert next(iter(manifest)).find(f"{PACKAGE}schema").text == "QTIv2.1 Package"


def test_a_question_has_its_parts_in_order_and_its_texts_as_they_were():
    stem = "Read:\n\n  if a < b && b > c: ]]>\u00e4"
    item = package(("One & two", [question(stem)]))["quiz1_q1.xml"]
    parts = [each.tag.removeprefix(ITEM) for each in item]
    assert parts == [*ORDER, *["modalFeedback"] * 4]  # three options have feedback, and the explanation
    asked = item.find(f"{ITEM}itemBody/{ITEM}choiceInteraction")
    assert (asked.get("shuffle"), asked.get("maxChoices")) == ("true", "1")
    assert text_of(asked.find(f"{ITEM}prompt")) == stem
    choices = {each.get("identifier"): text_of(each) for each in asked.iter(f"{ITEM}simpleChoice")}
    assert choices == {letter: f"option {at} & <b>" for at, letter in enumerate("ABCD")}
    assert item.find(f"{ITEM}responseDeclaration/{ITEM}correctResponse/{ITEM}value").text == "B"
    shown = {
        (each.get("outcomeIdentifier"), each.get("identifier")): text_of(each)
        for each in item.iter(f"{ITEM}modalFeedback")
    }
    assert shown == {
        ("FEEDBACK", "A"): "a",
        ("FEEDBACK", "C"): "<c>",
        ("FEEDBACK", "D"): "d",
        ("EXPLANATION", "SHOWN"): "Count.",
    }


@pytest.mark.parametrize("chosen", "ABCD")
def test_the_right_answer_has_a_point_and_the_others_none(chosen):
    processing = package(("One", [question(right=2)]))["quiz1_q1.xml"].find(f"{ITEM}responseProcessing")
    condition = processing.find(f"{ITEM}responseCondition")
    branch = condition.find(f"{ITEM}responseIf" if chosen == "C" else f"{ITEM}responseElse")
    (points,) = branch.iter(f"{ITEM}baseValue")
    assert points.text == ("1" if chosen == "C" else "0")
    assert condition.find(f"{ITEM}responseIf/{ITEM}match/{ITEM}correct").get("identifier") == "RESPONSE"


def test_the_same_quizzes_are_the_same_package():
    quizzes = [("One", [question()])]
    assert qti.package(quizzes, ["x"]) == qti.package(quizzes, ["x"])


def test_a_quiz_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="question 1"):
        qti.package([("One", [question(feedback=("a", "b"))])], ["x"])
