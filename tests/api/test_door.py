"""What somebody sees who types `calibeval.` and presses Tab."""

import subprocess
import sys

import pytest

import calibeval
from calibeval.core import errors
from tests.conftest import ROOT

HEAVY = ("numpy", "scipy", "torch", "pandas", "matplotlib", "rich", "jinja2", "typer")


def test_dir_shows_the_public_names_and_nothing_else():
    assert dir(calibeval) == sorted({*calibeval.__all__, "losses"})
    assert not {"Any", "TYPE_CHECKING", "annotations", "_HOMES"} & set(dir(calibeval))


def test_every_public_name_is_there_and_explains_itself():
    for name in dir(calibeval):
        assert getattr(calibeval, name).__doc__.strip(), name


def test_importing_everything_by_star_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None\nfrom calibeval import *\nassert evaluate and metrics.ece"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, calibeval; dir(calibeval); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_evaluating_needs_neither_torch_nor_pandas_nor_matplotlib():
    code = (
        "import sys, calibeval; calibeval.evaluate(probs=[.2, .9], labels=[0, 1])\n"
        "print([m for m in ('torch', 'pandas', 'matplotlib', 'jinja2', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'evalute'"):
        calibeval.evalute  # noqa: B018


def test_the_version():
    assert calibeval.__version__ == calibeval.evaluate(probs=[0.2, 0.9], labels=[0, 1]).version


@pytest.mark.parametrize("name", ["CalibevalError", "UsageError", "InputError", "UnknownMetric", "FileProblem"])
def test_errors_that_people_catch_are_here(name):
    assert getattr(calibeval, name) is getattr(errors, name)


def test_the_docs_import_nothing_from_inside():
    inside = ("calibeval.core", "calibeval.readers", "calibeval.recalibrate", "calibeval.render", "calibeval.api")
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        if "contributing" not in path.parts:
            text = path.read_text(encoding="utf-8")
            assert not [name for name in inside if f"import {name}" in text or f"from {name}" in text], path
            assert "calibeval.core." not in text, path
