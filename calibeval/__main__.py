"""`python -m calibeval` and the console script."""

import sys

from calibeval.cli.main import main


def run() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(main())


if __name__ == "__main__":
    run()
