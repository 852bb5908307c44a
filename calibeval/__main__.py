"""`python -m calibeval` and the console script."""

import gc
import sys

from calibeval.cli.screen import signals

# Imports make many objects, and all of them stay: with Python's own 700, the search for unused ones among them takes a
# tenth of the time of a small report.
OBJECTS = 250_000


def run() -> None:
    """Run the command line of this process and exit with its code."""
    gc.set_threshold(OBJECTS)
    signals.end_on_signals()
    signals.fill_closed_streams()
    try:
        from calibeval.cli.main import main
    except (MemoryError, ImportError, OSError) as error:
        if not _lacks_memory(error):
            raise
        sys.stderr.write("there is not enough memory to start\n")
        sys.exit(3)
    code = main()
    gc.freeze()  # whatever is left ends with the process, so nothing is searched for what nobody uses any more
    signals.finish()
    sys.exit(code)


def _lacks_memory(error: BaseException) -> bool:
    """Whether there was no memory for what could not be imported."""
    if isinstance(error, MemoryError):
        return True
    from calibeval.core.errors import lacks_memory

    return lacks_memory(error)


if __name__ == "__main__":
    run()
