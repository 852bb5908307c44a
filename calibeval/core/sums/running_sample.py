"""The sample of rows that a temperature is fitted on, of rows that come block by block, of unknown number."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.predictions import Block
from calibeval.core.sums.sample import Sample, sample_size


class RunningSample:
    """Chosen rows, in parts as they came, with the numbers of their groups if they have any.

    The more rows there are, the smaller a share of them is chosen, and a row that is chosen of more rows is chosen of
    fewer as well. So the rows that are held are always those that would be chosen if no more came, and some others.
    parts, codes: the rows, and the numbers of their groups. held: the number of rows.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self.parts: list[Sample] = []
        self.codes: list[Codes] = []
        self.held = 0

    def add(self, block: Block, first: int, codes: Codes | None) -> None:
        """A block of rows. first: the number of rows before it. codes: of their groups."""
        n = first + len(block.labels)
        part = Sample.of_block(block, first, n)
        if not len(part.labels):
            return
        self.parts.append(part)
        self.codes += [] if codes is None else [codes[part.places - first]]
        self.held += len(part.labels)
        if self.held > 2 * sample_size(n, self._k):
            self.shrink(n)

    def take(self, part: Sample, codes: Codes | None) -> None:
        """Rows that are known to be chosen. codes: of their groups."""
        self.parts.append(part)
        self.codes += [] if codes is None else [codes]
        self.held += len(part.labels)

    def copy(self) -> RunningSample:
        """The same rows, to which others can be added."""
        other = RunningSample(self._k)
        other.parts, other.codes, other.held = [*self.parts], [*self.codes], self.held
        return other

    def join(self, other: RunningSample, n: int, codes: Codes | None) -> None:
        """Add the rows of another one. n: the number of rows of both. codes: the number here of each of its groups."""
        self.parts += other.parts
        self.codes += [] if codes is None else [codes[own] for own in other.codes]
        self.held += other.held
        self.shrink(n)

    def reweight(self, factor: float) -> None:
        """Multiply each weight by the factor; rows without weights have weight 1."""
        self.parts = [
            part._replace(weights=(np.ones(len(part.labels)) if part.weights is None else part.weights) * factor)
            for part in self.parts
        ]

    def of(self, n: int) -> tuple[list[Sample], Codes | None]:
        """The rows that are chosen of n rows, all that came; and the numbers of their groups."""
        chosen = self.copy()
        chosen.shrink(n)
        return chosen.parts, np.concatenate(chosen.codes) if chosen.codes else None

    def shrink(self, n: int) -> None:
        """Keep only rows that are chosen of n rows."""
        size = sample_size(n, self._k)
        parts = [part.of(n, size) for part in self.parts]
        if self.codes:
            self.codes = [
                own[np.isin(before.places, part.places)] if len(part.places) else own[:0]
                for own, before, part in zip(self.codes, self.parts, parts, strict=True)
            ]
            self.codes = [own for own in self.codes if len(own)]
        self.parts = [part for part in parts if len(part.labels)]
        self.held = sum(len(part.labels) for part in self.parts)


def weights_of_sample(parts: list[Sample]) -> Floats | None:
    """The weights of the rows of all parts; None if all count the same."""
    found = [part.weights for part in parts if part.weights is not None]
    return np.concatenate(found) if found else None
