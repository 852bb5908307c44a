"""What a fitted map does to a dump, in a sentence: judged by the intervals before and after, and by what is left."""

from __future__ import annotations

from collections.abc import Mapping

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import OutOfFold
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.core.report.standing import CERTAIN_REACH, Standing, standing_in
from calibeval.core.report.views import judged_by, speaks_of_positive
from calibeval.words.counted import all_alike
from calibeval.words.digits import label, unit, value
from calibeval.words.finding import By, finding, sample


def repair(dump: DumpReport) -> str:
    """What the fitted map does to the ECE, and to the probabilities of classes; empty without a map.

    Of two classes, the ECE is that of P(positive class).

    "repairs it": the ECE left is what noise would give; "most of it": less than half is left, without what noise adds;
    else "some of it". "makes it worse": it grew by more than both intervals together allow. A Brier score or an NLL
    that grows so is said, too: a map to one probability for all rows is calibrated, but of no use.
    """
    after, left = dump.recalibrated, dump.after()
    if after is None or left is None:
        return ""
    _, name = judged_by(dump)
    old, new = dump.metrics.get(name), after.metrics.get(name)
    if old is None or new is None:
        return f"{_fitted_map(after)}: before and after below.{_chosen(after)}"
    if old.value is None or new.value is None:
        return ""
    alike = all_alike(dump)
    if alike and isinstance(after.fitted_on, OutOfFold):
        return f"{_fitted_map(after)} cannot be judged: all rows are {alike}, so that nothing can be learned from them."
    of_ece, scores = _of_ece(dump, left, old, new), _of_scores(dump)
    link = ", and " if of_ece.startswith(("makes it worse", "raises it")) else ", but "
    return f"{_fitted_map(after)} {of_ece}{_of_classes(dump, left)}{link * bool(scores)}{scores}.{_chosen(after)}"


def worse(old: MetricResult, new: MetricResult) -> Standing | None:
    """Whether a calibration error grew beyond noise: by more than the half-widths of both intervals together.

    They are of the same rows, so that their errors may add up. Without intervals, the noise floors take their place;
    without these, too, nothing is told. Of a signed gap, its size counts.

    >>> old = MetricResult("ece", 0.03, low=0.02, high=0.04, corrected=0.03)
    >>> [worse(old, MetricResult("ece", x, low=x - 0.01, high=x + 0.01)) for x in (0.045, 0.06, 0.07)]
    [None, <Standing.LIKELY: 'likely'>, <Standing.CERTAIN: 'certain'>]
    """
    if old.value is None or new.value is None:
        return None
    both = old.corrected is not None and new.corrected is not None
    grown = (new.corrected or 0.0) - (old.corrected or 0.0) if both else abs(new.value) - abs(old.value)
    reaches = _reach(old), _reach(new)
    if None in reaches:
        return None
    reach = sum(one or 0.0 for one in reaches)
    if grown <= reach:
        return None
    return Standing.CERTAIN if grown > CERTAIN_REACH * reach else Standing.LIKELY


def is_worse(dump: DumpReport) -> bool:
    """Whether the map makes the ECE of the dump worse, its mean gap, its NLL or its Brier score."""
    return any(_worse(dump, name) is not None for name in (*judged_by(dump), "nll", "brier")) or _becomes_infinite(dump)


def _worse(dump: DumpReport, name: str) -> Standing | None:
    after = _after(dump)
    return worse(dump.metrics[name], after[name]) if name in dump.metrics and name in after else None


def _after(dump: DumpReport) -> Mapping[str, MetricResult]:
    return {} if dump.recalibrated is None else dump.recalibrated.metrics


def _of_ece(dump: DumpReport, left: DumpReport, old: MetricResult, new: MetricResult) -> str:
    rest = finding(left)
    was, now = (_standing(one, old.name) for one in (dump, left))
    if was is None or now is None:
        return _untold(dump, old, new)
    word = "what is left may be chance" if old.name in rest.alone else f"{now.value}{_whether(now)}"
    change = _change(old, new)
    for name in (old.name, judged_by(dump)[0]):
        grown = _worse(dump, name)
        if grown is not None:
            return f"makes it worse: {_change(dump.metrics[name], _after(dump)[name])}, {grown.value}"
    if not was.beyond_noise:
        if now.beyond_noise:
            return f"changes little: {change}, now beyond noise ({now.value})"
        if finding(dump).by in (By.NOTHING, By.OTHERS):
            return f"has little to repair: {change}, {word}"
        return f"changes little: {change}, {word}"
    if value(new) == value(old):
        return f"changes nothing: {change}, still beyond noise" if now.beyond_noise else f"changes little: {change}"
    if (new.value or 0.0) >= (old.value or 0.0):
        return f"does not repair it: {change}"
    if now is Standing.NOISE:
        if rest.by is By.NOTHING:
            return f"repairs it: {change}, {word}"
        if rest.by is By.CLASSES:
            return f"repairs the top label: {change}, {now.value}"
        return f"repairs most of it: {change}, {now.value}, but {_rest(left)}"
    if now is Standing.UNRESOLVED:
        return f"lowers it: {change}; {now.value} whether anything is left"
    left_over, before = (one.value if one.corrected is None else one.corrected for one in (new, old))
    share = "most" if (left_over or 0.0) < (before or 0.0) / 2 else "some"
    return f"repairs {share} of it: {change}, still beyond noise"


