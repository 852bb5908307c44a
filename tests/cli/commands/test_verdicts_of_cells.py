"""Verdicts on sums whose bins or edges are not those of the rows: never surer than the bound on their values."""

import json
from pathlib import Path

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run


def alternating(rows=28, bins=15, k=20):
    """Rows whose gaps change their sign from bin to bin, so that joined bins look calibrated."""
    rng = np.random.default_rng(0)
    place = np.arange(rows * bins) // rows
    p = (place + 0.5) / bins
    y = rng.uniform(size=len(p)) < np.where(place % 2 == 0, p + 0.4, p - 0.4)
    p, y = p[p > 0.12], y[p > 0.12]
    probs = np.repeat(((1 - p) / (k - 1))[:, None], k, axis=1)
    probs[:, 0] = p
    return {"probs": probs, "labels": np.where(y, 0, 1)}


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("rows.npz", **alternating())
    assert run(capsys, "sums", "rows.npz", "-o", "few.sums", "--min-cell", "30", "-q").code == 0
    return lambda *words: run(capsys, *words)


def rule_of(here, *words):
    return json.loads(here("gate", *words, "--json").out)["rules"][0]


@pytest.mark.parametrize("name", ["ece", "aece", "oe"])
def test_joined_bins_never_pass_what_rows_fail(here, name):
    rows = calibeval.evaluate("rows.npz")[name]
    found = calibeval.evaluate("few.sums")[name]
    limit = 0.5 * (rows.value + found.value)
    assert rule_of(here, "rows.npz", "--max", f"{name}={limit}")["verdict"] == "fail"
    assert rule_of(here, "few.sums", "--max", f"{name}={limit}")["verdict"] in ("inconclusive", "error")
    if found.value is not None:
        assert abs(found.value - rows.value) <= found.cell_error < 1.0
        assert found.low <= max(rows.value - found.cell_error, 0.0)
        assert found.high >= rows.low


def test_by_the_value_alone_a_limit_within_the_bound_is_inconclusive(here):
    rules = '[gate]\ndecide = "point"\non_inconclusive = "warn"\n[[gate.rule]]\nmetric = "ece"\nmax = 0.2\n'
    Path("gate.toml").write_text(rules)
    found = rule_of(here, "few.sums", "--config", "gate.toml")
    assert (found["verdict"], found["reason"]["code"]) == ("inconclusive", "at_limit")


def test_changes_from_joined_bins_are_as_wide(here):
    calibeval.evaluate("rows.npz").save("whole")
    found = rule_of(here, "few.sums", "--baseline", "whole/report.json", "--max-increase", "ece=0.0")
    assert found["verdict"] == "inconclusive"
    assert found["low"] < 0.0 < found["high"]
    change = calibeval.compare("whole/report.json", "few.sums").candidates[0].differences["ece"]
    assert change.cell_error == calibeval.evaluate("few.sums")["ece"].cell_error
    assert not change.likely


def test_the_report_does_not_say_more_than_the_bound(here):
    done = here("report", "few.sums")
    (line,) = [one for one in done.out.splitlines() if one.startswith("ECE  ")]
    assert line.endswith("cannot tell")
    full = here("report", "few.sums", "--full").out
    points = f"{105 * calibeval.evaluate('few.sums')['ece'].cell_error:.2g} points of the value in all bins"
    assert f"small bins were joined, within {points}" in " ".join(full.split())
    mce = calibeval.evaluate("few.sums", metrics="all")["mce"]
    assert mce.value is None
    assert mce.reason.startswith("sums give no useful bound on it")


def test_the_same_dump_is_not_added_twice(here):
    done = here("sums", "rows.npz", "rows.npz", "-o", "two.sums")
    assert (done.code, "the dump rows.npz is in both (the same SHA-256)" in done.err) == (2, True)
    assert here("sums", "rows.npz", "-o", "exact.sums", "--exact").code == 0
    done = here("report", "few.sums", "exact.sums")
    assert (done.code, "in both (the same SHA-256): its rows would count twice" in done.err) == (2, True)
    data = alternating()
    np.savez("splits.npz", **{f"{part}_{key}": data[key][i::2] for i, part in enumerate(("a", "b")) for key in data})
    done = here("sums", "splits.npz#a", "splits.npz#b", "-o", "both.sums")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tace", "choose tace there (calibeval sums --metrics tace)"),
        ("ece_rank2", "choose ece_rank2 there (calibeval sums --metrics ece_rank2)"),
        ("ece_top2", "choose ece_top2 there (calibeval sums --metrics ece_top2)"),
        ("cwce_adaptive", "it needs the probabilities of every row, which sums do not hold"),
    ],
)
def test_what_sums_lack_says_how_to_get_it(here, name, reason):
    found = rule_of(here, "few.sums", "--max", f"{name}=0.1")
    assert found["verdict"] == "error"
    assert reason in found["reason"]["message"]
    if "choose" in reason:
        assert here("sums", "rows.npz", "-o", "made.sums", "--metrics", name).code == 0
        assert calibeval.evaluate("made.sums", metrics=name)[name].value is not None


def test_names(here):
    assert here("sums", "rows.npz", "-o", "all.sums").code == 0
    done = here("report", "site A=all.sums")
    assert (done.code, done.out.startswith("site A · 364 rows")) == (0, True)
    done = here("gate", "few.sums", "--baseline", "all.sums", "--max-increase", "nll=0.5")
    assert (done.code, "rows are not paired: all.sums holds sums" in done.err) == (0, True)
