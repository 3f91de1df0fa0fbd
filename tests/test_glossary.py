"""One word for one thing, wherever people read: page, terminal, reports, mail, notebooks, README, decisions, guides."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engagement.settings import PROJECT
from engagement.vocabulary import CHANNEL_WORDS, STATUS_WORDS, TYPE_WORDS

PACKAGE = PROJECT / "engagement"
# What others call somebody is read there.
OF_SOURCES = {
    *(
        file
        for file in PACKAGE.rglob("*.py")
        if file.name in {"header.py", "left_out.py", "names.py", "oulad.py"}
    ),
    *PACKAGE.glob("ingest/platforms/**/*.py"),
}
HELP = {
    PACKAGE / "api.py",
    PACKAGE / "__init__.py",
    *PACKAGE.glob("cli/**/*.py"),
}  # whose docstrings are read, too
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
# What is said, and what else somebody might say for it.
AVOIDED = {
    "learner": r"(?<!test )students?|pupils?|trainees?",
    "program": r"programmes?",
    "at high risk": r"high[- ]risk learners?|in danger",
    "predicted": r"foretold",
    "subject": r"with the matter",
    TYPE_WORDS["behind_pace"]: r"behind pace",
    CHANNEL_WORDS["whatsapp"]: r"(?-i:Whatsapp|Whats App)",
    CHANNEL_WORDS["in_app"]: r"(?-i:In app\b)",
    CHANNEL_WORDS["email"]: r"e-mails? mails?|emailed",
    "a day as 1 March 2026": rf"0\d (?:{MONTHS})|(?<=:%)d %B",  # written so, not read
    "a plural where there are several": r"\b1 tries|none of \d+ groups|a hidden number",
}
# The same, but not where only programmers read: an error has a message, and a process waits. A text for a learner may
# call itself one.
AVOIDED_BEFORE_READERS = {
    "what would help": r"remed(?:y|ies)",
    "nudge": r"(?<!eg\.)(?<!%\()(?<!reply to this )messages?(?!: \")",
    STATUS_WORDS[
        "draft"
    ]: r"drafts?,? (?:(?:that|which|is|are|already|still) )*wait(?:s|ing)?|waiting (?:drafts?|nudges?|quiz\w*)"
    r"|waits? (?:for|in) (?:the queue for )?(?:your |a person's |its )?(?:approval|review)|(?-i:Waiting)|pending",
}


def notebook(file: Path) -> str:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    told = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return "\n".join(told + [json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells])


@cache
def texts_of(file: Path) -> tuple[list[str], list[str]]:
    """Return the texts of a module with a space in them (without one it is a code), and its docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = list(ast.walk(tree))
    docstrings = {
        node.body[0].value: None
        for node in nodes
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    }
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    ]
    return [text for text in texts if " " in text.strip()], [node.value for node in docstrings]


def without_mentions(text: str) -> str:
    """Return a text about words without those that it only mentions."""
    return re.sub(r'"[^"]*"|`[^`]*`', "", text)


def newest_section(changelog: str) -> str:
    return re.split(r"^## ", changelog, flags=re.MULTILINE)[1]


def read() -> Iterator[tuple[Path, str]]:
    """Yield each text that people read, with where it stands."""
    for file in (
        PACKAGE / "dashboard" / "static" / "shared" / "words.en.js",
        PACKAGE / "dashboard" / "static" / "shared" / "words.data.en.js",
        PROJECT / "README.md",
        PROJECT / "Makefile",
        PROJECT / ".env.example",
        *PROJECT.glob("pipelines/*.toml"),
        *PACKAGE.rglob("templates/*.html.j2"),
        *PACKAGE.rglob("templates/**/*.html"),
    ):
        yield file, file.read_text(encoding="utf-8")
    for file in (*PROJECT.glob(".github/decisions/*.md"), *PROJECT.glob(".github/guides/*.md")):
        yield file, without_mentions(file.read_text(encoding="utf-8"))
    changelog = PROJECT / "CHANGELOG.md"
    yield changelog, newest_section(changelog.read_text(encoding="utf-8"))
    for file in PROJECT.glob("notebooks/*.ipynb"):
        yield file, notebook(file)
    for file in PACKAGE.rglob("*.py"):
        if file not in OF_SOURCES:
            texts, docstrings = texts_of(file)
            yield file, "\n".join(texts + (docstrings if file in HELP else []))


def documented() -> Iterator[tuple[Path, str]]:
    for file in PACKAGE.rglob("*.py"):
        if file not in OF_SOURCES:
            yield file, "\n".join(texts_of(file)[1])


# Read by the first test that asks: every process imports this module, and one runs its tests.
@cache
def all_read() -> list[tuple[Path, str]]:
    return list(read())


def found(avoided: str, texts: list[tuple[Path, str]]) -> list[tuple[str, str]]:
    return [
        (file.relative_to(PROJECT).as_posix(), said[0])
        for file, text in texts
        for said in re.finditer(rf"\b(?:{avoided})\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("word", AVOIDED)
def test_a_thing_has_one_name(word):
    assert found(AVOIDED[word], [*all_read(), *documented()]) == []


def test_a_share_stands_as_15_percent_with_a_space():
    glued = re.compile(r"(?m)(?:^|\d)%(?=[\s,.;)])")
    told = [
        (file, text) for file, text in all_read() if file.suffix != ".js"
    ]  # a browser writes it as its language does
    assert [
        (file.name, said.string[said.start() :][:30]) for file, text in told for said in glued.finditer(text)
    ] == []


@pytest.mark.parametrize("word", AVOIDED_BEFORE_READERS)
def test_a_thing_has_one_name_before_readers(word):
    assert found(AVOIDED_BEFORE_READERS[word], all_read()) == []
