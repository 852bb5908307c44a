"""Accumulators in files: what is read gives the same report; what is damaged, or something else, is refused."""

import copy
import json
import re
import zipfile

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.saved import to_saved
from calibeval.core.sums import engine
from calibeval.writers.sums import sums_file
from tests.api.test_accumulator import KEPT, close, fed, labels_of, logits_of, softmax

RNG = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 100)


def made(kind, n=1500):
    """An accumulator of some sort, and its arrays."""
    k = 2 if kind in ("one column", "positive") else 4
    z = logits_of(n, k)
    arrays = {"logits": z, "labels": labels_of(softmax(z))}
    settings: dict[str, object] = {}
    if kind == "weights":
        arrays["weights"] = RNG.random(n)
    if kind == "groups":
        arrays["groups"] = np.array([f"v{i}" for i in RNG.integers(0, 70, n)])
    if kind == "numbers of groups":
        arrays["groups"], arrays["weights"] = RNG.integers(0, 70, n), RNG.random(n)
    if kind == "all metrics":
        settings["metrics"] = KEPT
    if kind == "classes":
        settings |= {"classes": [3, 1], "class_names": ["a", "b", "c", "d"]}
    if kind == "positive":
        settings["positive"] = 0
    if kind == "one column":
        arrays = {"probs": softmax(z)[:, 1], "labels": arrays["labels"]}
    if kind == "top label":
        p = softmax(z)
        arrays = {"confidence": p.max(axis=1), "correct": p.argmax(axis=1) == arrays["labels"]}
    if kind == "ignored":
        arrays["labels"] = np.where(RNG.random(n) < 0.2, -1, arrays["labels"])
        settings["ignore_index"] = -1
    if kind == "impossible":
        p = np.array([[0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]] * (n // 2))
        arrays = {"probs": p, "labels": np.where(np.arange(n) == 900, 3, np.arange(n) % 2)}
    if kind == "images":
        y = RNG.integers(0, 4, (50, 3, 5))
        arrays = {"logits": RNG.normal(size=(50, 4, 3, 5)) + np.moveaxis(np.eye(4)[y], -1, 1), "labels": y}
    if kind == "rounded":
        p = np.array([[0.333, 0.333, 0.333, 0.0], [0.25, 0.25, 0.25, 0.25]] * (n // 2))
        arrays = {"probs": p, "labels": np.arange(n) % 3}
    return fed(130, None if kind == "top label" else k, settings, **arrays), arrays


KINDS = [
    *("plain", "weights", "groups", "numbers of groups", "all metrics", "classes", "positive", "one column"),
    *("top label", "ignored", "impossible", "images", "rounded"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_exact_files_give_the_same_report(kind, tmp_path):
    part, arrays = made(kind)
    part.save(tmp_path / "a.sums", exact=True)
    again = calibeval.Accumulator.load(tmp_path / "a.sums")
    assert again.report().to_json() == part.report().to_json()
    part.update(**arrays)
    again.update(**arrays)
    close(again.report().to_dict(), part.report().to_dict(), exactly=False)


@pytest.mark.parametrize("kind", KINDS)
def test_sums_give_the_same_numbers_or_say_why_not(kind, tmp_path):
    part, _ = made(kind)
    part.save(tmp_path / "a.sums")
    whole, found = part.report(), calibeval.Accumulator.load(tmp_path / "a.sums").report()
    for name, metric in found.items():
        same = metric == whole[name]
        told = metric.reason is not None or metric.cell_error is not None
        assert same or told or name == "cwce", name  # whose interval may use the sample
        if metric.cell_error is not None:
            assert metric.value == pytest.approx(whole[name].value, abs=metric.cell_error + 1e-12)
        elif metric.value is not None and name not in ("temperature", "aece"):
            assert metric.value == whole[name].value
    bound = 0.1
    if found["aece"].low is not None:
        bound = float(re.search(r"within (\S+) points of", found["aece"].reason)[1]) / 100
        assert found["aece"].cell_error <= bound <= 1.1 * found["aece"].cell_error + 1e-4
    assert abs(found["aece"].value - whole["aece"].value) <= bound
    dumps = (found.dumps[0], whole.dumps[0])
    for field in ("n", "k", "ignored", "equal_width", "per_class", "curve", "positive", "class_views", "groups"):
        assert getattr(dumps[0], field) == getattr(dumps[1], field)
    assert [str(one) for one in dumps[0].warnings] == [str(one) for one in dumps[1].warnings]


def test_the_temperature_is_that_of_sums_at_fixed_temperatures(tmp_path):
    z = logits_of(4000, 4)
    y = labels_of(softmax(z))
    for factor in (0.5, 1.1, 3.0):
        part = fed(500, 4, logits=factor * z, labels=y)
        part.save(tmp_path / "a.sums")
        whole, found = part.report()["temperature"], calibeval.Accumulator.load(tmp_path / "a.sums").report()
        metric = found["temperature"]
        off = float(re.search(r"from sums at fixed temperatures, within (\S+) of", metric.reason)[1])
        assert (metric.reason.code, off < 1e-3) == ("from_sums", True)
        for one in ("value", "low", "high"):
            assert getattr(metric, one) == pytest.approx(getattr(whole, one), abs=max(off, 1e-3 * whole.value))
        assert abs(metric.value - whole.value) <= off
        assert (metric.z, metric.p) == (whole.z, whole.p)
    sharp = fed(500, 4, logits=30 * z, labels=y)
    sharp.save(tmp_path / "b.sums")
    assert calibeval.Accumulator.load(tmp_path / "b.sums").report()["temperature"].reason.code == "far_from_one"


def test_rows_that_follow_loaded_sums_count_for_the_temperature(tmp_path):
    z = logits_of(3000, 4)
    y = labels_of(softmax(z))
    fed(500, 4, logits=2 * z[:2000], labels=y[:2000]).save(tmp_path / "a.sums")
    part = calibeval.Accumulator.load(tmp_path / "a.sums")
    part.update(logits=2 * z[2000:], labels=y[2000:])
    other = fed(500, 4, logits=2 * z[2000:], labels=y[2000:])
    other.merge(calibeval.Accumulator.load(tmp_path / "a.sums"))
    wanted = calibeval.evaluate(logits=2 * z, labels=y)["temperature"].value
    for one in (part, other):
        assert one.report()["temperature"].value == pytest.approx(wanted, rel=1e-4)
        one.save(tmp_path / "b.sums")
        again = calibeval.Accumulator.load(tmp_path / "b.sums").report()["temperature"]
        assert again.value == pytest.approx(wanted, rel=1e-4)


def test_a_file_of_an_earlier_version_gives_the_temperature_of_the_series(tmp_path):
    z = logits_of(4000, 4)
    header, arrays = to_saved(fed(500, 4, logits=1.1 * z, labels=labels_of(softmax(z)))._rows, exact=False)
    del header["sampled"], arrays["temperatures"]
    (tmp_path / "a.sums").write_bytes(sums_file(header, arrays))
    found = calibeval.Accumulator.load(tmp_path / "a.sums").report()["temperature"]
    assert (found.reason.code, str(found.reason)) == ("from_sums", "from sums, by a series around T = 1")
    assert found.value == pytest.approx(1.1, abs=0.05)


@pytest.mark.parametrize("exact", [True, False])
def test_files_of_several_machines_are_merged(exact, tmp_path):
    z = logits_of(1200, 3)
    y = labels_of(softmax(z))
    for i, rows in enumerate(np.array_split(np.arange(1200), 3)):
        fed(64, 3, logits=z[rows], labels=y[rows]).save(tmp_path / f"{i}.sums", exact=exact)
    whole, *others = (calibeval.Accumulator.load(tmp_path / f"{i}.sums") for i in range(3))
    for other in others:
        whole.merge(other)
    report = calibeval.evaluate(logits=z, labels=y)
    if exact:
        close(whole.report().to_dict(), report.to_dict(), exactly=False)
    for name in ("ece", "nll", "brier", "mce", "accuracy"):
        assert whole.report()[name].value == pytest.approx(report[name].value, abs=1e-12)


def test_the_same_sums_make_the_same_bytes_and_numpy_reads_them(tmp_path):
    part, _ = made("plain")
    part.save(tmp_path / "a.sums")
    part.save(tmp_path / "b.sums")
    assert (tmp_path / "a.sums").read_bytes() == (tmp_path / "b.sums").read_bytes()
    arrays = np.load(tmp_path / "a.sums", allow_pickle=False)
    assert arrays["top.count"].sum() == 1500
    assert not [name for name in arrays.files if name.startswith(("keys", "sample"))]
    header = json.loads(zipfile.ZipFile(tmp_path / "a.sums").read("header.json"))
    assert header["schema"] == "calibeval.sums/1"


def rewritten(path, change):
    """The archive with other members, and the old SHA-256."""
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_changed_file_is_refused(tmp_path):
    part, _ = made("plain")
    file = tmp_path / "a.sums"
    part.save(file)
    rewritten(file, lambda members: members.update({"header.json": members["header.json"].replace(b"1500", b"1600")}))
    with pytest.raises(calibeval.InputError, match=r"a.sums: .* does not have its SHA-256"):
        calibeval.Accumulator.load(file)


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_a_cut_file_is_refused(size, tmp_path):
    part, _ = made("plain")
    file = tmp_path / "a.sums"
    part.save(file)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(calibeval.InputError, match=r"a.sums: these are no saved sums that can be read: not an archive"):
        calibeval.Accumulator.load(file)


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", logits=np.zeros((2, 2)), labels=[0, 1])
    with pytest.raises(calibeval.InputError, match="the header is missing"):
        calibeval.Accumulator.load(tmp_path / "a.npz")
    with pytest.raises(calibeval.FileProblem, match="nowhere"):
        calibeval.Accumulator.load(tmp_path / "nowhere.sums")
    with pytest.raises(calibeval.InputError, match=r"there are no rows yet: call update\(\) before save\(\)"):
        calibeval.Accumulator(3).save(tmp_path / "b.sums")
    assert not (tmp_path / "b.sums").exists()


def test_what_does_not_fit_together_is_refused(tmp_path):
    part, _ = made("plain")
    file = tmp_path / "a.sums"
    good, fine = to_saved(part._rows, exact=False)
    for name, values in (
        ("top.count", None),
        ("top.p", np.zeros(3)),
        ("support", np.zeros(4)),
        ("cells", fine["cells"][::-1]),
        ("counts", None),
        ("rows", {**good["rows"], "kind": "votes"}),
    ):
        header, arrays = copy.deepcopy(good), {**fine}
        whole: dict[str, object] = header if name in header else arrays  # type: ignore[assignment]  # of either kind of values
        if values is None:
            del whole[name]
        else:
            whole[name] = values
        file.write_bytes(sums_file(header, arrays))
        with pytest.raises(calibeval.InputError, match="these are no saved sums that can be read"):
            calibeval.Accumulator.load(file)
    file.write_bytes(sums_file({**good, "schema": "calibeval.sums/2"}, fine))
    with pytest.raises(calibeval.InputError, match=r'the schema is "calibeval\.sums/2"'):
        calibeval.Accumulator.load(file)


def exchanged(n=400):
    """Rows whose two columns are exchanged."""
    z = logits_of(n, 2)
    return {"logits": 4.0 * z[:, ::-1], "labels": labels_of(softmax(4.0 * z))}


def test_doubts_that_need_scores_are_kept_in_files(tmp_path):
    part = fed(130, 2, **exchanged())
    (doubt,) = [one for one in part.report().dumps[0].warnings if one.code == "below_chance"]
    part.save(tmp_path / "a.sums")
    again = calibeval.Accumulator.load(tmp_path / "a.sums")
    assert doubt in again.report().dumps[0].warnings
    again.save(tmp_path / "b.sums")
    assert doubt in calibeval.Accumulator.load(tmp_path / "b.sums").report().dumps[0].warnings
    part.save(tmp_path / "c.sums", min_cell=10)
    codes = [one.code for one in calibeval.Accumulator.load(tmp_path / "c.sums").report().dumps[0].warnings]
    assert codes == ["small_cells_joined"]


def test_doubts_about_parts_say_how_many_rows_these_have(tmp_path):
    z = logits_of(1000, 2)
    good = fed(130, 2, logits=z, labels=labels_of(softmax(z)))
    for i in range(2):
        fed(130, 2, **exchanged()).save(tmp_path / f"{i}.sums")
    good.save(tmp_path / "good.sums")
    whole = calibeval.Accumulator.load(tmp_path / "good.sums")
    assert whole.report().dumps[0].warnings == ()
    for i in range(2):
        whole.merge(calibeval.Accumulator.load(tmp_path / f"{i}.sums"))
    (told,) = whole.report().dumps[0].warnings
    assert told.code == "below_chance"
    assert str(told).endswith("(so in one part; such parts have 800 of 1,800 rows)")
    whole.update(**exchanged(200))
    (told,) = whole.report().dumps[0].warnings
    assert str(told).endswith("such parts have 1,000 of 2,000 rows)")


def test_probabilities_of_two_classes_that_add_up_to_nearly_1_are_read_again(tmp_path):
    first = RNG.random(4000).astype(np.float32)
    probs = np.stack([first, np.float32(1.00005) - first], axis=1).clip(0.0, 1.0)
    part = calibeval.Accumulator()
    part.update(probs=probs, labels=(RNG.random(4000) > first).astype(int))
    part.save(tmp_path / "a.sums")
    assert calibeval.Accumulator.load(tmp_path / "a.sums").report()["ece"].value == part.report()["ece"].value
