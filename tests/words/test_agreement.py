"""200 random reports, read as a person reads them: nothing on a screen contradicts anything else on it.

The texts are parsed: the first screen, --full and Markdown. Values lie in the intervals printed beside them, words are
what interval and floor say, and the headline says nothing that a row of a table denies.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.table import METRICS
from calibeval.core.report.standing import Standing, standing_in, standing_of_regression
from calibeval.core.report.views import judged_by, speaks_of_positive
from calibeval.render.tables import markdown
from calibeval.render.terminal.full import render_full
from calibeval.render.terminal.report import render_report
from calibeval.words import cells
from calibeval.words.classes import class_cells
from calibeval.words.digits import printed
from calibeval.words.repair import repair
from calibeval.words.report import headline

SEEDS = range(200)
SIZES = (5, 12, 29, 30, 60, 150, 400, 1000, 3000, 20_000)
NUMBER = r"[−+]?\d[\d.]*(?:e[−+]\d+)?"
ESTIMATE = re.compile(rf"(?:({NUMBER}) )?\[({NUMBER}) (?:–|to) ({NUMBER})\]")
FLOOR = re.compile(rf"({NUMBER}) \(≤ ({NUMBER})\)")
WORDS = {one.short for one in Standing}
BEYOND = {"certain", "likely"}


@functools.lru_cache(maxsize=len(SEEDS))
def made(seed):
    """A report of one dump: of k classes, n rows, more or less miscalibrated, with ties, weights, groups or a map."""
    rng = np.random.default_rng(seed)
    k, n = int(rng.choice([2, 2, 3, 5, 10, 50])), int(rng.choice(SIZES[: 10 if seed % 10 == 0 else 9]))
    logits = rng.normal(size=(n, k)) * rng.choice([0.5, 2.0, 5.0])
    truth = logits / rng.choice([1.0, 1.0, 1.05, 1.5, 3.0, 0.7]) + rng.choice([0.0, 0.0, 0.5]) * rng.normal(size=k)
    labels = (truth + rng.gumbel(size=(n, k))).argmax(axis=1)
    if rng.random() < 0.2:
        logits = np.round(logits)
    options: dict[str, object] = {}
    if rng.random() < 0.2:
        options["weights"] = rng.choice([0.5, 1.0, 3.0], n)
    if rng.random() < 0.2 and n >= 12:
        options["group"] = np.arange(n) // rng.choice([2, 5])
    elif rng.random() < 0.3 and n >= 60:
        spread = rng.choice([1.0, 4.0])
        other = rng.normal(size=(300, k)) * spread
        options["fit_on"] = Predictions(logits=other, labels=(other + rng.gumbel(size=(300, k))).argmax(axis=1))
    level = None if rng.random() < 0.1 else 0.95
    return evaluate(Predictions(logits=logits, labels=labels), level=level, **options)


def dumps(seed):
    """The dump of a report, and the same after its map."""
    (dump,) = made(seed).dumps
    return [one for one in (dump, dump.after()) if one is not None]


def table_rows(text):
    """Label, value, the rest of the line: of every row that begins with the name of a metric."""
    labels = sorted((cells.label(name) for name in METRICS), key=len, reverse=True)
    start = "|".join(map(re.escape, labels))
    pattern = re.compile(rf"^({start})(?:  +[a-z_0-9]+)?  +(?:%|nats)?  +({NUMBER}|–)(?:  (.*))?$")
    return [(m[1], m[2], m[3] or "") for line in text.splitlines() if (m := pattern.match(line))]


def check_row(label, value, rest):
    """Value, interval, floor and word of one row agree as they are printed."""
    estimate, floor = ESTIMATE.search(rest), FLOOR.search(rest)
    word = next((one for one in sorted(WORDS, key=len, reverse=True) if re.search(rf"\b{one}$", rest)), None)
    if value == "–":
        assert not estimate
        assert word is None or label in ("T", "Cox slope", "Cox intercept")  # which have a test of their own
        return
    number = printed(value)
    low, high = (None, None) if estimate is None else (printed(estimate[2]), printed(estimate[3]))
    if estimate is not None:
        inside = number if estimate[1] is None else printed(estimate[1])
        assert low <= inside <= high, (label, value, rest)
    if floor is None:
        return
    expected, most = printed(floor[1]), printed(floor[2])
    assert expected <= most
    excluded = low is not None and (estimate[2] != "0" and (low >= 0 if number >= 0 else high <= 0))
    if word in BEYOND:
        assert abs(number) >= most or excluded, (label, value, rest)
    elif word is not None:
        assert abs(number) <= most, (label, value, rest)
        assert not (low is not None and (low > 0 or high < 0)), (label, value, rest)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_of_the_screens_agrees_with_itself(seed):
    report = made(seed)
    for width in (60, 100, 200)[seed % 3 :][:1]:
        for render in (render_report, render_full):
            text = render(report, width=width, color=False, ascii_only=False)
            rows = table_rows(text)
            assert rows, text
            for row in rows:
                check_row(*row)


@pytest.mark.parametrize("seed", SEEDS)
def test_markdown_agrees_with_itself(seed):
    report = made(seed)
    table = [line[1:-1].split("|") for line in markdown.render(report).split("\n\n")[0].splitlines()]
    rows = {line[0].strip(): [cell.strip() for cell in line[1:]] for line in table}
    values = list(rows.values())[2]
    below = [cells_ for name, cells_ in rows.items() if "95 %" in name]
    assert len(below) == any(one.low is not None for one in report.dumps[0].metrics.values()), list(rows)
    assert values
    for value, estimate in zip(values, *below or [[""] * len(values)], strict=True):
        found = ESTIMATE.fullmatch(estimate)
        if found is None:
            assert estimate in ("", "–"), estimate
            continue
        inside = printed((found[1] or value).replace("*", "").replace(",", ""))
        assert printed(found[2]) <= inside <= printed(found[3]), (value, estimate)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_headline_says_nothing_that_a_row_denies(seed):
    for dump in dumps(seed):
        said, standings = headline(dump), {name: standing_in(dump, name) for name in dump.metrics}
        if speaks_of_positive(dump):
            check_two(dump, said, standings)
            continue
        beyond = beyond_noise(standings)
        classes = any(one.beyond for one in class_cells(dump))
        if said.startswith(("Within noise of calibrated: ", "This sample cannot tell whether it is calibrated: ")):
            assert all(f"{cells.label(name)}" in said for name in beyond), (said, beyond)
            assert ("may be chance" in said) is bool(beyond or classes), said
            assert Standing.CERTAIN not in standings.values()
        if said.startswith("Within noise of calibrated") and "may be chance" not in said:
            assert standings["ece"] is Standing.NOISE
        if "is calibrated: says" in said and "may be chance" not in said:
            assert standings["ece"] is Standing.UNRESOLVED
        if said.startswith(("Over-confident:", "Under-confident:", "Probably over", "Probably under", "Mixed")):
            assert beyond
        if ", certain)" in said:
            assert Standing.CERTAIN in standings.values()
        if "class probabilities are miscalibrated" in said:
            assert standings["cwce"].beyond_noise
            assert not {"ece", "confidence_gap"} & beyond


def beyond_noise(standings):
    return {name for name, one in standings.items() if one is not None and one.beyond_noise}


P = r"P\(class 1\)"
SAYS = rf"says {NUMBER} % on average, (?:{NUMBER} % are|no row is|every row is) class 1"
GAP = rf"gap ({NUMBER}) points"
# Every headline of two classes: by the gap, by bins, by the slope, and by nothing.
OF_TWO = {
    "gap": rf"{P} is (probably )?too (high|low): {SAYS} \({GAP}, (certain|likely)\)(?:, most from .*|; but .*)?\.",
    "bins": rf"{P} is (probably )?(.*); (right|slightly too high|slightly too low) on average: says .* "
    rf"\(ECE ({NUMBER}) %, (certain|likely)\)\.",
    "slope": rf"{P} is (probably )?(over-confident|under-confident|off) by its .*: {SAYS} \({GAP}\)\.",
    "noise": rf"{P} is within noise of calibrated: {SAYS} \({GAP}; (n = .* shows errors above .*|.* may be chance)\)\.",
    "open": rf"This sample cannot tell whether {P} is calibrated: it {SAYS} \({GAP}; (n = .*|.* may be chance)\)\.",
    "unknown": rf"{P} {SAYS} \({GAP}\)\.",
}


def kind_of(said):
    """Which of the headlines of two classes this is, and what is in it."""
    ((kind, found),) = [(kind, found) for kind, text in OF_TWO.items() if (found := re.fullmatch(text, said))]
    return kind, found


def check_two(dump, said, standings):
    """The headline of two classes says nothing that a row denies."""
    kind, found = kind_of(said)
    beyond = beyond_noise(standings)
    gap, ece = standings["gap_positive"], standings["ece_positive"]
    regression = standing_of_regression(dump)
    wrong_slope = regression is not None and regression.beyond_noise
    if kind == "gap":
        assert gap.beyond_noise
        assert gap.value == found[4]
        assert (found[2] == "high") == (dump["gap_positive"].value > 0)
    if kind != "bins":
        number = found[3 if kind in ("gap", "slope") else 1]
        places = len(number.partition(".")[2])
        assert printed(number) == pytest.approx(100 * dump["gap_positive"].value, abs=0.51 * 10**-places)
    if kind == "bins":
        assert ece.beyond_noise
        assert ece.value == found[5]
        assert printed(found[4]) == pytest.approx(100 * dump["ece_positive"].value, abs=0.0051)
        assert (found[3] == "right") == ("gap_positive" not in beyond)
        assert found[3] == "right" or found[3].endswith("high") == (dump["gap_positive"].value > 0)
    if kind in ("gap", "bins"):
        assert (found[1] is None) == ((gap if kind == "gap" else ece) is Standing.CERTAIN)
    if kind == "slope":
        slope = dump["cox_slope"]
        assert wrong_slope
        assert not {"gap_positive", "ece_positive"} & beyond
        sides = {"over-confident": slope.high is not None and slope.high < 1, "under-confident": (slope.low or 0) > 1}
        assert sides.get(found[2], not any(sides.values())), said
    if kind in ("noise", "open", "unknown"):
        judged = {cells.label(name) for name in {"gap_positive", "ece_positive"} & beyond}
        judged |= {"the slope"} if wrong_slope else set()
        named = set() if kind == "unknown" or "may be chance" not in found[2] else {*re.split(", | and ", found[2])}
        assert judged == named - {"likely on its own", "likely on their own", "may be chance"}, said
        assert Standing.CERTAIN not in (gap, ece, regression)
        if not (ece is not None and ece.beyond_noise):
            assert ece is {"noise": Standing.NOISE, "open": Standing.UNRESOLVED, "unknown": None}[kind]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_repair_says_what_the_headline_after_it_says(seed):
    (dump, *after) = dumps(seed)
    if not after:
        return
    said, (left,) = repair(dump), after
    beyond = beyond_noise({name: standing_in(left, name) for name in left.metrics})
    if "repairs it:" in said and "class prob" not in said:
        assert "within noise of calibrated: " in headline(left).lower(), said
        assert (judged_by(dump)[1] in beyond) is ("what is left may be chance" in said)
    if "still beyond noise" in said or "now beyond noise" in said:
        assert beyond
    if "makes it worse" in said:
        assert any(abs(left[name].value) > abs(dump[name].value) for name in judged_by(dump))
    if said.endswith("within noise of calibrated."):
        assert judged_by(dump)[1] not in beyond


@pytest.mark.parametrize("seed", SEEDS)
def test_classes_in_brackets_are_within_their_floors_as_printed(seed):
    for dump in dumps(seed):
        found = class_cells(dump)
        order = [one.beyond for one in found]
        assert order == sorted(order, key=lambda beyond: not beyond)
        for one in found:
            if one.beyond is None:
                continue
            most = printed(FLOOR.fullmatch(one.floor)[2])
            assert (printed(one.error) >= most) if one.beyond else (printed(one.error) <= most), one


def test_what_would_contradict_is_found():
    fine = ("ECE", "5.82", "5.4 [3.6 – 7.2]  1.2 (≤ 1.7)  certain")
    check_row(*fine)
    for value, rest in (
        ("5.82", "7.4 [3.6 – 7.2]  1.2 (≤ 1.7)  certain"),
        ("1.20", "1.0 [0 – 2.2]  1.2 (≤ 1.7)  certain"),
        ("5.82", "5.4 [3.6 – 7.2]  1.2 (≤ 1.7)  within noise"),
        ("−0.01", "[0.0 to +1.2]"),
    ):
        with pytest.raises(AssertionError):
            check_row("ECE", value, rest)


def test_the_reports_are_of_all_kinds():
    every = [made(seed).dumps[0] for seed in SEEDS]
    assert {2, 3, 50} <= {dump.k for dump in every}
    assert all(any(getattr(dump, what) is not None for dump in every) for what in ("groups", "weights", "recalibrated"))
    leads = {re.split("[:;,(]| in ", headline(dump))[0] for dump in every}
    two = [one for one in every if speaks_of_positive(one)]
    kinds = [kind_of(headline(one))[0] for one in two]
    assert {*kinds} >= {"gap", "bins", "slope", "noise", "open"}
    assert {"Over-confident", "Within noise of calibrated", "This sample cannot tell whether it is calibrated"} <= leads
    bare = replace(every[0], metrics={})
    assert headline(bare)
