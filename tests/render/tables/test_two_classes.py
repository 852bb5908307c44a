"""Tables of documents for two classes: the metrics of P(positive class), its sentence, and slices by it."""

from __future__ import annotations

import numpy as np

from calibeval import evaluate
from calibeval.render.tables import latex, markdown


def report_of(**more):
    rng = np.random.default_rng(0)
    s = rng.normal(-2.0, 1.5, 3000)
    labels = (rng.random(3000) < 1 / (1 + np.exp(-s))).astype(int)
    return evaluate(probs=1 / (1 + np.exp(-s - 0.5)), labels=labels, class_names=["ok", "default"], **more)


def test_markdown():
    report = report_of(columns={"site": np.arange(3000) % 2}, slices="site")
    text = markdown.render(report)
    heads = ["gap P(pos) %", "ECE P(pos) %", "Brier P(pos)", "NLL nats", "accuracy %", "Cox slope", "Cox intercept"]
    assert text.startswith(f"| dump | rows | {' | '.join(heads)} |\n")
    assert f"| {100 * report['gap_positive'].value:+.2f} | {100 * report['ece_positive'].value:.2f} |" in text
    assert 'P("default") is too high' in text
    assert "Brier P(pos): of one column (0 to 1)" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| 0 |")]
    of_site = next(one for one in report.dumps[0].slices if one.value == "0")
    assert f" {100 * of_site.metrics['ece_positive'].value:.2f} |" in row


def test_latex():
    text = latex.render(report_of())
    assert r" & rows & gap P(pos) (\%) & ECE P(pos) (\%) & Brier P(pos) & NLL (nats) & accuracy (\%)" in text


def test_chosen_metrics_stay():
    assert markdown.render(report_of(metrics="ece,brier")).startswith("| dump | rows | ECE % | Brier |\n")
