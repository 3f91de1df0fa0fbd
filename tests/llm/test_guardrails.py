"""What a model may not write, each rule by its words, and what it may."""

import copy
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.content import templates
from engagement.content.names import NAME_LENGTH, PLACEHOLDER
from engagement.content.nudge_text import LENGTHS, check_nudge
from engagement.content.quiz import read_questions
from engagement.llm import guardrails
from engagement.llm.prompts import nudge_task, quiz_task
from engagement.vocabulary import CHANNELS

LOCALES = ("en", "de")
OPENING = {
    "en": "Hi {first_name}, one short visit to your course is enough for today.",
    "de": "Hallo {first_name}, ein kurzer Besuch in deinem Kurs reicht für heute.",
}
BODY = f"{OPENING['en']} Reply if you would like company."
EMAIL = f"{BODY}\n\nOpen one lesson and look around for five minutes.\n\nYour learning team"
SUBJECT = "A short visit"

UNSEEN = "holds a character that is not seen"
LINK = "holds a link"
ADDRESS = "holds an e-mail address"
NUMBER = "holds a telephone number or another long number"
MARKUP = "holds markup"
NAMED = "greets by a name in place of {first_name}"
BLAME = "blames or presses"
DIAGNOSIS = "diagnoses"
MACHINERY = "speaks of the machinery"
FOREIGN = "is not in the language that was asked for"
TWICE = "{first_name} stands more than once, or in the subject"
MISPLACED = "content: {first_name} does not stand between a word with a space and punctuation"
BRACES = "content: the only placeholder is {first_name}"


def written(body=BODY, **others):
    """Return the answer of a model that wrote this."""
    return json.dumps({**others, "body": body})


def nudge(body=BODY, *, channel="in_app", language="en", **others):
    return guardrails.nudge(written(body, **others), nudge_task(channel, language))


def refused(check, *given, **named):
    """Return the rule that is broken."""
    with pytest.raises(guardrails.Unacceptable) as broken:
        check(*given, **named)
    return str(broken.value)


def as_written(questions):
    """Return questions of a template as a model would write them."""
    found = []
    for question in questions:
        plain = question.as_dict()
        right = plain["options"].pop(plain["answer_index"])
        kept = {name: plain[name] for name in ("stem", "explanation", "difficulty")}
        found.append({**kept, "right": right, "wrong": plain["options"]})
    return found


QUIZ = {
    locale: as_written(templates.load_quizzes()[locale].on("planning").questions[:4]) for locale in LOCALES
}


def good_quiz(language="en"):
    """Return four questions to spoil."""
    return copy.deepcopy(QUIZ[language])


def quiz(questions, *, language="en", seed_key="seed"):
    return guardrails.quiz(json.dumps({"questions": questions}), quiz_task(language), seed_key=seed_key)


def spoiled(field, text):
    """Return a quiz with another text in one field of its second question."""
    questions = good_quiz()
    match field:
        case "right" | "feedback":
            questions[1]["right"]["text" if field == "right" else "feedback"] = text
        case "wrong":
            questions[1]["wrong"][2]["text"] = text
        case _:
            questions[1][field] = text
    return questions


# Nudges: what people wrote


def test_every_nudge_of_the_templates_would_pass():
    for locale in LOCALES:
        for text in templates.load_nudges()[locale].nudges:
            others = {"subject": text.subject} if text.subject else {}
            passed = nudge(text.content, channel=text.channel, language=locale, **others)
            assert passed == (text.subject, text.content), text.id


# Nudges: form


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_text_fills_its_channel_and_not_one_character_more(channel):
    subject = {"subject": SUBJECT} if channel == "email" else {}
    room = LENGTHS[channel] - NAME_LENGTH + len(PLACEHOLDER)
    longest = f"{BODY} {'one more visit to your course is fine ' * 60}"[:room].rstrip().ljust(room, "e")
    assert nudge(longest, channel=channel, **subject)[1] == longest
    rule = refused(nudge, f"{longest}e", channel=channel, **subject)
    assert rule == f"content: longer than {LENGTHS[channel]} characters with a name of 40"


def test_a_subject_has_78_characters_at_most():
    assert nudge(EMAIL, channel="email", subject="x" * 78)[0] == "x" * 78
    rule = refused(nudge, EMAIL, channel="email", subject="x" * 79)
    assert rule == "subject: longer than 78 characters with a name of 40"


@pytest.mark.parametrize(
    ("channel", "others"),
    [
        ("in_app", {"subject": SUBJECT}),
        ("whatsapp", {"subject": SUBJECT}),
        ("email", {}),
        ("email", {"subject": None}),
    ],
    ids=["in_app with one", "whatsapp with one", "email without", "email with null"],
)
def test_emails_and_only_emails_have_a_subject(channel, others):
    assert refused(nudge, EMAIL.replace("\n\n", " "), channel=channel, **others) == (
        "subject: e-mails have one, other channels null"
    )


