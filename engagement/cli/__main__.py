"""`python -m engagement.cli`."""

from engagement.cli import main

main()
