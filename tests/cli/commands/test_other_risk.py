"""The risk-coverage curve of comparisons and verdicts, as a file and as a figure."""

import numpy as np
import pytest

from calibeval import Predictions, Rule, compare, gate
from calibeval.api.show import curves_of
from calibeval.core.errors import InputError, UsageError
from tests.cli.invoking import run


@pytest.fixture
def dumps(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    logits = 2.0 * np.eye(3)[labels] + rng.normal(size=(600, 3))
    for name, sharper in (("old", 1.0), ("new", 2.0)):
        np.savez(tmp_path / f"{name}.npz", logits=sharper * logits + 0.3 * rng.normal(size=(600, 3)), labels=labels)
    return [str(tmp_path / f"{name}.npz") for name in ("old", "new")]


def test_compare_draws_a_panel_for_each_model(capsys, dumps, tmp_path):
    path = tmp_path / "curve.svg"
    done = run(capsys, "compare", *dumps, "--metrics", "augrc,accuracy", "--export", f"risk={path}")
    assert done.code == 0, done.err
    drawn = path.read_text()
    assert "Risk-coverage curve of 2 dumps" in drawn
    assert all(f"{name}.npz" in drawn for name in ("old", "new"))


def test_gate_draws_the_curve_of_its_dump(capsys, dumps, tmp_path):
    path = tmp_path / "curve.png"
    rules = ("--min", "coverage@20%=0.1", "--max", "ece=0.9")
    done = run(capsys, "gate", dumps[0], *rules, "--export", f"risk={path}", "--export", f"flat={tmp_path / 'f.json'}")
    assert done.code == 0, done.err
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "f.json").exists()


@pytest.mark.parametrize("words", [("compare", 2, "--metrics", "ece"), ("gate", 1, "--max", "ece=0.9")])
def test_a_curve_that_was_not_measured_or_cannot_be_a_file_is_refused(capsys, dumps, tmp_path, words):
    command, count, *more = words
    done = run(capsys, command, *dumps[:count], *more, "--export", f"risk={tmp_path / 'curve.svg'}")
    assert done.code == 3
    assert "no risk-coverage curve to draw: it comes with metrics such as aurc" in done.err
    done = run(capsys, command, *dumps[:count], *more, "--export", f"risk={tmp_path / 'curve.txt'}")
    assert done.code == 2
    assert "formats are .svg, .png and .pdf" in done.err
    assert not list(tmp_path.glob("curve.*"))


def test_figures_of_comparisons_and_verdicts(dumps):
    pytest.importorskip("matplotlib")
    found = compare(*dumps, metrics=["augrc"])
    assert [axes.get_label() for axes in found.figure(of="risk").axes] == ["risk 0", "risk 1"]
    assert [one.metrics["augrc"].curve for one in curves_of(found).dumps] == [
        found.base.risk,
        found.candidates[0].dump.risk,
    ]
    with pytest.raises(InputError, match="no risk-coverage curve"):
        compare(*dumps).figure(of="risk")
    with pytest.raises(UsageError, match="of"):
        found.figure(of="reliability")
    (axes,) = gate(dumps[0], [Rule("aurc", "max", 0.9)]).figure(of="risk").axes
    assert axes.get_label() == "risk 0"
    with pytest.raises(InputError, match="no risk-coverage curve"):
        gate(dumps[0], [Rule("ece", "max", 0.9)]).figure(of="risk")


def test_groups_take_the_interval_from_both_curves(dumps):
    rng = np.random.default_rng(0)
    columns = {"patient": np.arange(600) // 2}
    both = [Predictions(confidence=rng.random(600), correct=rng.random(600) < 0.7, columns=columns) for _ in range(2)]
    found = compare(*both, metrics=["augrc"], group="patient")
    assert all(one.groups == found.candidates[0].groups is not None for one in curves_of(found).dumps)
