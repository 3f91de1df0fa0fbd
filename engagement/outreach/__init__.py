"""Drafts of nudges and quizzes, from the prompt to what leaves after a person approved it."""
