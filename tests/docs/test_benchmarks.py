"""docs/benchmarks.md has a section of every benchmark, and what the benchmarks share does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import dumps, floors, kernels, older, timing
from tests.benchmarks.run import TITLES, with_section

ROOT = Path(__file__).resolve().parents[2]


def test_sections_of_the_page_are_those_that_the_benchmarks_write():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = re.findall(r"<!-- benchmark: (\w+) -->\n## (.*)\n", page)
    assert dict(found) == TITLES
    assert len(found) == len(TITLES)
    assert re.findall(r"<!-- end of benchmark: (\w+) -->", page) == [name for name, _ in found]
    assert all((ROOT / "tests" / "benchmarks" / f"{name}.py").exists() for name in TITLES)


def test_a_section_replaces_the_one_of_its_benchmark_alone():
    page = with_section("# Benchmarks\n", "engine", "first")
    page = with_section(with_section(page, "kernels", "second"), "engine", "third\n")
    assert page.startswith(
        "# Benchmarks\n\n<!-- benchmark: engine -->\n## Engine compared with other libraries\n\nthird\n"
    )
    assert "first" not in page
    assert page.endswith("\n\nsecond\n<!-- end of benchmark: kernels -->\n")


def test_programs_take_turns_and_a_process_elsewhere_counts_its_own_seconds():
    ticks = iter(range(1000))
    turns = []
    contenders = [
        timing.Contender("here", lambda _: turns.append("here")),
        timing.Contender("elsewhere", lambda rows: turns.append("elsewhere") or rows / 100, timed=True),
        timing.Contender("absent", lambda _: turns.append("absent"), reason="not installed"),
    ]
    found = timing.interleaved(contenders, 400, 2, clock=lambda: float(next(ticks)))
    assert turns[-4:] == ["here", "elsewhere"] * 2
    assert "absent" not in turns
    assert found["here"].seconds == [1.0, 1.0]
    assert found["elsewhere"].seconds == [4.0, 4.0]
    assert timing.ratio(found["elsewhere"], found["here"]) == 4.0
    assert found["absent"].reason == "not installed"


@pytest.mark.parametrize("made", [lambda: floors.exp_floor()[0], floors.older_floor, lambda: floors._numpy_floor])
def test_the_exp_floor_adds_up_exponentials(made):
    floor = made()
    if floor is None:
        pytest.skip("no compiler for AVX2")
    scores = np.log(np.arange(1.0, 101.0, dtype=np.float32)).reshape(10, 10)
    assert floor(scores) == pytest.approx(5050.0, rel=1e-5)
    assert sys.float_info.min / 2 > 0.0  # a library with fast arithmetic may make it 0 for the whole process


def test_a_floor_is_the_fastest_of_three_in_a_row():
    calls = []
    seconds = floors.least_of_three(lambda scores: calls.append(scores.shape), np.zeros((10, 2)))(4)
    assert calls == [(4, 2)] * 3
    assert 0 <= seconds < 1


@pytest.mark.parametrize(
    ("ratio", "nanoseconds", "met"), [(16.9, 30.0, "yes"), (17.1, 22.1, "no"), (17.1, 21.9, "yes")]
)
def test_with_few_classes_either_ratio_or_time_of_a_row_is_enough(ratio, nanoseconds, met):
    own = timing.Timed([nanoseconds * 1e-6])
    size = kernels.Size(1000, 2, {}, {})
    row = kernels._floor_row("sums", size, own, timing.Timed([own.least / ratio]))
    assert row[1:] == ["≤ 17.0×, or ≤ 22.0 ns a row", f"{ratio:.1f}×, {nanoseconds:.1f} ns", met]


def test_the_process_without_avx512_does_what_it_is_asked(tmp_path):
    with older.Older(dumps.make(tmp_path, 300, 3)) as process:
        assert 0 < process.run(older.SUMS)(300) < 60
        assert 0 < process.run(older.FIT)(200) < 60


@pytest.mark.filterwarnings("ignore:torch.searchsorted")
def test_kernels_are_judged_at_a_small_size(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "QUICK_SIZES", ((400, 10),))
    monkeypatch.setattr(kernels, "CONTROL_SCORES", 2**17)
    monkeypatch.setattr(kernels, "has_avx512", lambda: False)
    found = kernels.section(tmp_path, 1, quick=True)
    assert "### Kernels, 400 × 10" in found
    for kernel in kernels.kernels():
        assert len(re.findall(rf"\| (?:sums|report): {re.escape(kernel)} \| [\d.]+ \|", found)) == 2
    assert f"400 × 10: sums: {kernels.kernels()[0]}, time over its exp floor" in found
