"""The commands that bring files in: load, what was refused, and how sources are read."""
