"""Answers of decision services, in both shapes, with gold answers beside them or in another file."""

from __future__ import annotations

import hashlib
import json

import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError

TOPIC, SPAM, SEVERITY = {"a": 0.7, "b": 0.2, "c": 0.1}, 0.3, {"0": 0.5, "1": 0.3, "2": 0.2}
LABELS = {"topic": "b", "spam": False, "severity": 1}


def by_question(**changed):
    """One decision of the shape that TypeSafe, Google and LangChain have."""
    return {
        "topic": {"type": "choice", "choice": "a", "confidence": 0.55, "probabilities": TOPIC},
        "spam": {"type": "noul", "noul": SPAM},
        "severity": {
            "type": "score", "score": 0.7, "legend": {"0": "none", "1": "some", "2": "much"},
            "probabilities": SEVERITY, "confidence": 0.1,
        },
    } | changed  # fmt: skip


def as_list():
    """The same of the shape that OpenAI has."""
    return [
        {
            "type": "choice", "name": "topic", "choice": "a", "confidence": 0.9,
            "probabilities": [{"value": name, "probability": p} for name, p in TOPIC.items()],
        },
        {"type": "predicate", "name": "spam", "probability": SPAM},
        {
            "type": "score", "name": "severity", "score": 0.7, "confidence": 0.2,
            "probabilities": [
                {"label": label, "value": value, "probability": p}
                for value, (label, p) in enumerate(zip(("none", "some", "much"), SEVERITY.values(), strict=True))
            ],
        },
    ]  # fmt: skip


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("answers", [by_question(), as_list()])
def test_both_shapes_are_the_same_decisions(tmp_path, answers):
    rows = [{"id": f"r{i}", "model": "m", "answers": answers, "labels": LABELS} for i in range(2)]
    found = calibeval.read(write(tmp_path / "log.txt", rows))
    assert (found.kind, found.k, found.source.format) == ("probs", 3, "decisions")
    assert found.scores[0:3].tolist() == [[0.7, 0.2, 0.1], [0.7, 0.3, 0], [0.5, 0.3, 0.2]]
    assert found.labels.tolist()[:3] == [1, 0, 1]
    assert found.ids.tolist()[:3] == ["r0/topic", "r0/spam", "r0/severity"]
    assert found.columns["document"].tolist() == ["r0"] * 3 + ["r1"] * 3
    assert (found.source.log.group, found.source.log.by) == ("document", "question")
    # cumulated: .5, .8 against 0, 1; expected level .7 against 1
    rps, error = found.source.log.measures
    assert (rps.name, rps.of, rps.answers, rps.error) == ("rps", "severity", 2, 0)
    assert rps.value == pytest.approx((0.5**2 + 0.2**2) / 2)
    assert (error.name, error.value) == ("absolute_error", pytest.approx(0.3))


@pytest.mark.parametrize("answers", [by_question(), as_list()])
def test_one_question_has_its_own_options(tmp_path, answers):
    path = write(tmp_path / "log.jsonl", [{"answers": answers, "labels": LABELS}] * 2)
    yes_or_no = calibeval.read(f"{path}#spam")
    assert (yes_or_no.class_names, yes_or_no.k, yes_or_no.source.split) == (("no", "yes"), 2, "spam")
    assert yes_or_no.scores[0:1].tolist() == [[0.7, 0.3]]
    assert calibeval.read(f"{path}#severity").class_names == ("none", "some", "much")
    with pytest.raises(UsageError, match=r'there is no question "spa" .*"spam"'):
        calibeval.read(f"{path}#spa")


def test_gold_answers_of_another_file_are_joined_by_id_or_by_order(tmp_path):
    rows = [{"id": f"r{i}", "answers": by_question()} for i in range(3)]
    golds = [{"id": f"r{i}", "labels": LABELS | {"topic": "abc"[i % 3]}} for i in (2, 0, 1, 7)]
    log, gold = write(tmp_path / "log.jsonl", rows), write(tmp_path / "gold.jsonl", golds)
    found = calibeval.read(f"{log}#topic", gold=gold)
    assert found.labels.tolist() == [0, 1, 2]
    assert "gold answers by id, 1 of them without a decision" in found.source.log.recognised
    source = found.settled_source()
    assert source.labels_path == gold.as_posix()
    assert source.labels_sha256 == hashlib.sha256(gold.read_bytes()).hexdigest()
    write(gold, [{"labels": LABELS | {"topic": name}} for name in "cba"])
    found = calibeval.read(f"{log}#topic", gold=gold)
    assert (found.labels.tolist(), "gold answers by order" in found.source.log.recognised) == ([2, 1, 0], True)
    write(gold, [{"id": f"r{i}", "question": "topic", "gold": "a"} for i in range(3)])
    assert calibeval.read(log, gold=gold).labels.tolist() == [0, 0, 0]
    write(gold, [{"labels": LABELS}] * 2)
    with pytest.raises(InputError, match=r"3 decisions and gold.jsonl 2 gold rows"):
        calibeval.read(log, gold=gold)
    write(gold, [{"id": "r0", "labels": LABELS}] * 2)
    with pytest.raises(InputError, match=r'gold.jsonl: the id "r0" occurs twice'):
        calibeval.read(log, gold=gold)
    write(gold, [{"id": "x", "labels": LABELS}])
    with pytest.raises(InputError, match="share no id"):
        calibeval.read(log, gold=gold)
    with pytest.raises(InputError, match="there are no gold answers"):
        calibeval.read(log)


