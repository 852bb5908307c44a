"""The rules of the house: layers, what a folder's `__init__.py` holds, sizes of files, where tests stand."""

from __future__ import annotations

import ast
import os
from collections import defaultdict

from importlinter.cli import lint_imports

from tests.conftest import ROOT

PACKAGE, TESTS = ROOT / "calibeval", ROOT / "tests"
COMPILED = PACKAGE / "render" / "compiled"  # templates, where the package was built
# Public doors: what people import from them stands in them.
DOORS = {"__init__.py", "losses/__init__.py"}
MOST_LINES = 300
# Files that may be longer, each with its reason.
LONGER: dict[str, str] = {}
# Folders of tests of something other than one wing.
OF_ITS_OWN = {"benchmarks", "browser", "dense", "docs", "fuzz", "golden", "tools"}


def test_imports_point_downwards(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(os.environ, "IMPORT_LINTER_CACHE_DIR", str(tmp_path))
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def test_the_core_itself_holds_errors_and_the_version_only():
    assert {path.name for path in (PACKAGE / "core").glob("*.py")} == {"__init__.py", "errors.py", "version.py"}


def test_a_wing_says_its_law_and_nothing_else():
    for path in PACKAGE.rglob("__init__.py"):
        if path.relative_to(PACKAGE).as_posix() in DOORS:
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(module), path
        assert len(module.body) == 1, f"{path}: more than a docstring"


def test_files_are_short():
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
        if path.parent != COMPILED
    }
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert long == set(LONGER), f"split them, or say in LONGER why they stay whole (at most {MOST_LINES} lines)"


def of_wings():
    """The folder and the name of every file of tests whose folder is called as one of the package."""
    for path in sorted(TESTS.rglob("test_*.py")):
        folder = path.relative_to(TESTS).parent
        if folder.parts and folder.parts[0] not in OF_ITS_OWN:
            yield folder, path.stem.removeprefix("test_")


def test_folders_of_tests_are_those_of_wings():
    assert [str(folder) for folder, _ in of_wings() if not (PACKAGE / folder).is_dir()] == []


def test_a_test_of_a_modules_name_stands_where_the_module_does():
    homes = defaultdict(set)
    for path in (path for path in PACKAGE.rglob("*.py") if path.parent != COMPILED):
        homes[path.stem].add(path.parent.relative_to(PACKAGE))
    astray = []
    for folder, name in of_wings():
        # A test of one subject in several media stands above them; a test of a whole wing has the wing's name.
        below = {home for home in homes[name] if folder in home.parents}
        if homes[name] and not (folder in homes[name] or len(below) > 1 or folder.name == name):
            astray.append(f"{folder}/test_{name}.py")
    assert astray == []
