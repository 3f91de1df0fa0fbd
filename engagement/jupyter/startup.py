"""What must happen before a heavy library is imported for the first time."""

import sys


def skip_iri_grammar() -> None:
    """Keep `jsonschema` from compiling a grammar for IRIs, which takes seconds and checks nothing we have.

    `nbformat` imports `jsonschema`, and with it papermill, nbconvert and the first plotly figure shown in a
    kernel. Without the grammar `jsonschema` leaves the format "iri" unchecked; notebooks have no such field.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
