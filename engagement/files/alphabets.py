"""Whether what an encoding makes of bytes are words: what can be told of a guess, and of what to try instead.

Nearly every byte is some letter in Windows-1252, so that it can be read as a whole and be wrong in every name: `Zdenìk`
for `Zdeněk`. Detectors that count letters need pages of text; a table has a name here and there. So each word is held
against how languages write: its letters are those of one alphabet, a cedilla stands before a, o or u, a dash in no
word. A word of letters that most encodings share tells nothing.
"""

import codecs
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from engagement.errors import InvalidInput

# What is called so is mostly written in the larger set of the same bytes; browsers read it so, too.
_MEANT: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_NO_TEXT: Final = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
_WORD: Final = re.compile(r"[A-Za-z\x80-\U0010ffff]*[\x80-\U0010ffff][A-Za-z\x80-\U0010ffff]*")
_BEFORE: Final = "“„‘‚«‹¿¡–—•\xa0"
_AFTER: Final = "”’“»›–—…™®\xa0"
_WITHIN: Final = re.compile("[’·\xad\xa0]")  # l’Hôpital, col·lega
# Windows-1252, 1250, 1254 and 1257 have most of these in the same places.
_SHARED: Final = re.compile("[a-záâäçéëíîóôöúüýßšž]+")

_GERMAN: Final = "[a-zäöüß]+"
_ICELANDIC: Final = "þ?(?:[abdefghijklmnoprstuvxyáéíóúýö]|æ(?!$)|(?<!^)ð|(?<=[lí])þ|þ(?=[jóúr]))+"
_WESTERN: Final = (
    _GERMAN,
    _ICELANDIC,
    "[a-zåäöøéüæ]*[a-zåäöøéü]",  # Danish, Finnish, Norwegian, Swedish
    "(?:[a-zàâéêëîïôœüÿ]|û(?=t|l|r|m|n|ch|$)|ç(?=[aouâôû])|è(?!$)|æ(?=[cdlnqt])|ù$)+",  # French
    "[a-zü]*[áéíóú]?(?:[a-zü]|ñ[áéíóú]?)*",  # Spanish
    "[a-z]*(?:[àéìíòóù]|(?<!i)è)",  # Italian
    "(?:[a-zïüç]*(?:[àéíòóú]|è(?!$)))?[a-zïüç]*",  # Catalan
    "(?:[a-záâàéêíóôúü]|ç(?=[aouãõáâóôú])|ã(?=[oes]|$)|õ(?=e))+",  # Portuguese
    "(?:[a-bd-pr-väöüšž]|õ(?!$|s$))+",  # Estonian
    "(?:[a-zëïéöüêôâ]|è(?!$))+",  # Dutch, Afrikaans
    "[a-ilmnoprstuáéíóú]+",  # Irish
    "[a-zëç]+",  # Albanian
)
_CENTRAL: Final = (
    _GERMAN,
    "[a-záčďéěíňóřšťúůýžäĺľŕô]+",  # Czech, Slovak
    "[a-pr-uwyząćęłńóśźż]+",  # Polish
    "[a-záéíóöőúüű]+",  # Hungarian
    "[a-zčćđšž]+",  # Bosnian, Croatian, Serbian, Slovene
    "[a-zăâîşţ]+",  # Romanian
)
_TURKISH: Final = ("[a-zçğıöşüâîû]+",)
_BALTIC: Final = ("[a-ząčęėįšųūž]+", "[a-zāčēģīķļņšūž]+", "[a-zäõöüšž]+")
_CYRILLIC: Final = ("[а-яёіїєґђјљњћќџўѓѕ]+",)
_HAN: Final = "一-鿿"


@dataclass(frozen=True)
class _Reading:
    """What words look like in an encoding; of a character of two bytes, within which its first is in frequent ones."""

    words: tuple[str, ...]
    first_byte: tuple[int, int] | None = None
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile("|".join(f"(?:{word})" for word in self.words)))


# By the names under which people find them, frequent ones first.
_READINGS: Final = {
    "cp1252": _Reading(_WESTERN),
    "cp1250": _Reading(_CENTRAL),
    "cp1251": _Reading(_CYRILLIC),
    "cp1254": _Reading(_TURKISH),
    "mac_roman": _Reading(_WESTERN),
    "gb18030": _Reading((f"[{_HAN}]+",), (0xB0, 0xD7)),
    "shift_jis": _Reading((f"[ぁ-んァ-ヶー々{_HAN}]+",), (0x81, 0x98)),
    "big5": _Reading((f"[{_HAN}]+",), (0xA4, 0xC6)),
    "euc_kr": _Reading(("[가-힣]+",), (0xB0, 0xC8)),
    "euc_jp": _Reading((f"[ぁ-んァ-ヶー々{_HAN}]+",), (0xA1, 0xCF)),
    "cp1253": _Reading(("[α-ωάέήίόύώϊϋΐΰ]+",)),
    "cp1257": _Reading(_BALTIC),
    "cp1255": _Reading(("[א-ת\u05b0-\u05c7]+",)),
    "cp1256": _Reading(("[ء-يًٌٍَُِّْپچژگکی]+",)),
    "cp874": _Reading(("[ก-๛]+",)),
    "iso8859_2": _Reading(_CENTRAL),
    "koi8_r": _Reading(_CYRILLIC),
    "iso8859_5": _Reading(_CYRILLIC),
    "cp850": _Reading(_WESTERN),
    "cp852": _Reading(_CENTRAL),
    "cp866": _Reading(_CYRILLIC),
    "mac_cyrillic": _Reading(_CYRILLIC),
    "mac_latin2": _Reading(_CENTRAL),
}
ENCODINGS: Final = tuple(_READINGS)
_ODD_SHARE: Final = 0.3  # of the words that tell something
_ODD_OF_ALL: Final = 0.02  # a sign or two between letters stand in any file
_FITS: Final = 0.8
_OFFERED: Final = 3
_SHOWN: Final = 5  # letters