def test_a_subject_is_a_single_line():
    assert refused(nudge, EMAIL, channel="email", subject="one\ntwo") == "subject: is not a single line"
    assert refused(nudge, EMAIL, channel="email", subject="one\u2028two") == UNSEEN


@pytest.mark.parametrize("line_break", ["\n", "\n\n", "\r\n", " \n ", "\t", "\u2028"], ids=ascii)
def test_line_breaks_in_a_notice_become_spaces(line_break):
    assert nudge(BODY.replace(". ", f".{line_break}")) == (None, BODY)


@pytest.mark.parametrize("channel", ["whatsapp", "email"])
@pytest.mark.parametrize("text", ["", "  \n\t "], ids=["nothing", "space"])
def test_an_empty_text_is_refused(channel, text):
    assert refused(nudge, text, channel=channel, subject=SUBJECT) == "empty: a text is needed"
    assert refused(nudge, EMAIL, channel=channel, subject=text) == "empty: a text is needed"


@pytest.mark.parametrize(
    ("channel", "body", "subject", "rule"),
    [
        ("in_app", BODY.replace("first_name", "name"), None, BRACES),
        ("in_app", f"{BODY} {{}}", None, BRACES),
        ("in_app", f"{BODY} }}", None, BRACES),
        ("in_app", f"{BODY} {{{{ first_name }}}}", None, BRACES),
        ("in_app", f"{BODY} Thank you {{first_name}}.", None, TWICE),
        ("whatsapp", f"{BODY} Thank you {{first_name}}.", None, TWICE),
        ("email", EMAIL, "For you {first_name}: a visit", TWICE),
        ("email", EMAIL, "For {name}", BRACES.replace("content", "subject")),
        ("email", EMAIL, "{first_name}, a visit", MISPLACED.replace("content", "subject")),
        ("in_app", BODY.replace("Hi {first_name}", "{first_name}"), None, MISPLACED),
        ("in_app", BODY.replace("Hi {first_name},", "Hi {first_name}"), None, MISPLACED),
        ("in_app", BODY.replace("Hi {first_name}", "Hi, {first_name}"), None, MISPLACED),
        ("whatsapp", BODY.replace("Hi {first_name}", "Hi  {first_name}"), None, MISPLACED),
        ("in_app", f"{BODY} This is {{first_name}}'s course.", None, MISPLACED),
        ("whatsapp", BODY.replace(" {first_name}", ""), None, "content: {first_name} is missing"),
        ("email", EMAIL.replace(" {first_name}", ""), SUBJECT, "content: {first_name} is missing"),
    ],
    ids=[
        *("another", "empty braces", "a brace", "doubled", "twice", "twice in a chat", "in the subject"),
        *("another in the subject", "first in the subject", "no greeting", "no comma", "after a comma"),
        *("two spaces", "inside a sentence", "missing in a chat", "missing in an e-mail"),
    ],
)
def test_the_placeholder_has_one_form_and_one_place(channel, body, subject, rule):
    others = {"subject": subject} if subject else {}
    assert refused(nudge, body, channel=channel, **others) == rule


def test_a_notice_may_do_without_the_name():
    assert nudge(BODY.replace("Hi {first_name}, one", "One"))[1].startswith("One short visit")


# Nudges: what they may not hold


