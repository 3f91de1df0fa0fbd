"""What the text in a cell means, kind by kind, as SQL: a value, nothing, or a reason why nobody can tell."""
