"""Each format is read back by a reader written here from its documentation, as a learning platform reads it."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engagement.content import quiz_export
from engagement.errors import InvalidInput

# What has a meaning in one of the formats, or in a page, or nowhere.
HOSTILE = (
    *("]]>", "<![CDATA[", "&amp;", "&", "<script>alert(1)</script>", "'", '"', "<!--", "?>", "]]]]>"),
    *(
        "\\",
        "~",
        "=",
        "#",
        "####",
        "{",
        "}",
        ":",
        "::",
        "\\n",
        "\\\\",
        "\n",
        "\n\n",
        "//",
        "[plain]",
        "[html]",
    ),
    *(
        "%50%",
        "%100%",
        "->",
        "$CATEGORY: x",
        "T",
        "[",
        "]",
        "\t",
        "é",
        "\u202f",
        "𝔸",
        "\u2028",
        "=HYPERLINK(0)",
    ),
)
LOST = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"

texts = st.lists(
    st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()), max_size=4), max_size=8
).map("".join)
filled = texts.map(lambda text: f"x{text}y")


def question(stem="Why?", options=("a", "b", "c", "d"), answer_index=2, explanation="So.", feedback="Yes"):
    return {
        "id": "q1",
        "stem": stem,
        "options": [{"text": text, "feedback": feedback} for text in options],
        "answer_index": answer_index,
        "explanation": explanation,
        "difficulty": "easy",
    }


questions = st.builds(
    question,
    stem=filled,
    options=st.tuples(filled, filled, filled, filled),
    answer_index=st.integers(0, 3),
    explanation=texts,
    feedback=texts,
)


def expected(text):
    """Return a text as it should arrive: what no file can hold is marked, line ends are one kind."""
    return re.sub(LOST, "\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def parted(text):
    """Return a text as it should arrive by GIFT, whose reader takes these for signs."""
    return re.sub(r"&&(?=(058|035|061|123|125|126|092);|010)", "& &", text)


def as_read(asked, change=lambda text: text):
    """Return what a reader should find of a question: stem, explanation, and (is right, text, feedback) each."""
    options = [
        (
            place == asked["answer_index"],
            change(expected(option["text"])),
            change(expected(option["feedback"])),
        )
        for place, option in enumerate(asked["options"])
    ]
    return change(expected(asked["stem"])), change(expected(asked["explanation"])), options


def read_xml(text):
    root = ElementTree.fromstring(text.encode())  # raises where it is no XML
    assert root.tag == "quiz"
    for found in root:
        assert found.get("type") == "multichoice"
        assert found.findtext("single") == "true"
        answers = found.findall("answer")
        assert {node.get("format") for node in (*answers, *found.iter("feedback"))} == {"plain_text"}
        yield (
            found.findtext("name/text"),
            (
                found.findtext("questiontext/text"),
                found.findtext("generalfeedback/text"),
                [
                    (
                        answer.get("fraction") == "100",
                        answer.findtext("text"),
                        answer.findtext("feedback/text"),
                    )
                    for answer in answers
                ],
            ),
        )


SIGNS = {
    ":": "&&058;",
    "#": "&&035;",
    "=": "&&061;",
    "{": "&&123;",
    "}": "&&125;",
    "~": "&&126;",
    "n": "&&010",
}


def read_gift(text):
    """Read as Moodle does: blank lines part questions, escapes become placeholders, then signs are looked for."""
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = [line for line in block.split("\n") if not line.strip().startswith("//")]
        body = "\n".join(lines).strip().replace("\\\\", "&&092;")
        for sign, placeholder in SIGNS.items():
            body = body.replace(f"\\{sign}", placeholder)
        body = body.replace("&&092;", "\\")
        assert body.startswith("::")
        name, _, rest = body[2:].partition("::")
        stem, _, inside = rest.partition("{")
        inside, _, after = inside.partition("}")
        assert not after
        answers, _, explanation = inside.partition("####")
        options = []
        for answer in re.split("(?=[=~])", answers.strip()):
            if answer:
                chosen, _, feedback = answer[1:].partition("#")
                assert not re.match(r"%-?\d", chosen)
                options.append((answer[0] == "=", signs(chosen), signs(feedback)))
        yield signs("[plain]" + name), (signs(stem), signs(explanation), options)


def signs(text):
    text = text.strip()
    if not text:
        return ""
    assert text.startswith("[plain]")
    text = text.removeprefix("[plain]")
    for sign, placeholder in SIGNS.items():
        text = text.replace(placeholder, "\n" if sign == "n" else sign)
    return text.strip()


@settings(max_examples=150)
@given(asked=st.lists(questions, min_size=1, max_size=3))
@example([question(stem="a]]>b]]]]><![CDATA[>c", explanation="")])
@example([question(stem="<b>\r\n\rx\x00\ud800\uffff", feedback="")])
def test_a_quiz_reads_back_equal_from_moodle_xml(asked):
    found = [read for _, read in read_xml(quiz_export.moodle_xml("T", asked))]
    assert found == [as_read(one) for one in asked]


@settings(max_examples=150)
@given(asked=st.lists(questions, min_size=1, max_size=3))
@example([question(stem="x\\\n\\n\\\\n y", options=("//a", "%50%b", "[html]c", "=d~#####e"))])
@example([question(stem="&&058; &&010 &&&092;5 &:", explanation="", feedback="")])
@example([question(stem="a\n\n\n// b\n$CATEGORY: c", options=("->", "T", "{}", "::"))])
def test_a_quiz_reads_back_equal_from_gift(asked):
    found = [read for _, read in read_gift(quiz_export.gift("T", asked))]
    assert found == [as_read(one, parted) for one in asked]


@settings(max_examples=60)
@given(title=texts | st.text(max_size=400))
def test_a_title_names_each_question_in_one_line(title):
    asked = [question(), question()]
    names = [name for name, _ in read_xml(quiz_export.moodle_xml(title, asked))]
    assert [parted(name) for name in names] == [name for name, _ in read_gift(quiz_export.gift(title, asked))]
    assert [name.rpartition(" ")[2] for name in names] == ["1", "2"]
    assert all("\n" not in name and 2 < len(name) <= 255 for name in names)


def test_both_formats_can_be_written_as_utf_8():
    asked = [question(stem="half \ud800 of a pair")]
    for write in (quiz_export.moodle_xml, quiz_export.gift):
        assert "half \N{REPLACEMENT CHARACTER} of a pair" in write("\udfff", asked).encode().decode()


@pytest.mark.parametrize("write", [quiz_export.moodle_xml, quiz_export.gift])
@pytest.mark.parametrize(
    "broken",
    [
        question(options=("a", "b", "c")),
        question(options=("a", " ", "c", "d")),
        question(answer_index=4),
        question(stem=" \n "),
    ],
    ids=["three options", "an empty option", "no right one", "no question"],
)
def test_what_a_platform_would_take_for_something_else_is_refused(write, broken):
    with pytest.raises(InvalidInput, match="question 2"):
        write("T", [question(), broken])


def test_a_small_quiz_looks_as_documented():
    asked = [question(stem="Is 1 = 1?", options=("yes: always", "no", "{}", "~"), answer_index=0)]
    assert quiz_export.gift("Sums", asked) == (
        "::Sums 1::[plain]Is 1 \\= 1?{\n"
        "=[plain]yes\\: always#[plain]Yes\n"
        "~[plain]no#[plain]Yes\n"
        "~[plain]\\{\\}#[plain]Yes\n"
        "~[plain]\\~#[plain]Yes\n"
        "####[plain]So.\n"
        "}\n"
    )
