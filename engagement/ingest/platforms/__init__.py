"""Exports of learning platforms, recognised by what stands in them, become learners and events in our columns."""
