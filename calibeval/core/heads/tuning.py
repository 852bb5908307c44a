"""How many candidates of `--tune` are trained to the end."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_EPOCHS, LEAST_CANDIDATES = 5, 4  # with fewer epochs, all go on; so many candidates of a loss always do


def halving_epoch(epochs: int) -> int:
    """The epoch after which the worse half of the candidates stops: seven tenths of all; 0 for none.

    Earlier, high learning rates look worse than they are in the end, when the schedule has lowered them: stopping after
    two fifths of the epochs costs up to .01 nats (docs/benchmarks.md).

    >>> [halving_epoch(epochs) for epochs in (4, 5, 10, 40)]
    [0, 4, 7, 28]
    """
    return -(-7 * epochs // 10) if epochs >= LEAST_EPOCHS else 0


def that_go_on(candidates: int) -> int:
    """How many candidates of a loss are trained to the end.

    >>> [that_go_on(candidates) for candidates in (2, 6, 9, 24)]
    [2, 4, 5, 12]
    """
    return min(candidates, max(LEAST_CANDIDATES, -(-candidates // 2)))


def worse_halves(rivals: Sequence[int], scores: Sequence[float]) -> set[int]:
    """The places of those that stop: of every group of rivals, which have the same number, the worse half.

    >>> sorted(worse_halves([0, 0, 0, 0, 0, 0, 1, 1], [0.3, 0.1, 0.5, 0.2, 0.4, 0.6, 9.0, 8.0]))
    [2, 5]
    """
    found: set[int] = set()
    for group in set(rivals):
        own = sorted((i for i, other in enumerate(rivals) if other == group), key=lambda i: scores[i])
        found.update(own[that_go_on(len(own)) :])
    return found
