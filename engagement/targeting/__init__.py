"""Whom a run contacts, about what and how, and who waits by chance for a comparison."""
