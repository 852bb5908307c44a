import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.errors import UsageError
from calibeval.core.sums import kernel
from calibeval.core.sums.native_sources import INTERFACE, digest, why_not
from tests.conftest import ROOT

needs_kernel = pytest.mark.skipif(not kernel.available(), reason=str(kernel.missing()))
# The arguments of each function of the module in turn: who changes them raises INTERFACE in both files, and this.
FORMATS = {
    6: [
        "iiiny*y*z*y*dddw*w*w*w*z*",
        "iy*y*y*y*y*z*w*w*",
        "iy*w*",
        "iy*y*y*y*w*w*",
        "iinppy*z*z*dw*",
        "inpy*y*z*z*w*w*",
        "iy*z*nw*",
        "IIw*",
        "iy*y*w*",
        "y*iny*y*w*w*w*",
    ]
}


@pytest.fixture
def unbuilt(monkeypatch):
    """Stands for an installation whose module is another, or None: there is none."""

    def use(module=None):
        monkeypatch.setattr(kernel, "_built", lambda: module)

    for cached in (kernel.available, kernel._chosen):
        cached.cache_clear()
    yield use
    for cached in (kernel.available, kernel._chosen):
        cached.cache_clear()


def stale(**more):
    return SimpleNamespace(**{"names": lambda: ("avx2",), "INTERFACE": INTERFACE, "SOURCES": "of others"} | more)


def test_without_the_variable_the_fastest_compiled_kernel_is_used_if_there_is_one(monkeypatch):
    for empty in (
        lambda: monkeypatch.delenv(kernel.VARIABLE, raising=False),
        lambda: monkeypatch.setenv(kernel.VARIABLE, ""),
    ):
        empty()
        there = kernel.available()
        assert kernel.chosen() == (there[0] if there and there[0].name != "baseline" else None)
        assert kernel.kernel_name() == ("numpy" if kernel.chosen() is None else "native")


@pytest.mark.parametrize(
    ("names", "expected"), [(("avx2", "baseline"), "avx2"), (("neon",), "neon"), (("baseline",), None)]
)
def test_a_processor_without_fused_operations_uses_numpy_unless_asked(monkeypatch, unbuilt, names, expected):
    unbuilt(stale(SOURCES=digest(ROOT), names=lambda: names))
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    assert (kernel.chosen() and kernel.chosen().name) == expected
    monkeypatch.setenv(kernel.VARIABLE, "native")
    assert kernel.chosen().name == names[0]


def test_numpy_can_be_forced(monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, "numpy")
    assert (kernel.chosen(), kernel.kernel_name(), kernel.kernel_words()) == (None, "numpy", "numpy")


@pytest.mark.parametrize("word", ["fortran", "Native", " native", "numpy:avx2", "native:"])
def test_another_word_is_refused(monkeypatch, word):
    monkeypatch.setenv(kernel.VARIABLE, word)
    with pytest.raises(UsageError, match=rf"CALIBEVAL_KERNEL is '{word}', but it must be 'numpy' or 'native'"):
        kernel.chosen()


def test_where_no_kernel_was_built_numpy_works_without_a_word(monkeypatch, unbuilt):
    unbuilt()
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    assert (kernel.available(), kernel.chosen(), kernel.kernel_words()) == ((), None, "numpy")
    assert Predictions(probs=[[0.5, 0.5]], labels=[0]).n == 1


@pytest.mark.parametrize("asked", ["native", "native:sparc"])
def test_a_kernel_that_was_not_built_is_refused_with_what_to_do(monkeypatch, unbuilt, asked):
    unbuilt()
    monkeypatch.setenv(kernel.VARIABLE, asked)
    with pytest.raises(UsageError, match=rf"'{asked}', but this installation has numpy only.*a compiler for C\+\+"):
        kernel.chosen()


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (stale(), r"was built from other sources than .*native; `pip install` of calibeval builds it again"),
        (stale(INTERFACE=INTERFACE - 1), "belongs to another version of calibeval; `pip install`"),
        (SimpleNamespace(names=lambda: ("avx2",)), "belongs to another version of calibeval; `pip install`"),
    ],
    ids=["sources", "interface", "before both"],
)
def test_an_outdated_kernel_is_not_used_and_version_says_why(monkeypatch, unbuilt, module, says):
    unbuilt(module)
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    assert (kernel.available(), kernel.chosen()) == ((), None)
    assert re.match(rf"numpy; the compiled kernel {says}", kernel.kernel_words())
    monkeypatch.setenv(kernel.VARIABLE, "native")
    with pytest.raises(UsageError, match=f"has numpy only: the compiled kernel {says}"):
        kernel.chosen()
    monkeypatch.setenv(kernel.VARIABLE, "numpy")
    assert kernel.kernel_words() == "numpy"


