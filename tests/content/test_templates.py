"""The templates themselves are data; most of these tests read every one of them."""

import json
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engagement.content.generation import Generation
from engagement.content.names import PLACEHOLDER, fill
from engagement.content.nudge_text import LENGTHS
from engagement.content.quiz import QuestionDict, read_questions
from engagement.content.templates import (
    FOLDER,
    ORDERS,
    VARIANTS,
    drawn,
    load_nudges,
    load_quizzes,
    nudge,
    quiz,
)
from engagement.errors import InvalidInput
from engagement.store import Store, first_row
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

LOCALES = ("en", "de")
NUDGES = [(locale, text) for locale in LOCALES for text in load_nudges()[locale].nudges]
QUIZZES = [(locale, text) for locale in LOCALES for text in load_quizzes()[locale].quizzes]
NUDGE_WORDS = [words for _, text in NUDGES for words in (text.subject, text.content) if words]
QUIZ_WORDS = [
    words
    for _, text in QUIZZES
    for question in text.questions
    for words in (
        question.stem,
        question.explanation,
        *(option.text for option in question.options),
        *(option.feedback for option in question.options),
    )
]
FORTY_CHARACTERS = "Longname" * 5

BLAME = (
    r"\b(?:you must|have to|should have|fail\w*|lazy|fault|blame|disappoint\w*|urgent\w*|immediately|hurry"
    r"|last chance|falling behind|fallen behind|too late|warning|at risk|drop(?:ping)? out|unfortunately"
    r"|poor|weak|bad|worse|guarantee\w*|depress\w*|anxi\w*|lonely"
    r"|musst|müsstest|solltest|hättest|versag\w*|faul\w*|schuld|enttäusch\w*|dringend\w*|sofort"
    r"|letzte chance|zu spät|mahnung|warnung|risiko|abbrech\w*|abbruch|leider"
    r"|schlecht\w*|schwach\w*|garantier\w*|ängst\w*|angst)\b"
)


def questions_of(generation: Generation) -> list[QuestionDict]:
    assert isinstance(generation.content, list)
    return generation.content


def keys(generation: Generation) -> list[str]:
    return [question["options"][question["answer_index"]]["text"] for question in questions_of(generation)]


def places(generation: Generation) -> list[int]:
    return [question["answer_index"] for question in questions_of(generation)]


# Coverage and shape


def test_every_type_and_channel_has_three_variants_in_each_language() -> None:
    counts = Counter((locale, text.type, text.channel) for locale, text in NUDGES)
    assert counts == {
        (loc, type, channel): 3 for loc in LOCALES for type in NUDGE_TYPES for channel in CHANNELS
    }
    assert len(NUDGES) == 126


def test_no_two_nudges_share_their_words() -> None:
    assert len({text.content for _, text in NUDGES}) == 126
    assert len({text.subject for _, text in NUDGES if text.subject}) == 42


def test_variants_of_one_nudge_share_less_than_half_of_their_words() -> None:
    for locale, one in NUDGES:
        for other_locale, other in NUDGES:
            if (locale, one.type, one.channel) == (other_locale, other.type, other.channel) and one != other:
                first, second = (set(re.findall(r"\w+", text.content.casefold())) for text in (one, other))
                assert len(first & second) / len(first | second) < 0.5, (locale, one.id, other.id)


def test_nudges_fit_their_channel_with_a_name_of_forty_characters() -> None:
    assert dict(LENGTHS) == {"in_app": 280, "whatsapp": 1024, "email": 2000, "email_subject": 78}
    for _, text in NUDGES:
        assert len(fill(text.content, FORTY_CHARACTERS)) <= LENGTHS[text.channel], text.id
        assert len(fill(text.subject or "", FORTY_CHARACTERS)) <= 78, text.id


def test_only_emails_have_a_subject_and_they_close_in_paragraphs() -> None:
    closing = {"en": "Your learning team", "de": "Dein Lernteam"}
    for locale, text in NUDGES:
        assert (text.subject is not None) == (text.channel == "email"), text.id
        if text.channel == "email":
            assert text.content.split("\n\n")[-1] == closing[locale], text.id
            assert len(text.content.split("\n\n")) >= 4, text.id


def test_leaving_out_the_name_leaves_no_stray_space_or_punctuation() -> None:
    for _, text in NUDGES:
        if text.channel != "in_app":
            assert PLACEHOLDER in text.content, text.id
        without = fill(text.content, None)
        assert "{" not in without, text.id
        assert not re.search(r" [,.!?:;]|[,.!?:;]{2}|  |^[,.!?:;]", without), text.id


