"""One word for one thing, wherever people read: on the page, in a terminal, in reports, notebooks and the README."""

import ast
import json
import re

import pytest

from engagement.settings import PROJECT
from engagement.vocabulary import CHANNEL_WORDS, TYPE_WORDS

PACKAGE = PROJECT / "engagement"
OF_SOURCES = {"names.py", "oulad.py"}  # what others call somebody is read there
# What is said, and what else somebody might say for it.
AVOIDED = {
    "learner": r"students?|pupils?|trainees?",
    "program": r"programmes?",
    "at high risk": r"high[- ]risk learners?|in danger",
    "predicted": r"foretold",
    "subject": r"with the matter",
    TYPE_WORDS["behind_pace"]: r"behind pace",
    CHANNEL_WORDS["whatsapp"]: r"(?-i:Whatsapp|Whats App)",
    CHANNEL_WORDS["in_app"]: r"(?-i:In app\b)",
    CHANNEL_WORDS["email"]: r"e-mails? mails?|emailed",
    "a day as 1 March 2026": r"0\d (?:January|February|March|April|May|June|July|August|September|October|November"
    r"|December)",
    "a plural where there are several": r"\b1 tries|none of \d+ groups|a hidden number",
}


def sentences():
    """Yield each text that people read, with where it stands."""
    page = PACKAGE / "dashboard" / "static" / "shared" / "words.en.js"
    for file in (
        page,
        PROJECT / "README.md",
        *PACKAGE.rglob("templates/*.html.j2"),
        *PACKAGE.rglob("templates/**/*.html"),
    ):
        yield file, file.read_text(encoding="utf-8")
    for file in PROJECT.glob("notebooks/*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        shown = [json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells]
        yield (
            file,
            "\n".join(["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"] + shown),
        )
    for file in [file for file in PACKAGE.rglob("*.py") if file.name not in OF_SOURCES]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        yield file, "\n".join(text for text in texts if " " in text.strip())  # what has no space is a code


READ = list(sentences())


@pytest.mark.parametrize("word", AVOIDED)
def test_a_thing_has_one_name(word):
    found = [
        (file.relative_to(PROJECT).as_posix(), said[0])
        for file, text in READ
        for said in re.finditer(rf"\b(?:{AVOIDED[word]})\b", text, re.IGNORECASE)
    ]
    assert found == []
