"""Pages, charts and summaries of runs, for people who read and never ask."""
