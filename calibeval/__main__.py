"""`python -m calibeval` and the console script."""

import sys

from calibeval.cli.screen import signals


def run() -> None:
    """Run the command line of this process and exit with its code."""
    signals.end_on_signals()
    signals.fill_closed_streams()
    from calibeval.cli.main import main

    code = main()
    signals.finish()
    sys.exit(code)


if __name__ == "__main__":
    run()