@pytest.mark.parametrize(
    ("rule", "addition"),
    [
        (LINK, "See http://example.invalid today."),
        (LINK, "See HTTPS://EXAMPLE.INVALID today."),
        (LINK, "See www.example.invalid today."),
        (LINK, "See example.org today."),
        (LINK, "See my-course.example.de."),
        (LINK, "See lessons.online today."),
        (LINK, "See example.invalid/course today."),
        (LINK, "See example．org today."),
        (LINK, "See example。org today."),
        (LINK, "See ｅｘａｍｐｌｅ.ｏｒｇ today."),
        (ADDRESS, "Write to team@example.invalid today."),
        (ADDRESS, "Write to team＠example today."),
        (ADDRESS, "Write to team(at)example today."),
        (ADDRESS, "Write to team [at] example today."),
        (NUMBER, "Call +1-202-555-0100 today."),
        (NUMBER, "Call 2025550100 today."),
        (NUMBER, "Call (202) 555 01 00 today."),
        (NUMBER, "Call 202.555.0100 today."),
        (NUMBER, "Call 202 / 55 50 10 today."),
        (NUMBER, "Call 202 – 55 50 10 today."),
        (NUMBER, "Call 2 0 2 5 5 5 0 today."),
        (NUMBER, "Call 202‑555‑0100 today."),
        (NUMBER, "Call ２０２５５５０１００ today."),
        (NUMBER, "Call ٢٠٢٥٥٥٠١٠٠ today."),
        (NUMBER, "Your account is DE02120300000000202051."),
        (MARKUP, "This is <b>your</b> course."),
        (MARKUP, "<script>alert(1)</script>"),
        (MARKUP, "<!-- a note -->"),
        (MARKUP, "＜b＞now＜/b＞"),
        (MARKUP, "This is &lt;b&gt; here."),
        (MARKUP, "This is **your** course."),
        (MARKUP, "This is __your__ course."),
        (MARKUP, "This is *your course* today."),
        (MARKUP, "This is _your_ course."),
        (MARKUP, "This is ~your~ course."),
        (MARKUP, "This is `your` course."),
        (MARKUP, "This is ```your``` course."),
        (MARKUP, "This is [your course](here)."),
        (BLAME, "This is your fault."),
        (BLAME, "You must come back."),
        (BLAME, "We are disappointed."),
        (BLAME, "You’re lazy."),
        (BLAME, "This is your LAST CHANCE."),
        (BLAME, "It has consequences."),
        (DIAGNOSIS, "Perhaps it is a depression."),
        (DIAGNOSIS, "You may have ADHD."),
        (DIAGNOSIS, "It looks like burn-out."),
        (DIAGNOSIS, "Your mental health comes first."),
        (MACHINERY, "You are at risk."),
        (MACHINERY, "Your risk score is high."),
        (MACHINERY, "An algorithm chose you."),
        (MACHINERY, "As an AI, I can help."),
        (MACHINERY, "Our data show that."),
        (MACHINERY, "Do not drop out."),
        (MACHINERY, "This is for learner_id."),
    ],
    ids=lambda value: value.split("holds ")[-1][:40],
)
def test_a_nudge_is_refused_that_holds(rule, addition):
    assert refused(nudge, f"{OPENING['en']} {addition}") == rule
    assert refused(nudge, EMAIL, channel="email", subject=addition[:60]) == rule


@pytest.mark.parametrize(
    ("rule", "addition"),
    [
        (BLAME, "Das ist deine Schuld."),
        (BLAME, "Du bist faul."),
        (BLAME, "Sei nicht zu faul dafür."),
        (BLAME, "Wir sind enttäuscht."),
        (BLAME, "Das ist deine letzte Chance."),
        (BLAME, "Das hat Konsequenzen."),
        (DIAGNOSIS, "Vielleicht ist es eine Lernstörung."),
        (DIAGNOSIS, "Vielleicht ist es eine Angststörung."),
        (DIAGNOSIS, "Hast du eine Depression?"),
        (DIAGNOSIS, "Hast du ADHS?"),
        (MACHINERY, "Dein Risiko ist hoch."),
        (MACHINERY, "Unsere Daten zeigen das."),
        (MACHINERY, "Als KI helfe ich dir."),
        (MACHINERY, "Das schreibt ein Sprachmodell."),
    ],
    ids=lambda value: value[:40],
)
def test_a_german_nudge_is_refused_that_holds(rule, addition):
    assert refused(nudge, f"{OPENING['de']} {addition}", language="de") == rule


@pytest.mark.parametrize(
    "lines",
    [
        "- open a lesson\n- read a page",
        "* open a lesson",
        "• open a lesson",
        "1. open a lesson\n2. read a page",
        "## Today",
    ],
    ids=["dashes", "asterisk", "bullet", "numbers", "heading"],
)
def test_lists_and_headings_are_markup(lines):
    assert (
        refused(nudge, f"{BODY}\n\n{lines}\n\nYour learning team", channel="email", subject=SUBJECT) == MARKUP
    )


