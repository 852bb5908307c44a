"""What to do next, in one sentence with a command: the end of a first view."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calibeval.core.data.notices import Notice
from calibeval.core.report.fitted_on import OutOfFold
from calibeval.core.report.report import DumpReport, Recalibrated, Report
from calibeval.core.report.standing import Standing, standing_in, standing_of, with_floor
from calibeval.core.report.views import judged_by, speaks_of_positive
from calibeval.recalibrate.base.facts import LEAST_ROWS
from calibeval.words.counted import all_alike, with_counted
from calibeval.words.digits import label
from calibeval.words.finding import By, Finding, finding, rows_needed, suspicion
from calibeval.words.gain import gaining, within_noise
from calibeval.words.repair import is_worse

if TYPE_CHECKING:
    from calibeval.recalibrate.fitting.before_after import Prospect


@dataclass(frozen=True, slots=True)
class Ways:
    """How each next step is taken, as it is typed; None where it cannot be.

    repair: with a temperature; platt, beta: of two classes, with these maps; classes: with a vector map, of class
    probabilities; isotonic: with the most flexible map; top_platt, top_isotonic: with these maps of the top label.
    keep: write the map that was tried, and apply it. limit: write limits for later models. decide: show what this many
    rows can decide; decide_positive: about P(positive class). look: show how the file is read. compare: of several
    dumps with the same rows.
    """

    repair: str | None = None
    classes: str | None = None
    limit: str | None = None
    decide: str | None = None
    look: str | None = None
    compare: str | None = None
    platt: str | None = None
    decide_positive: str | None = None
    beta: str | None = None
    isotonic: str | None = None
    keep: str | None = None
    top_platt: str | None = None
    top_isotonic: str | None = None


MOST_COMPARED = 4  # with more, the command to compare them is too long to be read
IN_PYTHON = Ways(
    repair="calibeval.evaluate(..., cross_fit=5)",
    classes='calibeval.evaluate(..., cross_fit=5, method="vector")',
    limit='calibeval.gate(..., {"metric": "ece", "max": 0.03})',
    decide='calibeval.plan(..., {"metric": "ece", "max": 0.03})',
    look="calibeval.inspect(...)",
    compare="calibeval.compare(...)",
    platt='calibeval.evaluate(..., cross_fit=5, method="platt")',
    decide_positive='calibeval.plan(..., {"metric": "ece_positive", "max": 0.03})',
    beta='calibeval.evaluate(..., cross_fit=5, method="beta")',
    isotonic='calibeval.evaluate(..., cross_fit=5, method="isotonic")',
    keep="calibeval.fit(...).apply(...)",
    top_platt='calibeval.evaluate(..., cross_fit=5, method="top-platt")',
    top_isotonic='calibeval.evaluate(..., cross_fit=5, method="top-isotonic")',
)


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence without "Next:" and, if there is one, the command."""

    sentence: str
    command: str | None

    @property
    def typed(self) -> tuple[str, ...]:
        """The words of a command line, as they are typed; none without a command.

        >>> Step("set limits", "calibeval gate 'a b.npz' --init").typed
        ('calibeval', 'gate', "'a b.npz'", '--init')
        """
        return () if self.command is None else tuple(quoted(word) for word in shlex.split(self.command))


def quoted(word: str) -> str:
    """A word of a command as a shell takes it; a split's # needs no quotes behind a name.

    >>> print(quoted("a.npz#val"), quoted("a b.npz#val"), quoted("#val"))
    a.npz#val 'a b.npz#val' '#val'
    """
    name, mark, split = word.partition("#")
    return word if mark and name and split and shlex.quote(name + split) == name + split else shlex.quote(word)


def next_step(report: Report, ways: Ways, prospect: Prospect | None = None) -> Step | None:
    """The next step after a report; None where none is better than others.

    prospect: what a map would do to the only dump, where that was tried.
    """
    if len(report.dumps) == 1:
        return _of_one(report.dumps[0], ways, prospect)
    rows = {dump.rows_sha256 for dump in report.dumps}
    if len(rows) != 1 or None in rows or len(report.dumps) > MOST_COMPARED or ways.compare is None:
        return None
    return Step("see which differences are certain, row by row", ways.compare)


def _of_one(dump: DumpReport, ways: Ways, prospect: Prospect | None) -> Step | None:
    dump = with_counted(dump)
    found, alike = finding(dump), all_alike(dump)
    if suspicion(dump):
        return Step("put classes and labels in order; no recalibration can do that", ways.look)
    after = dump.recalibrated
    learned = after is None or isinstance(after.fitted_on, OutOfFold)
    if alike and learned and (after is not None or found.beyond_noise):
        return Step(f"get more rows: all of these are {alike}, so that no map can be learned from them", None)
    if after is not None:
        return _after_map(dump, after, ways)
    gains = gaining(dump.metrics)
    if gains is not None:
        by = {"isotonic": ways.isotonic, "top-isotonic": ways.top_isotonic}
        return Step(f"{gains[1]}; see what it changes", by.get(gains[0], ways.repair))
    if found.standing is None:
        return None
    if _is_open(dump, found):
        needed = rows_needed(dump, with_floor(dump, judged_by(dump)[1]))
        more = "" if needed is None else f", about {needed:,} in all to show errors of 3 points"
        return Step(
            f"get more rows{more}; what these can decide",
            ways.decide_positive if speaks_of_positive(dump) else ways.decide,
        )
    if found.by in (By.NOTHING, By.OTHERS):
        return Step("set limits that later models must keep", ways.limit)
    if dump.k is None:
        return Step("a map of the top label (slope and intercept) may repair it; see it out of fold", ways.top_platt)
    if found.by is By.CLASSES:
        return Step("a vector map may repair the probabilities of classes; see it out of fold", ways.classes)
    if prospect is not None:
        return _promised(dump, prospect, ways)
    if dump.positive is not None:
        return Step(f"Platt's map (slope and intercept) may repair it{_doubt(dump)}; see it out of fold", ways.platt)
    return _by_temperature(dump, ways)


