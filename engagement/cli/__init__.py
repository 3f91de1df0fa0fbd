"""The command line: reads the clock and the settings once, calls the rooms below, prints for people or as JSON."""


def main() -> None:
    """Run it."""
    from engagement.cli.app import main

    main()