# What the words must not do


@pytest.mark.parametrize("words", [NUDGE_WORDS, QUIZ_WORDS], ids=["nudges", "quizzes"])
@pytest.mark.parametrize(
    "forbidden",
    [r"\d", r"%|percent|prozent", r"https?:|www\.|\b\w+\.(?:com|org|net|de)\b", "@", r"[<>=|`$]", BLAME],
    ids=["digits", "percentages", "links", "addresses", "markup", "blame"],
)
def test_no_text_holds(words: list[str], forbidden: str) -> None:
    assert [text for text in words if re.search(forbidden, text, re.IGNORECASE)] == []


def test_no_text_holds_control_or_direction_characters() -> None:
    for text in NUDGE_WORDS + QUIZ_WORDS:
        assert {unicodedata.category(character) for character in text if character != "\n"}.isdisjoint(
            {"Cc", "Cf", "Cs", "Co", "Cn"}
        ), text


def test_referrals_offer_a_person() -> None:
    person = re.compile(
        r"someone from the team|person|(?:tell|reply).* call|jemand aus dem team|mensch|anruf", re.I
    )
    for _, text in NUDGES:
        if text.type == "support_referral":
            assert person.search(text.content), text.id


# Quizzes


def test_each_language_has_four_topics_and_one_reflective_quiz() -> None:
    sizes = {(locale, text.topic): len(text.questions) for locale, text in QUIZZES}
    topics = {"planning": 5, "taking notes": 5, "remembering": 5, "reading": 5, None: 4}
    assert sizes == {(locale, topic): size for locale in LOCALES for topic, size in topics.items()}


