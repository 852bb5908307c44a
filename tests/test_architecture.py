"""The layers that pyproject.toml declares hold."""

from __future__ import annotations

import os

from importlinter.cli import lint_imports

from tests.conftest import ROOT


def test_imports_point_downwards(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(os.environ, "IMPORT_LINTER_CACHE_DIR", str(tmp_path))
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0
