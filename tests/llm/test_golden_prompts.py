"""Prompts as they are sent, each with an answer that a good model would give: what a reviewer reads.

A case is a file in `tests/prompts`; the instructions that many cases share lie in `tests/prompts/instructions`. With
RECORD_PROMPTS=1 in the environment both are written anew from what the code sends, and the differences are there to
be read.
"""

import json
import os
import re
from pathlib import Path

import pytest

from engagement.content import templates
from engagement.content.names import PLACEHOLDER
from engagement.jupyter.startup import skip_iri_grammar
from engagement.llm import guardrails, prompts
from engagement.outreach import nudges, quizzes
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

FOLDER = Path(__file__).parent / "prompts"
CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
NUDGES = [name for name in CASES if name.startswith("nudge.")]
QUIZZES = [name for name in CASES if name.startswith("quiz.")]
LOCALES = ("en", "de")
INSTRUCTIONS = {
    **{
        f"nudge.{channel}.{language}": prompts.nudge_task(channel, language)
        for channel in CHANNELS
        for language in LOCALES
    },
    **{f"quiz.{language}": prompts.quiz_task(language) for language in LOCALES},
}

RECORDING = os.environ.get("RECORD_PROMPTS") == "1"
HOW_TO_RECORD = (
    "is no longer what is recorded. If it is meant, make a new version (see engagement/llm/prompts/versions.toml), "
    "then write the records with RECORD_PROMPTS=1 .venv/bin/pytest tests/llm/test_golden_prompts.py "
    "and read what changed."
)

# The measure: long sentences and long words are what makes a message hard to read. German builds longer words.
MOST_WORDS_PER_SENTENCE = 18
LONG_WORD = {"en": 12, "de": 16}
MOST_LONG_WORDS = 0.03

OFFERS = {
    "en": r"\b(?:reply|you (?:could|can|choose)|if you (?:would )?like|would you like|minutes?|look|think|try|read)\b",
    "de": r"\b(?:antworte|du kannst|wenn du (?:magst|möchtest)|möchtest du|minuten|überleg|sieh|denk|lies)\b",
}
PRESSING = {
    "en": r"\b(?:must|have to|should|need to|urgent\w*|immediately|hurry|at once|too late|behind|deadlines?|warnings?"
    r"|finally|fail\w*|unfortunately|last chance|never again|cannot wait|as soon as possible)\b",
    "de": r"\b(?:musst|müsstest|sollst|solltest|sofort|dringend|unbedingt|endlich|zu spät|fristen?|mahnung|warnung"
    r"|verpass\w*|versäum\w*|versag\w*|leider|letzte chance|schnellstens|so schnell wie möglich)\b",
}
PERSONAL = ("id", "name", "email", "phone")


def language(name):
    return name.rsplit(".", maxsplit=1)[1]


def task(name):
    context = CASES[name]["context"]
    wanted = nudges.WANTED if name in NUDGES else quizzes.WANTED
    return wanted.task(context.get("channel", ""), context["locale"])


def prompt(name):
    """Return the prompt for a case, as it is made for one learner."""
    context, titles = CASES[name]["context"], CASES[name]["titles"]
    if name in NUDGES:
        data, variant = prompts.nudge_data, context["variant"]
    else:
        data, variant = prompts.quiz_data, context["option_order"] % templates.VARIANTS + 1
    return prompts.one(task(name), data, context, variant=variant, titles=titles, prefix="")


def texts(name):
    """Return every text of the answer to a case."""
    answer = CASES[name]["answer"]
    if name in NUDGES:
        return list(answer.values())
    return [
        text
        for question in answer["questions"]
        for text in (
            question["stem"],
            question["explanation"],
            *(text for option in (question["right"], *question["wrong"]) for text in option.values()),
        )
    ]


