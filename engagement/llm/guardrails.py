"""Whether what a model wrote may become a draft.

The shape is checked by the models that templates pass through too (`content.quiz`). Here stand the rules for what was
not written by a person: nothing that leads elsewhere, nothing that blames, diagnoses or threatens, nothing about the
machinery, the language that was asked for, and no quiz that gives itself away. A broken rule is named in words, for
the second try and for the log; the text itself is not.

The language is told by words, those that the templates use: a text in a language shares few with another's. What the
institution does not write in, it would not notice.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from engagement.content import templates
from engagement.content.names import PLACEHOLDER
from engagement.content.nudge_text import check_nudge
from engagement.content.quiz import QuestionDict, first_broken_rule, read_questions, shuffle_options
from engagement.errors import InvalidInput
from engagement.llm.prompts import Task

ALIKE_SHARE: Final = (
    0.25  # of a text's words that the templates of its language use too; a foreign one has a tenth
)
LONGER_BY: Final = 1.15  # a right option is the longest if it is so much longer than the next
LONGEST_ANSWER: Final = 20_000  # twice of a quiz; the time to compose marks grows with their square
LONGEST_TEXTS: Final[Mapping[str, int]] = MappingProxyType(
    {"stem": 400, "explanation": 600, "text": 200, "feedback": 300}
)

# What stands in no text, by the rule it breaks.
_FORBIDDEN: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "holds a link": re.compile(
            r"https?:|www\.|\b[\w-]+\.(?:[a-z]{2,}/|"
            r"(?:com|org|net|edu|gov|io|de|co|info|app|eu|uk|at|ch|ly|biz|xyz|online|academy|school|site|link)\b)"
        ),
        "holds an e-mail address": re.compile(r"\S@\S|\(at\)|\[at\]"),
        "holds a telephone number or another long number": re.compile(r"(?:\d[\s().\-/‐–—]{0,3}){7,}"),
        "holds markup": re.compile(
            r"</?[a-z!]|&(?:[a-z]+|#\w+);|\]\(|\*\*|__|```|^#{1,6} |^\s*[-*•] |^\s*1[.)] .*\n+\s*2[.)] "
            r"|(?<![\w*`~])([*_`~])(?=\S)[^\n*_`~]*(?<=\S)\1(?!\w)",  # *so*, _so_ and `so`, as chats take it
            re.MULTILINE,
        ),
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_GREETS_BY_NAME: Final = re.compile(
    r"^\s*(?i:hi|hello|hey|dear|hallo|liebe[rs]?|welcome(?: back)?|willkommen(?: zurück)?"
    r"|good (?:morning|afternoon|evening)|guten (?:morgen|tag|abend))[ ,]+"
    r"[A-ZÀ-ÞŁŚŽ][\w.'’-]*(?: [A-ZÀ-ÞŁŚŽ][\w.'’-]*)*[,!]"
)
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters, marks and symbols by category, but blank: fillers, and what chooses a variant of the letter before it.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS: Final = "\u200c\u200d"  # they join letters inside words of some scripts, none of them Latin
_LAST_LATIN: Final = "\u024f"

# By what they do, in the languages that have templates. Beginnings of words, compared case-folded.
_TONE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "blames or presses": (
            *(
                "your fault",
                "lazy",
                "laziness",
                "disappoint",
                "no excuse",
                "careless",
                "irresponsib",
                "asham",
            ),
            *(
                "you failed",
                "you have failed",
                "you neglected",
                "you should have",
                "you must",
                "unacceptable",
            ),
            *(
                "last chance",
                "final warning",
                "consequences",
                "deine schuld",
                "enttäusch",
            ),
            *("faul ", "faul.", "faul,", "faul!", "faule", "faulheit"),
            *("keine ausrede", "verantwortungslos", "schäm", "du hast versagt", "du hättest"),
            *("letzte chance", "letzte warnung", "konsequenzen", "inakzeptabel"),
        ),
        "diagnoses": (
            *(
                "depress",
                "anxiety",
                "burnout",
                "burn-out",
                "adhd",
                "adhs",
                "dyslexi",
                "legasthen",
                "disorder",
            ),
            *("mental health", "diagnos", "symptom", "therap", "addict", "psychisch", "angstzust"),
            # Not "Störung" itself: ten minutes without one are good advice.
            *("angststörung", "essstörung", "lernstörung", "schlafstörung", "konzentrationsstörung"),
            *("aufmerksamkeitsstörung", "aufmerksamkeitsdefizit", "lernschwäche", "rechtschreibschwäche"),
        ),
        "speaks of the machinery": (
            *(
                "at risk",
                "high risk",
                "risk score",
                "risk level",
                "risk_",
                "risiko",
                "risikogruppe",
                "drop out",
            ),
            *("dropout", "dropping out", "algorithm", "as an ai", "language model", "sprachmodell", "als ki"),
            # Not "our data" itself: a course can be called so.
            *("our data show", "our data say", "our data tell", "our data suggest", "our data indicate"),
            *("unsere daten ", "unseren daten ", "gpt"),
            *("we are tracking", "learner_id", "person_id", "first name:"),
        ),
        # For a quiz: its subject may be risk, algorithms or language models.
        "speaks as a machine": (
            *("as an ai language", "as an ai model", "as a language model"),
            *("als sprachmodell", "als ki-modell"),
            *("we are tracking", "learner_id", "person_id", "first name:"),
        ),
        "names all or none of the options": (
            *("all of the above", "none of the above", "both of the above", "all of these", "none of these"),
            *("alle genannten", "alle der genannten", "keine der genannten", "keines der genannten"),
            *("alles davon", "nichts davon", "alle antworten", "keine der antworten"),
        ),
    }
)
_NUDGE_TONE: Final = ("blames or presses", "diagnoses", "speaks of the machinery")
# By field. What a quiz is about may need a word that is wrong where a learner is spoken to.
_QUIZ_TONE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "stem": ("speaks as a machine",),
        "explanation": ("speaks as a machine",),
        "text": ("speaks as a machine", "names all or none of the options"),
        "feedback": ("speaks as a machine", "blames or presses"),
    }
)

Shape = TypeVar("Shape", bound=BaseModel)


class Unacceptable(Exception):
    """A broken rule, in words; never the text that broke it."""


class _Nudge(BaseModel, extra="forbid", strict=True):
    subject: str | None = None
    body: str


class _Option(BaseModel, extra="forbid", strict=True):
    text: str
    feedback: str


class _Question(BaseModel, extra="forbid", strict=True):
    stem: str
    right: _Option
    wrong: list[_Option]
    explanation: str
    difficulty: Literal["easy", "medium", "hard"]


class _Quiz(BaseModel, extra="forbid", strict=True):
    questions: list[_Question]


_FIELDS: Final = frozenset(
    name for shape in (_Nudge, _Quiz, _Question, _Option) for name in shape.model_fields
)


def nudge(answer: str, task: Task, *, titles: Iterable[str] = ()) -> tuple[str | None, str]:
    """Return the subject (of an e-mail) and the text of a nudge; `Unacceptable` says which rule is broken.

    `titles` are what the model was told the course and the topic are called: a course on mental health may be named.
    """
    found = _parsed(answer, _Nudge)
    subject = _tidy(found.subject) if found.subject is not None else None
    body = _tidy(found.body)
    if task.channel == "in_app":
        body = " ".join(body.split())
    if not body or subject == "":
        raise Unacceptable("empty: a text is needed")
    try:
        check_nudge(str(task.channel), subject, body)
    except ValueError as broken:
        raise Unacceptable(str(broken)) from None
    if body.count(PLACEHOLDER) > 1 or PLACEHOLDER in (subject or ""):
        raise Unacceptable(f"{PLACEHOLDER} stands more than once, or in the subject")
    if _GREETS_BY_NAME.search(body):
        raise Unacceptable(f"greets by a name in place of {PLACEHOLDER}")
    for text in (subject or "", body):
        _check_text(text, _NUDGE_TONE, titles)
    _check_language(body, task.language)
    return subject, body


def quiz(answer: str, task: Task, *, seed_key: str) -> list[QuestionDict]:
    """Return the questions with their options in a drawn order; `Unacceptable` says which rule is broken."""
    found = _parsed(answer, _Quiz).questions
    raw = [
        {
            "id": f"q{number}",
            "stem": _tidy(question.stem),
            "options": [
                {"text": _tidy(option.text), "feedback": _tidy(option.feedback)}
                for option in (question.right, *question.wrong)
            ],
            "answer_index": 0,
            "explanation": _tidy(question.explanation),
            "difficulty": question.difficulty,
        }
        for number, question in enumerate(found, start=1)
    ]
    try:
        questions = read_questions(raw)
    except InvalidInput as broken:
        raise Unacceptable(str(broken)) from None
    plain = [question.as_dict() for question in shuffle_options(questions, seed_key=seed_key)]
    texts = [text for question in questions for text in question.texts()]
    if any(len(text) > LONGEST_TEXTS[field] for field, text in texts):
        raise Unacceptable("a question, an option or its feedback is too long")
    if len({" ".join(question.stem.casefold().split()) for question in questions}) < len(questions):
        raise Unacceptable("two questions are the same")
    if _gives_itself_away(plain):
        raise Unacceptable("the right option is the longest in most questions")
    for field, text in texts:
        if set("{}") & set(text):
            raise Unacceptable("holds braces: a quiz has no placeholders")
        _check_text(text, _QUIZ_TONE[field])
    _check_language(" ".join(text for _, text in texts), task.language)
    return plain


def _parsed(answer: str, shape: type[Shape]) -> Shape:
    if len(answer) > LONGEST_ANSWER:
        raise Unacceptable(f"answer: longer than {LONGEST_ANSWER} characters")
    try:
        return shape.model_validate_json(answer)
    except ValidationError as error:
        where, rule = first_broken_rule(error)
        # A name that the shape has not is the model's, and could be anything.
        known = [str(part) for part in where if isinstance(part, int) or part in _FIELDS]
        raise Unacceptable(f"{'.'.join(known) or 'answer'}: {rule}") from None


def _tidy(text: str) -> str:
    """Return the text composed, with one kind of line end and no space at the end of a line."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _check_text(text: str, tone: Iterable[str], titles: Iterable[str] = ()) -> None:
    if _hides_something(text):
        raise Unacceptable("holds a character that is not seen")
    # Wide letters and dots that only look like dots are compared as what they stand for.
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u3002", ".")
    for rule, pattern in _FORBIDDEN.items():
        if pattern.search(plain):
            raise Unacceptable(rule)
    named = [span for title in titles for span in _spans(_whole_words(title), plain)]
    for rule in tone:
        for begin, end in _spans(_tone(rule), plain):
            if not any(first <= begin and end <= last for first, last in named):
                raise Unacceptable(rule)


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Return where the group of the pattern stands, also where one begins within another."""
    return [found.span(1) for found in pattern.finditer(text)]


def _whole_words(title: str) -> re.Pattern[str]:
    """Return what finds a title as whole words: a course called C is no part of others."""
    words = re.escape(unicodedata.normalize("NFKC", title).casefold())
    return re.compile(rf"(?<![^\W_])(?=({words})(?![^\W_]))")


def _hides_something(text: str) -> bool:
    if _BLANK.search(text):
        return True
    if text.replace("\n", "").isprintable():  # as nearly every text is; joiners are not
        return False
    return any(
        before <= _LAST_LATIN or unicodedata.category(before)[0] not in "LM"
        if character in _JOINERS
        else unicodedata.category(character) in _REFUSED_CATEGORIES and character != "\n"
        for before, character in pairwise(f"\n{text}")
    )


@cache
def _tone(rule: str) -> re.Pattern[str]:
    longest_first = sorted(_TONE[rule], key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?=({'|'.join(map(re.escape, longest_first))}))")


def _check_language(text: str, language: str) -> None:
    words = _words(text)
    shares = {
        known: sum(word in vocabulary for word in words) / max(len(words), 1)
        for known, vocabulary in _vocabularies().items()
    }
    wanted = shares.get(language, 0.0)
    if wanted < ALIKE_SHARE or wanted < max(shares.values()):
        raise Unacceptable("is not in the language that was asked for")


@cache
def _vocabularies() -> Mapping[str, frozenset[str]]:
    """Return the words of the templates by language."""
    nudges, quizzes = templates.load_nudges(), templates.load_quizzes()
    return {
        language: frozenset(
            word
            for text in (
                *(entry.content for entry in nudges[language].nudges),
                *(
                    text
                    for entry in quizzes.get(language, quizzes[templates.DEFAULT_LOCALE]).quizzes
                    if language in quizzes
                    for question in entry.questions
                    for _, text in question.texts()
                ),
            )
            for word in _words(text)
        )
        for language in nudges
    }


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text.replace(PLACEHOLDER, " "))]


def _gives_itself_away(questions: list[QuestionDict]) -> bool:
    """Return whether choosing the longest option is right in most questions."""
    longest = 0
    for question in questions:
        lengths = [len(option["text"]) for option in question["options"]]
        right = lengths.pop(question["answer_index"])
        longest += right > LONGER_BY * max(lengths)
    return 2 * longest > len(questions)
