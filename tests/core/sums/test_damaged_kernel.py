"""A file of the kernel that is damaged: numpy does the work, and the program says why."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from calibeval.core.sums import kernel
from calibeval.core.sums.native_sources import cut_short
from tests.conftest import ROOT


def elf(segments, size):
    """A file of this size with headers of segments (offset, bytes in the file), as of 64-bit Linux."""
    start = b"\x7fELF\x02\x01\x01".ljust(32, b"\0") + struct.pack("<QQIHHH", 64, 0, 0, 64, 56, len(segments))
    table = b"".join(struct.pack("<IIQQQQQQ", 1, 5, at, 0, 0, held, held, 4096) for at, held in segments)
    return (start.ljust(64, b"\0") + table).ljust(size, b"\0")[:size]


@pytest.mark.parametrize(("size", "whole"), [(1500, True), (1200, True), (1199, False), (200, False), (130, False)])
def test_a_file_that_ends_before_its_segments_is_cut_short(tmp_path, size, whole):
    path = tmp_path / "a.so"
    path.write_bytes(elf([(0, 1000), (1000, 200)], size))
    found = cut_short(path)
    assert (found is None) == whole
    if not whole:
        assert f"is cut short: {path} has {size:,} bytes of at least " in found


@pytest.mark.parametrize("content", [b"", b"\x7fELF", os.urandom(9000), b"\x7fELF\x01\x01" + bytes(90)])
def test_other_files_are_left_to_python(tmp_path, content):
    path = tmp_path / "a.so"
    path.write_bytes(content)
    assert (cut_short(path), cut_short(tmp_path / "none.so")) == (None, None)


def built():
    """The path of the kernel; None if there is none that can be used."""
    there = kernel.available()
    return there[0].module.__file__ if there else None


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package without its kernel, and the path at which a kernel would be looked for."""
    if built() is None or sys.platform != "linux":
        pytest.skip("needs a compiled kernel on Linux")
    root = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "calibeval", root / "calibeval", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return root, root / "calibeval" / "core" / "sums" / "_native.abi3.so"


def run(root, *arguments, **environment):
    told = {name: value for name, value in os.environ.items() if name != kernel.VARIABLE} | environment
    command = [sys.executable, "-m", "calibeval", *map(str, arguments)]
    return subprocess.run(
        command, env=told | {"PYTHONPATH": str(root)}, cwd=root, capture_output=True, text=True, check=False
    )


def damaged(name):
    whole = Path(built()).read_bytes()
    return {"half": whole[: len(whole) // 2], "random": os.urandom(9000), "empty": b"", "whole": whole}[name]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("half", "; the compiled kernel is cut short: "),
        ("random", "; the compiled kernel cannot be loaded ("),
        ("empty", "; the compiled kernel cannot be loaded ("),
    ],
)
def test_a_damaged_kernel_leaves_the_work_to_numpy(package, name, says):
    root, path = package
    path.write_bytes(damaged(name))
    version = run(root, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert f"(kernel: numpy{says}" in version.stdout
    dump = ROOT / "sample_data" / "digits_test.npz"
    done = run(root, "report", dump, "--json")
    assert (done.returncode, '"kernel": "numpy"' in done.stdout) == (0, True)
    refused = run(root, "report", dump, CALIBEVAL_KERNEL="native")
    assert refused.returncode == 2
    assert f"has numpy only: {says[2:]}" in refused.stderr


def test_a_whole_kernel_is_used(package):
    root, path = package
    path.write_bytes(damaged("whole"))
    assert "(kernel: native, " in run(root, "--version").stdout