def test_a_kernel_that_cannot_be_loaded_is_not_used_and_version_says_why(monkeypatch, unbuilt):
    unbuilt("the compiled kernel cannot be loaded (x.so: invalid ELF header); reinstall")
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    assert (kernel.available(), kernel.chosen()) == ((), None)
    assert kernel.kernel_words() == "numpy; the compiled kernel cannot be loaded (x.so: invalid ELF header); reinstall"
    monkeypatch.setenv(kernel.VARIABLE, "native")
    with pytest.raises(UsageError, match=r"has numpy only: the compiled kernel cannot be loaded \(x.so"):
        kernel.chosen()


@needs_kernel
@pytest.mark.parametrize("asked", ["native:avx2:", "native:sparc"])
def test_a_misspelt_instruction_set_is_told_apart_from_one_that_the_processor_lacks(monkeypatch, asked):
    monkeypatch.setenv(kernel.VARIABLE, asked)
    with pytest.raises(UsageError, match=rf"only: no instruction set is called {asked.partition(':')[2]}"):
        kernel.chosen()
    lacking = min({"avx512", "neon"} - {one.name for one in kernel.available()})
    monkeypatch.setenv(kernel.VARIABLE, f"native:{lacking}")
    with pytest.raises(UsageError, match="only: this processor lacks the instructions"):
        kernel.chosen()


def test_a_processor_without_the_instructions_uses_numpy(monkeypatch, unbuilt):
    unbuilt(stale(SOURCES=digest(ROOT), names=tuple))
    monkeypatch.setenv(kernel.VARIABLE, "native")
    with pytest.raises(UsageError, match="has numpy only: this processor lacks the instructions"):
        kernel.chosen()


def test_each_file_of_the_sources_counts_in_a_clone_and_none_where_there_are_none(tmp_path):
    assert why_not(stale(), tmp_path) is None
    (tmp_path / "native").mkdir()
    for name in ("setup.py", "native/kernel.cpp", "native/module.cpp", "native/table.cpp", "native/a.h"):
        (tmp_path / name).write_text("1")
    built = stale(SOURCES=digest(tmp_path))
    assert why_not(built, tmp_path) is None
    for name in ("setup.py", "native/kernel.cpp", "native/module.cpp", "native/table.cpp", "native/a.h", "native/b.h"):
        (tmp_path / name).write_text("2")
        assert "was built from other sources" in why_not(built, tmp_path)
        built = stale(SOURCES=digest(tmp_path))
    (tmp_path / "setup.py").unlink()
    assert "was built from other sources" in why_not(built, tmp_path)


def test_the_kernel_of_this_clone_is_built_from_its_sources():
    module = kernel._built()
    if module is None:
        pytest.skip(kernel.missing())
    assert why_not(module) is None


def test_the_arguments_of_the_module_belong_to_its_interface():
    source, table = ((ROOT / "native" / name).read_text(encoding="utf-8") for name in ("module.cpp", "table.cpp"))
    assert re.findall(r'PyArg_ParseTuple\(arguments, "([^"]*)"', source + table) == FORMATS[INTERFACE]
    assert f"#define INTERFACE {INTERFACE}\n" in source


@needs_kernel
@pytest.mark.parametrize("name", [one.name for one in kernel.available()])
def test_an_instruction_set_can_be_chosen_by_name(monkeypatch, name):
    monkeypatch.setenv(kernel.VARIABLE, f"native:{name}")
    assert kernel.chosen().name == name
    assert (kernel.kernel_name(), kernel.kernel_words()) == ("native", f"native, {name}")


@needs_kernel
def test_the_kernel_refuses_arrays_of_wrong_sizes():
    module = kernel.available()[0].module
    scores, labels, edges = np.zeros((4, 3), np.float32), np.zeros(4, np.int64), np.linspace(0, 1, 16)
    outputs = np.zeros(10), np.zeros((5, 3, 15)), np.zeros((5, 15)), np.zeros(4, np.uint64), None

    def call(scores=scores, labels=labels, k=3, outputs=outputs, which=0):
        return module.sums(which, 0, 4, k, scores, labels, None, edges, 192.0, 0.0, 0.0, *outputs)

    assert call() == 0
    for wrong in ({"scores": scores[:3]}, {"k": 4}, {"which": 9}, {"outputs": (np.zeros(9), *outputs[1:])}):
        with pytest.raises(ValueError, match=r"another size|no such kernel"):
            call(**wrong)
    assert call(labels=np.array([0, 1, 2, 3])) == 2  # there is no class 3


