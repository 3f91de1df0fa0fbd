"""What a row of texts means: values, nothing, nobody, or a reason why nobody can tell. As SQL, for many at a time."""
