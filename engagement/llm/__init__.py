"""The model: what it is asked, what it answers, what that costs, and what it must not say."""
