"""A map from a stranger's file may have parameters of any size: what it makes can be read again, or it is refused."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from calibeval import Predictions, evaluate, fit
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.mapped_rows import _keep_top
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from tests.cli.invoking import run
from tests.data import logits_and_labels
from tests.draws import draws

SIZES = (1e308, -1e308, 1e300, 1e160, 1e100, 5e-324, 1e-300, 0, -1, 2**62)


def dump(k, *, masked=False, kind="logits"):
    logits, labels = logits_and_labels(60, k)
    logits = logits.astype(np.float64)
    if masked:
        logits[::7, 0], labels[::7] = -np.inf, 1
    if kind == "probs":
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return Predictions(probs=p / p.sum(axis=1, keepdims=True), labels=labels)
    return Predictions(logits=logits, labels=labels)


def numbers(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from numbers(inner, (*path, key))
    if isinstance(value, int | float):
        yield path


def changed(document, path, value):
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_what_a_map_makes_can_be_read_again(method, k):
    if k > 2 and METHODS[method].binary:
        return
    made, measured = json.loads(fit(dump(k), method).to_json()), set()
    for path in [("parameters", *path) for path in numbers(made["parameters"])][: draws(8)]:
        for size in SIZES:
            try:
                found = from_json(changed(made, path, size))
            except InputError:
                continue
            for one in (dump(k), dump(k, masked=True), dump(k, kind="probs")):
                try:
                    scores = found(one).scores
                    scores = np.asarray(scores[0 : len(scores.scores[0 : one.rows])])
                except InputError as error:
                    assert "its parameters are too large" in str(error)  # noqa: PT017 - either outcome is right
                    continue
                kind = {"logits" if one.kind == "logits" else "log_probs": scores}
                if (key := (one.kind, one.labels.tobytes(), scores.tobytes())) in measured:
                    continue
                measured.add(key)
                assert evaluate(**kind, labels=one.labels).dumps[0].n == 60


@pytest.mark.parametrize(("weights", "refused"), [(1e308, True), (1e140, False), (-1e308, True), (1e-320, False)])
def test_apply_and_report_refuse_alike(capsys, tmp_path, weights, refused):
    logits, labels = logits_and_labels(60, 3)
    np.savez(tmp_path / "a.npz", logits=logits, labels=labels)
    made = json.loads(fit(Predictions(logits=logits, labels=labels), "vector").to_json())
    (tmp_path / "map.json").write_text(changed(made, ("parameters", "weights"), [weights] * 3), encoding="utf-8")
    applied = run(capsys, "apply", tmp_path / "map.json", tmp_path / "a.npz", "-o", tmp_path / "b.npz", "-q")
    reported = run(capsys, "report", tmp_path / "a.npz", "--map", tmp_path / "map.json", "-q", "--allow-leak")
    said = (
        "the map gives scores that are not numbers, or are beyond 1e+150: its parameters are too large for these "
        "scores, or too small\n"
    )
    assert (applied.code, applied.err) == (reported.code, reported.err) == ((3, said) if refused else (0, ""))
    assert (tmp_path / "b.npz").exists() != refused
    assert refused or run(capsys, "report", tmp_path / "b.npz").code == 0


def test_parameters_too_small():
    made = json.loads(fit(dump(3), "temperature").to_json())
    found = from_json(changed(made, ("parameters", "temperature"), 5e-324))
    with pytest.raises(InputError, match="beyond 1e\\+150"):
        found([[1.0, 2.0, 3.0]])
    assert np.asarray(found([[0.0, -np.inf, 0.0]])).tolist() == [[0.0, -np.inf, 0.0]]  # a masked class stays one


def test_the_largest_score_stays_the_largest_and_the_sum_stays():
    """Whatever a map does to the order: the largest score is exchanged with the one that took its place."""
    scores = np.log([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]])
    result = np.log([[0.3, 0.6, 0.1], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
    _keep_top(scores, result)
    assert result.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(np.exp(result), [[0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]], rtol=1e-12)
