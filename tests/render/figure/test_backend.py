"""Figures need no backend, and are made whatever MPLBACKEND says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.cli.invoking import ENVIRONMENT, program
from tests.conftest import ROOT
from tests.data import logits_and_labels


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    logits, labels = logits_and_labels(60, 3)
    path = tmp_path_factory.mktemp("dump") / "a.npz"
    np.savez(path, logits=logits, labels=labels)
    return path


@pytest.fixture(scope="module")
def usual(dump):
    """The figure that is made where no backend is set."""
    path = dump.with_name("usual.pdf")
    assert program("report", dump, "--figure", path, "-q", env=ENVIRONMENT).code == 0
    return path.read_bytes()


@pytest.mark.parametrize("backend", ["", "module://no.such.module", "tkagg"])
def test_figures_are_made(dump, usual, tmp_path, backend):
    environment = {**ENVIRONMENT, "MPLBACKEND": backend}
    words = ["report", dump, "--figure", tmp_path / "a.pdf", "-o", tmp_path / "d", "--png", "-q"]
    result = program(*words, env=environment)
    assert (result.code, result.err) == (0, "")
    assert (tmp_path / "a.pdf").read_bytes() == usual
    assert (tmp_path / "d" / "reliability.png").stat().st_size > 0


@pytest.mark.parametrize(("backend", "then"), [("svg", "svg"), ("nonsense", "agg")])
def test_a_backend_that_there_is_stays_set(backend, then):
    code = (
        "from calibeval.render.figure.backend import import_matplotlib as one; one(); one(); "
        "import matplotlib as m, os; print(os.environ['MPLBACKEND'], m.get_backend())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**ENVIRONMENT, "MPLBACKEND": backend},
    )
    assert result.stdout.lower().split() == [backend, then]
