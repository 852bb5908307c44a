"""`sums DUMP --base BASE` and `compare part*.sums`: the comparison of all rows, from sums of both models together."""

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.saved import to_saved
from calibeval.readers.formats.sums import read_sums
from calibeval.writers.sums import sums_file
from tests.cli.invoking import run

RNG = np.random.default_rng(8)
LOGITS = 2.0 * RNG.normal(size=(1200, 3))
LABELS = (LOGITS + RNG.gumbel(size=(1200, 3))).argmax(axis=1)
BASE = 1.4 * LOGITS + 0.3 * RNG.normal(size=(1200, 3))
PARTS = 3
# What sums do not give: how equal-mass bins and temperatures of both models vary together.
WITHOUT = ("aece", "temperature")
NUMBERS = ("base", "candidate", "difference", "low", "high", "p", "detectable")


def written(name, rows, logits, **more):
    np.savez(name, logits=logits[rows], labels=LABELS[rows], **more)


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    order = np.concatenate([np.arange(1200)[i::PARTS] for i in range(PARTS)])
    for i in range(PARTS):
        rows = np.arange(1200)[i::PARTS]
        written(f"new-{i}.npz", rows, LOGITS)
        written(f"old-{i}.npz", rows, BASE)
    written("new.npz", order, LOGITS)
    written("old.npz", order, BASE)
    return lambda *words: run(capsys, *words)


def summed(command, *more):
    for i in range(PARTS):
        done = command("sums", f"new-{i}.npz", "--base", f"old-{i}.npz", "-o", f"part-{i}.sums", *more)
        assert done.code == 0, done.err
    return done


def close(own, other):
    pairs = ((own[part], other[part]) for part in NUMBERS)
    return all(one is two if one is None or two is None else abs(one - two) <= 1e-11 for one, two in pairs)


def differences(done):
    assert done.code == 0, done.err
    return json.loads(done.out)["candidates"][0]["differences"]


@pytest.mark.parametrize("more", [(), ("--exact",)])
def test_the_differences_are_those_of_the_rows(command, more):
    assert "beside a base" in summed(command, *more).out
    found = differences(command("compare", "part-*.sums", "--json"))
    wanted = differences(command("compare", "old.npz", "new.npz", "--json"))
    assert [*found] == [*wanted]
    without = [name for name in WITHOUT if more == () or name != "aece"]
    for name, one in wanted.items():
        own = found[name]
        if name in without:
            assert own["low"] is None
            assert own["reason"]["code"] in ("rows_not_kept", "far_from_one")
            continue
        assert own["reason"] == one["reason"]
        assert close(own, one)


def test_sums_of_single_files_and_the_screen(command):
    summed(command)
    done = command("compare", "part-0.sums")
    assert done.code == 0, done.err
    assert "old-0.npz" in done.out
    assert "part-0.sums" in done.out
    shown = command("compare", *(f"part-{i}.sums" for i in range(PARTS)))
    assert "3 files of sums" in shown.out


def test_sums_with_a_base_are_also_those_of_the_candidate(command):
    summed(command)
    plain = command("sums", "new-0.npz", "-o", "plain.sums")
    assert plain.code == 0, plain.err
    found, wanted = (
        json.loads(command("report", name, "--json").out)["dumps"][0] for name in ("part-0.sums", "plain.sums")
    )
    assert found["metrics"] == wanted["metrics"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "plain.sums"), "hold no base"),
        (("compare", "part-0.sums", "plain.sums"), "the first has a base, the other has none"),
        (("compare", "part-0.sums", "part-0.sums"), "their rows would count twice"),
        (("compare", "part-0.sums", "again.sums"), "the base old-0.npz is in both"),
        (("compare", "part-0.sums", "swapped.sums"), "new-0.npz is the base of one, and the candidate of the other"),
        (("compare", "part-0.sums", "--slice", "site"), "--slice cannot be combined with saved sums"),
        (("compare", "part-0.sums", "old.npz"), "part-0.sums holds sums and old.npz does not"),
        (("compare", "old.npz"), "old.npz is compared with nothing"),
        (
            ("sums", "new-0.npz", "new-1.npz", "--base", "old-0.npz", "-o", "x.sums"),
            "--base was given 1 time for 2 dumps",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(command, words, message):
    summed(command)
    written("other.npz", np.arange(1200)[0::PARTS], 0.5 * LOGITS)
    for name, dump, *base in (("plain", "new-1"), ("again", "other", "old-0"), ("swapped", "old-0", "new-0")):
        beside = [] if not base else ["--base", f"{base[0]}.npz"]
        assert command("sums", f"{dump}.npz", *beside, "-o", f"{name}.sums").code == 0
    done = command(*words)
    assert done.code == 2, done.err
    assert message in done.err


def test_sums_behind_a_report_are_one_candidate_without_pairs(command):
    summed(command)
    assert command("report", "old.npz", "-o", "old", "-q").code == 0
    found = command("compare", "old/report.json", "part-*.sums", "--json")
    wanted = differences(command("compare", "old/report.json", "new.npz", "--json"))
    for name, one in differences(found).items():
        if name not in WITHOUT:
            assert close(one, wanted[name]), name
    assert json.loads(found.out)["paired"] is False
    report = calibeval.evaluate("old.npz")
    assert calibeval.compare(report, "part-*.sums")["ece"] == calibeval.compare("old/report.json", "part-*.sums")["ece"]
    other = command("compare", "old/report.json", "part-*.sums", "--bins", "9")
    assert (other.code, "--bins is 9, but these sums have 15" in other.err) == (2, True)


def test_rows_in_another_order_are_paired_by_their_ids(command):
    ids, turned = np.arange(1200), RNG.permutation(1200)
    written("a.npz", ids, BASE, ids=ids)
    written("b.npz", turned, LOGITS, ids=turned)
    done = command("sums", "b.npz", "--base", "a.npz", "--exact", "-o", "ids.sums")
    assert done.code == 0, done.err
    found, wanted = (differences(command("compare", *words, "--json")) for words in (("ids.sums",), ("a.npz", "b.npz")))
    for name in ("accuracy", "ece", "aece", "nll", "brier", "oe"):
        assert close(found[name], wanted[name])


def test_a_file_whose_parts_contradict_each_other_is_refused(command, tmp_path):
    summed(command)
    header, arrays = to_saved(read_sums(tmp_path / "part-0.sums"), exact=False)
    for name, change, message in (
        ("joint.counts", lambda part: part + np.array([1.0, -1.0, 0.0, 0.0]), "right rows of the candidate"),
        ("joint.top", lambda part: part[:-1], "joint.top is float64 (14, 15)"),
        ("joint.products", lambda part: -part, "are not those of these rows"),
    ):
        (tmp_path / "x.sums").write_bytes(sums_file(header, arrays | {name: change(arrays[name])}))
        with pytest.raises(calibeval.InputError, match="no saved sums") as caught:
            calibeval.Accumulator.load(tmp_path / "x.sums")
        assert message in str(caught.value)
