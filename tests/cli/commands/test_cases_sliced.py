"""`--slice` on folders of cases: the values of cases come from a table, and each slice has both numbers."""

import json

import numpy as np
import pytest

import calibeval
from calibeval.render.page.report import page_view
from tests.cli.invoking import run
from tests.readers.cases.folders import image

N = 24


@pytest.fixture
def folders(tmp_path):
    places = [tmp_path / name for name in ("old", "new", "marks")]
    for place in places:
        place.mkdir()
    lines = ["case,scanner,site"]
    for i in range(N):
        p, labels = image(i, (14, 15), sharp=1.0 + (i % 2))
        soft = p**0.7
        np.savez(places[0] / f"c{i:02d}.npz", probs=p)
        np.savez(places[1] / f"c{i:02d}.npz", probs=soft / soft.sum(axis=0))
        np.save(places[2] / f"c{i:02d}.npy", labels)
        lines.append(f"c{i:02d},{'AB'[i % 2]},{i // 12}")
    table = tmp_path / "scans.csv"
    table.write_text("\n".join(lines))
    return [*places, table]


def some(folders, keep, tmp_path):
    """A folder with some of the cases."""
    place = tmp_path / "some"
    place.mkdir()
    for file in folders[0].iterdir():
        if keep(int(file.stem[1:])):
            (place / file.name).write_bytes(file.read_bytes())
    return place


def test_a_slice_is_the_report_of_its_cases(capsys, folders, tmp_path):
    words = ["report", folders[0], "--labels", folders[2], "--json"]
    result = run(capsys, *words, "--slice", f"{folders[3]}#scanner")
    assert result.code == 0, result.err
    (dump,) = result.json["dumps"]
    assert result.json["settings"]["slices"] == ["scanner"]
    assert {one["value"] for one in dump["slices"]} == {"A", "B"}
    alone = calibeval.evaluate(some(folders, lambda i: i % 2 == 0, tmp_path), labels=folders[2]).dumps[0]
    own = next(one for one in dump["slices"] if one["value"] == "A")
    assert own["n"] == alone.n
    for name in ("ece", "nll", "cwce", "accuracy"):
        for field in ("value", "low", "high", "floor"):
            expected = getattr(alone.metrics[name], field)
            assert own["metrics"][name][field] == (None if expected is None else pytest.approx(expected))
    for name, number in alone.per_image.numbers.items():
        assert own["metrics"][f"per_image.{name}"]["value"] == pytest.approx(number.mean)
        assert own["metrics"][f"per_image.{name}"]["low"] == pytest.approx(number.mean_low)
    dice = alone.per_image.structures[1].numbers["dice"]
    assert own["metrics"]["1.dice"]["value"] == pytest.approx(dice.pooled)
    assert own["metrics"]["1.dice"]["low"] == pytest.approx(dice.pooled_low)


def test_the_whole_is_that_without_slices(folders):
    plain = calibeval.evaluate(folders[0], labels=folders[2]).dumps[0]
    sliced = calibeval.evaluate(folders[0], labels=folders[2], slices=[str(folders[3])]).dumps[0]
    assert {one.column for one in sliced.slices} == {"scanner", "site"}
    for name, metric in plain.metrics.items():
        other = sliced.metrics[name]
        assert (other.value, other.low) == (pytest.approx(metric.value), pytest.approx(metric.low))
    for name, number in plain.per_image.numbers.items():
        again = sliced.per_image.numbers[name]
        assert (again.mean, again.pooled) == (pytest.approx(number.mean), pytest.approx(number.pooled))
        assert [one.image for one in again.worst] == [one.image for one in number.worst]


def test_the_screen_has_both_numbers_of_slices(capsys, folders):
    text = run(capsys, "report", folders[0], "--labels", folders[2], "--slice", f"{folders[3]}#scanner").out
    assert "scanner" in text
    full = run(capsys, "report", folders[0], "--labels", folders[2], "--slice", f"{folders[3]}#scanner", "--full").out
    assert "mean ECE" in full


def test_comparisons_within_slices(capsys, folders, tmp_path):
    words = ["compare", folders[0], folders[1], "--labels", folders[2], "--slice", f"{folders[3]}#scanner", "--json"]
    result = run(capsys, *words)
    assert result.code == 0, result.err
    found = result.json["candidates"][0]["slices"]
    assert [(one["column"], one["value"]) for one in found] == [("scanner", "A"), ("scanner", "B")]
    alone = calibeval.compare(some(folders, lambda i: i % 2 == 0, tmp_path), folders[1], labels=folders[2])
    for name in ("ece", "per_image.ece", "per_image.1.dice", "boundary_ece"):
        one, other = found[0]["differences"][name], alone[name]
        assert one["difference"] == pytest.approx(other.difference)
        assert one["low"] == pytest.approx(other.low)
        assert one["p_holm"] >= one["p"]


def test_rules_on_slices(capsys, folders, tmp_path):
    config = tmp_path / "rules.toml"
    config.write_text(
        f'[gate]\nslices = ["{folders[3]}#scanner"]\n'
        '[[gate.rule]]\nmetric = "per_image.ece"\nmax = 0.9\nslice = "worst:scanner"\n'
        '[[gate.rule]]\nmetric = "dice"\nmin = 0.1\nslice = "scanner=B"\n'
        '[[gate.rule]]\nmetric = "per_image.nll"\nmax_increase = 2.0\nslice = "worst"\n'
    )
    words = ["gate", folders[1], "--labels", folders[2], "--baseline", folders[0], "--config", config, "--json"]
    result = run(capsys, *words)
    assert result.code == 0, result.err
    first, second, third = result.json["rules"]
    assert first["worst_slice"] in ("scanner=A", "scanner=B")
    assert len(first["slices"]) == len(third["slices"]) == 2
    assert second["verdict"] == third["verdict"] == "pass"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("class", "cases have the columns of a table, such as scanners.csv#site"),
        ("{}#colour", 'there is no column "colour"; there are scanner, site'),
    ],
)
def test_what_is_no_column_of_cases(capsys, folders, table, said):
    result = run(capsys, "report", folders[0], "--labels", folders[2], "--slice", table.format(folders[3]))
    assert result.code in (3, 4)
    assert said in result.err


def test_a_small_slice_is_named(folders):
    report = calibeval.evaluate(folders[0], labels=folders[2], slices=f"{folders[3]}#site", min_rows=10_000)
    assert report.dumps[0].slices == ()
    assert [(one.value, one.n) for one in report.dumps[0].small_slices] == [("0", 2520), ("1", 2520)]
    assert calibeval.Report.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["settings"]["min_rows"] == 10_000


def test_the_page_has_means_over_images(folders):
    report = calibeval.evaluate(folders[0], labels=folders[2], slices=f"{folders[3]}#scanner")
    (table,) = page_view(report).only.slices
    assert table.means == ("mean ECE %", "mean Dice %")
    for row, own in zip(table.worst, report.dumps[0].slices, strict=True):
        assert row.means == tuple(f"{100 * own.metrics[f'per_image.{name}'].value:.2f}" for name in ("ece", "dice"))
    numbers = report.dumps[0].per_image.numbers
    assert table.whole.means == tuple(f"{100 * numbers[name].mean:.2f}" for name in ("ece", "dice"))
    shown = report._repr_html_()
    assert shown.count('<th scope="col" class="wide">mean ECE %</th>') == 1
    assert all(shown.count(f'<td class="wide">{value}</td>') for row in table.worst for value in row.means)
