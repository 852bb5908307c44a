"""What all diagrams and tables share: shortened names, short counts, round ticks, merged bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath

from calibeval.core.report.report import Bin
from calibeval.core.report.rows import joined_facts
from calibeval.words.names import visible

ELLIPSIS = "…"
NO_NAME = "(no name)"
_SEVERAL = 4


def shorten(text: str, kept: int) -> str:
    """The text; if it is longer than `kept` characters, that many of them, a third from its start.

    >>> shorten("abcdefghi", 6), shorten("abcdef", 6)
    ('ab…fghi', 'abcdef')
    """
    if len(text) <= kept:
        return text
    start = kept // 3
    return text[:start].rstrip() + ELLIPSIS + text[len(text) - (kept - start) :].lstrip()


def plain(name: str, most: int) -> str:
    r"""A name of any origin as harmless text of at most about `most` characters; never empty.

    >>> plain("a\nb", 10), plain(" ", 10), plain("m" * 50, 6)
    ('a\\nb', '(no name)', 'mm…mmmm')
    """
    return shorten(visible(shorten(name, most)), most).strip() or NO_NAME


def short_names(names: Sequence[str], most: int) -> list[str]:
    """The names without what is common to all of them; numbered where they look alike.

    That is the folders, or the file, with which all begin; of four and more files also words and the suffix. Names that
    are not those of files, such as titles, stay.

    >>> short_names(["runs/shift.npz#clean", "runs/shift.npz#noise"], 40)
    ['#clean', '#noise']
    >>> short_names([f"runs/resnet_severity_{i}.npz" for i in range(1, 5)], 40)
    ['severity_1', 'severity_2', 'severity_3', 'severity_4']
    >>> short_names(["old", "shift.npz#noise", "shift.npz#blur"], 40)
    ['old', '#noise', '#blur']
    >>> short_names(["a.npz", "a.npz"], 40)
    ['1 a.npz', '2 a.npz']
    """
    files = [name for name in names if any(sign in name for sign in "#/\\.")]  # the others are titles
    without = iter(_without_shared_start(files))
    cut = [next(without) if name in files else name for name in names]
    if len(files) >= _SEVERAL and not any(sign in name for name in cut for sign in "#/\\"):
        bare = iter(_without_shared_words([one for one, name in zip(cut, names, strict=True) if name in files]))
        cut = [next(bare) if name in files else name for name in names]
    if len(set(cut)) < len(set(names)):
        cut = list(names)
    shown = [plain(name, most) for name in cut]
    if len(set(shown)) < len(shown):
        return [f"{i} {name}" for i, name in enumerate(shown, 1)]
    return shown


def _without_shared_start(names: Sequence[str]) -> list[str]:
    """The names of files without the folders, or the file, with which all begin."""
    shared = _shared(names)
    start = max(shared.rfind("#"), shared.rfind("/") + 1, shared.rfind("\\") + 1, 0)
    return [name[start:] for name in names] if _can_be_cut(names, start) else list(names)


def _can_be_cut(names: Sequence[str], start: int) -> bool:
    return len(names) > 1 and all(len(name) > start + 1 for name in names)


def _shared(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names, default=""), max(names, default="")
    alike = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:alike]


def _without_shared_words(names: Sequence[str]) -> list[str]:
    """The names of files without their common suffix, and without common words before a word that begins a name."""
    suffix = PurePath(names[0]).suffix
    alike = all(PurePath(name).suffix == suffix and name != suffix for name in names)
    bare = [name.removesuffix(suffix) if alike else name for name in names]
    starts = [i + 1 for i, char in enumerate(_shared(bare)) if char in "_-. "]
    start = next((i for i in reversed(starts) if all(name[i : i + 1].isalpha() for name in bare)), 0)
    return [name[start:] for name in bare]


def short_count(count: int, *, whole: bool = False) -> str:
    """A count in at most four characters, if it is below 1e9; `whole` drops the decimal.

    >>> short_count(287), short_count(3903), short_count(3903, whole=True), short_count(99960), short_count(2_500_000)
    ('287', '3.9k', '4k', '100k', '2.5M')
    """
    for unit, suffix in ((1, ""), (1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        if count < 999.5 * unit or suffix == "G":
            return f"{count / unit:.{0 if unit == 1 or whole or count >= 9.95 * unit else 1}f}{suffix}"
    raise AssertionError  # pragma: no cover - the last unit takes every count


def ink_weight(count: int) -> float:
    """How strongly a bin is drawn, from 0.15 to 1: the less certain its accuracy, the weaker.

    It is 1 minus the width of a 95 % range of the accuracy of that many rows, if half of them are right.

    >>> [round(ink_weight(count), 2) for count in (1, 3, 10, 100, 10_000)]
    [0.15, 0.15, 0.38, 0.8, 0.98]
    """
    return max(0.15, 1.0 - 1.96 / math.sqrt(max(count, 1)))


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from low to high: multiples of 1, 2 or 5 times a power of ten, at most `most` of them.

    >>> round_ticks(-1.3, 14.2), round_ticks(0.0, 0.7, 4)
    ([0.0, 5.0, 10.0], [0.0, 0.2, 0.4, 0.6])
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]
    raise AssertionError  # pragma: no cover - the last step is wider than the range over `most`


def merged(bins: Sequence[Bin], most: int) -> list[Bin]:
    """The bins; if there are more than `most`, neighbours are added up to at most that many.

    >>> (both,) = merged([Bin(0.0, 0.5, 1, 0.25, 0.0, 0.25), Bin(0.5, 1.0, 3, 0.75, 1.0, -0.25)], 1)
    >>> both.lower, both.upper, both.count, both.confidence, both.accuracy, both.gap
    (0.0, 1.0, 4, 0.625, 0.75, -0.125)
    """
    if len(bins) <= most:
        return list(bins)
    size = -(-len(bins) // most)
    return [_joined(bins[i : i + size]) for i in range(0, len(bins), size)]


def _joined(bins: Sequence[Bin]) -> Bin:
    count = sum(b.mass for b in bins)
    if not count:
        return Bin(bins[0].lower, bins[-1].upper, 0, None, None, None)
    confidence = math.fsum(b.mass * (b.confidence or 0.0) for b in bins) / count
    accuracy = math.fsum(b.mass * (b.accuracy or 0.0) for b in bins) / count
    gap = math.fsum(b.mass * (b.gap or 0.0) for b in bins) / count
    facts = joined_facts(bins)
    return Bin(bins[0].lower, bins[-1].upper, sum(b.count for b in bins), confidence, accuracy, gap, **facts)