def codec(name: str) -> str:
    """Return what Python calls an encoding; `InvalidInput` where there is none of that name.

    >>> codec("Windows-1250"), codec("latin1"), codec("UTF8")
    ('cp1250', 'cp1252', 'utf-8')
    """
    try:
        found = codecs.lookup(name).name
        io.TextIOWrapper(io.BytesIO(), encoding=found)  # which takes no codec of something else
    except (LookupError, ValueError, UnicodeError):
        found = ""
    if not found or found in _NO_TEXT:
        raise InvalidInput(
            f"encoding {name[:40]!r}: there is none of that name; there are utf-8, utf-16, {', '.join(_READINGS)} "
            "and others"
        )
    return _MEANT.get(found, found)


@dataclass(frozen=True)
class Sample:
    """Lines of a file that are not all ASCII, and where the first of them stands."""

    lines: tuple[bytes, ...]
    first: int

    def letters(self, encoding: str) -> str:
        """Return some letters beyond ASCII that the encoding makes of it, sorted: they name nobody."""
        found = {
            sign
            for word in self._words(encoding)
            for sign in word
            if not sign.isascii() and sign.isprintable()
        }
        return ", ".join(sorted(found)[:_SHOWN])

    def is_plausible(self, encoding: str) -> bool:
        """Return whether hardly any word that tells something is odd; yes where nothing is known of the encoding."""
        if encoding not in _READINGS:
            return True
        words = self._words(encoding)
        telling = [word for word in words if not _tells_nothing(word)]
        odd = sum(not _is_word(word, encoding) for word in telling)
        return odd <= _ODD_SHARE * len(telling) or odd < _ODD_OF_ALL * len(words)

    def advice(self, encoding: str) -> str:
        """Return what to try instead of the encoding, with the letters that come of it."""
        options = [
            f"`--encoding {other}`"
            + ("" if _READINGS[other].first_byte else f" (its letters are {self.letters(other)})")
            for other in self._better(encoding)
        ]
        return f"try {', '.join(options)}" if options else "`--encoding` says which it is in"

    def _better(self, encoding: str) -> list[str]:
        """Return the encodings that make words of it rather than this one, best first."""
        shares = {other: self._share(other) for other in _READINGS if other != encoding}
        best = max(shares.values())
        fitting = [other for other, share in shares.items() if share >= max(_FITS, best - 0.1)]
        return sorted(fitting, key=lambda other: -shares[other])[:_OFFERED]

    def _words(self, encoding: str) -> dict[str, None]:
        return dict.fromkeys(_words_of(line.decode(codec(encoding), "replace") for line in self.lines))

    def _share(self, encoding: str) -> float:
        """Return the share of words among those that it makes; 0 where it cannot read every line."""
        try:
            words = dict.fromkeys(_words_of(line.decode(codec(encoding)) for line in self.lines))
        except UnicodeDecodeError:
            return 0.0
        return sum(_is_word(word, encoding) for word in words) / max(1, len(words))


def _words_of(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for found in _WORD.finditer(text):
            word = found[0].lstrip(_BEFORE)
            word = word.rstrip(_AFTER + ("‘" if found[0].startswith("‚") else ""))
            if not word.isascii() and any(map(str.isalpha, word)):
                yield word


def _tells_nothing(word: str) -> bool:
    parts = _WITHIN.split(word)
    return all(part.isascii() or (not _is_mixed(part) and _SHARED.fullmatch(part.lower())) for part in parts)


def _is_word(word: str, encoding: str) -> bool:
    reading = _READINGS[encoding]
    return all(part.isascii() or _fits(part, reading, encoding) for part in _WITHIN.split(word))


def _fits(part: str, reading: _Reading, encoding: str) -> bool:
    if _is_mixed(part):
        return False
    lower = part.replace("İ", "i").lower()
    if reading.first_byte:
        low, high = reading.first_byte
        if not all(low <= sign.encode(codec(encoding))[0] <= high for sign in part):
            return False
    return bool(reading.pattern.fullmatch(lower))


def _is_mixed(part: str) -> bool:
    """Return whether a capital beyond ASCII follows a small letter, as in no word: `JosŽ`."""
    return any(
        last.islower() and sign.isupper() and not sign.isascii() for last, sign in itertools.pairwise(part)
    )