def test_no_option_means_all_or_none_of_the_others() -> None:
    catch_all = re.compile(
        r"(?:all|none|both) of (?:the above|these)|alle (?:der )?genannten|kein\w* der|beides stimmt", re.I
    )
    options = [option.text for _, text in QUIZZES for q in text.questions for option in q.options]
    assert len(options) == 192
    assert [option for option in options if catch_all.search(option)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_length_does_not_give_the_key_away(locale: str) -> None:
    longest = shortest = 0
    for text in load_quizzes()[locale].quizzes:
        for q in text.questions:
            lengths = [len(option.text) for option in q.options]
            assert max(lengths) <= 1.4 * min(lengths), q.id
            others = [length for place, length in enumerate(lengths) if place != q.answer_index]
            longest += lengths[q.answer_index] > max(others)
            shortest += lengths[q.answer_index] < min(others)
    # Of 24 keys, 6 would be the longest, and 6 the shortest, by chance.
    assert longest <= 8
    assert shortest <= 8


@pytest.mark.parametrize("locale", LOCALES)
def test_feedback_is_there_for_every_option_and_never_repeated(locale: str) -> None:
    for text in load_quizzes()[locale].quizzes:
        feedback = [option.feedback for q in text.questions for option in q.options]
        assert len(set(feedback)) == len(feedback), text.id
        assert {q.difficulty for q in text.questions} == {"easy", "medium", "hard"}, text.id


def test_keys_in_the_files_stand_in_each_place_equally_often() -> None:
    for locale in LOCALES:
        counts = Counter(q.answer_index for text in load_quizzes()[locale].quizzes for q in text.questions)
        assert counts == {0: 6, 1: 6, 2: 6, 3: 6}


# Drawing a nudge


def test_same_key_draws_the_same_nudge_and_all_three_are_reached() -> None:
    drawn = [
        nudge(
            type="praise", channel="in_app", locale="en", variant_key=f"learner-{n}|nightly|2026-W45"
        ).fallback_id
        for n in [*range(60), *range(60)]
    ]
    assert drawn[:60] == drawn[60:]
    assert set(drawn) == {"praise.in_app.1.en", "praise.in_app.2.en", "praise.in_app.3.en"}


@pytest.mark.parametrize("choices", [1, VARIANTS, 7, ORDERS])
def test_the_store_draws_as_python_does(store: Store, choices: int) -> None:
    keys = ["", "a", "Zoë|nightly|2026-W45", *(f"learner-{n}|nightly|2026-W45" for n in range(50))]
    with store.read() as db:
        in_sql = [first_row(db, "select drawn($key, $n)", {"key": key, "n": choices})[0] for key in keys]
    assert in_sql == [drawn(key, choices) for key in keys]


def test_who_has_drawn_already_gets_the_same_texts() -> None:
    for key in ("a", "b", "c", "d"):
        variant, order = drawn(key, VARIANTS) + 1, drawn(key, ORDERS)
        wanted = {"type": "praise", "channel": "email", "locale": "en"}
        assert nudge(**wanted, variant=variant) == nudge(**wanted, variant_key=key)
        assert quiz(topic="reading", locale="en", order=order) == quiz(
            topic="reading", locale="en", seed_key=key
        )


def test_every_order_of_a_quiz_is_another_one() -> None:
    texts = [quiz(topic="planning", locale="en", order=order).content for order in range(ORDERS)]
    assert len({json.dumps(text) for text in texts}) == ORDERS


def test_variant_is_the_digest_modulo_three() -> None:
    # sha256("a"). As 16 is 1 modulo 3, a number leaves what the sum of its hexadecimal digits leaves.
    digits = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert sum(int(digit, 16) for digit in digits) % 3 == 1
    drawn = nudge(type="welcome", channel="email", locale="en", variant_key="a")
    assert drawn.fallback_id == "welcome.email.2.en"


def test_a_nudge_says_that_a_template_stood_in_and_keeps_the_placeholder() -> None:
    drawn = nudge(type="welcome", channel="email", locale="de", variant_key="a", reason="timeout")
    assert drawn.gpt_fallback
    assert drawn.prompt_version == "template-1.0"
    assert drawn.reason == "timeout"
    assert drawn.subject == "Ein guter Anfang: zwei feste Zeiten in der Woche"
    assert PLACEHOLDER in str(drawn.content)
    assert drawn.as_contract() == {
        "content": drawn.content,
        "prompt_version": "template-1.0",
        "gptFallback": True,
    }


@pytest.mark.parametrize(
    ("asked", "given_in"),
    [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("en-GB", "en"), ("sw", "en"), ("", "en"), (None, "en")],
)
def test_a_locale_falls_back_to_its_language_and_then_to_english(asked: str | None, given_in: str) -> None:
    drawn = nudge(type="praise", channel="email", locale=asked, variant_key="a")
    assert drawn.fallback_id == f"praise.email.2.{given_in}"
    assert quiz(topic=None, locale=asked, seed_key="a").fallback_id == f"reflective.{given_in}"


@pytest.mark.parametrize(("type", "channel"), [("scolding", "email"), ("praise", "fax")])
def test_an_unknown_type_or_channel_is_refused(type: str, channel: str) -> None:
    with pytest.raises(InvalidInput, match="unknown, allowed are"):
        nudge(type=type, channel=channel, locale="en", variant_key="a")


# Drawing a quiz


@pytest.mark.parametrize(
    ("topic", "id"),
    [
        ("planning", "planning.en"),
        ("  Taking   NOTES ", "notes.en"),
        ("astronomy", "reflective.en"),
        ("  ", "reflective.en"),
        (None, "reflective.en"),
    ],
)
def test_a_topic_without_a_template_gets_the_reflective_quiz(topic: str | None, id: str) -> None:
    assert quiz(topic=topic, locale="en", seed_key="a").fallback_id == id


def test_places_of_the_key_are_balanced_after_every_shuffle() -> None:
    seen = set()
    for seed in range(50):
        five = places(quiz(topic="planning", locale="en", seed_key=str(seed)))
        four = places(quiz(topic=None, locale="en", seed_key=str(seed)))
        assert sorted(Counter(five).values()) == [1, 1, 1, 2], seed
        assert sorted(four) == [0, 1, 2, 3], seed
        seen.add(tuple(five))
    assert len(seen) > 25


def test_shuffling_keeps_every_option_and_the_right_key() -> None:
    original = load_quizzes()["en"].on("remembering").questions
    drawn = quiz(topic="remembering", locale="en", seed_key="any")
    assert keys(drawn) == [q.options[q.answer_index].text for q in original]
    for before, after in zip(original, questions_of(drawn), strict=True):
        assert {option.text: option.feedback for option in before.options} == {
            option["text"]: option["feedback"] for option in after["options"]
        }


def test_a_quiz_is_plain_data_with_the_contract_around_it() -> None:
    drawn = quiz(topic="planning", locale="de", seed_key="a")
    contract = json.loads(json.dumps(drawn.as_contract()))
    assert set(contract) == {"content", "prompt_version", "gptFallback"}
    assert [q["id"] for q in contract["content"]] == [f"planning-{n}" for n in range(1, 6)]
    assert len(read_questions(contract["content"])) == 5


# Files edited by hand


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "fallbacks"))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")


