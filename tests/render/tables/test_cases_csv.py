"""The numbers of every image as CSV."""

import csv
import io

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError
from calibeval.render.tables import cases_csv, csv_table
from tests.cli.invoking import run

# Image 0: two pixels right at 0.75 and 0.65; image 1: one right at 0.95, one wrong at 0.85, one ignored.
P = np.array([[[0.75, 0.65, 0.5]], [[0.95, 0.85, 0.9]]])
DUMP = calibeval.Predictions(
    probs=np.stack([P, 1 - P], axis=1), labels=[[[0, 0, 9]], [[0, 1, 9]]], ignore_index=9, class_names=["=in", "out"]
)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_line_for_each_image():
    report = calibeval.evaluate(DUMP, bins=10)
    first, second = rows(cases_csv.render(report))
    assert (first["image"], first["pixels"], second["image"]) == ("image 0", "2", "image 1")
    assert float(first["ece"]) == pytest.approx(0.3)
    assert float(second["ece"]) == pytest.approx(0.45)
    assert first["out: dice"] == ""  # neither in the labels nor predicted
    assert float(second["out: dice"]) == 0.0
    assert float(second["'=in: ece"]) == pytest.approx((0.05 + 0.85) / 2)


def test_their_mean_is_that_of_the_report():
    report = calibeval.evaluate(DUMP, bins=10)
    block = report.dumps[0].per_image
    table = rows(cases_csv.render(report))
    for name, number in block.numbers.items():
        own = [float(one[name]) for one in table if one[name]]
        assert (number.mean is None) == (not own)
        assert not own or number.mean == pytest.approx(np.mean(own))
        assert number.undefined == len(table) - len(own)


def test_json_leaves_them_out():
    report = calibeval.evaluate(DUMP, bins=10)
    assert "cases" not in report.to_dict()["dumps"][0]["per_image"]
    read = calibeval.Report.from_json(report.to_json())
    assert read == report
    with pytest.raises(InputError, match="there are no images here"):
        cases_csv.render(read)


def test_the_command_exports_them(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", probs=np.stack([P, 1 - P], axis=1), labels=np.zeros((2, 1, 3), int))
    found = run(capsys, "report", tmp_path / "a.npz", "--export", f"cases={tmp_path / 'cases.csv'}")
    assert found.code == 0, found.err
    assert [one["image"] for one in rows((tmp_path / "cases.csv").read_text())] == ["image 0", "image 1"]
    np.savez(tmp_path / "b.npz", probs=[[0.5, 0.5]], labels=[0])
    found = run(capsys, "report", tmp_path / "b.npz", "--export", f"cases={tmp_path / 'none.csv'}")
    assert (found.code, (tmp_path / "none.csv").exists()) == (3, False)
    assert "there are no images here" in found.err


def test_the_table_of_metrics_has_means_over_images():
    report = calibeval.evaluate(DUMP, bins=10)
    table = {one["metric"]: one for one in rows(csv_table.render(report))}
    block = report.dumps[0].per_image
    assert float(table["ece_mean_over_images"]["value"]) == block.numbers["ece"].mean
    assert float(table["dice"]["value"]) == block.numbers["dice"].pooled
    assert table["ece_mean_over_images"]["reason"]
