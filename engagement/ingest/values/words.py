"""Words of a few: yes and no, ways to write to somebody, languages, time zones, in the ways that people write them."""

from collections.abc import Iterable
from typing import Final
from zoneinfo import available_timezones

from engagement.ingest.schema import FALSE_WORDS, TRUE_WORDS, Column
from engagement.ingest.values.reading import (
    Reading,
    choice_of,
    literal,
    matches,
    plain,
    said,
    without,
    written,
)

# ISO 639-1; a language without one has three letters, and is not looked up.
_LANGUAGES: Final = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
).replace(" ", "|")
_SCRIPTS: Final = "arab|beng|cyrl|deva|grek|guru|hans|hant|hebr|jpan|kore|latn|mong|thai"
# What follows is a variant of the platform's own, such as `de_kids`.
_LOCALE: Final = (
    rf"(?i)^({_LANGUAGES}|[a-z]{{3}})(?:-({_SCRIPTS}))?(?:-([a-z]{{2}}|[0-9]{{3}}))?(?:[-.@].*)?$"
)
_ZONES: Final = f"enum({', '.join(map(literal, sorted(available_timezones())))})"
_OFFSET: Final = r"(?i)^(?:utc|gmt) ?([+-])0?([0-9]{1,2})(?::?00)?$"


def flag(column: Column, *, in_own_words: bool) -> Reading:
    """Return how yes and no are read."""
    name, there = column.name, written(column.name)
    yes, no = (
        (*words, *(word for word, meant in column.words if meant == value))
        for words, value in ((TRUE_WORDS, "true"), (FALSE_WORDS, "false"))
    )
    allowed = ", ".join(("yes, no, true, false, 1, 0", *(word for word, _ in column.words[:1])))
    return Reading(
        f"case lower({name}) when 'true' then true when 'false' then false end",
        said(plain(name), column.missing, in_own_words=in_own_words),
        choice_of(there, {"true": yes, "false": no}, "boolean"),
        literal(f"neither yes nor no; read are {allowed}"),
    )


def choice(column: Column, *, in_own_words: bool) -> Reading:
    """Return how one of a few is read."""
    name, there = column.name, written(column.name)
    is_choice = " or ".join(f"{name} = '{choice}'" for choice in column.choices)
    words: dict[str, Iterable[str]] = {
        choice: [choice, *(word for word, meant in column.words if meant == choice)]
        for choice in column.choices
    }
    return Reading(
        f"case when {is_choice} then {name} end",
        said(plain(name), column.missing, in_own_words=in_own_words),
        choice_of(there, words),
        literal(f"not one of {', '.join(column.choices)}"),
    )


def locale(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a language is read: `pt_br` is pt-BR, and what a platform adds of its own is left out."""
    name, there = column.name, written(column.name)
    language, script, region = (f"regexp_extract({there}, {literal(_LOCALE)}, {part})" for part in (1, 2, 3))
    parts = (
        f"lower({language})",
        f"nullif(upper({script}[1]) || lower({script}[2:]), '')",
        f"nullif(upper({region}), '')",
    )
    return Reading(
        f"case when {matches(name, '[a-z]{2}(-[A-Z]{2})?')} and {matches(f'{name}[1:2]', _LANGUAGES)} "
        f"and {name} <> 'na' then {name} end",
        said(without(plain(name), "_", "-"), column.missing, in_own_words=in_own_words),
        f"case when regexp_matches({there}, {literal(_LOCALE)}) then concat_ws('-', {', '.join(parts)}) end",
        literal("no language, such as en or de-AT"),
    )


def timezone(column: Column, *, in_own_words: bool) -> Reading:
    """Return how a time zone is read, in any case; `$zones` has the name of each by the name in small letters."""
    name, there = column.name, written(column.name)
    sign, hours = (f"regexp_extract({there}, {literal(_OFFSET)}, {part})" for part in (1, 2))
    # of the names with an offset, the sign says how far Greenwich is ahead
    ahead = f"'etc/gmt' || translate({sign}, '+-', '-+') || {hours}"
    named = f"lower(replace({there}, ' ', '_'))"
    key = f"case when regexp_matches({there}, {literal(_OFFSET)}) then {ahead} else {named} end"
    return Reading(
        # a type of all names is looked up in a tenth of the time of a map
        f"case when try_cast({name} as {_ZONES}) is not null then {name} end",
        said(plain(name), column.missing, in_own_words=in_own_words),
        f"map_extract_value($zones, {key})",
        literal("no time zone, such as Europe/Berlin"),
    )