@pytest.mark.parametrize(
    "character",
    [
        *("\x00", "\x07", "\x1b", "\x7f", "\x85", "\xad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b"),
        *("\u200e", "\u2028", "\u202e", "\u2060", "\u2066", "\u2800", "\u3164", "\ue000", "\ufe01", "\ufeff"),
        *("\ufff9", "\u0378", "\U000e0041", "\U000e0100", "\U000f0000"),
    ],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_what_nobody_sees_is_refused(character):
    unseen = BODY.replace("short", f"sh{character}ort")
    assert refused(nudge, unseen, channel="whatsapp") == UNSEEN
    assert refused(nudge, EMAIL, channel="email", subject=f"A{character} visit") == UNSEEN


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"], ids=["non-joiner", "joiner"])
@pytest.mark.parametrize(
    "place",
    ["sho{}rt", "{}short", "short {}", "می{}{}خواهم"],
    ids=["Latin", "before", "after a space", "two"],
)
def test_a_joiner_that_joins_nothing_is_refused(joiner, place):
    assert refused(nudge, BODY.replace("short", place.format(joiner, joiner))) == UNSEEN


@pytest.mark.parametrize(
    "greeting",
    [
        *(
            "Hi Kim,",
            "hi Kim,",
            "HI KIM!",
            "Hello Kim Example,",
            "Hey, Kim,",
            "Dear Ms. Example,",
            "Dear O’Example,",
        ),
        *("Good morning Kim,", "Welcome back, Kim!", "Welcome Kim,"),
    ],
)
def test_a_greeting_by_a_made_up_name_is_refused(greeting):
    body = f"{greeting} one short visit to your course is enough for today."
    assert refused(nudge, body) == NAMED
    assert refused(nudge, f"{body} Thank you {{first_name}}!", channel="whatsapp") == NAMED


@pytest.mark.parametrize("greeting", ["Hallo Kim,", "Liebe Kim,", "Lieber Ömer Example!", "Guten Tag Kim,"])
def test_a_german_greeting_by_a_made_up_name_is_refused(greeting):
    body = f"{greeting} ein kurzer Besuch in deinem Kurs reicht für heute."
    assert refused(nudge, body, language="de") == NAMED


# Nudges: language


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("en", OPENING["de"]),
        ("de", OPENING["en"]),
        (
            "en",
            "Bonjour {first_name}, une courte visite dans ton cours suffit. Réponds si tu veux en parler.",
        ),
        ("en", "Hola {first_name}, una visita corta a tu curso es suficiente. Responde si quieres hablar."),
        ("en", "Ciao {first_name}, oggi basta una breve visita al tuo corso. Rispondi se vuoi parlare."),
        ("en", "Salve {first_name}, brevis visitatio ad cursum tuum satis est. Responde si colloqui vis."),
        ("de", "Hoi {first_name}, een kort bezoek aan je cursus is genoeg. Antwoord als je wilt praten."),
        ("de", "Hej {first_name}, et kort besøg i dit kursus er nok. Svar, hvis du vil tale med os."),
        ("en", "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor."),
        ("en", "Привет {first_name}, сегодня достаточно короткого визита. Ответьте, если хотите."),
        ("en", "null"),
        ("en", "…"),
        ("xx", BODY),
    ],
    ids=[
        *(
            "German for English",
            "English for German",
            "French",
            "Spanish",
            "Italian",
            "Latin",
            "Dutch",
            "Danish",
        ),
        *("filler", "Russian", "null", "no words", "a language without templates"),
    ],
)
def test_another_language_is_refused(language, body):
    assert refused(nudge, body, language=language) == FOREIGN


# Nudges: what is no answer


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("", "answer: Invalid JSON"),
        (BODY, "answer: Invalid JSON"),
        (f"```json\n{written()}\n```", "answer: Invalid JSON"),
        (written()[:-1], "answer: Invalid JSON"),
        (f"{written()} and so on", "answer: Invalid JSON"),
        ('{"body": "a\\ud800b"}', "answer: Invalid JSON"),
        ('{"body": "a\\udc00b"}', "answer: Invalid JSON"),
        ('{"body": "a\ud800b"}', "answer: Input should be a valid string"),
        ("[" * 10_000, "answer: Invalid JSON: recursion limit exceeded"),
        ('{"body": ' * 2_000, "answer: Invalid JSON: recursion limit exceeded"),
        (f'{{"body": {"[" * 4_000 + "]" * 4_000}}}', "answer: Invalid JSON: recursion limit exceeded"),
        (f'{{"body": {"1" * 10_000}}}', "answer: Invalid JSON: number out of range"),
        ("[]", "answer: Input should be an object"),
        (f"[{written()}]", "answer: Input should be an object"),
        ("null", "answer: Input should be an object"),
        ('"null"', "answer: Input should be an object"),
        ("7", "answer: Input should be an object"),
        ("{}", "body: Field required"),
        ('{"Body": "x"}', "body: Field required"),
        ('{"body": null}', "body: Input should be a valid string"),
        ('{"body": 7}', "body: Input should be a valid string"),
        ('{"body": NaN}', "body: Input should be a valid string"),
        ('{"body": ["a"]}', "body: Input should be a valid string"),
        ('{"body": {"text": "a"}}', "body: Input should be a valid string"),
        (written(subject=7), "subject: Input should be a valid string"),
        (written(note="more"), "answer: Extra inputs are not permitted"),
    ],
    ids=[
        *("empty", "prose", "fenced", "cut off", "prose after it", "high surrogate", "low surrogate"),
        *(
            "surrogate",
            "deep",
            "deep objects",
            "deep body",
            "digits",
            "array",
            "in an array",
            "null",
            "'null'",
        ),
        *("number", "no body", "another case", "body null", "body number", "not a number", "body array"),
        *("body object", "subject number", "extra"),
    ],
)
def test_what_is_no_answer_is_refused(answer, rule):
    assert refused(guardrails.nudge, answer, nudge_task("in_app", "en")).startswith(rule)


