"""Logs under maps, comparisons and gates: options that answers lack keep probability 0, and rows are paired by id."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.methods import METHODS
from tests.cli.invoking import run
from tests.readers.logs.lm_eval_writer import NAME, sample, samples, write

FOR_FIVE = [name for name, spec in METHODS.items() if name != "none" and (spec.top_label or not spec.binary)]


def ragged(path, n=300, seed=0):
    """Over-confident answers to questions with three to five options, drawn from the softmax of half of the scores."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(n):
        k = 3 + number % 3
        scores = rng.normal(-20, 3, k)
        right = int(rng.choice(k, p=np.exp(scores / 2) / np.exp(scores / 2).sum()))
        rows.append(sample(number, scores, [f"option {i}" for i in range(k)], right, right=[right]))
    path.parent.mkdir(exist_ok=True)
    return write(path, rows)


@pytest.fixture
def log(tmp_path):
    return ragged(tmp_path / "val" / NAME.format(task="quiz"))


@pytest.mark.parametrize("method", FOR_FIVE)
def test_a_map_leaves_lacking_options_at_nothing_or_is_refused(method, log, tmp_path):
    if method in ("ets", "isotonic"):
        with pytest.raises(InputError, match="some answers have fewer than 5 options") as error:
            calibeval.fit(log, method=method)
        assert "use temperature, vector or a map of the top label" in str(error.value)
        return
    found = calibeval.fit(log, method=method)
    scores = np.asarray(calibeval.read(log).scores[0:300])
    mapped = np.asarray(found.apply(scores.copy()))
    assert np.isneginf(mapped[np.isneginf(scores)]).all()
    assert not np.isnan(mapped).any()
    test = ragged(tmp_path / "test" / NAME.format(task="quiz"), seed=1)
    report = calibeval.evaluate(test, fit_on=log, method=method)
    after = report.dumps[0].recalibrated.metrics
    assert after["nll"].value < report["nll"].value


def test_auto_says_which_maps_it_does_not_try(log):
    found = calibeval.fit(log, method="auto")
    tried = {row.method: row for row in found.fitted.selection}
    assert {"temperature", "vector"} <= {*tried}
    for name in ("ets", "isotonic"):
        assert name not in tried or tried[name].reason.code == "absent_options"


def test_equal_numbers_of_options_have_every_map(tmp_path):
    rows = samples(np.random.default_rng(0), 300, least=4, most=4)
    path = write(tmp_path / NAME.format(task="quiz"), list(rows))
    assert calibeval.fit(path, method="ets").method == "ets"


def test_judged_answers_are_a_log_as_base_and_as_baseline(tmp_path, capsys):
    for folder, stated in (("a", 70), ("b", 95)):
        (tmp_path / folder).mkdir()
        verdicts = {
            f"q{i}": {"judge_response": {"correct": "yes" if i % 10 < 7 else "no", "confidence": stated}}
            for i in range(200)
        }
        keys = reversed(verdicts) if folder == "b" else verdicts
        (tmp_path / folder / "judged.json").write_text(json.dumps({key: verdicts[key] for key in keys}))
    base, candidate = tmp_path / "a" / "judged.json", tmp_path / "b" / "judged.json"
    found = run(capsys, "compare", base, candidate, "--json")
    assert found.code == 0
    assert calibeval.compare(base, candidate).candidates[0]["ece"].difference == pytest.approx(0.25)
    gated = run(capsys, "gate", candidate, "--baseline", base, "--max-increase", "ece=0.02")
    assert (gated.code, "paired by id" in gated.out) == (1, True)
    report = tmp_path / "report.json"
    report.write_text(calibeval.evaluate(base).to_json())  # its source names the answers of a log, and it is none
    assert run(capsys, "compare", report, candidate).code == 0


def test_logs_of_other_documents_are_not_paired(log, tmp_path):
    other = ragged(tmp_path / "other" / NAME.format(task="trivia"))
    with pytest.raises(InputError, match=r"ids differ, 300 only in .*quiz.* \(quiz/0, quiz/1"):
        calibeval.compare(log, other)
