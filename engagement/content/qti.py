"""Quizzes as a content package of QTI 2.1 (1EdTech), which most learning platforms import.

Facts of the format: a package is a zip with `imsmanifest.xml` at its top, which names every file and what it is. A
question is an `assessmentItem`, whose parts stand in a fixed order; `shuffle` asks for another order of its options
each time. Feedback is shown by an outcome: that of the option by the answer itself, the explanation whatever was
chosen. An identifier begins with a letter. A line end is an element, as white space runs together.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from engagement.content.quiz_export import Question, plain_questions

_ITEM: Final = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_PACKAGE: Final = "http://www.imsglobal.org/xsd/imscp_v1p1"
_LETTERS: Final = "ABCD"
_MADE: Final = (1980, 1, 1, 0, 0, 0)  # of each file: the same quizzes are the same package


def package(quizzes: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], remarks: Sequence[str]) -> bytes:
    """Return quizzes, each by its title and questions, as a zip: a test of each, in which its questions stand.

    `remarks` say of each who wrote and approved it; they stand in its test. Raises `InvalidInput` as `moodle_xml` does.
    """
    files: dict[str, ET.Element] = {}
    resources = []
    for at, ((title, questions), remark) in enumerate(zip(quizzes, remarks, strict=True), start=1):
        plain = plain_questions(title, questions)
        items = [f"quiz{at}_q{number}" for number in range(1, len(plain) + 1)]
        files |= {f"{item}.xml": _item(item, each) for item, each in zip(items, plain, strict=True)}
        files[f"quiz{at}.xml"] = _test(f"quiz{at}", title, items, remark)
        resources += [_resource(item, "imsqti_item_xmlv2p1") for item in items]
        resources.append(_resource(f"quiz{at}", "imsqti_test_xmlv2p1", items))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, element in {"imsmanifest.xml": _manifest(resources), **files}.items():
            text = ET.tostring(element, encoding="utf-8", xml_declaration=True)
            archive.writestr(zipfile.ZipInfo(name, _MADE), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _manifest(resources: Sequence[ET.Element]) -> ET.Element:
    root = ET.Element("manifest", {"xmlns": _PACKAGE, "identifier": "quizzes"})
    metadata = ET.SubElement(root, "metadata")
    ET.SubElement(metadata, "schema").text = "QTIv2.1 Package"
    ET.SubElement(metadata, "schemaversion").text = "1.0.0"
    ET.SubElement(root, "organizations")
    ET.SubElement(root, "resources").extend(resources)
    return root


def _resource(name: str, kind: str, needs: Sequence[str] = ()) -> ET.Element:
    file = f"{name}.xml"
    found = ET.Element("resource", {"identifier": f"r_{name}", "type": kind, "href": file})
    ET.SubElement(found, "file", {"href": file})
    for other in needs:
        ET.SubElement(found, "dependency", {"identifierref": f"r_{other}"})
    return found


def _test(name: str, title: str, items: Sequence[str], remark: str) -> ET.Element:
    root = ET.Element("assessmentTest", {"xmlns": _ITEM, "identifier": name, "title": title})
    root.append(ET.Comment(f" {remark} "))
    part = ET.SubElement(
        root,
        "testPart",
        {"identifier": "part", "navigationMode": "nonlinear", "submissionMode": "individual"},
    )
    section = ET.SubElement(
        part, "assessmentSection", {"identifier": "all", "title": title, "visible": "true"}
    )
    for item in items:
        ET.SubElement(section, "assessmentItemRef", {"identifier": item, "href": f"{item}.xml"})
    return root


def _item(name: str, question: Question) -> ET.Element:
    title, stem, explanation, options = question
    root = ET.Element(
        "assessmentItem",
        {"xmlns": _ITEM, "identifier": name, "title": title, "adaptive": "false", "timeDependent": "false"},
    )
    answer = ET.SubElement(
        root,
        "responseDeclaration",
        {"identifier": "RESPONSE", "cardinality": "single", "baseType": "identifier"},
    )
    right = _LETTERS[[is_right for is_right, *_ in options].index(True)]
    ET.SubElement(ET.SubElement(answer, "correctResponse"), "value").text = right
    for outcome, kind in (("SCORE", "float"), ("FEEDBACK", "identifier"), ("EXPLANATION", "identifier")):
        declared = {"identifier": outcome, "cardinality": "single", "baseType": kind}
        ET.SubElement(root, "outcomeDeclaration", declared)
    asked = ET.SubElement(
        ET.SubElement(root, "itemBody"),
        "choiceInteraction",
        {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxChoices": "1"},
    )
    _say(ET.SubElement(asked, "prompt"), stem)
    for letter, (_, text, _) in zip(_LETTERS, options, strict=True):
        _say(ET.SubElement(asked, "simpleChoice", {"identifier": letter}), text)
    root.append(_processing())
    for letter, (_, _, feedback) in zip(_LETTERS, options, strict=True):
        _feedback(root, "FEEDBACK", letter, feedback)
    _feedback(root, "EXPLANATION", "SHOWN", explanation)
    return root


def _processing() -> ET.Element:
    """Return how an answer is judged: one point for the right one, and which feedback is shown."""
    root = ET.Element("responseProcessing")
    condition = ET.SubElement(root, "responseCondition")
    for branch, points in (("responseIf", "1"), ("responseElse", "0")):
        found = ET.SubElement(condition, branch)
        if branch == "responseIf":
            match = ET.SubElement(found, "match")
            ET.SubElement(match, "variable", {"identifier": "RESPONSE"})
            ET.SubElement(match, "correct", {"identifier": "RESPONSE"})
        _set(found, "SCORE").append(_value("float", points))
    _set(root, "FEEDBACK").append(ET.Element("variable", {"identifier": "RESPONSE"}))
    _set(root, "EXPLANATION").append(_value("identifier", "SHOWN"))
    return root


def _set(within: ET.Element, outcome: str) -> ET.Element:
    return ET.SubElement(within, "setOutcomeValue", {"identifier": outcome})


def _value(kind: str, text: str) -> ET.Element:
    found = ET.Element("baseValue", {"baseType": kind})
    found.text = text
    return found


def _feedback(root: ET.Element, outcome: str, shown_for: str, text: str) -> None:
    if text:
        told = {"outcomeIdentifier": outcome, "identifier": shown_for, "showHide": "show"}
        _say(ET.SubElement(root, "modalFeedback", told), text)


def _say(element: ET.Element, text: str) -> None:
    first, *others = text.split("\n")
    element.text = first
    for line in others:
        ET.SubElement(element, "br").tail = line