@pytest.mark.parametrize(
    "answer",
    [
        written("x" * 10_000_000),
        written("a" + "\u0301\u0323" * 200_000),
        "1" * 10_000_000,
        "[" * 10_000_000,
        " " * 10_000_000 + written(),
    ],
    ids=["letters", "marks to compose", "digits", "brackets", "space"],
)
def test_a_huge_answer_is_refused_unread(answer):
    rule = "answer: longer than 20000 characters"
    assert refused(guardrails.nudge, answer, nudge_task("in_app", "en")) == rule
    assert refused(guardrails.quiz, answer, quiz_task("en"), seed_key="seed") == rule


@pytest.mark.parametrize("name", ["Call Zebulon at once", "q9", "body\n", ""], ids=ascii)
def test_a_name_that_the_model_made_up_is_not_repeated(name):
    assert refused(nudge, **{name: "x"}) == "answer: Extra inputs are not permitted"
    questions = good_quiz()
    questions[2]["right"][name] = "x"
    assert refused(quiz, questions) == "questions.2.right: Extra inputs are not permitted"


# Nudges: what must pass


@pytest.mark.parametrize(
    "addition",
    [
        "Reply “yes” – or don’t – and look around… ten minutes are fine; it’s your café, too!",
        "Is a visit of 5 to 10 minutes fine, e.g. today or tomorrow (and/or at 10 a.m.)?",
        "You can read it in the snake_case lesson, where 2 * 3 * 4 < 25, and that is a start.",
        "In our Data Science course you can open one lesson.",
        "The word می\u200cخواهم is in your next lesson, if you like.",
        "The word क्\u200dष is in your next lesson, if you like.",
        "The words न\u200dम and 陶芸 are in your next lesson, if you like.",
        "You can\u00a0open one lesson.",
    ],
    ids=[
        *(
            "typography",
            "numbers",
            "signs",
            "our data",
            "Persian non-joiner",
            "Hindi joiner",
            "other scripts",
        ),
        "no-break space",
    ],
)
def test_an_ordinary_nudge_passes(addition):
    body = f"{OPENING['en']} {addition}"
    assert nudge(body, channel="whatsapp") == (None, body)


@pytest.mark.parametrize(
    "addition",
    [
        "Such dir zehn Minuten ohne Störung und öffne eine Lektion.",
        "Größe, Übung, Maß und „Fußweg“: Öffne eine Lektion und lies die erste Seite.",
        "Viele Teilnehmer*innen lesen z. B. am Abend die erste Seite, z.B. am Küchentisch.",
        "Du musst nicht alles auf einmal lesen, eine Seite reicht.",
    ],
    ids=["an undisturbed place", "umlauts", "an asterisk in a word", "must not"],
)
def test_an_ordinary_german_nudge_passes(addition):
    body = f"{OPENING['de']} {addition}"
    assert nudge(body, channel="whatsapp", language="de") == (None, body)


@pytest.mark.parametrize(
    "greeting",
    ["Welcome {first_name},", "Good morning {first_name}!", "Hi there,", "Hello and welcome back."],
)
def test_a_greeting_without_a_made_up_name_passes(greeting):
    body = f"{greeting} One short visit to your course is enough for today."
    assert nudge(body) == (None, body)


def test_accents_are_composed_and_line_ends_are_made_one_kind():
    arrived = (
        "  Hallo {first_name},\r\n\r\nein kurzer Besuch in deinem Kurs genu\u0308gt fu\u0308r heute. \r\n"
        "Dein Lernteam\r\n"
    )
    composed = "Hallo {first_name},\n\nein kurzer Besuch in deinem Kurs genügt für heute.\nDein Lernteam"
    passed = nudge(arrived, channel="email", language="de", subject=" U\u0308bung ")
    assert passed == ("Übung", composed)


# Quizzes


def test_every_quiz_of_the_templates_would_pass():
    for locale in LOCALES:
        for text in templates.load_quizzes()[locale].quizzes:
            passed = quiz(as_written(text.questions), language=locale)
            keys = [question["options"][question["answer_index"]] for question in passed]
            wanted = [question.as_dict() for question in text.questions]
            assert keys == [question["options"][question["answer_index"]] for question in wanted], text.id
            for found, original in zip(passed, wanted, strict=True):
                assert found["stem"] == original["stem"]
                assert Counter(map(str, found["options"])) == Counter(map(str, original["options"]))


