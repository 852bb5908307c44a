"""How many random cases a test draws: what finds faults in the suite, and ten times as many by `make fuzz`."""

from __future__ import annotations

import os


def draws(suite: int) -> int:
    """The number of cases, of which the suite draws so many."""
    return suite * (10 if "CALIBEVAL_FUZZ" in os.environ else 1)
