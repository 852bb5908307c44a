"""The risk-coverage curve as a file: `report --export risk=FILE`, and with -o."""

import pytest

from tests.cli.invoking import run
from tests.conftest import ROOT

DUMP = "sample_data/digits_test.npz"


@pytest.fixture
def report(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    return lambda *words: run(capsys, "report", DUMP, *words)


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_suffix_is_the_format(report, tmp_path, suffix, start):
    path = tmp_path / f"curve.{suffix}"
    done = report("--metrics", "coverage@10%", "--export", f"risk={path}")
    assert done.code == 0, done.err
    assert f"written to {path}" in done.err
    assert path.read_bytes().startswith(start)


def test_another_suffix_is_refused_before_anything_is_read(report, tmp_path):
    done = report("--metrics", "aurc", "--export", f"risk={tmp_path / 'curve.txt'}")
    assert done.code == 2
    assert 'a figure cannot be a ".txt" file; formats are .svg, .png and .pdf' in done.err


def test_without_such_a_metric_the_error_names_some(report, tmp_path):
    done = report("--export", f"risk={tmp_path / 'curve.svg'}")
    assert done.code != 0
    assert "no risk-coverage curve to draw: it comes with metrics such as aurc or coverage@error=0.05" in done.err
    assert not (tmp_path / "curve.svg").exists()


def test_a_folder_has_it_too(report, tmp_path):
    assert report("--metrics", "aurc", "-o", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out" / "risk.svg").read_text().startswith("<?xml")
