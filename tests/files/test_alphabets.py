"""A guess that makes no words of a text's bytes is known as one, in whatever language the text is."""

import pytest

from engagement.errors import InvalidInput
from engagement.files.alphabets import Sample, codec

WESTERN = {
    "German": "Jürgen Weiß, Ärzte für Übungen, „Kurs“ – Größe",
    "French": "Éloïse Lefèvre, François Benoît, Hélène Dûmont, Lætitia, Où, l’Hôpital",
    "Spanish": "José Núñez, Íñigo Muñoz, ¿Qué?, Ibáñez",
    "Portuguese": "João Conceição, Inês Simões, Gonçalves",
    "Italian": "Nicolò, Verità, Perché, Mosè",
    "Catalan": "Núria Solà, Cèlia, França, col·lega",
    "Nordic": "Søren Kjær, Åse Bjørnstad, Björn Ångström, Mäkinen",
    "Icelandic": "Guðrún Þórðardóttir, Ingiþór, Ragnheiður, Ýr, Sævar",
    "Estonian": "Tõnu Põder, Õie, Külli, Žanna",
    "Irish": "Seán Ó Súilleabháin, Gráinne",
    "Dutch": "Zoë, Daniël, Café, Geïnd",
}
OTHERS = {
    "Czech": ("cp1250", "Zdeněk Štěpánek, Jiří Dvořák, Růžena Kovářová"),
    "Polish": ("cp1250", "Paweł Wałęsa, Grażyna Żółć, Małgorzata"),
    "Hungarian": ("cp1250", "Győző Szőke, Enikő Szűcs, Jenő"),
    "Romanian": ("cp1250", "Ştefan Ionuţ, Mădălina"),
    "Croatian": ("cp1250", "Đorđe Petrović, Ilić, Božić"),
    "Czech, ISO": ("iso8859_2", "Šárka Štěpánková, Ľuboš Žák"),
    "Russian": ("cp1251", "Иван Петров, Ольга"),
    "Russian, KOI": ("koi8_r", "Иван Петров, Ольга"),
    "Bulgarian, DOS": ("cp866", "Иван Петров"),
    "Ukrainian": ("cp1251", "Їжак Київський"),
    "Turkish": ("cp1254", "Çağlar Yılmaz, Ayşe Doğan, Gülşah"),
    "Greek": ("cp1253", "Γιώργος Παπαδόπουλος"),
    "Latvian": ("cp1257", "Jānis Bērziņš, Ģirts, Ķirsis"),
    "Hebrew": ("cp1255", "דוד לוי"),
    "Arabic": ("cp1256", "محمد علي"),
    "Thai": ("cp874", "สมชาย"),
    "Spanish on a Mac": ("mac_roman", "José Núñez, Zoë Niño"),
    "French on a Mac": ("mac_roman", "Hélène, Zoë, Müller"),
    "German in DOS": ("cp850", "Größe, Schröder"),
    "Japanese": ("shift_jis", "山田 太郎, すずき いちろう"),
    "Chinese": ("gb18030", "王伟, 张丽华"),
    "Chinese, traditional": ("big5", "陳大文, 王小明"),
    "Korean": ("euc_kr", "김민수, 이영희"),
}


def sample(text, encoding):
    return Sample((text.encode(encoding),), 1)


@pytest.mark.parametrize("text", WESTERN.values(), ids=WESTERN)
def test_words_of_any_western_language_are_words(text):
    for some in (text, *text.split(", ")):
        assert sample(some, "cp1252").is_plausible("cp1252"), some


@pytest.mark.parametrize(("encoding", "text"), OTHERS.values(), ids=OTHERS)
def test_what_is_in_another_encoding_is_told_by_its_words_and_the_encoding_named(encoding, text):
    found = sample(text, encoding)
    assert not found.is_plausible("cp1252")
    assert f"`--encoding {encoding}`" in found.advice("cp1252")


def test_a_few_signs_within_words_of_a_long_text_are_no_reason_to_doubt_it():
    words = [f"Müller{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200)]
    assert sample(", ".join([*words, "Kurs†"]), "cp1252").is_plausible("cp1252")
    assert not sample(", ".join([*words[:20], "Kurs†"]), "cp1252").is_plausible("cp1252")


def test_advice_spells_no_name():
    advice = sample("Zdeněk Štěpánek", "cp1250").advice("cp1252")
    assert advice.startswith("try `--encoding cp1250` (its letters are á, ě, Š)")
    assert sample("Zdeněk\u00a0Š\u00ad", "cp1250").advice("cp1252").isprintable()
    assert "太" not in sample("山田 太郎", "shift_jis").advice("cp1252")


@pytest.mark.parametrize(
    "name", ["", "cp9999", "hex", "base64", "utf-7", "idna", "unicode_escape", "a\0b", "x" * 99]
)
def test_an_encoding_of_no_text_is_refused_with_those_there_are(name):
    with pytest.raises(
        InvalidInput, match="there is none of that name; there are utf-8, utf-16, cp1252, cp1250"
    ):
        codec(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("latin1", "cp1252"),
        ("Shift-JIS", "cp932"),
        ("GBK", "gb18030"),
        ("ISO-8859-9", "cp1254"),
        ("UTF_8", "utf-8"),
    ],
)
def test_what_people_call_an_encoding_is_the_larger_one_that_programs_write(name, meant):
    assert codec(name) == meant
