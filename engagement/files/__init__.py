"""Files of other programs become tables of text, each row with its place; a file that is none is refused by name."""
