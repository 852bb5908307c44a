"""The picture in docs/contributing/architecture.md shows the layers of pyproject.toml, every wing, and real imports."""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

import grimp
import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs/contributing/architecture.md"
PACKAGE = ROOT / "calibeval"
# Of a reader to come.
EXAMPLES = {"readers/formats/x.py", "tests/readers/formats/test_x.py", "pyproject.toml"}


class Drawn(NamedTuple):
    """A package of the picture: the layer in which it stands, from the top, and its wings, layer by layer."""

    layer: int
    wings: tuple[tuple[str, ...], ...]


def picture(page):
    """The packages of the picture. A rule parts layers; wings stand right of their package, and below each other."""
    block = re.search(r"```text\n(.*?)```", page, flags=re.DOTALL)[1]
    layer, name, found = 0, "", {}
    for line in block.splitlines():
        if set(line) == {"─"}:
            layer += 1
            continue
        package, wings = re.fullmatch(r"(\w*) *(.*)", line).groups()
        name = package or name
        before = found.get(name, Drawn(layer, ())).wings
        found[name] = Drawn(layer, (*before, tuple(wings.split(" | "))) if wings else before)
    return found


def contracts():
    """The layers of each package that has a contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {
        contract["containers"][0]: tuple(tuple(layer.split(" | ")) for layer in contract["layers"])
        for contract in settings["contracts"]
        if contract["type"] == "layers"
    }


DRAWN = picture(PAGE.read_text(encoding="utf-8"))


def test_packages_stand_in_the_layers_of_the_contract():
    layers = contracts()["calibeval"]
    assert {name: drawn.layer for name, drawn in DRAWN.items()} == {
        name: i for i, layer in enumerate(layers) for name in layer
    }
    assert [*DRAWN] == [name for layer in layers for name in layer]


@pytest.mark.parametrize("name", DRAWN)
def test_wings_stand_in_the_order_of_their_contract(name):
    assert DRAWN[name].wings == contracts().get(f"calibeval.{name}", ())


def test_every_package_and_wing_is_drawn():
    folders = [path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE]
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    assert {folder.parts[0] for folder in folders} | modules == set(DRAWN)
    wings = {(folder.parts[0], folder.parts[1]) for folder in folders if len(folder.parts) > 1}
    assert wings <= {(name, wing) for name, drawn in DRAWN.items() for layer in drawn.wings for wing in layer}


def places(drawn, module):
    """Where a module stands in the picture, from the top: its layer, its package, the layer of its wing, its wing."""
    _, package, *below = module.split(".")
    layers = [i for i, wings in enumerate(drawn[package].wings) if below and below[0] in wings]
    return drawn[package].layer, package, *((layers[0], below[0]) if layers else ())


def wrong(drawn, imports):
    """The imports that do not point down in a picture."""
    found = []
    for importer, imported in imports:
        above, below = places(drawn, importer), places(drawn, imported)
        if above[:2] == below[:2]:  # of one package, where wings decide
            above, below = above[2:], below[2:]
        if above and below and above != below and above[0] >= below[0]:
            found.append(f"{importer} -> {imported}")
    return found


@pytest.fixture(scope="module")
def imports():
    """All imports between modules of packages; the front door and `__main__` may see everything."""
    graph = grimp.build_graph("calibeval", exclude_type_checking_imports=True, cache_dir=None)
    modules = [module for module in graph.modules if module.count(".") and module != "calibeval.__main__"]
    return [
        (module, other)
        for module in sorted(modules)
        for other in sorted(graph.find_modules_directly_imported_by(module))
        if other.count(".")
    ]


def test_every_import_points_down_in_the_picture(imports):
    assert len(imports) > 500
    assert wrong(DRAWN, imports) == []


def test_in_a_picture_upside_down_imports_point_up(imports):
    """So that the test above sees what it should."""
    turned = {name: Drawn(-drawn.layer, drawn.wings[::-1]) for name, drawn in DRAWN.items()}
    assert "calibeval.core.metrics.table -> calibeval.core.sums.sums" in wrong(turned, imports)
    assert "calibeval.words.cells -> calibeval.core.metrics.table" in wrong(turned, imports)


def test_the_page_names_files_that_are_there():
    """By their whole paths or by the ends of them."""
    named = set(re.findall(r"`([\w/]+\.(?:py|json|md|toml))`", PAGE.read_text(encoding="utf-8"))) - EXAMPLES
    there = [path.as_posix() for folder in ("calibeval", "tests", "docs") for path in (ROOT / folder).rglob("*.*")]
    there += [path.as_posix() for path in ROOT.glob("*.py")]
    assert len(named) > 30
    assert [name for name in sorted(named) if not any(f"/{path}".endswith(f"/{name}") for path in there)] == []
