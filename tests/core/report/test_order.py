"""The order of dumps: of two classes by what their tables show."""

from __future__ import annotations

import numpy as np

from calibeval import Predictions, evaluate


def two_classes(shift, sharp, seed):
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.02, 0.98, 3000)
    odds = sharp * np.log(true / (1 - true)) + shift
    p = 1 / (1 + np.exp(-odds))
    return Predictions(probs=np.column_stack([1 - p, p]), labels=(rng.random(3000) < true).astype(int))


def test_two_classes_are_sorted_by_p_of_the_positive_class():
    # A shift moves P(positive) up everywhere, and so the top label's confidence up and down: its own error is smaller.
    shifted, sharp = two_classes(0.8, 1.0, 1), two_classes(0.0, 1.9, 2)
    report = evaluate({"shifted": shifted, "sharp": sharp})
    by_name = {dump.name: dump for dump in report.dumps}
    assert by_name["shifted"]["ece"].value < by_name["sharp"]["ece"].value
    assert by_name["shifted"]["ece_positive"].value > by_name["sharp"]["ece_positive"].value
    assert [dump.name for dump in report.sorted_by("ece").dumps] == ["sharp", "shifted"]
    assert [dump.name for dump in report.sorted_by("confidence_gap").dumps] == ["sharp", "shifted"]
