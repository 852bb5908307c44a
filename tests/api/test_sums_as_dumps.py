"""Files of saved sums where a dump may be named: `evaluate` and `inspect`."""

import json
import re

import numpy as np
import pytest

import calibeval
from calibeval import Accumulator, UsageError

RNG = np.random.default_rng(31)
LOGITS = RNG.normal(size=(900, 3))
LABELS = (LOGITS + RNG.gumbel(size=(900, 3))).argmax(axis=1)


@pytest.fixture
def files(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        part = Accumulator(3)
        part.update(logits=LOGITS[i::3], labels=LABELS[i::3])
        part.save(f"part-{i}.sums")
    with_base = Accumulator(3, metrics="ece,nll", bins=10, class_names=("a", "b", "c"))
    with_base.update(logits=LOGITS, labels=LABELS, base=2.0 * LOGITS, groups=np.arange(900) // 3)
    with_base.save("base.sums", exact=True)
    return tmp_path


def numbers(report):
    return {name: (one.value, one.low, one.high) for name, one in report.dumps[0].items()}


def test_sums_are_evaluated_like_the_accumulator_that_wrote_them(files):
    own = Accumulator.load("part-0.sums").report()
    found = calibeval.evaluate("part-0.sums")
    assert numbers(found) == numbers(own)
    assert found.settings == own.settings
    assert found.dumps[0].name == "part-0.sums"
    assert calibeval.evaluate(files / "part-0.sums") == calibeval.evaluate(str(files / "part-0.sums"))


def test_several_files_are_one_dump(files):
    whole = calibeval.evaluate("part-*.sums")
    assert whole.dumps[0].n == 900
    assert whole == calibeval.evaluate([f"part-{i}.sums" for i in range(3)])
    order = np.concatenate([np.arange(900)[i::3] for i in range(3)])
    rows = calibeval.evaluate(logits=LOGITS[order], labels=LABELS[order])
    for name in ("accuracy", "ece", "nll", "brier", "cwce"):
        assert numbers(whole)[name] == pytest.approx(numbers(rows)[name], rel=1e-12)


def test_names_level_and_metrics(files):
    found = calibeval.evaluate({"first": "part-0.sums", "rest": "part-[12].sums"}, metrics="ece,nll")
    assert [(dump.name, dump.n, [*dump.metrics]) for dump in found.dumps] == [
        ("first", 300, ["ece", "nll"]),
        ("rest", 600, ["ece", "nll"]),
    ]
    narrow, none = (calibeval.evaluate("part-*.sums", level=level)["nll"] for level in (0.5, None))
    usual = calibeval.evaluate("part-*.sums")["nll"]
    assert usual.low < narrow.low < narrow.high < usual.high
    assert none.low is None


@pytest.mark.parametrize(
    ("dumps", "more", "message"),
    [
        ("part-0.sums", {"slices": "site"}, "slices cannot be combined with saved sums"),
        ("part-0.sums", {"group": "site"}, "group cannot be combined with saved sums"),
        ("part-0.sums", {"positive": 1}, "positive cannot be combined with saved sums"),
        ("part-0.sums", {"cross_fit": 3}, "cross_fit cannot be combined with saved sums"),
        ("part-0.sums", {"convention": "netcal"}, "convention cannot be combined with saved sums"),
        ("part-0.sums", {"kind": "probs"}, "kind cannot be combined with saved sums"),
        ("part-0.sums", {"bins": 9}, "bins is 9, but these sums have 15"),
        (["part-0.sums", "a.npz"], {}, "part-0.sums holds sums and a.npz does not"),
        ({"a": "part-0.sums", "b": "a.npz"}, {}, "some of these are saved sums and others are not"),
        ({"a": "part-0.sums", "b": "base.sums"}, {}, 'the sums of "b" have other settings'),
        (["part-0.sums", "part-0.sums"], {}, "their rows would count twice"),
    ],
)
def test_what_needs_rows_is_refused(files, dumps, more, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        calibeval.evaluate(dumps, **more)


def test_inspect_tells_what_the_sums_hold(files):
    found = calibeval.inspect("part-0.sums")
    (reading,) = found.readings
    assert (found.format, found.size) == ("sums", (files / "part-0.sums").stat().st_size)
    assert (reading.kind, reading.n, reading.k, reading.recognised) == ("sums of logits", 300, 3, ("15 bins",))
    (reading,) = calibeval.inspect("base.sums").readings
    assert reading.recognised == (
        "10 bins",
        "metrics ece, nll",
        "every confidence",
        "scores and labels of 900 sampled rows",
        "300 groups",
        "joint sums with a base, paired by position",
    )
    assert "sums of logits, 900 rows, 3 classes" in str(calibeval.inspect("base.sums"))
    assert [one.n for one in calibeval.inspect("part-*.sums").readings] == [300, 300, 300]
    assert json.loads(calibeval.inspect("part-*.sums").to_json())["format"] == "sums"


def test_inspect_says_what_is_wrong_with_a_file(files):
    (files / "part-1.sums").write_bytes(b"no archive")
    assert [one.error is None for one in calibeval.inspect("part-*.sums").readings] == [True, False, True]
    with pytest.raises(calibeval.FileProblem):
        calibeval.inspect("none-*.sums")
