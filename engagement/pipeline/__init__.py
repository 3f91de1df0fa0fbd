"""Runs of notebooks: configured, executed, published whole or not at all, with what they leave behind."""