@pytest.mark.parametrize(("free_threaded", "extensions"), [(1, 0), (0, 1), (None, 1)])
def test_a_free_threaded_python_builds_no_kernel(monkeypatch, free_threaded, extensions):
    setuptools = pytest.importorskip("setuptools", minversion="77")
    told = {}
    monkeypatch.setattr(setuptools, "setup", lambda **words: told.update(words))
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": free_threaded}.get)
    monkeypatch.delenv("CALIBEVAL_PURE", raising=False)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    assert len(told.get("ext_modules", ())) == extensions
    assert ("options" in told) == bool(extensions)


def build(into, *commands, **environment):
    """Run setup.py, offline, with the setuptools of this environment."""
    pytest.importorskip("setuptools", minversion="77")
    command = [sys.executable, "setup.py", "-q", *commands]
    told = {name: value for name, value in os.environ.items() if not name.startswith("CALIBEVAL")} | environment
    return subprocess.run(command, cwd=into, env=told, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(tmp_path):
    """What a build reads, in a folder of its own."""
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "native", tmp_path / "native")
    left_out = shutil.ignore_patterns("__pycache__", "compiled", "*.so", "*.pyd")
    shutil.copytree(ROOT / "calibeval", tmp_path / "calibeval", ignore=left_out)
    shutil.copy(ROOT / "calibeval" / "render" / "page" / "compiled.py", tmp_path / "calibeval" / "render" / "page")
    return tmp_path


@pytest.mark.slow
def test_a_build_without_a_compiler_has_no_kernel_and_works(clone):
    done = build(clone, "build", "--build-lib", "lib", CC="/bin/false", CXX="/bin/false")
    assert done.returncode == 0, done.stderr
    assert not list(clone.rglob("_native*.so"))
    environment = os.environ | {"PYTHONPATH": str(clone / "lib"), kernel.VARIABLE: ""}
    for arguments, found in (
        (["--version"], "(kernel: numpy)"),
        (["report", ROOT / "sample_data" / "digits_test.npz", "--json"], '"kernel": "numpy"'),
    ):
        command = [sys.executable, "-m", "calibeval", *arguments]
        ran = subprocess.run(command, env=environment, cwd=clone / "lib", capture_output=True, text=True, check=True)
        assert (found in ran.stdout, ran.stderr) == (True, "")


@pytest.mark.slow
def test_a_build_that_must_have_the_kernel_fails_without_a_compiler(clone):
    done = build(clone, "build_ext", "--build-lib", "lib", CC="/bin/false", CXX="/bin/false", CALIBEVAL_NATIVE="1")
    assert done.returncode != 0
    assert "/bin/false" in done.stderr


def test_wheels_of_a_release_are_built_so():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cibuildwheel"]
    assert told["environment"] == {"CALIBEVAL_NATIVE": "1"}


@pytest.mark.slow
@needs_kernel
def test_another_source_is_compiled_again_whatever_its_time(clone):
    """With a kernel that says only what it was built from, as compiling the whole one takes long."""
    small = "#define PY_SSIZE_T_CLEAN\n#include <Python.h>\nextern const char of[]; const char of[] = SOURCES;\n"
    start = "static PyModuleDef def = {PyModuleDef_HEAD_INIT, of};\n"
    start += 'extern "C" PyObject *PyInit__native(void) { return PyModule_Create(&def); }\n'
    for name in ("kernel.cpp", "table.cpp"):
        (clone / "native" / name).write_text("")
    (clone / "native" / "module.cpp").write_text(small + start)
    found = []
    for text in ("1", "2"):
        (clone / "native" / "all.h").write_text(text)
        os.utime(clone / "native" / "all.h", (0, 0))
        assert build(clone, "build_ext", "--build-lib", "lib", CALIBEVAL_NATIVE="1").stderr == ""
        (built,) = (clone / "lib").rglob("_native*")
        found.append(digest(clone).encode() in built.read_bytes())
    assert found == [True, True]


@pytest.mark.slow
def test_a_source_distribution_has_all_that_the_kernel_is_built_from(clone):
    assert build(clone, "sdist").returncode == 0
    (path,) = (clone / "dist").iterdir()
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {f"native/{path.name}" for path in (ROOT / "native").iterdir()}
    assert sources | {"setup.py", "pyproject.toml", "calibeval/core/sums/native_sources.py"} <= names
