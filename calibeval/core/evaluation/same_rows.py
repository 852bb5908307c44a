"""Which dumps of one report hold the same rows, so that their numbers may be ranked."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import as_text
from calibeval.core.report.report import DumpReport

_PART = 2**20


def with_rows(dump: DumpReport, predictions: Predictions) -> DumpReport:
    """The dump with a hash of its rows. predictions: those that were measured."""
    return replace(dump, rows_sha256=rows_sha256(predictions))


def rows_sha256(predictions: Predictions) -> str | None:
    """A hash of the ids and labels of all rows: equal for dumps of the same rows; None where there are neither.

    Rows are taken in the order of their ids; without ids, in the order of the file. Scores are not part of it. If only
    the top label is known, labels say whether it is right, which differs between models, and only ids are taken.

    >>> one = Predictions(probs=[0.2, 0.9], labels=[0, 1], ids=["a", "b"])
    >>> other = Predictions(probs=[0.7, 0.4], labels=[1, 0], ids=["b", "a"])
    >>> rows_sha256(one) == rows_sha256(other), rows_sha256(one) == rows_sha256(one.select(np.array([0])))
    (True, False)
    """
    whole = predictions.k is not None and predictions.labelled
    if predictions.ids is None and not whole:
        return None
    found = hashlib.sha256(f"{predictions.k if whole else None} {predictions.layout}".encode())
    labels = np.ascontiguousarray(predictions.labels, np.int64)
    if predictions.ids is not None:
        ids = as_text(np.asarray(predictions.ids)).astype(str)
        order = np.argsort(ids, kind="stable")
        labels = labels.reshape(len(ids), -1)[order].reshape(-1)
        for start in range(0, len(ids), _PART):
            part = ids[order[start : start + _PART]].tolist()
            found.update("".join(f"{len(one)}:{one}" for one in part).encode(errors="surrogatepass"))
    if whole:
        found.update(labels.tobytes())
    return found.hexdigest()
