"""What a person says about a log in addition to what it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Final

from calibeval.core.errors import UsageError, nearest
from calibeval.readers.stored.place import Place, place_of

NORMALIZE: Final = ("none", "chars", "bytes")
MISSING: Final = ("error", "drop", "100")
UNITS: Final = ("fraction", "percent")
MEANINGS: Final = ("probability",)
OF_LOGS: Final = ("filter", "scorer")  # what --key names in logs, and is no array


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How a log is read, where it does not say.

    filter, scorer: of several, the one whose answers or verdicts are read. normalize: what log-likelihoods are divided
    by. missing: what is done with answers without a confidence. unit: of stated confidences; None: as values show.
    means: what a confidence is that stands alone; None: unknown. gold: the file with the right answers. confidence: the
    key of the confidence in the metadata of a score.
    """

    filter: str | None = None
    scorer: str | None = None
    normalize: str = "none"
    missing: str = "error"
    unit: str | None = None
    means: str | None = None
    gold: Place | None = None
    confidence: str | None = None

    def said(self) -> str | None:
        """The first option that only logs have; None if there is none."""
        return next(iter(self._given()), None)

    def check(self, read: Collection[str], what: str, file: str) -> None:
        """Refuse options without an effect. read: those that have one. what: wrote the log.

        Raises: UsageError naming the first.
        """
        given = [*self._given(), *(["--key confidence"] if self.confidence is not None else ())]
        odd = next((name for name in given if name not in read), None)
        if odd is not None:
            raise UsageError(f"{file} holds {what}, which are read without {odd}; there are {', '.join(read)}")

    def _given(self) -> list[str]:
        found = {
            "--key filter": self.filter,
            "--key scorer": self.scorer,
            "--normalize": self.normalize != NORMALIZE[0],
            "--gold": self.gold,
            "--missing-confidence": self.missing != MISSING[0],
            "--confidence-unit": self.unit,
            "--confidence-means": self.means,
        }
        return [name for name, value in found.items() if value]


def log_options(
    keys: Mapping[str, str],
    *,
    normalize: str | None = None,
    missing_confidence: str | None = None,
    confidence_unit: str | None = None,
    confidence_means: str | None = None,
    gold: str | PathLike[str] | None = None,
) -> LogOptions:
    """The options as a person wrote them. keys: what --key says, by role.

    Raises: UsageError for an unknown value.
    """
    return LogOptions(
        keys.get("filter"),
        keys.get("scorer"),
        one_of("--normalize", normalize, NORMALIZE) or NORMALIZE[0],
        one_of("--missing-confidence", missing_confidence, MISSING) or MISSING[0],
        one_of("--confidence-unit", confidence_unit, UNITS),
        one_of("--confidence-means", confidence_means, MEANINGS),
        None if gold is None else place_of(gold),
        keys.get("confidence"),
    )


def one_of(option: str, value: str | None, known: tuple[str, ...]) -> str | None:
    """The value of an option that has a few, if it has one.

    Raises: UsageError for any other value, with the nearest.

    >>> one_of("--normalize", "bytes", NORMALIZE)
    'bytes'
    """
    if value is not None and value not in known:
        raise UsageError(f'{option} "{value}" is unknown{nearest(value, known)}; there are {", ".join(known)}')
    return value
