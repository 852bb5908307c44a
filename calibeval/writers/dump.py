"""Predictions as a file that `read` takes: scores, labels, ids, slice columns and class names, block by block."""

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
    """How a format is written: styles are tried in their order until one can be read back.

    names: what labels and ids are called where nothing else is known.
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
    """The predictions in the format of the suffix, one of WRITERS; scores as float64.

    labelled: False leaves out the labels, where nobody knows them. names: what labels and ids are called. check: says
    of the finished file, before it takes its name, what in it has become something else; None for nothing.
    The same predictions give the same bytes. Dense scores keep their shape, as (n, h, w, k).
    Raises: UsageError for another suffix; CannotHold where the format cannot hold the predictions; FileProblem if the
    file cannot be written.
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
            why = CannotHold("a text holds half of a surrogate pair, which is no character")
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
    """See that the suffix is one that can be written.

    Raises: UsageError.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        known = ", ".join(WRITERS)
        raise UsageError(f'{path.name}: cannot write "{suffix}"{nearest(suffix, WRITERS)}; formats are {known}')