def _doubt(dump: DumpReport) -> str:
    """What the gain of a map says against it, where that was measured."""
    return ", though what it gains is within noise" if within_noise(dump.metrics) else ""


def _by_temperature(dump: DumpReport, ways: Ways) -> Step | None:
    """A temperature out of fold; None where no finite one is best, unless zeros that a log printed are the reason."""
    best = dump.metrics.get("temperature")
    if dump.source.log is not None and any(one.code == "infinite_nll" for one in map(Notice.of, dump.warnings)):
        return Step("a temperature may repair it, once printed zeros are raised; see it out of fold", ways.repair)
    if best is not None and best.value is None:
        return None
    fits = "" if best is None else f" ({best.value:.3g} fits these rows best)"
    return Step(f"a temperature{fits} may repair it{_doubt(dump)}; see it out of fold", ways.repair)


def _after_map(dump: DumpReport, after: Recalibrated, ways: Ways) -> Step | None:
    """A map that repairs is kept; where one does not, the next more flexible one is tried, or a simpler one.

    After method="auto" no other is tried, since it has compared them.
    """
    left, off, worse = dump.after(), finding(dump).beyond_noise, is_worse(dump)
    open_ = off and left is not None and finding(left).beyond_noise
    if after.tried is not None and (worse or open_):
        best = not worse and after.method != "none"
        return Step("keep this map; of those that auto tried, none is better by NLL", ways.keep) if best else None
    if worse:
        return _simpler(dump, after.method, ways) or _more_flexible(dump, after.method, ways)
    if open_:
        return _more_flexible(dump, after.method, ways)
    if off:
        return Step("keep this map, apply it, and set limits for what it repaired", ways.keep)
    return Step("set limits that later models must keep", ways.limit)


def _simpler(dump: DumpReport, method: str, ways: Ways) -> Step | None:
    """A map of few parameters, for one of many that made predictions worse; None for other maps."""
    if method.removeprefix("top-") not in ("vector", "svs", "sms", "spline", "isotonic"):
        return None
    if method.startswith("top-") or dump.k is None:
        return Step("see whether Platt's map of the top label does better", ways.top_platt)
    if speaks_of_positive(dump):
        return Step("see whether Platt's map does better", ways.platt)
    return Step("see whether a temperature does better", ways.repair)


def _more_flexible(dump: DumpReport, method: str, ways: Ways) -> Step | None:
    """The map after this one, which may repair more; None after the last, and where a class has too few rows for it."""
    if method.startswith("top-") or dump.k is None:
        after_platt = ("an isotonic map of the top label", ways.top_isotonic)
        of_top = {"top-temperature": ("Platt's map of the top label", ways.top_platt), "top-platt": after_platt}
        following = of_top.get(method)
        return None if following is None else Step(f"see whether {following[0]} does better", following[1])
    platt, vector = ("Platt's map", ways.platt), ("a vector map", ways.classes)
    of_two = {"temperature": platt, "ets": platt, "platt": ("a beta map", ways.beta)}
    of_all = {"temperature": vector, "ets": vector}
    following = (of_two if speaks_of_positive(dump) else of_all).get(method)
    if following is None:
        too_few = any(one.support < LEAST_ROWS for one in dump.per_class)
        if method in ("none", "isotonic") or too_few:
            return None
        following = ("an isotonic map", ways.isotonic)
    return Step(f"see whether {following[0]} does better", following[1])


def _is_open(dump: DumpReport, found: Finding) -> bool:
    """Whether more rows come first: the ECE cannot tell, and nothing else is certain."""
    error = None if found.by is By.NOTHING else standing_in(dump, judged_by(dump)[1])
    weak = found.by is By.NOTHING or (found.by is By.CLASSES and found.standing is Standing.LIKELY)
    return weak and (found.standing if error is None else error) is Standing.UNRESOLVED


def _promised(dump: DumpReport, prospect: Prospect, ways: Ways) -> Step | None:
    """What a map does to the ECE out of fold, without what noise adds to it."""
    before, after = prospect.before, prospect.after
    by_platt = prospect.method == "platt"
    with_, way = ("Platt's map (slope and intercept)", ways.platt) if by_platt else ("a temperature", ways.repair)
    of = f"the {label(before.name)}"
    if before.value is None or after.value is None:
        return None
    left = after.value if after.corrected is None else after.corrected
    was = before.value if before.corrected is None or after.corrected is None else before.corrected
    where = "" if prospect.rows == prospect.of else f", tried on {prospect.rows:,} rows"
    if f"{100 * left:.1f}" == f"{100 * was:.1f}" or left > was:
        step = _more_flexible(dump, prospect.method, ways)
        more = "" if step is None else f"; {step.sentence}"
        return Step(f"{with_} would not lower {of} (out of fold{where}){more}", None if step is None else step.command)
    standing, ece = standing_of(after, n=prospect.worth), f"{100 * before.value:.1f}"
    if standing is None or standing.beyond_noise or after.floor_high is None:
        return Step(f"{with_} would take {of} from {ece} to about {100 * left:.1f} % (out of fold{where})", way)
    noise = f"up to {100 * after.floor_high:.1f} % on {prospect.worth:,.0f} rows"
    return Step(f"{with_} would take {of} from {ece} % to within noise ({noise})", way)
