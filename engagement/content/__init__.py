"""What a nudge or a quiz may be: its rules, its templates, and quizzes as files for learning platforms."""
