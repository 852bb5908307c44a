"""What a log of decisions says of its choices, and gold answers in the words of another: ties, levels, bare answers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import calibeval
from calibeval.core.errors import InputError, UsageError


def write(path, answers, golds, key="labels"):
    rows = [{"answers": {"q": answer}, key: {"q": gold}} for answer, gold in zip(answers, golds, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def counts(found):
    return {one.what: one.answers for one in found.source.log.counts}


@pytest.mark.parametrize("part", ["topc", "a"])
def test_a_question_that_a_log_of_one_question_does_not_have_is_refused(tmp_path, part):
    path = write(tmp_path / "log.jsonl", [{"type": "noul", "noul": 0.3}] * 2, [True, False])
    with pytest.raises(UsageError, match=f'there is no question "{part}"'):
        calibeval.read(f"{path}#{part}")
    assert calibeval.read(f"{path}#q").n == 2


def test_the_stated_choice_decides_between_options_that_are_equally_likely(tmp_path):
    shares = {"a": 0.33, "b": 0.33, "c": 0.33}
    answers = [{"type": "choice", "choice": choice, "probabilities": shares} for choice in "abcc"]
    path = write(tmp_path / "log.jsonl", answers, "abca")
    report = calibeval.evaluate(path, level=None)
    assert report["accuracy"].value == 0.75
    assert report["confidence_gap"].value == pytest.approx(1 / 3 - 0.75, abs=1e-9)
    assert any("rounded to 2 decimals" in text for text in report.dumps[0].warnings)
    assert counts(calibeval.read(path)) == {
        "whose likeliest options are equally likely, so that the stated choice decides": 3
    }


@pytest.mark.parametrize(
    ("choice", "golds", "right", "told"),
    [
        (True, ["yes", "no", True, 0], [1, 0, 1, 0], {}),
        (False, ["yes", "no", "false", 1], [0, 1, 1, 0], {}),
        (
            "Billing", ["billing", "Billing", "sales", "SALES"], [1, 1, 0, 0],
            {"whose gold answer is the choice in other letters (a, A), which counts as right": 1},
        ),
        (2, [2, "2", 2.0, 3], [1, 1, 1, 0], {}),
    ],
)  # fmt: skip
def test_a_bare_choice_is_right_in_other_words(tmp_path, choice, golds, right, told):
    answers = [{"type": "choice", "choice": choice, "confidence": 0.9}] * 4
    found = calibeval.read(write(tmp_path / "log.jsonl", answers, golds), confidence_means="probability")
    assert (found.labels.tolist(), counts(found)) == (right, told)


def test_a_confidence_without_a_choice_is_counted(tmp_path):
    answers = [{"type": "choice", "confidence": 0.9}] + [{"type": "choice", "choice": "a", "confidence": 0.9}] * 2
    found = calibeval.read(write(tmp_path / "log.jsonl", answers, "aab"), confidence_means="probability")
    assert (found.n, counts(found)) == (2, {"with a confidence, but no choice": 1})


def score(legend):
    shares = {"0": 0.1, "1": 0.8, "2": 0.1}
    return {"type": "score", "score": 1, "legend": dict(zip("012", legend, strict=True)), "probabilities": shares}


@pytest.mark.parametrize(
    ("legend", "gold", "label"),
    [
        (("1", "2", "3"), 1, 1),
        (("1", "2", "3"), 0, 0),
        (("1", "2", "3"), "3", 2),
        (("1", "2", "3"), {"0": 0, "1": 1, "2": 0}, 1),
        (("1", "2", "3"), {"1": 0, "2": 0, "3": 1}, 2),
        (("ok", "ok", "bad"), 1, 1),
        (("bad", "ok", "good"), {"0": 0, "1": 1, "2": 0}, 1),
        (("bad", "ok", "good"), "good", 2),
        (("bad", "ok", "good"), "2", 2),
        (("0", "1", "2"), "1", 1),
    ],
)
def test_a_number_is_the_level_of_a_score_and_not_its_label(tmp_path, legend, gold, label):
    found = calibeval.read(write(tmp_path / "log.jsonl", [score(legend)] * 2, [gold] * 2))
    assert (found.labels.tolist(), found.source.log.counts) == ([label] * 2, ())
    # cumulated .1, .9 against 0, 1 at level 1; 1, 1 at level 0; 0, 0 at level 2
    expected = {1: (0.1**2 + 0.1**2) / 2, 0: (0.9**2 + 0.1**2) / 2, 2: (0.1**2 + 0.9**2) / 2}[label]
    assert next(one.value for one in found.source.log.measures if one.name == "rps") == pytest.approx(expected)


@pytest.mark.parametrize("gold", ["1", {"1": 0.5, "2": 0.5}])
def test_a_text_that_is_a_level_and_the_label_of_another_is_refused(tmp_path, gold):
    legend = ("2", "0", "1") if isinstance(gold, dict) else ("1", "2", "3")
    path = write(tmp_path / "log.jsonl", [score(legend)] * 2, [gold] * 2)
    with pytest.raises(InputError, match=r"is the label of one level and the value of another.*as numbers"):
        calibeval.read(path)


def test_a_bare_answer_does_not_hide_probabilities_that_are_none(tmp_path):
    bare = {"type": "choice", "choice": "a", "confidence": 0.9}
    answers = [bare, {"type": "choice", "choice": "a", "probabilities": {"a": 0.2, "b": 0.1}}]
    path = write(tmp_path / "log.jsonl", answers, "aa")
    with pytest.raises(InputError, match=r'line 2, question "q": the probabilities sum to 0.3, not to 1'):
        calibeval.read(path, confidence_means="probability")
    rounded = {"type": "choice", "choice": "a", "probabilities": {"a": 0.33, "b": 0.33, "c": 0.33}}
    found = calibeval.read(write(path, [bare, rounded], "aa"), confidence_means="probability")
    assert found.scores[0:2].tolist() == pytest.approx([0.9, 1 / 3])


def test_rounding_explains_no_more_than_the_options_of_the_row_itself(tmp_path):
    wide = {"type": "choice", "probabilities": {f"o{i}": 0.13 if i == 0 else 0.03 for i in range(30)}}
    for share, fits in ((0.35, False), (0.49, True)):
        narrow = {"type": "choice", "probabilities": {"a": 0.5, "b": share}}
        path = write(tmp_path / f"{share}.jsonl", [wide, narrow], ["o0", "a"])
        if fits:
            assert calibeval.read(path).scores[1:2][0, :2].tolist() == pytest.approx([50 / 99, 49 / 99])
        else:
            with pytest.raises(InputError, match=r"sums to 0.85, not to 1 within 0.0101 \(rounded to 2 decimals\)"):
                calibeval.evaluate(path, level=None)


def test_a_clip_raises_printed_zeros_but_no_option_that_an_answer_does_not_have(tmp_path):
    narrow, zeros, minus = (
        {"a": 0.6, "b": 0.4},
        {"a": 0.7, "b": 0.3, "c": 0.0, "d": 0.0},
        {"a": 0.8, "b": 0.2, "c": -0.0},
    )
    given = [(narrow, "a"), (narrow, "b"), (zeros, "a"), (zeros, "c"), (minus, "a"), (minus, "b")] * 3
    answers = [{"type": "choice", "probabilities": probs} for probs, _ in given]
    path = write(tmp_path / "log.jsonl", answers, [gold for _, gold in given])
    fitted = calibeval.fit(path, method="temperature", clip=0.01)

    def logs(probs, t):
        return {name: math.log(max(p, 0.01)) / t for name, p in probs.items()}

    def nll(t):
        return sum(
            math.log(sum(map(math.exp, logs(probs, t).values()))) - logs(probs, t)[gold] for probs, gold in given
        )

    best = minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}).x
    assert fitted.temperature == pytest.approx(best, rel=1e-5)
    mapped = np.exp(fitted(path).scores[0:5])
    for row, (probs, _) in zip(mapped, given[:5], strict=True):
        shares = np.exp([*logs(probs, best).values()])
        assert row.tolist() == pytest.approx([*(shares / shares.sum()), 0, 0][:4], rel=1e-4)


def test_two_options_are_matched_by_name_and_others_have_no_positive_class(tmp_path):
    same = [{"type": "choice", "probabilities": one} for one in ({"yes": 0.9, "no": 0.1}, {"no": 0.3, "yes": 0.7})]
    found = calibeval.read(write(tmp_path / "log.jsonl", same, ["yes", "no"]))
    assert (found.class_names, found.labels.tolist()) == (("yes", "no"), [0, 1])
    assert found.scores[0:2].tolist() == [[0.9, 0.1], [0.7, 0.3]]
    other = {"type": "choice", "probabilities": {"red": 0.6, "blue": 0.4}}
    report = calibeval.evaluate(write(tmp_path / "log.jsonl", [*same, other], ["yes", "no", "blue"]), level=None)
    assert report["accuracy"].value == pytest.approx(1 / 3)
    assert report["confidence_gap"].value == pytest.approx((0.9 + 0.7 + 0.6) / 3 - 1 / 3)
