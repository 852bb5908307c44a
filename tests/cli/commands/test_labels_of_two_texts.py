"""Labels that are two texts: `--positive NAME` alone is enough, in every command that reads dumps."""

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import UsageError
from tests.cli.invoking import run


def written(path, seed, columns=1):
    rng = np.random.default_rng(seed)
    score = rng.normal(-1.0, 1.0, 600)
    churned = rng.random(600) < 1 / (1 + np.exp(-score))
    stated = 1 / (1 + np.exp(-score - 0.4))
    labels = np.where(churned, "churned", "stayed")
    if path.suffix == ".npz":
        np.savez(path, probs=np.stack([1 - stated, stated], axis=1)[:, -columns:], labels=labels)
    else:
        rows = (f"{p},{label}" for p, label in zip(stated.tolist(), labels.tolist(), strict=True))
        path.write_text("\n".join(["prob,label", *rows]) + "\n", encoding="utf-8")
    return path, float(stated.mean() - churned.mean()), float(churned.mean())


@pytest.fixture
def churn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return written(tmp_path / "churn.csv", 0)


@pytest.mark.parametrize(("name", "columns"), [("churn.csv", 1), ("churn.npz", 1), ("churn.npz", 2)])
def test_a_report_needs_the_positive_class_only(tmp_path, capsys, name, columns):
    path, gap, share = written(tmp_path / name, 0, columns)
    (dump,) = run(capsys, "report", path, "--positive", "churned", "--json", "-q").json["dumps"]
    assert dump["positive"]["name"] == "churned"
    assert dump["positive"]["prevalence"] == pytest.approx(share, abs=1e-12)
    assert dump["metrics"]["gap_positive"]["value"] == pytest.approx(gap, abs=1e-6)
    assert calibeval.evaluate(path, positive="churned")["gap_positive"].value == pytest.approx(gap, abs=1e-6)
    assert calibeval.read(path, positive="churned").class_names == ("stayed", "churned")


def test_arrays_need_the_positive_class_only():
    probs, labels = [0.2, 0.4, 0.9, 0.7] * 50, ["stayed", "stayed", "churned", "stayed"] * 50
    report = calibeval.evaluate(probs=probs, labels=labels, positive="churned")
    assert report["gap_positive"].value == pytest.approx(0.55 - 0.25, abs=1e-12)
    assert report.dumps[0].positive.name == "churned"
    with pytest.raises(UsageError, match=r'positive is "chured", but the labels are "churned", "stayed"'):
        calibeval.evaluate(probs=probs, labels=labels, positive="chured")


def test_the_error_without_it_proposes_a_name_that_works(churn, capsys):
    ran = run(capsys, "report", "churn.csv")
    assert ran.code == 3
    assert 'label "stayed" is text; name the positive class, such as --positive churned' in ran.err
    with pytest.raises(calibeval.InputError, match=r'such as positive="churned"'):
        calibeval.evaluate("churn.csv")


def test_a_name_that_is_no_label_is_refused_with_those_that_are(churn, capsys):
    ran = run(capsys, "report", "churn.csv", "--positive", "chured")
    assert ran.code == 2
    assert (
        'churn.csv: --positive is "chured", but the labels are "churned", "stayed" (did you mean "churned"?)' in ran.err
    )


def test_maps_are_fitted_and_applied_and_the_next_dump_has_the_names(churn, capsys):
    run(capsys, "fit", "churn.csv", "--positive", "churned", "--method", "platt", "-o", "map.json")
    run(capsys, "apply", "map.json", "churn.csv", "--positive", "churned", "-o", "repaired.npz")
    assert calibeval.read("repaired.npz").class_names == ("stayed", "churned")
    (dump,) = run(capsys, "report", "repaired.npz", "--json", "-q").json["dumps"]
    assert abs(dump["metrics"]["gap_positive"]["value"]) < 1e-4


@pytest.mark.parametrize("way", ["--positive", "--class-names"])
def test_a_first_configuration_reads_the_baseline_again(churn, capsys, tmp_path, way):
    (tmp_path / "names.txt").write_text("stayed\nchurned\n", encoding="utf-8")
    given = (way, "churned" if way == "--positive" else "names.txt")
    run(capsys, "fit", "churn.csv", *given, "--method", "platt", "-o", "map.json")
    run(capsys, "apply", "map.json", "churn.csv", *given, "-o", "repaired.npz")
    written = run(capsys, "gate", "churn.csv", *given, "--init").out
    line = 'positive = "churned"' if way == "--positive" else 'class_names = ["stayed", "churned"]'
    assert line in written.splitlines()
    verdict = run(capsys, "gate", "repaired.npz", "--json", "-q").json
    assert verdict["baseline"]["name"].endswith("churn.csv")
    assert calibeval.gate("repaired.npz", "calibeval.toml").verdict == verdict["verdict"] == "pass"


def test_class_names_on_the_command_line_replace_those_of_the_file(churn, capsys, tmp_path):
    (tmp_path / "calibeval.toml").write_text(
        '[gate]\nclass_names = ["a", "b"]\npreset = "recommended"\n', encoding="utf-8"
    )
    assert 'label "stayed" is not one of the 2 class names' in run(capsys, "gate", "churn.csv").err
    (tmp_path / "names.txt").write_text("stayed\nchurned\n", encoding="utf-8")
    assert run(capsys, "gate", "churn.csv", "--class-names", "names.txt").code in (1, 5)


def test_a_dump_without_labels_is_mapped_by_the_same_words(churn, capsys, tmp_path):
    run(capsys, "fit", "churn.csv", "--positive", "churned", "--method", "platt", "-o", "map.json")
    lines = (tmp_path / "churn.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "new.csv").write_text("".join(f"{line.partition(',')[0]}\n" for line in lines), encoding="utf-8")
    for name in ("churn", "new"):
        ran = run(capsys, "apply", "map.json", f"{name}.csv", "--positive", "churned", "-o", f"{name}.npz")
        assert ran.code == 0
    both = [np.asarray(calibeval.read(f"{name}.npz").scores) for name in ("churn", "new")]
    assert np.array_equal(*both)


def test_labels_of_another_file_need_the_positive_class_only(churn, capsys, tmp_path):
    rows = [line.split(",") for line in (tmp_path / "churn.csv").read_text(encoding="utf-8").splitlines()]
    for name, place in (("scores", 0), ("labels", 1)):
        (tmp_path / f"{name}.csv").write_text("".join(f"{row[place]}\n" for row in rows), encoding="utf-8")
    found = run(capsys, "report", "scores.csv", "--labels", "labels.csv", "--positive", "churned", "--json", "-q").json
    assert found["dumps"][0]["metrics"]["gap_positive"]["value"] == pytest.approx(churn[1], abs=1e-6)
    assert found["dumps"][0]["positive"]["name"] == "churned"


def test_exchanged_columns_are_warned_of(tmp_path, capsys):
    path, *_ = written(tmp_path / "churn.npz", 0, 2)
    arrays = dict(np.load(path))
    sure = np.abs(arrays["probs"][:, 1] - 0.5) > 0.2  # enough right ones to notice
    labels = np.where(arrays["probs"][:, 1] > 0.5, "churned", "stayed")
    np.savez(tmp_path / "other.npz", probs=arrays["probs"][sure][:, ::-1], labels=labels[sure])
    assert (
        "the two columns seem to be exchanged"
        in run(capsys, "report", tmp_path / "other.npz", "--positive", "churned").err
    )
