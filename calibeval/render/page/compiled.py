"""The templates of pages, compiled once where the package is built, which takes longer than filling them.

`setup.py` runs this file by its path, before there is a package, so it imports nothing of calibeval.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined
from jinja2.bccache import bc_version

RENDER = Path(__file__).parent.parent
TEMPLATES, COMPILED = RENDER / "templates", RENDER / "compiled"
_DIGEST = "digest.txt"


def environment(loader: BaseLoader) -> Environment:
    """The environment that templates are written for: all text is escaped, and every name must be known."""
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def usual_environment(templates: Path = TEMPLATES, compiled: Path = COMPILED) -> Environment:
    """The environment with compiled templates, or where they are of other templates or for another jinja2, without."""
    written = compiled / _DIGEST
    if written.is_file() and written.read_text(encoding="utf-8") == digest(templates):
        return environment(ModuleLoader(compiled))
    return environment(FileSystemLoader(templates))


def compile_templates(templates: Path = TEMPLATES, compiled: Path = COMPILED) -> None:
    """Write compiled templates to a folder, which has only these; the digest is last."""
    compiled.mkdir(parents=True, exist_ok=True)
    for old in compiled.glob("*.*"):
        old.unlink()
    env = environment(FileSystemLoader(templates))
    env.compile_templates(compiled, extensions=["j2"], zip=None, ignore_errors=False)
    (compiled / _DIGEST).write_text(digest(templates), encoding="utf-8")


def digest(templates: Path) -> str:
    """A hash of all templates and of what jinja2 makes of them."""
    whole = hashlib.sha256(f"{bc_version} {Path(__file__).read_text(encoding='utf-8')}".encode())
    for path in sorted(templates.glob("*.j2")):
        content = path.read_bytes()
        whole.update(f"\0{path.name} {len(content)}\0".encode() + content)
    return whole.hexdigest()
