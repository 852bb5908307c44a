import os
import runpy
import subprocess
import sys
import sysconfig

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.errors import UsageError
from calibeval.core.sums import kernel
from tests.conftest import ROOT


def test_without_the_variable_and_with_numpy_no_compiled_kernel_is_used(monkeypatch):
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    assert (kernel.chosen(), kernel.kernel_name()) == (None, "numpy")
    monkeypatch.setenv(kernel.VARIABLE, "numpy")
    assert kernel.chosen() is None


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, "fortran")
    with pytest.raises(UsageError, match=r"CALIBEVAL_KERNEL is 'fortran', but it must be 'numpy' or 'native'"):
        kernel.chosen()


def test_a_kernel_that_was_not_built_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(kernel, "available", tuple)
    monkeypatch.setenv(kernel.VARIABLE, "native:sparc")
    with pytest.raises(UsageError, match=r"'native:sparc', but this installation has numpy only.*a compiler for C\+\+"):
        kernel.chosen()


@pytest.mark.skipif(not kernel.available(), reason="the compiled kernel was not built")
@pytest.mark.parametrize("name", [one.name for one in kernel.available()])
def test_an_instruction_set_can_be_chosen_by_name(monkeypatch, name):
    monkeypatch.setenv(kernel.VARIABLE, f"native:{name}")
    assert kernel.chosen().name == name
    assert (kernel.kernel_name(), kernel.kernel_words()) == ("native", f"native, {name}")


@pytest.mark.skipif(not kernel.available(), reason="the compiled kernel was not built")
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


def test_predictions_of_a_package_without_kernel_are_measured(monkeypatch):
    monkeypatch.setattr(kernel, "available", tuple)
    monkeypatch.setenv(kernel.VARIABLE, "")
    assert Predictions(probs=[[0.5, 0.5]], labels=[0]).n == 1


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


@pytest.mark.slow
def test_a_build_without_a_compiler_goes_on_without_the_kernel(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", tmp_path / "lib", "--build-temp", tmp_path]
    environment = os.environ | {"CC": "/bin/false", "CXX": "/bin/false"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("_native*.so"))