def test_questions_are_numbered():
    assert [question["id"] for question in quiz(good_quiz())] == ["q1", "q2", "q3", "q4"]


def test_the_right_options_of_four_questions_stand_once_in_every_place():
    orders = set()
    for seed in range(20):
        passed = quiz(good_quiz(), seed_key=str(seed))
        places = tuple(question["answer_index"] for question in passed)
        assert sorted(places) == [0, 1, 2, 3]
        assert passed == quiz(good_quiz(), seed_key=str(seed))
        orders.add(places)
    assert len(orders) > 5


@pytest.mark.parametrize("count", [3, 10])
def test_a_quiz_may_have_three_to_ten_questions(count):
    assert len(quiz(repeated(count))) == count


def repeated(count):
    questions = good_quiz() * 3
    return [{**question, "stem": f"{question['stem']} ({n})"} for n, question in enumerate(questions)][:count]


@pytest.mark.parametrize(("count", "rule"), [(0, "at least 3"), (2, "at least 3"), (11, "at most 10")])
def test_a_quiz_of_another_length_is_refused(count, rule):
    assert rule in refused(quiz, repeated(count))


def lose(*path):
    def change(questions):
        *parents, last = path
        for step in parents:
            questions = questions[step]
        del questions[last]

    return change


def put(value, *path):
    def change(questions):
        *parents, last = path
        for step in parents:
            questions = questions[step]
        questions[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lose(1, "wrong", 0), "questions.1.options: Tuple should have at least 4 items"),
        (lambda questions: questions[1]["wrong"].append({"text": "e", "feedback": "f"}), "at most 4 items"),
        (put([], 1, "wrong"), "at least 4 items"),
        (lose(1, "wrong"), "questions.1.wrong: Field required"),
        (lose(1, "right"), "questions.1.right: Field required"),
        (lose(1, "right", "feedback"), "questions.1.right.feedback: Field required"),
        (lose(1, "explanation"), "questions.1.explanation: Field required"),
        (put("  ", 1, "explanation"), "questions.1.explanation: String should have at least 1 character"),
        (put("", 1, "wrong", 2, "feedback"), "feedback: String should have at least 1 character"),
        (put("", 1, "stem"), "questions.1.stem: String should have at least 1 character"),
        (put(None, 1, "stem"), "questions.1.stem: Input should be a valid string"),
        (put(["a"], 1, "right"), "questions.1.right: Input should be an object"),
        (
            put("fiendish", 1, "difficulty"),
            "questions.1.difficulty: Input should be 'easy', 'medium' or 'hard'",
        ),
        (put(0, 1, "answer_index"), "questions.1: Extra inputs are not permitted"),
        (put(7, 1), "questions.1: Input should be an object"),
        (put("a\u202eb", 1, "stem"), "questions.1.stem: holds a control character"),
    ],
    ids=[
        *("two wrong", "four wrong", "none wrong", "no list", "no right", "no feedback", "no explanation"),
        *("blank explanation", "empty feedback", "empty stem", "stem null", "right a list", "difficulty"),
        *("extra", "no object", "direction"),
    ],
)
def test_a_quiz_of_another_shape_is_refused(change, rule):
    questions = good_quiz()
    change(questions)
    assert rule in refused(quiz, questions)


@pytest.mark.parametrize(
    "answer", ["", "[]", "null", '{"questions": null}', '{"questions": {"0": {}}}', "[" * 10_000]
)
def test_what_is_no_quiz_is_refused(answer):
    rule = refused(guardrails.quiz, answer, quiz_task("en"), seed_key="seed")
    assert rule.startswith(("answer: ", "questions: "))


def test_two_options_that_are_the_same_are_refused():
    questions = good_quiz()
    questions[3]["wrong"][1]["text"] = f" {questions[3]['right']['text'].upper().replace(' ', '  ')}"
    assert refused(quiz, questions) == "questions.3: options: two of the four are the same"


def test_a_question_that_is_asked_twice_is_refused():
    questions = good_quiz()
    questions[3]["stem"] = f" {questions[0]['stem'].upper().replace(' ', '  ')}"
    assert refused(quiz, questions) == "two questions are the same"


@pytest.mark.parametrize(
    "text", ["All of the above are right", "None of the above", "none of these plans", "Both of the above"]
)
@pytest.mark.parametrize("field", ["right", "wrong"])
def test_an_option_that_means_all_or_none_of_the_others_is_refused(field, text):
    assert refused(quiz, spoiled(field, text)) == "names all or none of the options"


@pytest.mark.parametrize(
    "text", ["Alle genannten", "Keine der genannten", "Nichts davon", "Alle Antworten stimmen"]
)
def test_a_german_option_that_means_all_or_none_of_the_others_is_refused(text):
    questions = good_quiz("de")
    questions[0]["wrong"][0]["text"] = text
    assert refused(quiz, questions, language="de") == "names all or none of the options"


