"""Files of other programs become checked tables; what cannot be read is kept in the quarantine."""
