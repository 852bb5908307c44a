"""The text above panels: names of any origin made short, and numbers as papers print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import judged_by
from calibeval.render.drawing.letters import printable, text_width
from calibeval.words.digits import label
from calibeval.words.marks import ELLIPSIS, shorten


def cut(text: str, points: float, room: float, *, bold: bool = False) -> str:
    """The text, with its middle left out if it is wider than `room` points; more is kept of the end than of the start.

    >>> cut("a-very-long-file-name.npz#gaussian_noise_1", 10.0, 120.0)
    'a-very…ussian_noise_1'
    """
    if text_width(text, points, bold=bold) <= room:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        kept = (low + high) // 2
        if text_width(shorten(text, kept), points, bold=bold) <= room:
            low = kept
        else:
            high = kept
    return shorten(text, low)


def titles(names: Sequence[str], points: float, room: float) -> list[str]:
    """One bold title per dump: the name as it is, or shorter, or cut; different names stay different.

    Names are shortened by leaving out first the folders, then the file that all dumps share.

    >>> titles(["runs/1/test.npz#val", "runs/2/test.npz#val"], 10.0, 1000.0)
    ['runs/1/test.npz#val', 'runs/2/test.npz#val']
    >>> titles(["runs/1/test.npz#val", "runs/2/test.npz#val"], 10.0, 110.0)
    ['1/test.npz#val', '2/test.npz#val']
    >>> titles(["shift.npz#noise_1", "shift.npz#noise_2"], 10.0, 60.0)
    ['#noise_1', '#noise_2']
    """
    whole = [printable(name) or "predictions" for name in names]
    steps = (whole, [_without_folders(name) for name in whole], _without_shared_file(whole))
    shorter = [step for step in steps if len(set(step)) == len(set(whole)) and all(step)]
    for candidates in shorter:
        if all(text_width(name, points, bold=True) <= room for name in candidates):
            return candidates
    return _distinct(shorter[-1], points, room)


def _without_folders(name: str) -> str:
    path, mark, split = name.partition("#")
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] + mark + split


def _without_shared_file(names: list[str]) -> list[str]:
    """The names without the folders, or the file and its folders, with which all of them begin."""
    shared = names[0][: _shared_start(names)] if len(names) > 1 else ""
    start = max(shared.rfind("#"), shared.rfind("/") + 1)
    return [name[max(start, 0) :] for name in names]


def _distinct(names: list[str], points: float, room: float) -> list[str]:
    """Cut names; if cutting makes different names equal, the start that all share is left out first."""
    short = [cut(name, points, room, bold=True) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    shared = _shared_start(names)
    return [cut(ELLIPSIS + name[shared:], points, room, bold=True) for name in names]


def _shared_start(names: list[str]) -> int:
    """How many characters at the start all names share."""
    first, last = min(names), max(names)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction in percent, without the sign; a dash where there is none.

    >>> percent(0.12624), percent(0.5, 1), percent(None)
    ('12.62', '50.0', '–')
    """
    return "–" if fraction is None else f"{100.0 * fraction:.{digits}f}"


class DumpHeader(NamedTuple):
    """The three lines above the panels of one dump."""

    name: str
    error: str
    rows: str


def headers(
    dumps: Sequence[DumpReport], title_points: float, points: float, room: float, level: float | None = None
) -> list[DumpHeader]:
    """The headers of all dumps of a figure, in the same form: the longest that fits into `room` points.

    level: confidence level of the intervals, if known.
    """
    names = titles([dump.name for dump in dumps], title_points, room)
    known = [] if level is None else [f"{100.0 * level:g} % interval"]
    errors = [[ece_line(dump, words) for dump in dumps] for words in (*known, "[]", "")]
    rows = [[rows_line(dump, words) for dump in dumps] for words in ("if calibrated", "≤", "")]
    lines = zip(names, _fullest(errors, points, room), _fullest(rows, points, room), strict=True)
    return [DumpHeader(*three) for three in lines]


def _fullest(variants: Sequence[list[str]], points: float, room: float) -> list[str]:
    """The first variant whose lines all fit; if none fits, the last one, cut."""
    for lines in variants:
        if all(text_width(line, points) <= room for line in lines):
            return lines
    return [cut(line, points, room) for line in variants[-1]]


def ece_line(dump: DumpReport, words: str = "[]") -> str:
    """The calibration error in percent, with its interval if there is one.

    As in "ECE 12.62 %, corrected 12.50 [11.60, 13.70]".

    The interval is for the value without the bias of noise, so that value stands before it.

    words: what to call the interval; "[]" for brackets without a name, empty to leave it out.
    """
    name = judged_by(dump)[1]
    ece, title = dump.metrics.get(name), label(name)
    if ece is None or ece.value is None:
        return f"{title} –"
    value = f"{title} {percent(ece.value)} %"
    if not words or ece.low is None or ece.high is None:
        return value
    if ece.corrected is not None:
        level = "" if words == "[]" else f"{words.removesuffix(' interval')}: "
        return f"{value}, corrected {percent(ece.corrected)} [{level}{percent(ece.low)}, {percent(ece.high)}]"
    if words == "[]":
        return f"{value} [{percent(ece.low)}, {percent(ece.high)}]"
    return f"{value}, {words} {percent(ece.low)} – {percent(ece.high)}"


def rows_line(dump: DumpReport, words: str) -> str:
    """The error of a perfectly calibrated model, and the rows: "if calibrated 0.93 (≤ 1.33) · n = 5,000".

    words: what to call that error; "≤" for only its 95 % quantile; empty for only the rows.
    """
    ece = dump.metrics.get(judged_by(dump)[1])
    rows = f"n = {dump.n:,}"
    if not words or ece is None or ece.floor is None or ece.floor_high is None:
        return rows
    if words == "≤":
        return f"if calibrated ≤ {percent(ece.floor_high)} · {rows}"
    return f"{words} {percent(ece.floor)} (≤ {percent(ece.floor_high)}) · {rows}"
