"""What pyproject.toml cannot say: templates of pages are compiled where the package is built."""

from pathlib import Path
from runpy import run_path

from setuptools import setup
from setuptools.command.build_py import build_py

RENDER = Path("calibeval") / "render"


class BuildWithTemplates(build_py):
    """Build Python files, and compile the templates; of an editable install, in the folder of the source."""

    def run(self) -> None:
        """Copy the package, and put the compiled templates beside the others."""
        super().run()
        root = Path() if self.editable_mode else Path(self.build_lib)
        own = run_path(str(RENDER / "page" / "compiled.py"))
        own["compile_templates"](RENDER / "templates", root / RENDER / "compiled")


setup(cmdclass={"build_py": BuildWithTemplates})
