"""The search for learners by names, ids and addresses: every word of it, in any order, in any case, without accents."""

from typing import Final

_MOST_WORDS: Final = 8


def searched_text(parts: str) -> str:
    """Return SQL for what a search looks in, from SQL for its parts, one after the other."""
    return f"strip_accents(lower(concat_ws(chr(10), {parts})))"


def conditions(search: str, column: str) -> tuple[list[str], dict[str, object]]:
    """Return the conditions that a search sets on a column made by `searched_text`, and what they bind."""
    words = search.split()[:_MOST_WORDS]
    named: dict[str, object] = {f"word_{at}": word for at, word in enumerate(words)}
    return [f"contains({column}, strip_accents(lower(${name})))" for name in named], named
