from typing import Any

import pytest

from engagement.content.quiz import Question, read_questions, shuffle_options
from engagement.content.templates import load_quizzes
from engagement.errors import InvalidInput


def question(number: int = 1, **changes: Any) -> dict[str, Any]:
    options = [{"text": f"option {letter}", "feedback": "a word on it"} for letter in "abcd"]
    fine = {"id": f"q{number}", "stem": "Which one?", "options": options, "answer_index": 0}
    return fine | {"explanation": "Because.", "difficulty": "easy"} | changes


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ([question(1), question(2)], "at least 3"),
        ([question(n) for n in range(11)], "at most 10"),
        ([question(1), question(2), question(2)], "same id"),
        ([question(1), question(2), question(3, answer_index=4)], r"questions\.2\.answer_index.*less than 4"),
        ([question(1), question(2), question(3, answer_index=True)], "valid integer"),
        ([question(1), question(2), question(3, options=question()["options"][:3])], "at least 4"),
        ([question(1), question(2), question(3, difficulty="fiendish")], "'easy', 'medium' or 'hard'"),
        ([question(1), question(2), question(3, explanation="  ")], "at least 1"),
        ([question(1), question(2), question(3, stem="a\u202eb")], "writing direction"),
        ([question(1), question(2), question(3, hint="extra")], "not permitted"),
        ("three questions", "valid tuple"),
    ],
)
def test_a_quiz_that_breaks_a_rule_is_refused(raw: object, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        read_questions(raw)


def test_options_that_differ_only_in_case_and_space_are_refused() -> None:
    options = [{"text": text, "feedback": "a word"} for text in ("Yes", " yes ", "no", "perhaps")]
    with pytest.raises(InvalidInput, match="two of the four are the same"):
        read_questions([question(1), question(2), question(3, options=options)])


def test_the_same_seed_gives_the_same_quiz_whatever_order_the_options_came_in() -> None:
    original = load_quizzes()["en"].on("reading").questions
    turned = tuple(
        Question.model_validate(
            q.as_dict() | {"options": q.as_dict()["options"][::-1], "answer_index": 3 - q.answer_index}
        )
        for q in original
    )
    assert shuffle_options(original, seed_key="k") == shuffle_options(turned, seed_key="k")
    assert shuffle_options(original, seed_key="k") != shuffle_options(original, seed_key="l")
