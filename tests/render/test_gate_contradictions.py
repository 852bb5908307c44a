"""Gates of random dumps: what is said of a rule, its drawing and its numbers agree with each other."""

from __future__ import annotations

import re

import numpy as np
import pytest

import calibeval
from calibeval.render.page.limits import limit_plots, value_drawn
from calibeval.render.page.verdict import verdict_view
from calibeval.words.rules import beside_interval
from calibeval.words.verdict import rule_lines
from tests.draws import draws

NUMBER = r"[+−-]?\d[\d.]*"
BESIDE = re.compile(rf"^(?:({NUMBER}) )?\[({NUMBER}), ({NUMBER})\](?: at [\d.]+ %)?$")


def read(text):
    return float(text.replace("\N{MINUS SIGN}", "-"))


def random_gate(seed):
    """A gate whose dump, baseline, limits and level come from a seed."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.choice([8, 40, 60, 150, 600, 2500])), int(rng.choice([2, 3, 6]))
    logits = rng.normal(size=(n, k)) * rng.choice([0.5, 2.0, 4.0])
    sharp = rng.choice([0.5, 1.0, 1.0, 2.0])
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    light = np.array(["day", "night", "dawn"])[rng.integers(3, size=n)]
    scores = np.round(sharp * logits, int(rng.choice([0, 6])))  # rounded ones have ties
    dump = calibeval.Predictions(logits=scores, labels=labels, columns={"light": light})
    base = calibeval.Predictions(logits=logits + 0.2 * rng.normal(size=logits.shape), labels=labels)
    limit = float(rng.choice([0.005, 0.02, 0.05, 0.2]))
    rules = [{"metric": name, "max": limit} for name in ("ece", "aece", "oe", "cwce", "mce", "gap", "brier", "nll")]
    rules += [{"metric": name, "max_increase": limit} for name in ("ece", "nll", "gap")]
    rules += [{"metric": "accuracy", "min": float(rng.choice([0.5, 0.8]))}, {"metric": "accuracy", "max_drop": limit}]
    rules += [{"metric": "ece", "max": limit, "slice": "worst:light"}] * (n >= 600)
    rules += [{"metric": name, "max": limit} for name in ("ece_positive", "gap_positive")] * (k == 2)
    level = float(rng.choice([0.9, 0.95, 0.99]))
    return calibeval.gate(dump, rules, baseline=base, level=level, why=n < 1000)


@pytest.mark.parametrize("seed", range(draws(30)))
def test_a_verdict_does_not_contradict_itself(seed):
    verdict = random_gate(seed)
    view = verdict_view(verdict)
    for line, row in zip(rule_lines(verdict), view.rows, strict=True):
        judged, part = line.judged, line.judged.decisive
        if line.interval:
            own, low, high = BESIDE.match(line.interval).groups()
            rounding = 0.5001 * 10.0 ** -max(len(end.partition(".")[2]) for end in (low, high))
            assert read(low) - rounding <= read(own or line.value) <= read(high) + rounding
            assert part.low <= beside_interval(part) <= part.high
        limit = -part.threshold if judged.rule.kind == "max_drop" else part.threshold
        below = judged.rule.kind in ("max", "max_increase")
        if judged.verdict in ("pass", "fail"):
            ends = (part.high, part.low) if below else (part.low, part.high)
            within = ends[0] <= limit if below else ends[0] >= limit
            beyond = ends[1] > limit if below else ends[1] < limit
            assert (within, beyond) == (judged.verdict == "pass", judged.verdict == "fail")
        elif judged.verdict == "inconclusive" and part.low is not None:
            assert part.low <= limit <= part.high
        assert judged.verdict != "error"
        assert "decide =" not in line.reason
        if row.plot is not None and row.plot.low:
            inside = row.plot.corrected or row.plot.dot  # the mark that the interval belongs to
            low, mark, high = (float(place.rstrip("%")) for place in (row.plot.low, inside, row.plot.high))
            assert low <= mark <= high
            if part.high > part.low:  # the dot stands at the printed value, on the scale of the interval's ends
                place = low + (high - low) * (value_drawn(judged.rule, part) - part.low) / (part.high - part.low)
                assert float(row.plot.dot.rstrip("%")) == pytest.approx(place, abs=0.05, rel=0.002)
        if judged.why is not None:
            assert all(0 < one.share <= 1 and 0 <= one.cancelled <= 1 for one in judged.why.parts or ())
            trial = judged.why.temperature
            assert trial is None or trial.repairs == (trial.verdict == "pass")
            assert trial is None or trial.interval_level is None or trial.low <= trial.high
            repaired = any(" would repair it" in text for text in line.why)
            assert repaired == (trial is not None and trial.verdict == "pass")
    for rule in verdict.rules:
        assert all(plot is not None for plot in limit_plots(rule.rule, rule.slices))
