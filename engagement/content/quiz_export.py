"""Quizzes as files that learning platforms import: Moodle XML and GIFT.

A text is carried as it is, whatever it holds: what has a meaning in a format is escaped, and what no such file can
hold (control characters, halves of surrogate pairs) is replaced. Neither format names a category: the importing person
chooses one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engagement.content.quiz import OPTIONS
from engagement.errors import InvalidInput
from engagement.text import UNSAFE_CHARACTERS

Question = tuple[
    str, str, str, list[tuple[bool, str, str]]
]  # name, stem, explanation, options: right, text, feedback
TITLE_LENGTH: Final = 200  # Moodle keeps 255 characters of a question's name, and a number follows
_NO_CHARACTERS: Final = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # XML 1.0 has no place for the last two
_LINE_ENDS: Final = re.compile("\r\n?")
_GIFT_SIGNS: Final = re.compile(r"[\\~=#{}:]")
# What Moodle's importer itself writes for an escaped sign while it reads: it would read such a text as the sign.
_GIFT_PLACEHOLDERS: Final = re.compile(r"&&(?=(?:058|035|061|123|125|126|092);|010)")


def moodle_xml(title: str, questions: Sequence[Mapping[str, Any]]) -> str:
    """Return the questions as Moodle XML, each named by the title and its number.

    Facts of the format: texts stand in CDATA (with escaped entities Moodle loses white space between them), a `]]>` in
    them ends one section and begins another; `format="plain_text"` shows `<b>` as three characters; a right answer has
    the fraction 100, the others 0, and `single` says that only one may be chosen. Moodle drops an empty option, and
    accepts two right ones or none of four: such a quiz is `InvalidInput`.
    """
    body = "".join(
        f"""
<question type="multichoice">
<name><text>{_cdata(name)}</text></name>
<questiontext format="plain_text"><text>{_cdata(stem)}</text></questiontext>
<generalfeedback format="plain_text"><text>{_cdata(explanation)}</text></generalfeedback>
<defaultgrade>1</defaultgrade>
<penalty>0.3333333</penalty>
<hidden>0</hidden>
<single>true</single>
<shuffleanswers>true</shuffleanswers>
<answernumbering>abc</answernumbering>
"""
        + "".join(
            f"""<answer fraction="{100 if is_right else 0}" format="plain_text">
<text>{_cdata(text)}</text>
<feedback format="plain_text"><text>{_cdata(feedback)}</text></feedback>
</answer>
"""
            for is_right, text, feedback in options
        )
        + "</question>\n"
        for name, stem, explanation, options in plain_questions(title, questions)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>{body}</quiz>\n'


def gift(title: str, questions: Sequence[Mapping[str, Any]]) -> str:
    r"""Return the questions in GIFT, each named by the title and its number.

    Facts of the format: a backslash before `\ ~ = # { } :` takes their meaning away, a line end is written `\n`, and a
    blank line ends a question; `[plain]` before each text keeps markup as it is written, and what begins with `[`, `%`
    or `//` from meaning something; `#` begins a feedback and `####` the explanation, both left out where the text is
    empty. Moodle's importer has no escape for `&&058;` and its like, which it uses inside: the two signs are parted.
    """
    return "\n".join(
        f"::{_gift(name)}::[plain]{_gift(stem)}{{\n"
        + "".join(
            f"{'=' if is_right else '~'}[plain]{_gift(text)}{f'#[plain]{_gift(feedback)}' if feedback else ''}\n"
            for is_right, text, feedback in options
        )
        + (f"####[plain]{_gift(explanation)}\n" if explanation else "")
        + "}\n"
        for name, stem, explanation, options in plain_questions(title, questions)
    )


def plain_questions(title: str, questions: Sequence[Mapping[str, Any]]) -> list[Question]:
    """Return the questions of a quiz with characters that a file can hold; `InvalidInput` for what is none."""
    called = " ".join(_clean(title).split())[:TITLE_LENGTH].strip() or "Quiz"
    found = []
    for number, question in enumerate(questions, start=1):
        options = [
            (place == question["answer_index"], _clean(option["text"]), _clean(option["feedback"]))
            for place, option in enumerate(question["options"])
        ]
        right = sum(is_right for is_right, *_ in options)
        if len(options) != OPTIONS or right != 1 or not all(text for _, text, _ in options):
            raise InvalidInput(f"question {number}: four options with a text are needed, one of them right")
        stem = _clean(question["stem"])
        if not stem:
            raise InvalidInput(f"question {number}: has no text")
        found.append((f"{called} {number}", stem, _clean(question["explanation"]), options))
    return found


def _clean(text: str) -> str:
    text = UNSAFE_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub("\n", text))
    return _NO_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text).strip()


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _gift(text: str) -> str:
    parted = _GIFT_PLACEHOLDERS.sub("& &", text)
    return _GIFT_SIGNS.sub(r"\\\g<0>", parted).replace("\n", r"\n")
