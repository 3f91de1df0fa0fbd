"""What Moodle calls things, in the languages of those who export: a new language needs a word in a row here.

What a column is, is told by its place and by what stands in it wherever that can be; words are for the rest.
"""

import re
from typing import Final

FIRST: Final = ("First name", "Vorname", "Prénom", "Nombre", "Nome", "Voornaam")
LAST: Final = (
    *("Surname", "Last name", "Nachname", "Nom", "Nom de famille", "Apellido(s)", "Cognome", "Achternaam"),
)
WHOLE: Final = ("Name", "Full name", "Nom", "Nom complet", "Nombre", "Nome", "Naam", "Vollständiger Name")
NUMBER: Final = (
    *("ID number", "ID-Nummer", "Numéro d'identification", "Numéro d’identification", "Número de ID"),
    *("Numero ID", "Codice identificativo", "ID-nummer"),
)
EMAIL: Final = (
    *("Email address", "E-Mail-Adresse", "Adresse de courriel", "Dirección de correo", "Indirizzo email"),
    *("E-mailadres", "Email"),
)
USERNAME: Final = ("Username", "Anmeldename", "Nom d'utilisateur", "Nom d’utilisateur", "Nombre de usuario")
PHONE: Final = ("Phone", "Telefon", "Téléphone", "Teléfono", "Telefono", "Mobile phone", "Mobiltelefon")
GROUPS: Final = ("Groups", "Gruppen", "Groupes", "Grupos", "Gruppi", "Groepen")
# Of a log.
DESCRIPTION: Final = ("Description", "Beschreibung", "Descripción", "Descrizione", "Beschrijving")
TIME: Final = ("Time", "Zeit", "Heure", "Date", "Hora", "Orario", "Tijd")
ACTOR: Final = (
    *("User full name", "Vollständiger Name", "Nom complet de l'utilisateur", "Nom complet de l’utilisateur"),
    *("Nom complet", "Nombre completo del usuario", "Full name"),
)
# Of the grades, quizzes and custom reports.
SUSPENDED: Final = re.compile(r"(?i)suspended|gesperrt|ausgesetzt|suspendue?|suspendido|sospeso")
COURSE_ACCESS: Final = re.compile(
    r"(?i)(?=.*(access|zugriff|accès|acceso|acesso))(?=.*(course|kurs|cours|corso)\b).*"
)
STARTED: Final = re.compile(r"(?i)time started|zeit begonnen|startzeit|.*(début|commenc|iniciad|inizi).*")
COURSE_NAME: Final = re.compile(
    r"(?i)course short name|kurzer kursname|kurzname des kurses|nom (abrégé|court) du cours|nombre corto.*"
)
STATUS: Final = ("Status", "Statut", "Estado", "Stato", "État")
ROLE: Final = ("Role", "Rolle", "Rôle", "Rol", "Ruolo")
ENROLLED: Final = frozenset({"active", "aktiv", "actif", "activo", "attivo", "actief", "actuelle"})
YES: Final = frozenset({"yes", "ja", "oui", "sí", "sì"})
NEVER: Final = frozenset({"never", "nie", "jamais", "nunca", "mai", "nooit"})
_TEACHERS: Final = re.compile(
    r"(non-editing |editing )?teacher|manager|course creator|trainer/?-?(in)?.*|kursersteller.*|manager/?-?in.*|"
    r"enseignant.*|gestionnaire|créateur.*|profesor.*|gestor.*|docente.*|insegnante.*",
    re.IGNORECASE,
)
# A state begins so where something is done; what is set by somebody has their name behind it.
DONE: Final = r"(?i)(completed|abgeschlossen|terminé|achevé|finalizado|completado|completato|voltooid)\b"
STATE: Final = (
    r"(?i)(not completed|nicht abgeschlossen|pas terminé|non terminé|non achevé|no finalizado|"
    r"sin finalizar|non completato|niet voltooid)\b|" + DONE
)
# Of what is not read.
MOST: Final = (
    *("Maximum Grade", "Bestwertung", "Note maximale", "Calificación máxima", "Valutazione massima"),
    *("Maximumcijfer", "Maximale cijfer"),
)
SORTED: Final = re.compile(
    r"(?i).*\b(sort by|sortiert nach|trier par|ordenar por|ordina per|sorteer op)\b.*"
    r"\b(ascending|descending|aufsteigend|absteigend|(dé)?croissant|(as|des)cendente|(de)?crescente|oplopend|aflopend)"
)
OUTLINE: Final = (
    ("Activity", "Views", "Last access"),
    ("Aktivität", "Zugriffe", "Letzter Zugriff"),
    ("Activité", "Consultations", "Dernier accès"),
    ("Actividad", "Vistas", "Último acceso"),
)
QUIZZES: Final = r"(?i)(quiz|test|cuestionario|toets)"


def is_of_teachers(role: str) -> bool:
    """Return whether a role is not a learner's.

    >>> is_of_teachers("Non-editing teacher"), is_of_teachers("Student")
    (True, False)
    """
    return bool(_TEACHERS.fullmatch(role.strip()))
