"""The tables that say what a statement comes to, one beside each module: where things stand in it, and its rules."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput

_TABLES: Final = Path(__file__).parent
_EACH: Final = "each"  # where a message holds several
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "score": ("", "best", "newest"),
    "enrolment": ("", "begins", "goes on", "ends"),
    "unit": ("", "done", "seen"),
}


@dataclass(frozen=True, eq=False)
class Rules:
    """What a table says: the path of each place, several where the first that holds something counts, and the rules."""

    places: Mapping[str, Sequence[str]]
    each: str  # the path of what holds several acts; empty where each line is one
    rules: pd.DataFrame

    def with_types(self, types: Mapping[str, str]) -> pd.DataFrame:
        """Return a row for each pair of patterns, first those that somebody says of verbs: {"viewed": "login"}."""
        said = [_rule({"verb": [verb], "type": type_}) for verb, type_ in types.items()]
        rules = pd.concat([pd.DataFrame(said), self.rules]) if said else self.rules
        rules = rules.assign(number=range(len(rules)))
        return rules.explode("verbs").explode("objects")


@cache
def rules_of(name: str) -> Rules:
    """Return the table of that name; `InvalidInput` for one that somebody has changed into what cannot be read."""
    file = _TABLES / f"{name}.toml"
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        places = {place: list(paths) for place, paths in read["places"].items()}
        rules = pd.DataFrame([_rule(rule) for rule in read["rule"]])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{file.name}: cannot be read as a table of rules: {error}") from None
    return Rules(places, "".join(places.pop(_EACH, [])), rules)


def _rule(written: Mapping[str, object]) -> dict[str, object]:
    rest = dict(written)
    rule = {
        "verbs": rest.pop("verb"),
        "objects": rest.pop("object", ["*"]),
        "of_profile": rest.pop("profile", ""),
        "only_alone": rest.pop("alone", False),
        "only_scored": rest.pop("scored", False),
        "type": rest.pop("type", ""),
        "own": rest.pop("own", True),
        **{name: rest.pop(name, "") for name in _ALLOWED},
    }
    if rest:
        raise KeyError(", ".join(rest))
    for name, allowed in _ALLOWED.items():
        if rule[name] not in allowed:
            raise KeyError(f"{name} = {rule[name]!r}")
    return rule
