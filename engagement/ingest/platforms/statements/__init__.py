"""Logs of what people did, a statement or an event on a line: a table says what each kind comes to with us."""