def _untold(dump: DumpReport, old: MetricResult, new: MetricResult) -> str:
    """The change where neither an interval nor a noise floor tells what it is worth."""
    grown = abs(new.value or 0.0) - abs(old.value or 0.0)
    verb = "changes little" if value(new) == value(old) else "raises it" if grown > 0.0 else "lowers it"
    few = old.reason is not None and old.reason.code == "too_few_groups" and dump.groups is not None
    why = (
        f"{sample(dump).rpartition(' in ')[2]} are too few to tell noise"
        if few
        else "what noise would give is not known"
    )
    return f"{verb}: {_change(old, new)}; {why}"


def _standing(dump: DumpReport, name: str) -> Standing | None:
    """Where the calibration error stands, or all that is judged together; None where nothing tells."""
    found = finding(dump)
    return standing_in(dump, name) if found.beyond_noise else found.standing


def _of_classes(dump: DumpReport, left: DumpReport) -> str:
    """What is left in the probabilities of classes, where the ECE does not say it."""
    old, new = dump.metrics.get("cwce"), left.metrics.get("cwce")
    now, top = standing_in(left, "cwce"), standing_in(left, "ece")
    if (
        speaks_of_positive(dump)
        or old is None
        or new is None
        or now is None
        or not now.beyond_noise
        or (top is not None and top.beyond_noise)
        or not finding(left).beyond_noise
    ):
        return ""
    was = standing_in(dump, "cwce")
    verb = "remain" if was is not None and was.beyond_noise else "become"
    return f"; class probabilities {verb} miscalibrated ({_change(old, new)}, {now.value})"


def _of_scores(dump: DumpReport) -> str:
    """That the Brier score or the NLL grew beyond noise: the probabilities of classes are worse than before.

    Where one of them did, it is said of the other, too, if it rose within noise, or where noise is not known.
    """
    brier = "brier_positive" if speaks_of_positive(dump) else "brier"
    worst: list[str] = []
    rose: list[str] = []
    untold = False
    for name, judged in ((brier, "brier"), ("nll", "nll")):
        old, new = dump.metrics.get(name), _after(dump).get(name)
        if old is None or new is None or old.value is None:
            continue
        grown = _worse(dump, judged)
        if grown is not None:
            worst.append(f"the {_change(old, new)} is worse ({grown.value})")
        elif name == "nll" and _becomes_infinite(dump):
            worst.append("the NLL becomes infinite")
        elif new.value is not None and new.value > old.value and value(new) != value(old):
            rose.append(f"the {_change(old, new)} is no better")
            untold |= _reach(old) is None
    return ", and ".join([*worst, *rose]) if worst or untold else ""


def _becomes_infinite(dump: DumpReport) -> bool:
    """Whether a label has probability 0 after the map, and none had before."""
    old, new = dump.metrics.get("nll"), _after(dump).get("nll")
    why = None if new is None or new.value is not None else new.reason
    return old is not None and old.value is not None and why is not None and why.code == "infinite"


def _chosen(after: Recalibrated) -> str:
    """Among which maps `auto` chose, as a sentence of its own; empty where the method was given."""
    if after.tried is None:
        return ""
    *first, last = after.tried
    among = f"{', '.join(first)} and {last}" if first else last
    each = " for each fold" if after.method == "auto" else ""
    return f" auto chose it{each} from {among}, by the NLL out of fold."


def _rest(left: DumpReport) -> str:
    """What is still beyond noise, though the ECE is not."""
    rest = finding(left)
    if rest.by is By.GAP:
        return f"a gap of {value(rest.metric)} points is left ({'' if rest.standing is None else rest.standing.value})"
    names = [label(name) for name in rest.others] or [label(rest.metric.name)]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} still beyond noise"


def _whether(standing: Standing) -> str:
    return " whether it is calibrated" if standing is Standing.UNRESOLVED else ""


def _change(old: MetricResult, new: MetricResult) -> str:
    per_cent = " %" if unit(old.name) == "%" and old.name == "cwce" else ""
    return f"{label(old.name)} {value(old)} → {value(new)}{per_cent}"


def _reach(metric: MetricResult) -> float | None:
    """How far noise may move the value: half of its interval, or what is above the expected noise; None: not known."""
    if metric.low is not None and metric.high is not None:
        return 0.5 * (metric.high - metric.low)
    if metric.floor is not None and metric.floor_high is not None:
        return metric.floor_high - metric.floor
    return None


def _fitted_map(after: Recalibrated) -> str:
    """The map and what it was fitted on: "A temperature of 2.58 fitted on val.npz"."""
    source = after.fitted_on.words()
    if after.method == "temperature" and "temperature" in after.parameters:
        return f"A temperature of {after.parameters['temperature']:.3g} {source}"
    if after.method == "none":
        return f"No map ({source})"
    return f"The {after.method} map {source}"