def with_longest_keys(count):
    """Return a quiz in which the right option is the longest in so many questions."""
    questions = good_quiz()
    for number, question in enumerate(questions):
        longest = max((option["text"] for option in question["wrong"]), key=len)
        question["right"]["text"] = f"{longest} and much more" if number < count else f"Plan number {number}"
    return questions


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_right_option_may_be_the_longest_in_half_of_the_questions(count):
    assert len(quiz(with_longest_keys(count))) == 4


@pytest.mark.parametrize("count", [3, 4])
def test_a_quiz_whose_longest_options_are_right_is_refused(count):
    assert refused(quiz, with_longest_keys(count)) == "the right option is the longest in most questions"


@pytest.mark.parametrize(
    ("field", "longest"),
    [("stem", 400), ("explanation", 600), ("right", 200), ("wrong", 200), ("feedback", 300)],
)
def test_a_field_of_a_quiz_has_its_length(field, longest):
    text = ("what you would like to plan for the week " * 20)[:longest].rstrip().ljust(longest, "e")
    assert len(quiz(spoiled(field, text))) == 4
    assert refused(quiz, spoiled(field, f"{text}e")) == "a question, an option or its feedback is too long"


@pytest.mark.parametrize(("asked", "given_in"), [("en", "de"), ("de", "en"), ("xx", "en")])
def test_a_quiz_in_another_language_is_refused(asked, given_in):
    assert refused(quiz, good_quiz(given_in), language=asked) == FOREIGN


@pytest.mark.parametrize("field", ["stem", "explanation", "right", "wrong", "feedback"])
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("See example.org for more of it", LINK),
        ("Write to team@example.invalid", ADDRESS),
        ("Call +1-202-555-0100 for more", NUMBER),
        ("A <b>plan</b> for the week", MARKUP),
        ("A p\u200blan for the week", UNSEEN),
        ("A plan for {first_name}, today", "holds braces: a quiz has no placeholders"),
        ("A plan } for the week", "holds braces: a quiz has no placeholders"),
        ("As an AI language model I plan", "speaks as a machine"),
    ],
    ids=["link", "address", "number", "markup", "unseen", "placeholder", "brace", "machine"],
)
def test_no_field_of_a_quiz_may_hold(field, text, rule):
    assert refused(quiz, spoiled(field, text)) == rule


@pytest.mark.parametrize("text", ["You failed to read it, look again", "That was careless of you"])
def test_a_feedback_that_blames_is_refused(text):
    assert refused(quiz, spoiled("feedback", text)) == BLAME


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("stem", "What were the consequences of the last chance to plan the week?"),
        ("stem", "Which algorithm puts the lessons of a week into an order?"),
        ("stem", "Who is at risk when a plan for the week is careless?"),
        ("explanation", "Before you divide a number by another one, you must know that it is not zero."),
        ("right", "A language model that plans"),
        ("wrong", "The lazy one of the two plans"),
        ("feedback", "Look again at what the algorithm does with all of these lessons."),
    ],
)
def test_a_quiz_may_be_about_what_a_nudge_may_not_say(field, text):
    assert len(quiz(spoiled(field, text))) == 4


def test_a_quiz_may_ask_about_answers():
    questions = good_quiz("de")
    questions[0]["stem"] = "Warum liest du in einem Quiz erst alle Antworten, bevor du eine wählst?"
    assert len(quiz(questions, language="de")) == 4


def test_texts_of_a_quiz_are_composed_and_trimmed():
    questions = good_quiz()
    questions[0]["stem"] = "  Which plan for the cafe\u0301 is right? \r\n"
    assert quiz(questions)[0]["stem"] == "Which plan for the café is right?"


# Whatever comes