FIRST = "behind_pace.in_app.1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["nudges"].pop(), "1 of 63 texts are missing, first praise.email.3"),
        (lambda raw: raw["nudges"].append(raw["nudges"][0]), f"{FIRST}: stands there twice"),
        (lambda raw: raw["nudges"][0].update(content="x" * 281), f"{FIRST}: content: longer than 280"),
        (
            lambda raw: raw["nudges"][0].update(content="Hi {name}, hello."),
            f"{FIRST}: content: the only placeholder",
        ),
        (
            lambda raw: raw["nudges"][0].update(content="{first_name}, hello."),
            f"{FIRST}: content: .* does not stand",
        ),
        (
            lambda raw: raw["nudges"][0].update(content="Hi, {first_name}!"),
            f"{FIRST}: content: .* does not stand",
        ),
        (
            lambda raw: raw["nudges"][0].update(content="two\nlines"),
            f"{FIRST}: content: in_app is a single line",
        ),
        (lambda raw: raw["nudges"][0].update(subject="Hello"), f"{FIRST}: subject: e-mails have one"),
        (lambda raw: raw["nudges"][0].update(variant=4), f"{FIRST}: variant: .*less than or equal to 3"),
        (lambda raw: raw["nudges"][0].update(type="scolding"), f"{FIRST}: type: "),
        (lambda raw: raw["nudges"][0].update(channel="fax"), f"{FIRST}: channel: allowed are in_app"),
        (lambda raw: raw["nudges"][0].update(id="other"), "other: id: is not type.channel.variant"),
        (lambda raw: raw["nudges"][0].pop("id"), r"nudges\.0: id: Field required"),
        (
            lambda raw: raw["nudges"][3].update(content="Hello."),
            r"behind_pace.whatsapp.1: content: .* is missing",
        ),
        (
            lambda raw: raw["nudges"][6].update(subject="x" * 79),
            "behind_pace.email.1: subject: longer than 78",
        ),
        (
            lambda raw: raw["nudges"][6].update(subject="a\nb"),
            "behind_pace.email.1: subject: is not a single line",
        ),
        (lambda raw: raw.pop("version"), "version: Field required"),
        (lambda raw: raw.update(locale="de"), "locale: is not the one"),
    ],
)
def test_a_broken_nudge_file_is_named_with_its_entry_and_rule(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(folder / "nudges.en.json", change)
    with pytest.raises(InvalidInput, match=rf"^nudges\.en\.json: {message}"):
        load_nudges(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["quizzes"].pop(), "the reflective quiz, with topic null, is missing"),
        (lambda raw: raw["quizzes"][1].update(topic=" Planning"), "two quizzes have the same topic"),
        (lambda raw: raw["quizzes"][1].update(id="planning"), "planning: stands there twice"),
        (
            lambda raw: raw["quizzes"][1]["questions"][2]["options"].pop(),
            r"notes: questions\.2\.options: .*at least 4",
        ),
    ],
)
def test_a_broken_quiz_file_is_named_with_its_entry_and_rule(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(folder / "quizzes.de.json", change)
    with pytest.raises(InvalidInput, match=rf"^quizzes\.de\.json: {message}"):
        load_quizzes(folder)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""], ids=["cut off", "not UTF-8", "empty"])
def test_a_file_that_is_no_json_is_named(folder: Path, content: bytes) -> None:
    (folder / "nudges.de.json").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^nudges\.de\.json: cannot be read as JSON"):
        load_nudges(folder)


@pytest.mark.parametrize("content", ["[]", "null", '{"version": "1.0", "locale": "de", "nudges": 3}'])
def test_a_file_of_another_shape_is_named(folder: Path, content: str) -> None:
    (folder / "nudges.de.json").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"^nudges\.de\.json: "):
        load_nudges(folder)


def test_a_folder_without_english_is_refused(folder: Path) -> None:
    (folder / "nudges.en.json").unlink()
    with pytest.raises(InvalidInput, match=r"^nudges\.en\.json: not found"):
        load_nudges(folder)


def test_another_language_needs_only_its_file(folder: Path) -> None:
    shutil.copy(folder / "nudges.en.json", folder / "nudges.fr.json")
    edit(folder / "nudges.fr.json", lambda raw: raw.update(locale="fr", version="2.1"))
    drawn = nudge(type="praise", channel="email", locale="fr-CA", variant_key="a", folder=folder)
    assert drawn.fallback_id == "praise.email.2.fr"
    assert drawn.prompt_version == "template-2.1"
