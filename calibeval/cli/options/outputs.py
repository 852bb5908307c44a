"""Where a command writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """The files of `--export KIND=FILE` by kind; md is markdown.

    Raises: UsageError for an unknown kind, or one that is given twice.

    >>> [kind for kind in exports(["csv=table.csv"], ["csv", "latex"])]
    ['csv']
    >>> [kind for kind in exports(["md=table.md"], ["markdown", "csv"])]
    ['markdown']
    """
    known = (*kinds,)
    usual = {"md": "markdown"} if "markdown" in known else {}
    named = []
    for text in texts or ():
        kind, sign, file = text.partition("=")
        named.append(f"{usual.get(kind.strip(), kind)}{sign}{file}")
    return {kind: Path(file) for kind, file in pairs("--export", named, known, "KIND=FILE").items()}
