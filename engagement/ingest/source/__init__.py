"""A file or frame as it comes: its columns, how it writes things, its rows as text with their place."""