def test_labels_of_another_file_are_gold_answers(tmp_path):
    path = write(tmp_path / "log.jsonl", [{"answers": by_question(), "labels": LABELS}] * 2)
    labels = tmp_path / "labels.csv"
    labels.write_text("label\n0\n1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is a log: its right answers are in it"):
        calibeval.read(path, labels=labels)


def test_what_cannot_be_measured_is_counted(tmp_path):
    rows = [
        {"answers": by_question(), "labels": LABELS},
        {"answers": by_question(topic={"type": "refusal"}), "labels": LABELS},
        {"answers": by_question(), "labels": {"topic": "z", "severity": 2}},
        {"answers": by_question(spam=None), "labels": LABELS},
        {"answers": None, "labels": LABELS},
        {"answers": by_question(topic={"choice": "b", "probabilities": TOPIC}), "labels": LABELS},
    ]
    log = calibeval.read(write(tmp_path / "log.jsonl", rows)).source.log
    assert {one.what: (one.answers, one.left_out) for one in log.counts} == {
        "refused": (1, True),
        "whose gold answer is none of the options": (1, True),
        "without a gold answer": (1, True),
        "without an answer": (2, True),
        "whose choice is not the likeliest option, which counts as chosen": (1, False),
    }
    assert log.answers == 16


def test_a_confidence_is_never_taken_as_a_probability_without_being_told(tmp_path):
    bare = {"topic": {"type": "choice", "choice": "a", "confidence": 0.6}}
    rows = [{"answers": bare, "labels": {"topic": name}} for name in "ab"]
    path = write(tmp_path / "log.jsonl", rows)
    with pytest.raises(InputError, match=r'services mean different things .*confidence_means="probability"'):
        calibeval.read(path)
    found = calibeval.read(path, confidence_means="probability")
    assert (found.kind, found.scores[0:2].tolist(), found.labels.tolist()) == ("confidence", [0.6, 0.6], [1, 0])


def test_gold_distributions(tmp_path):
    gold = {"topic": {"a": 0.6, "b": 0.4}}
    path = write(tmp_path / "log.jsonl", [{"answers": {"topic": by_question()["topic"]}, "gold": gold}] * 2)
    found = calibeval.read(path)
    assert found.labels.tolist() == [0, 0]
    brier, nll = found.source.log.measures
    assert (brier.name, nll.name) == ("brier_gold", "nll_gold")
    assert brier.value == pytest.approx(0.1**2 + 0.2**2 + 0.1**2)


def test_probabilities_rounded_to_two_decimals(tmp_path):
    topic = {"type": "choice", "probabilities": {"a": 0.33, "b": 0.33, "c": 0.33}}
    path = write(tmp_path / "log.jsonl", [{"answers": {"topic": topic}, "labels": {"topic": "a"}}] * 3)
    report = calibeval.evaluate(path, level=None)
    assert report["confidence_gap"].value == pytest.approx(1 / 3 - 1)
    assert any("rounded to 2 decimals" in text for text in report.dumps[0].warnings)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"type": "noul", "noul": 1.2}, r"the probability of yes is 1.2"),
        ({"type": "noul", "noul": "x"}, "the probability of yes: a number is needed"),
        ({"type": "vote", "choice": "a"}, 'the type "vote" is unknown'),
        ({"type": "choice", "probabilities": {"a": 0, "b": 0}}, "every option has probability 0"),
        ({"type": "choice", "probabilities": [0.5, 0.5]}, '"probabilities" must be an object'),
        ({"type": "choice", "choice": "a"}, 'there are no "probabilities"'),
        ({"type": "choice", "probabilities": [{"value": "a", "probability": 0.5}] * 2}, "two options"),
        ({"type": "score", "score": 1, "probabilities": {"low": 1, "high": 0}}, "a level of the score"),
    ],
)
def test_answers_that_cannot_be_are_refused_with_their_place(tmp_path, answer, message):
    path = write(tmp_path / "log.jsonl", [{"answers": {"q": answer}, "labels": {"q": "a"}}])
    with pytest.raises(InputError, match=f'line 1, question "q".*{message}'):
        calibeval.read(path)


def test_answers_of_other_kinds_are_no_decisions(tmp_path):
    rows = [{"probs": [0.2, 0.8], "labels": 1, "answers": {"text": ["a"]}}] * 2
    assert calibeval.read(write(tmp_path / "a.jsonl", rows)).source.log is None


def test_options_that_are_numbers_are_told_apart_by_their_names(tmp_path):
    answer = {"type": "choice", "probabilities": {"1": 0.7, "0": 0.3}}
    rows = [{"answers": {"q": answer}, "labels": {"q": gold}} for gold in (1, 0, "1", 1.0)]
    report = calibeval.evaluate(write(tmp_path / "log.jsonl", rows), level=None)
    assert report["accuracy"].value == 0.75


def test_inspect_shows_every_question(tmp_path):
    found = calibeval.inspect(write(tmp_path / "log.jsonl", [{"answers": by_question(), "labels": LABELS}] * 2))
    assert [(one.name.rpartition("log.jsonl")[2], one.k, one.error) for one in found.readings] == [
        ("", 3, None), ("#topic", 3, None), ("#spam", 2, None), ("#severity", 3, None),
    ]  # fmt: skip
    assert found.readings[2].classes == ("no", "yes")
