"""Predictions as a file that `read` reads: scores, labels, ids, slice columns and class names, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError, nearest
from calibeval.writers.arrays import write_npz, write_safetensors
from calibeval.writers.atomic import replacing
from calibeval.writers.pt import write_pt
from calibeval.writers.sheet import CannotHold, Names, Sheet, Style, sheet_of
from calibeval.writers.tables import write_csv, write_jsonl, write_parquet

NUMBERS, TEXTS = Style("positions"), Style("names")
UNNAMED = tuple(replace(style, named=False) for style in (TEXTS, NUMBERS))


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a format: the styles are tried in order until one can be read back.

    names: of labels and ids, if nothing else is known.
    """

    write: Callable[[Sheet, IO[bytes], Style], None]
    styles: Sequence[Style] = (NUMBERS, TEXTS)
    names: Names = Names()  # noqa: RUF009 - it is frozen


ROWS = Names(("label",), ("id",))
WRITERS: dict[str, Format] = {
    ".npz": Format(lambda sheet, file, _: write_npz(sheet, file)),
    ".csv": Format(lambda sheet, file, style: write_csv(sheet, file, named=style.named), (TEXTS, NUMBERS), ROWS),
    ".tsv": Format(
        lambda sheet, file, style: write_csv(sheet, file, named=style.named, delimiter="\t"), (TEXTS, NUMBERS), ROWS
    ),
    ".jsonl": Format(lambda sheet, file, _: write_jsonl(sheet, file), (TEXTS, NUMBERS), ROWS),
    ".parquet": Format(
        lambda sheet, file, style: write_parquet(sheet, file, named=style.named), (TEXTS, NUMBERS, *UNNAMED), ROWS
    ),
    ".safetensors": Format(lambda sheet, file, _: write_safetensors(sheet, file)),
    ".pt": Format(lambda sheet, file, _: write_pt(sheet, file)),
    ".pth": Format(lambda sheet, file, _: write_pt(sheet, file)),
}

Check = Callable[[Path], str | None]


def write_dump(
    predictions: Predictions,
    path: Path,
    *,
    labelled: bool = True,
    names: Names | None = None,
    check: Check | None = None,
) -> None:
    """Write predictions in the format of the suffix, one of WRITERS; scores are float64,
    or float32 if that is their type.

    labelled: False leaves out the labels, for data without known labels. names: of labels and ids. check: called with
    the finished file before it replaces the one at path; returns what has changed in it, or None.
    Equal predictions give equal bytes. Dense scores keep their shape (n, h, w, k).
    Raises: UsageError for another suffix; CannotHold if the format cannot hold the predictions; FileProblem if the file
    cannot be written.
    """
    check_format(path)
    form = WRITERS[path.suffix.lower()]
    styles = form.styles if predictions.class_names is not None else form.styles[:1]
    why: CannotHold | None = None
    for style in styles:
        try:
            sheet = sheet_of(predictions, names or form.names, style, labelled=labelled)
            with replacing(path, None if check is None else _checking(check)) as file:
                form.write(sheet, file, style)
        except UnicodeEncodeError:
            why = CannotHold("a text holds half of a surrogate pair, which is not a character")
        except CannotHold as reason:
            why = reason
        else:
            return
    raise why or CannotHold("there is nothing to write")


def _checking(check: Check) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        changed = check(path)
        if changed is not None:
            raise CannotHold(changed)

    return run


def check_format(path: Path) -> None:
    """Refuse a suffix that cannot be written.

    Raises: UsageError.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        known = ", ".join(WRITERS)
        raise UsageError(f'{path.name}: cannot write "{suffix}"{nearest(suffix, WRITERS)}; formats are {known}')
