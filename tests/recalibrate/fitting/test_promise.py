"""No map has a larger NLL on its own rows than a temperature, and a search that did not converge is told everywhere."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from calibeval import Predictions, fit
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Fitted, Search, Solution
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.promise import best_temperature, kept
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps import logistic
from calibeval.recalibrate.maps.isotonic import Curve, IsotonicMap
from calibeval.recalibrate.maps.platt import PlattMap
from tests.cli.invoking import run
from tests.data import logits_and_labels


def dump(n=300, k=2, seed=0):
    logits, labels = logits_and_labels(n, k, seed=seed)
    return Predictions(logits=logits, labels=labels)


def ended(values, search=None, note=None, map_class=PlattMap, rows=None):
    """What is kept of such parameters."""
    rows = rows or dump()
    made = partial(map_class, 2, None, Fitted(None, None, rows.n, "nll", 0.0, 0.0))
    return kept(rows, None, Solution(values, note, search), made, best_temperature(rows, None))


NO_TEMPERATURE = {"none", "temperature", "isotonic", "top-temperature", "top-isotonic"}


@pytest.mark.parametrize("name", sorted(NO_TEMPERATURE))
def test_maps_without_parameters_that_make_them_another_temperature(name):
    assert METHODS[name].map.of_temperature(2.0, 2) is None


@pytest.mark.parametrize("name", [name for name in METHODS if name not in NO_TEMPERATURE])
@pytest.mark.parametrize("temperature", [0.3, 7.0])
def test_the_parameters_that_make_a_map_a_temperature(name, temperature):
    rows = dump()
    one = fit(rows, name)
    values = type(one).of_temperature(temperature, 2)
    logits = np.asarray(rows.scores)
    mapped = type(one)(2, None, one.fitted, *values).apply(logits)
    np.testing.assert_allclose(np.diff(mapped, axis=1), np.diff(logits, axis=1) / temperature, rtol=1e-12)


def test_parameters_worse_than_the_best_temperature_are_replaced_by_it():
    best = fit(dump())
    end = ended((-1.0, 3.0), Search(True, 0.0, 4))
    assert (end.map.slope, end.map.intercept) == pytest.approx((1 / best.temperature, 0.0))
    assert end.after == pytest.approx(best.fitted.nll_after, abs=1e-12)
    assert end.note.startswith(f"the NLL of the best temperature, {end.after:.5g}, is below that of the method platt")
    assert end.note.endswith(f"so the map is this temperature, {best.temperature:.4g}")
    assert end.search == best.fitted.search


def test_parameters_that_give_no_number_are_replaced_too():
    assert ended((1e308, -1e308)).after == pytest.approx(fit(dump()).fitted.nll_after, abs=1e-12)


def test_a_better_map_is_kept_as_it_is():
    found = fit(dump(), "platt")
    end = ended((found.slope, found.intercept), Search(True, 0.0, 4), "a note")
    assert (end.map.slope, end.map.intercept, end.note, end.search.iterations) == (
        *(found.slope, found.intercept),
        *("a note", 4),
    )


def test_a_search_that_failed_says_so_whatever_is_kept():
    failed = Search(False, 0.25, 1)
    end = ended((-1.0, 3.0), failed, "one thing")
    first = "the search did not converge: after 1 step, the gradient is still 2.5e-01; the NLL of the best"
    assert end.note.startswith(first)  # and what was said of the map that is not kept is left out
    assert end.search == failed


def test_a_map_that_has_no_temperature_says_that_it_is_worse():
    flat = Curve((0.0, 1.0), (0.5, 0.5))
    end = ended(((flat,),), map_class=IsotonicMap)
    assert end.map.curves == (flat,)
    assert end.note == (
        f"the NLL of the best temperature, {fit(dump()).fitted.nll_after:.5g}, is below that of the method isotonic, "
        "0.69315"
    )


def test_where_the_best_temperature_is_a_limit_maps_may_stop_before_certainty():
    rows = Predictions(logits=[-2.0, -1.0, 1.0, 3.0], labels=[0, 0, 1, 1])
    assert fit(rows).fitted.nll_after < 1e-8
    for method in ("platt", "beta", "isotonic"):
        note = fit(rows, method).fitted.note
        assert "best temperature" not in (note or "")


def test_labels_that_can_be_separated_at_another_place_than_0():
    """The temperature has an optimum that targets short of 0 and 1 miss: then the map is this temperature."""
    s = np.concatenate([np.full(500, -10.0), np.full(499, 10.0), [-0.01]])
    rows = Predictions(logits=s, labels=(s > -1).astype(int))
    best = fit(rows)
    assert best.fitted.bound is None
    for method in ("platt", "beta"):
        found = fit(rows, method)
        assert found.fitted.nll_after == pytest.approx(best.fitted.nll_after, abs=1e-12)
        assert found.fitted.note.startswith(f"the NLL of the best temperature, {found.fitted.nll_after:.5g}, is below")
        assert found.fitted.note.endswith(f"so the map is this temperature, {best.temperature:.4g}")


def test_what_is_said_of_a_map_is_not_said_of_the_temperature_in_its_place():
    """The quadratic function falls at the first row, and is fitted to other targets; the temperature is neither."""
    found = fit(Predictions(logits=[-3.0, 0.5, 1.5, 3.0], labels=[0, 0, 1, 1]), "quadratic")
    assert found.quadratic == 0
    assert found.fitted.note.startswith(
        "the NLL of the best temperature, 0.31069, is below that of the method quadratic"
    )


@pytest.mark.parametrize("method", ["beta", "spline"])
def test_a_map_that_never_falls_does_not_call_labels_separable_that_it_cannot_separate(method):
    """It is a constant if the labels 1 have the lower scores: of log-odds log 3, with the NLL of a share of 3/4."""
    rows = Predictions(logits=[1.0, 2.0, 3.0, 4.0], labels=[1, 1, 1, 0])
    found = fit(rows, method)
    assert found.fitted.note is None
    assert found.fitted.nll_after == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    after = found(np.array([[0.0, -9.0], [0.0, 2.0], [0.0, 9.0]]))
    assert np.diff(after, axis=1)[:, 0] == pytest.approx([np.log(3)] * 3)
    assert "separate" in fit(rows, "platt").fitted.note


@pytest.mark.parametrize("k", [2, 5])
def test_every_search_is_recorded(k):
    for name, spec in METHODS.items():
        if spec.binary and k != 2:
            continue
        found = fit(dump(k=k), name)
        search = found.fitted.search
        assert json.loads(found.to_json())["search"] == (
            None
            if search is None
            else {"converged": True, "gradient": search.gradient, "iterations": search.iterations}
        )
        if name in ("temperature", "platt", "beta"):
            assert search.gradient < 1e-9
            assert search.iterations > 0


@pytest.mark.parametrize("k", [2, 5, 30])
@pytest.mark.parametrize("n", [300, 20_000])
def test_the_gradient_of_a_temperature_is_that_of_the_plain_loss(n, k):
    """Of all rows, also where the search starts on some of them: the slope by log T, from differences."""
    rows = dump(n, k)
    found = fit(rows)
    z = np.asarray(rows.scores)

    def nll(log_t):
        v = z / np.exp(log_t)
        v -= v.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(v).sum(axis=1)) - v[np.arange(n), rows.labels]))

    at = np.log(found.temperature)
    assert abs(nll(at + 1e-5) - nll(at - 1e-5)) / 2e-5 < 1e-8
    assert found.fitted.search.gradient < 1e-10


def test_bounds_are_ends_of_a_search():
    for labels, bound in (([0, 0], "low"), ([1, 1], "high")):
        found = fit(Predictions(logits=[[2.0, 0.0], [1.0, 0.0]], labels=labels))
        assert (found.fitted.bound, found.fitted.search.converged) == (bound, True)
        assert found.fitted.search.gradient < 1e-6
    flat = fit(Predictions(logits=[[1.0, 1.0]] * 2, labels=[0, 1]))
    assert flat.fitted.search == Search(True, 0.0, 1)


def test_objectives_that_are_no_nll_have_no_search():
    assert [fit(dump(), objective=name).fitted.search for name in ("ece", "accuracy")] == [None, None]


def test_a_search_that_did_not_converge_is_told_by_every_command(capsys, tmp_path, monkeypatch):
    """With one step, as no rows are known on which the search fails."""
    monkeypatch.setattr(logistic, "MOST_STEPS", 1)
    monkeypatch.setattr(logistic, "MOST_ROUNDS", 1)
    logits, labels = logits_and_labels(600, 2)
    files = [str(tmp_path / name) for name in ("val.npz", "test.npz", "map.json")]
    np.savez(files[0], logits=logits[:300], labels=labels[:300])
    np.savez(files[1], logits=logits[300:], labels=labels[300:])
    fitted = run(capsys, "fit", files[0], "--method", "beta", "-o", files[2])
    assert fitted.code == 0
    assert "note: the search did not converge: after 1 step, the gradient is still " in fitted.out
    document = run(capsys, "fit", files[0], "--method", "beta", "--json").json
    assert document["search"]["converged"] is False
    assert document["search"]["gradient"] > 1e-6
    assert from_json(json.dumps(document)).fitted.search == Search(**document["search"])
    for more in (
        ("--map", files[2]),
        ("--fit-on", files[0], "--method", "beta"),
        ("--cross-fit", 3, "--method", "beta"),
    ):
        report = run(capsys, "report", files[1], *more, "--json")
        assert report.code == 0
        told = [one["message"] for one in report.json["dumps"][0]["warnings"] if one["code"] == "map_note"]
        assert len(told) == 1
        assert "the search did not converge" in told[0]


@pytest.mark.parametrize("note", [None, "mind the clip"])
def test_a_map_without_the_note_of_its_search_is_warned_about(capsys, tmp_path, note):
    document = json.loads(fit(dump(), "beta").to_json())
    document |= {"search": {"converged": False, "gradient": 0.002, "iterations": 1000}, "note": note}
    (tmp_path / "map.json").write_text(json.dumps(document), encoding="utf-8")
    logits, labels = logits_and_labels(300, 2, seed=5)
    np.savez(tmp_path / "test.npz", logits=logits, labels=labels)
    report = run(capsys, "report", tmp_path / "test.npz", "--map", tmp_path / "map.json", "--json")
    told = [one["message"] for one in report.json["dumps"][0]["warnings"] if one["code"] == "map_note"]
    failure = "the search did not converge: after 1,000 steps, the gradient is still 2.0e-03"
    assert told == [*([] if note is None else [note]), failure]


def test_margins_beyond_the_largest_number_are_refused():
    rows = Predictions(logits=[[-1e308, 1e308], [1e308, -1e308], [0.0, 1.0], [1.0, 0.0]] * 3, labels=[0, 1] * 6)
    for method in ("platt", "beta"):
        with pytest.raises(InputError, match="divide them by a constant first"):
            fit(rows, method)
