"""`.csv`: one row per sample, parsed by pandas to the exact float64 values that the text means."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.limits import Limits
from calibeval.readers.stored import Contents, Stored

if TYPE_CHECKING:
    import pandas as pd

GROUPS = {"logit": "logits", "prob": "probs", "proba": "probs", "log_prob": "log_probs"}
COLUMN = re.compile(r"^(log_prob|logit|proba|prob)_(.+)$")


def read_csv(path: Path, limits: Limits, separator: str = ",") -> Contents:
    """The columns of a file with a header line; `logit_0, logit_1, ...` become the one array `logits`.

    Columns named logit_CLASS instead of by number give class names, too.
    Raises: InputError for an empty file, ragged lines, or cells of score columns that are no numbers.
    """
    import pandas as pd

    limits.check_expansion(path.name, path.stat().st_size, size=path.stat().st_size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            # pandas 3.1 deprecates float_precision because its default is exact by now; that of pandas 2 is not.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("error", pd.errors.ParserWarning)  # more cells in the rows than in the header
            header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False)
            table = pd.read_csv(
                path,
                sep=separator,
                float_precision="round_trip",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
            )
    except pd.errors.EmptyDataError:
        raise InputError(f"{path.name}: the file is empty") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeError, ValueError) as error:
        raise InputError(f"{path.name}: no table that can be read ({str(error).strip()})") from None
    columns = header.iloc[0].tolist()
    twice = next((column for i, column in enumerate(columns) if column and column in columns[:i]), None)
    if twice is not None:
        raise InputError(f'{path.name}: two columns are called "{twice}"')
    if table.empty:
        raise InputError(f"{path.name}: there is a header, but no rows")
    return Contents(_grouped(table, path.name))


def _grouped(table: pd.DataFrame, name: str) -> dict[str, Stored]:
    """Numbered or named score columns joined to one array each; all other columns as they are."""
    groups: dict[str, dict[str, str]] = {}
    for column in table.columns:
        match = COLUMN.match(str(column))
        if match:
            group = groups.setdefault(GROUPS[match[1]], {})
            if match[2] in group:
                raise InputError(
                    f'{name}: columns "{group[match[2]]}" and "{column}" could both be {GROUPS[match[1]]} of class '
                    f"{match[2]}: rename one of them."
                )
            group[match[2]] = str(column)
    arrays: dict[str, Stored] = {}
    for kind, columns in groups.items():
        order, names = _ordered(columns, name, kind)
        arrays[kind] = Stored.of(numbers(table, order, name))
        if names is not None:
            arrays["class_names"] = Stored.of(np.asarray(names))
    taken = {column for columns in groups.values() for column in columns.values()}
    for column in table.columns:
        if str(column) not in taken:
            arrays[str(column)] = Stored.of(_plain(table[column]))
    return arrays


def _ordered(columns: dict[str, str], name: str, kind: str) -> tuple[list[str], list[str] | None]:
    """Score columns in the order of their classes, and the class names where columns are not numbered."""
    if not all(suffix.isdigit() for suffix in columns):
        return list(columns.values()), list(columns)
    numbered = {int(suffix): column for suffix, column in columns.items()}
    missing = sorted(set(range(len(columns))) - set(numbered))
    if missing:
        raise InputError(f"{name}: {len(columns)} columns of {kind}, but number {missing[0]} is missing")
    return [numbered[i] for i in range(len(columns))], None


def numbers(table: pd.DataFrame, columns: list[str], name: str) -> npt.NDArray[Any]:
    """Columns as a float64 array (n, len(columns)).

    Raises: InputError naming the first cell that is no number.
    """
    import pandas as pd

    for column in columns:
        values = table[column]
        if values.dtype.kind not in "fiu" or values.isna().any():
            wrong = np.flatnonzero(pd.to_numeric(values, errors="coerce").isna().to_numpy())
            row = int(wrong[0]) if len(wrong) else 0
            cell = values.iloc[row]
            what = "is empty" if pd.isna(cell) and not isinstance(cell, str) else f'"{cell}" is no number'
            raise InputError(f"{name}, row {row}, column {column}: {what}")
    return table[columns].to_numpy(np.float64)


def _plain(column: pd.Series[Any]) -> npt.NDArray[Any]:
    """A column as numbers where it has numbers, else as text."""
    return column.to_numpy() if column.dtype.kind in "fiub" else column.fillna("").astype(str).to_numpy(str)
