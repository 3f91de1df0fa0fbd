"""What is kept of loads: their record and quarantine, how a source is read, and what its loads were like."""
