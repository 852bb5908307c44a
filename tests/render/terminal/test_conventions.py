"""The table of conventions, as text and as JSON, and the note below a terminal's report."""

from __future__ import annotations

import json

import pytest

from calibeval import Predictions, evaluate
from calibeval.core.conventions.metrics import explain_conventions
from calibeval.core.data.predictions import Source
from calibeval.render.figure.figure import figure_bytes, reliability_figure
from calibeval.render.tables import bins_csv, csv_table, latex, markdown
from calibeval.render.terminal.conventions import note, render, render_json
from calibeval.render.terminal.report import render_report

# One zero, one tie on the inner edge, one 1, and class 2 never occurs.
DUMP = Predictions(
    probs=[[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.0, 1.0, 0.0], [0.25, 0.5, 0.25]],
    labels=[0, 1, 0, 1],
    source=Source(path="a\x1b[31m.npz", split="test"),
)


def shown(predictions=DUMP, *, bins=2, width=100, ascii_only=False):
    return render(predictions, explain_conventions(predictions, bins=bins), width=width, ascii_only=ascii_only)


def test_the_whole_text():
    # calibeval: ECE (|2 - 1| + |1 - 1.75|) / 4; CWCE (0.25 + 0.25 + 0.125) / 3. guo: AECE (0.25 + 1) / 4 of two bins,
    # CWCE (0 + 0.25) / 2. torchmetrics: (|3 - 1.75| + |0 - 1|) / 4, RMSCE of (0.75 (1.25 / 3)² + 0.25)^½.
    # minderer: (|2 - 1| + |1 - 0.75| + |0 - 1|) / 4 of [0, 0.75), [0.75, 1) and 1.
    # torch-uncertainty: AECE (|2 - 1| + |1 - 1.75|) / 4; CWCE (1 + 1.75 + 0.75) / 4 / 3.
    assert shown(width=80).startswith("""\
a\\x1b[31m.npz#test · 4 rows · 3 classes

convention         bins   ECE %    MCE %  AECE %  CWCE %  RMSCE %
calibeval             2  43.750   50.000  43.750    20.8   44.194
guo                   2  43.750   50.000  31.250    12.5        –
mbls                  2  43.750        –  31.250    12.5        –
torchmetrics          2  56.250  100.000       –       –   61.661
netcal                2       –        –       –       –        –
relplot               2  56.250        –       –       –        –
torch-uncertainty     2  56.250  100.000  43.750    29.2   61.661
hle                   0       –        –       –       –        –
helm                  2  43.750        –  43.750       –        –
minderer              2  56.250        –  56.250       –        –

MCE: over all bins here, as other tools print it; reports use bins of at least
  30 rows
calibeval: bins (lower, upper]; 0 in the first bin; AECE between order
  statistics, ties together; CWCE over all classes
guo: bins (lower, upper]; 0 in no bin, but counted in n; float32 edges; AECE
  between interpolated edges, the lowest confidence in no bin; CWCE over
  max(label) + 1 classes
  guo leaves 2 of 4 rows, those with the lowest confidence, out of AECE
  guo leaves 1 of 8 probabilities out of CWCE: they are exactly 0
  guo counts 2 of 3 classes in CWCE: the last ones do not occur among the labels
mbls: bins""")
    assert """
netcal: bins [lower, upper); 1 in the last bin; AECE between edges from
  np.quantile, refused if two are equal
  ECE, MCE, AECE: netcal takes this for two classes, since only labels 0 and 1
    occur, and refuses 3 columns
""" in shown(width=80)
    assert shown(width=80).endswith("""
relplot: bins [lower, upper); 1 in a separate bin; smECE on a grid, where
  confidences of exactly 0 or 1 count half
torch-uncertainty: bins [lower, upper); 1 in a separate bin; edges as precise as
  the confidences; AECE of the top label in equal counts, which the order of
  rows decides if ties are split; CWCE over all classes; AURC and AUGRC by
  trapezoids from coverage 1/n to 1
hle: ECE is the root of the mean squared gap of chunks of 100 rows, of which the
  most confident one is left out; ties in the order of rows
  ECE: hle has no number below 100 rows: its script ends in an error, and copies
    of it print 0
helm: ECE and AECE are one number, between midpoints of parts of equal size;
  ties together
minderer: ECE and AECE are one number, of bins [lower, upper) between
  confidences at equal ranks; ties together
""")


def test_lines_fit():
    for width in (40, 60, 100):
        lines = shown(width=width).split("\n\n", 2)[2].splitlines()
        assert max(map(len, lines)) <= width


def test_ascii():
    text = shown(ascii_only=True)
    assert text.isascii()
    assert "a\\x1b[31m.npz#test, 4 rows, 3 classes" in text


def test_two_classes_are_explained():
    text = shown(Predictions(probs=[0.25, 0.75], labels=[0, 1]))
    assert "two classes: P(class 1)" in text
    assert "torchmetrics-multiclass" in text


def test_top_labels_alone():
    text = shown(Predictions(confidence=[0.5, 0.75], correct=[1, 0]))
    assert "2 rows · top label only" in text
    assert "CWCE: needs the probability of every class, but this dump has the top label only" in text


def test_json():
    found = explain_conventions(DUMP, bins=2)
    document = json.loads(render_json(DUMP, found))
    assert document["schema"] == "calibeval.conventions/1"
    assert (document["name"], document["source"]["n"], document["source"]["k"]) == ("a\x1b[31m.npz#test", 4, 3)
    names = ["calibeval", "guo", "mbls", "torchmetrics", "netcal", "relplot", "torch-uncertainty"]
    names += ["hle", "helm", "minderer"]
    assert [c["name"] for c in document["conventions"]] == names
    for one, row in zip(found, document["conventions"], strict=True):
        assert row["bins"] == (0 if row["name"] == "hle" else 2)
        assert row["metrics"]["ece"]["value"] == one.metrics["ece"].value
        assert row["facts"]
        assert row["source"]
    missing = document["conventions"][2]["metrics"]["mce"]
    assert missing.pop("reason") == {
        "code": "not_in_convention",
        "message": "mbls has no maximum calibration error",
    }
    assert {*missing} == {"value", "low", "high", "corrected", "floor", "floor_high", "floor_certain"}
    assert {*missing.values()} == {None}


def test_the_note_names_the_convention():
    assert note(evaluate(DUMP), width=80, ascii_only=False) == ""
    text = note(evaluate(DUMP, convention="cals"), width=60, ascii_only=True)
    assert text.startswith("\n15 bins; convention mbls; accuracy, gap, ECE")
    assert max(map(len, text.splitlines())) <= 60
    assert text.isascii()


@pytest.mark.parametrize("convention", ["guo", "mbls", "torchmetrics", "netcal", "relplot", "torch-uncertainty"])
def test_every_renderer_takes_these_reports(convention):
    report = evaluate(DUMP, convention=convention)
    for renderer in (bins_csv, csv_table, latex, markdown):
        assert renderer.render(report)
    assert figure_bytes(reliability_figure(report), "svg")
    text = render_report(report, width=100, color=False, ascii_only=False)
    assert "0000000" not in text
