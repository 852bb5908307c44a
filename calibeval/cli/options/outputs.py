"""Where a command writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from calibeval.cli.options.choices import pairs
from calibeval.core.errors import UsageError

# What a folder is hardly ever called, and a file always.
FILES = (
    ".json", ".jsonl", ".html", ".htm", ".svg", ".png", ".pdf", ".csv", ".tsv", ".md", ".tex", ".xml", ".txt", ".toml",
    ".npz", ".npy", ".pt", ".pth", ".parquet", ".safetensors", ".zip",
)  # fmt: skip
JSON = {".json": "--json > {}"}
TABLES = {".csv": "--format csv > {}", ".md": "--format md > {}", ".tex": "--format latex > {}"}
FIGURES = dict.fromkeys((".svg", ".png", ".pdf"), "--figure {}")


def check_folder(out: Path | None, instead: Mapping[str, str]) -> None:
    """Refuse a folder to be made that has a file's name.

    instead: how the command writes one file, by suffix.
    Raises: UsageError.
    """
    suffix = "" if out is None else out.suffix.lower()
    if out is None or suffix not in FILES or out.is_dir():
        return
    hint = f"; for that file alone, say {instead[suffix].format(out)}" if suffix in instead else ""
    raise UsageError(f"-o {out}: names a folder, into which several files are written{hint}")


def exports(texts: Iterable[str] | None, kinds: Iterable[str]) -> dict[str, Path]:
    """The files of `--export KIND=FILE` by kind.

    Raises: UsageError for an unknown kind, or one that is given twice.

    >>> [kind for kind in exports(["csv=table.csv"], ["csv", "latex"])]
    ['csv']
    """
    return {kind: Path(file) for kind, file in pairs("--export", texts or (), kinds, "KIND=FILE").items()}


def distinct(outputs: Sequence[Path]) -> None:
    """Refuse two outputs that are to be written to the same file.

    Raises: UsageError.
    """
    places = [output.resolve() for output in outputs]
    twice = next((output for i, output in enumerate(outputs) if places[i] in places[:i]), None)
    if twice is not None:
        raise UsageError(f"{twice}: two outputs are to be written to this file; name another for one of them")
