"""Templates compiled where the package is built make the same pages, and old ones are never used."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from jinja2 import FileSystemLoader, ModuleLoader

from calibeval.render.page import page
from calibeval.render.page.compiled import TEMPLATES, compile_templates, environment, usual_environment
from tests.conftest import ROOT
from tests.render.hand_made import over_confident, report


@pytest.fixture
def compiled(tmp_path):
    compile_templates(TEMPLATES, tmp_path / "compiled")
    return tmp_path / "compiled"


def test_pages_of_compiled_templates_are_the_same(compiled, monkeypatch):
    found = report(over_confident(name="<&>"))
    for make in (page.render, page.fragment):
        made = []
        for env in (environment(FileSystemLoader(TEMPLATES)), usual_environment(compiled=compiled)):
            monkeypatch.setattr(page, "_environment", lambda env=env: env)
            made.append(make(found))
        assert made[0] == made[1]


def test_compiled_templates_are_used_while_they_are_of_these_templates(compiled, tmp_path):
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    assert isinstance(usual_environment(templates, compiled).loader, ModuleLoader)
    with (templates / "body.html.j2").open("a") as file:
        file.write("{# another comment #}")
    assert isinstance(usual_environment(templates, compiled).loader, FileSystemLoader)
    compile_templates(templates, compiled)
    assert isinstance(usual_environment(templates, compiled).loader, ModuleLoader)


def test_without_compiled_templates_they_are_read(tmp_path):
    assert isinstance(usual_environment(compiled=tmp_path).loader, FileSystemLoader)


@pytest.mark.slow
def test_a_wheel_has_compiled_templates(tmp_path):
    pytest.importorskip("setuptools", reason="the wheel is built with the setuptools of this environment")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "calibeval", tmp_path / "calibeval", ignore=shutil.ignore_patterns("__pycache__", "compiled")
    )
    shutil.copy(ROOT / "calibeval" / "render" / "page" / "compiled.py", tmp_path / "calibeval" / "render" / "page")
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    without_kernel = os.environ | {"CALIBEVAL_PURE": "1"}
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, env=without_kernel, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("calibeval/render/compiled/")}
    assert "calibeval/render/compiled/digest.txt" in names
    assert len(names) == 1 + len([*TEMPLATES.glob("*.j2")])
