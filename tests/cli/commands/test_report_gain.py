"""Reports in full and pages say what recalibration is worth; others compute it on request only."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import evaluate, read
from tests.cli.invoking import run
from tests.core.metrics.test_gain import sharpened

NAMES = ("phi_nll", "phi_brier")
SAID = "Recalibration would gain "


@pytest.fixture
def dump(tmp_path):
    sharpened(n=1500, ids=np.arange(1500)).save(tmp_path / "a.npz")
    return tmp_path / "a.npz"


def test_only_reports_in_full_compute_it(dump, capsys):
    plain = run(capsys, "report", str(dump), "-q")
    assert SAID not in plain.out
    assert not {*NAMES} & {*run(capsys, "report", str(dump), "-q", "--json").json["dumps"][0]["metrics"]}
    full = run(capsys, "report", str(dump), "-q", "--full").out
    assert SAID in full
    assert "refinement (left after the map)" in full
    assert "PHI of NLL" in full


def test_a_page_says_it_and_the_first_view_stays(dump, tmp_path, capsys):
    plain = run(capsys, "report", str(dump), "-q").out
    with_page = run(capsys, "report", str(dump), "-q", "-o", str(tmp_path / "out")).out
    assert with_page.split("Next:")[0] == plain.split("Next:")[0]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What would recalibration gain?" in page
    assert SAID in page
    assert '<table class="gain">' in page
    metrics = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["dumps"][0]["metrics"]
    own = evaluate(read(dump), metrics=NAMES)
    assert {name: metrics[name] for name in NAMES} == {name: own[name].to_dict() for name in NAMES}


def test_chosen_metrics_are_left_as_they_are(dump, tmp_path, capsys):
    out = run(capsys, "report", str(dump), "-q", "-o", str(tmp_path / "out"), "--metrics", "ece,nll").out
    assert SAID not in out
    metrics = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["dumps"][0]["metrics"]
    assert {*metrics} == {"ece", "nll"}


def test_with_a_map_before_and_after_say_it(dump, capsys):
    assert SAID not in run(capsys, "report", str(dump), "-q", "--full", "--cross-fit", "5").out


def test_of_several_dumps_each_has_its_own(dump, tmp_path, capsys):
    sharpened(n=1500, ids=np.arange(1500), factor=1.0).save(tmp_path / "b.npz")
    run(capsys, "report", str(dump), str(tmp_path / "b.npz"), "-q", "-o", str(tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("What would recalibration gain?") == 2
    assert "Recalibration would gain nothing" in page


def test_requested_metrics_are_in_the_tables(dump, capsys):
    out = run(capsys, "report", str(dump), "-q", "--metrics", "phi_nll,phi_brier").out
    assert "PHI of NLL" in out
    assert "PHI of Brier" in out
    assert SAID in out
