"""The invented cohort: learners with eight weeks of past, seeded, for whoever has no data yet."""