def sentences(name):
    """Return the sentences of an answer as lists of words; a line, a title or an option ends one, too."""
    text = "\n".join(texts(name)).replace(PLACEHOLDER, "Name")
    parts = re.split(r"[.!?:]\s|[.!?]?\n+|[.!?]$", text)
    found = [re.findall(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*", part) for part in parts]
    return [words for words in found if words]


def recorded(path, text):
    """Return what is recorded there, after writing it where that is asked for."""
    if RECORDING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.skip(f"recorded {path.name}")
    return path.read_text(encoding="utf-8") if path.exists() else None


# What is sent


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instructions_are_the_recorded_ones(name):
    text = f"{INSTRUCTIONS[name].instructions}\n"
    found = recorded(FOLDER / "instructions" / f"{name}.txt", text)
    assert text == found, f"{name}.txt {HOW_TO_RECORD}"


def test_no_instructions_are_recorded_that_nobody_gets():
    assert {path.stem for path in (FOLDER / "instructions").iterdir()} <= set(INSTRUCTIONS)


@pytest.mark.parametrize("name", CASES)
def test_a_prompt_is_the_recorded_one(name):
    sent = prompt(name).data
    as_json = json.dumps({**CASES[name], "prompt": sent}, ensure_ascii=False, indent=2)
    found = recorded(FOLDER / f"{name}.json", f"{as_json}\n")
    assert json.loads(found)["prompt"] == sent, f"{name}.json {HOW_TO_RECORD}"


def test_the_cases_cover_every_type_channel_and_language():
    contexts = [(CASES[name]["context"], CASES[name]["titles"]) for name in NUDGES]
    assert {context["type"] for context, _ in contexts} == set(NUDGE_TYPES)
    pairs = {(context["channel"], context["locale"][:2]) for context, _ in contexts}
    assert pairs == {(channel, locale) for channel in CHANNELS for locale in LOCALES}
    assert {bool(titles) for _, titles in contexts} == {True, False}
    assert {context["variant"] for context, _ in contexts} == {1, 2, 3}
    asked = {(language(name), bool(CASES[name]["context"]["topic"])) for name in QUIZZES}
    assert asked == {(locale, with_topic) for locale in LOCALES for with_topic in (True, False)}


@pytest.mark.parametrize("name", CASES)
def test_a_prompt_tells_nothing_personal(name):
    """Neither in the lines nor in an answer: no name, address or number, and no title nobody confirmed."""
    context, titles = CASES[name]["context"], CASES[name]["titles"]
    secrets = [part for key in PERSONAL for part in (context[key], *context[key].split())]
    secrets += [
        context[key] for key in ("program", "topic") if context.get(key) and context[key] not in titles
    ]
    lines = prompt(name).data
    for text in (lines, *texts(name)):
        assert [secret for secret in secrets if secret.casefold() in text.casefold()] == []
        assert "sentinel" not in text.casefold()
        assert "@" not in text
    assert re.findall(r"\d", lines.partition("\nstyle: ")[0].partition("\nvariant: ")[0]) == []


# What comes back


@pytest.mark.parametrize("name", CASES)
def test_an_answer_has_the_shape_that_was_asked_for(name):
    skip_iri_grammar()
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(task(name).schema)
    jsonschema.validate(CASES[name]["answer"], task(name).schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", NUDGES)
def test_an_answer_passes_the_checks_of_a_nudge(name):
    answer = CASES[name]["answer"]
    passed = guardrails.nudge(json.dumps(answer), task(name))
    assert passed == (answer.get("subject"), answer["body"])


@pytest.mark.parametrize("name", QUIZZES)
def test_an_answer_passes_the_checks_of_a_quiz(name):
    questions = guardrails.quiz(json.dumps(CASES[name]["answer"]), task(name), seed_key=name)
    asked = CASES[name]["answer"]["questions"]
    assert [question["stem"] for question in questions] == [question["stem"] for question in asked]
    keys = [question["options"][question["answer_index"]] for question in questions]
    assert keys == [question["right"] for question in asked]


@pytest.mark.parametrize("name", NUDGES)
def test_a_nudge_keeps_the_form_that_the_instructions_ask_for(name):
    channel, body = CASES[name]["context"]["channel"], CASES[name]["answer"]["body"]
    assert re.match(r"\w+ \{first_name\},", body)
    assert max(len(words) for words in sentences(name)) <= MOST_WORDS_PER_SENTENCE
    words, paragraphs = len(body.split()), body.split("\n\n")
    match channel:
        case "in_app":
            assert len(body) <= 200
            assert "\n" not in body
            assert len(sentences(name)) <= 2
        case "whatsapp":
            assert 30 <= words <= 70
            assert "\n" not in body
        case "email":
            assert 60 <= words <= 120
            assert 4 <= len(paragraphs) <= 6  # two to four between greeting and closing
            assert paragraphs[-1] in {"Your learning team", "Dein Lernteam"}
            assert len(CASES[name]["answer"]["subject"]) <= 60


@pytest.mark.parametrize("name", NUDGES)
def test_a_nudge_in_the_second_style_opens_with_a_question(name):
    body = CASES[name]["answer"]["body"]
    first = re.split(r"(?<=[.!?])\s", body.partition(",")[2])[0]
    assert first.endswith("?") == (CASES[name]["context"]["variant"] == 2)


@pytest.mark.parametrize("name", QUIZZES)
def test_a_quiz_keeps_the_form_that_the_instructions_ask_for(name):
    for question in CASES[name]["answer"]["questions"]:
        options = [question["right"], *question["wrong"]]
        lengths = [len(option["text"]) for option in options]
        assert len(question["stem"].split()) <= 25
        assert max(len(option["text"].split()) for option in options) <= 12
        assert max(len(option["feedback"].split()) for option in options) <= 12
        assert max(lengths) <= 1.4 * min(lengths)
        assert lengths[0] <= max(lengths[1:])
    levels = [question["difficulty"] for question in CASES[name]["answer"]["questions"]]
    assert levels == sorted(levels, key=["easy", "medium", "hard"].index)


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_easy_to_read(name):
    words = [word for sentence in sentences(name) for word in sentence]
    long_words = [word for word in words if len(word) > LONG_WORD[language(name)]]
    assert len(words) / len(sentences(name)) <= MOST_WORDS_PER_SENTENCE
    assert len(long_words) / len(words) <= MOST_LONG_WORDS, long_words


@pytest.mark.parametrize("name", CASES)
def test_an_answer_offers_and_does_not_press(name):
    text = "\n".join(texts(name)).casefold()
    assert re.search(OFFERS[language(name)], text)
    assert re.findall(PRESSING[language(name)], text) == []


@pytest.mark.parametrize("name", NUDGES)
def test_a_nudge_offers_an_answer_from_a_person(name):
    assert re.search(r"\b(?:reply|antworte)\b", CASES[name]["answer"]["body"], re.IGNORECASE)


@pytest.mark.parametrize("name", CASES)
def test_an_answer_holds_no_numbers(name):
    assert [text for text in texts(name) if re.search(r"\d|%", text)] == []


def test_answers_to_other_prompts_are_other_answers():
    bodies = [CASES[name]["answer"]["body"] for name in NUDGES]
    subjects = [CASES[name]["answer"]["subject"] for name in NUDGES if "subject" in CASES[name]["answer"]]
    assert len(set(bodies)) == len(bodies)
    assert len(set(subjects)) == len(subjects)
