"""What comes in before a run: files that its pipeline names, those of an inbox, and what a load would do."""
