"""Sizes as people write them: 8G, 512M, 1.5GiB, plain bytes."""

from __future__ import annotations

import json

import pytest
import typer

from calibeval.cli.options.sizes import size, size_above_zero
from tests.cli.invoking import run

DIGITS = "sample_data/digits_test.npz"


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096B", 4096),
        ("1K", 1024),
        ("512M", 512 * 1024 * 1024),
        ("8G", 8 * 1024**3),
        ("8g", 8 * 1024**3),
        (" 8 GiB ", 8 * 1024**3),
        ("1.5GiB", 3 * 2**29),
        ("1.5GB", 1_500_000_000),
        ("2T", 2 * 1024**4),
        ("0.1KB", 100),
        ("0.0001K", 0),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_a_size_is_a_number_of_bytes(text, bytes_):
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "G", "8X", "-1", "1e9", "8GG", "8iB", "1.G", ".5G", "nan", "8G x"])
def test_what_is_not_a_size(text):
    with pytest.raises(typer.BadParameter, match=r"is not a size; write 8G, 512M, 1\.5GiB or a number of bytes"):
        size(text)


@pytest.mark.parametrize("text", ["9" * 40, f"{2**63}", "8192P"])
def test_more_than_any_machine_has(text):
    with pytest.raises(typer.BadParameter, match="more than any machine has"):
        size(text)


def test_a_limit_is_at_least_one_byte():
    assert size_above_zero("1") == 1
    with pytest.raises(typer.BadParameter, match="at least one byte"):
        size_above_zero("0")


def test_sizes_on_the_command_line(capsys):
    whole = run(capsys, "report", DIGITS, "--json", "-q")
    limited = run(capsys, "report", DIGITS, "--json", "-q", "--max-memory", "1.5GiB", "--max-bytes", "1G")
    assert (limited.code, limited.err) == (whole.code, whole.err)
    assert json.loads(limited.out)["dumps"] == json.loads(whole.out)["dumps"]
    refused = run(capsys, "report", DIGITS, "--max-bytes", "1K")
    assert (refused.code, "over the limit of 1024" in refused.err) == (3, True)
    wrong = run(capsys, "report", DIGITS, "--max-memory", "8X")
    assert wrong.code == 2
    assert wrong.err.startswith("Invalid value for '--max-memory': \"8X\" is not a size")
