"""What pyproject.toml cannot say: templates of pages are compiled where the package is built, and so is the kernel.

Without a compiler for C++ the build goes on without the kernel, and numpy does its work; with CALIBEVAL_NATIVE=1 it
fails, so that no wheel for a platform lacks it. CALIBEVAL_PURE=1 leaves it out, for a wheel that suits every platform.
So does a free-threaded Python, which has no stable ABI (PEP 703).
"""

import os
import sysconfig
from pathlib import Path
from runpy import run_path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

RENDER = Path("calibeval") / "render"
PURE = bool(os.environ.get("CALIBEVAL_PURE") or sysconfig.get_config_var("Py_GIL_DISABLED"))
OF_SOURCES = Path("calibeval") / "core" / "sums" / "native_sources.py"
SOURCES = "" if PURE else run_path(str(OF_SOURCES))["digest"](Path())


class BuildWithTemplates(build_py):
    """Build Python files, and compile the templates; of an editable install, in the folder of the source."""

    def run(self) -> None:
        """Copy the package, and put the compiled templates beside the others."""
        super().run()
        root = Path() if self.editable_mode else Path(self.build_lib)
        own = run_path(str(RENDER / "page" / "compiled.py"))
        own["compile_templates"](RENDER / "templates", root / RENDER / "compiled")


class BuildKernel(build_ext):
    """Build the kernel, unless a build of these very sources is there; the times of files do not tell that."""

    def build_extension(self, ext: Extension) -> None:
        """Compile and link."""
        built = Path(self.get_ext_fullpath(ext.name))
        self.force = not built.is_file() or SOURCES.encode() not in built.read_bytes()
        super().build_extension(ext)


NATIVE = Extension(
    "calibeval.core.sums._native",
    sources=["native/kernel.cpp", "native/module.cpp", "native/table.cpp"],
    depends=["setup.py", *(str(path) for path in sorted(Path("native").glob("*.h")))],
    # Contraction would fuse operations as it pleases each processor, and the same sums would differ by their last bits.
    extra_compile_args=["-O2", "-std=c++17", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti", "-Wno-psabi", "-g0"],
    define_macros=[("Py_LIMITED_API", "0x030b0000"), ("SOURCES", f'"{SOURCES}"')],
    language="c++",
    py_limited_api=True,
    optional=not os.environ.get("CALIBEVAL_NATIVE"),
)

if PURE:
    setup(cmdclass={"build_py": BuildWithTemplates})
else:
    setup(
        cmdclass={"build_py": BuildWithTemplates, "build_ext": BuildKernel},
        ext_modules=[NATIVE],
        options={"bdist_wheel": {"py_limited_api": "cp311"}},
    )