MARK = "zq9"  # in every text and name that is made up, and in no rule
ODD = st.sampled_from(
    ["\x00", "\u200b", "\u200d", "\u202e", "\U000e0041", "{", "}", "\r\n", "\u2028", "ü", "<b>", "@"]
)
ANY_TEXT = st.text(max_size=20).map(lambda text: f"{MARK}{text}")
PIECES = st.sampled_from(
    [BODY, EMAIL, OPENING["de"], PLACEHOLDER, "Hi {first_name},", "{name}", "one visit", "\n", " ", "."]
)
NEAR_TEXT = st.lists(PIECES | ODD | ANY_TEXT, max_size=4).map(" ".join) | st.just(BODY) | st.just(EMAIL)
FIELDS = st.sampled_from(
    [
        "subject",
        "body",
        "questions",
        "stem",
        "right",
        "wrong",
        "text",
        "feedback",
        "explanation",
        "difficulty",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
NEAR_NUDGE = (
    st.fixed_dictionaries({"body": NEAR_TEXT})
    | st.fixed_dictionaries({"body": NEAR_TEXT, "subject": NEAR_TEXT | st.just(SUBJECT)})
    | st.fixed_dictionaries({"body": st.just(BODY), f"{MARK} body": ANY_JSON})
)
TASKS = st.sampled_from([nudge_task(channel, language) for channel in CHANNELS for language in LOCALES])
OFTEN = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def near_quizzes(draw):
    """A good quiz with a few of its parts replaced."""
    questions = good_quiz(draw(st.sampled_from(LOCALES)))
    for _ in range(draw(st.integers(0, 1))):
        question = questions[draw(st.integers(0, 3))]
        holder = draw(st.sampled_from([question, question["right"], *question["wrong"]]))
        if isinstance(holder, dict) and all(isinstance(part, str) for part in holder.values()):
            holder[draw(st.sampled_from(["text", "feedback"]))] = draw(NEAR_TEXT | ANY_JSON)
        elif draw(st.booleans()):
            question[draw(st.sampled_from(["stem", "explanation"]))] = draw(NEAR_TEXT)
    return {"questions": questions[: draw(st.sampled_from([4, 4, 3, 2]))]}


def outcome(check, *given, **named):
    """Return what passed, or None where it was refused without being quoted."""
    try:
        return check(*given, **named)
    except guardrails.Unacceptable as broken:
        rule = str(broken)
    assert MARK not in rule
    return None


def try_as_nudge(answer, task):
    if passed := outcome(guardrails.nudge, answer, task):
        subject, body = passed
        check_nudge(task.channel, subject, body)
        assert not set("{}") & set(f"{subject}{body}".replace(PLACEHOLDER, ""))
        again = written(body, **({"subject": subject} if subject else {}))
        assert guardrails.nudge(again, task) == passed


def try_as_quiz(answer, language):
    if passed := outcome(guardrails.quiz, answer, quiz_task(language), seed_key="seed"):
        assert [question.as_dict() for question in read_questions(passed)] == passed
        assert not set("{}") & {character for question in passed for character in text_of(question)}


def text_of(question):
    options = [text for option in question["options"] for text in option.values()]
    return "".join([question["stem"], question["explanation"], *options])


@OFTEN
@given(answer=st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), task=TASKS)
def test_any_text_is_refused_or_passes_as_a_nudge(answer, task):
    try_as_nudge(answer, task)
    try_as_quiz(answer, task.language)


@OFTEN
@given(answer=ANY_JSON | NEAR_NUDGE, task=TASKS)
def test_any_json_is_refused_unquoted_or_passes_as_a_nudge(answer, task):
    try_as_nudge(json.dumps(answer), task)


@OFTEN
@given(answer=ANY_JSON | near_quizzes(), language=st.sampled_from(LOCALES))
def test_any_json_is_refused_unquoted_or_passes_as_a_quiz(answer, language):
    try_as_quiz(json.dumps(answer), language)


@pytest.mark.parametrize("title", ["Mental Health Nursing", "Algorithms", "ＡＬＧＯＲＩＴＨＭＳ"])
def test_a_course_may_be_named_although_its_name_holds_a_word_that_is_refused(title):
    text = written(f"Hi {{first_name}}, one short visit to {title} is enough for today. Reply if you like.")
    with pytest.raises(guardrails.Unacceptable):
        guardrails.nudge(text, nudge_task("in_app", "en"))
    assert title in guardrails.nudge(text, nudge_task("in_app", "en"), titles=[title])[1]


def test_a_named_course_excuses_nothing_else():
    text = written(
        "Hi {first_name}, your algorithms say that you are depressed. One visit is enough for today."
    )
    with pytest.raises(guardrails.Unacceptable, match="diagnoses"):
        guardrails.nudge(text, nudge_task("in_app", "en"), titles=["Algorithms"])


PRESSING = "This is your last chance to get back to your course this week, there will be consequences if you stay away."
BLAMING = "You are lazy, and it is your fault that you are behind with your course this week."
GUESSING = "It looks like depression to us, you can come back to your course this week."


@pytest.mark.parametrize(
    "titles",
    [[], ["C"], ["R", "C"], ["IT"], ["Art"], ["L", "F"], ["Press"], ["Last"], ["You"], ["Ult"], ["a"]],
)
def test_a_short_title_hides_nothing_but_itself(titles):
    for text in (PRESSING, BLAMING, GUESSING):
        body = json.dumps({"subject": None, "body": text})
        with pytest.raises(guardrails.Unacceptable, match=r"blames or presses|diagnoses"):
            guardrails.nudge(body, nudge_task("in_app", "en"), titles=titles)
