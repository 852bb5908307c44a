"""`calibeval predict`: the logits of a trained head for cached features."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import FeatureFlags, refuse_overwriting, say, with_feature_flags
from calibeval.core.errors import FileProblem, InputError

if TYPE_CHECKING:
    from calibeval.core.data.predictions import Predictions
    from calibeval.readers.meaning.assemble import ReadOptions


@with_feature_flags
def predict(
    run: options.Run,
    features: options.FeatureFile,
    out: options.DumpOut,
    json: options.Json = False,
    flags: FeatureFlags = FeatureFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Compute the logits of a head for cached features.

    The head is one that `finetune` trained, or weights; labels are optional.
    """
    import json as json_module

    from calibeval.writers.dump import check_format, write_dump

    refuse_overwriting([features, flags.class_names, *([] if run.is_dir() else [run])], [out])
    check_format(out)
    predictions, labelled, warnings = _predictions(run, features, flags.options())
    write_dump(predictions, out, labelled=labelled)
    say([*(f"warning: {text}" for text in warnings), f"written to {out}"], quiet=quiet)
    if json:
        facts = {"written": str(out), "rows": predictions.rows, "kind": predictions.kind, "warnings": list(warnings)}
        sys.stdout.write(json_module.dumps(facts) + "\n")
    return 0


def _predictions(run: Path, name: str, reading: ReadOptions) -> tuple[Predictions, bool, tuple[str, ...]]:
    """What the head says of the features, whether the labels are known, and warnings.

    Raises: InputError for features, labels or class names that are not those of the head, or logits that overflow.
    """
    import numpy as np

    from calibeval.core.data.predictions import Predictions
    from calibeval.core.heads.layers import logits_of
    from calibeval.readers.features.features import open_features
    from calibeval.readers.features.head_weights import read_head

    limits = reading.limits
    head = read_head(run, max_bytes=limits.max_bytes, max_memory=limits.max_memory, checksums=limits.checksums)
    rows = open_features(name, reading, need_labels=False)
    if rows.d != head.d:
        raise InputError(f"{rows.source.name} has {rows.d} features a row, but {head.source.name} takes {head.d}")
    rows.check_values()
    rows.check_classes(head.k, "the head has")
    names = _class_names(Path(head.source.path or run), head.k)
    if names is not None and rows.class_names is not None and names != rows.class_names:
        raise InputError(
            f"{rows.source.name} and the head in {run} differ in the names of their classes, or their order"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        logits = logits_of(head.layers, rows.features)
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        raise InputError(f"{rows.source.name}: the logits of row {int(finite.argmin())} overflow")
    predictions = Predictions(
        logits=logits,
        labels=np.zeros(rows.n, np.int64) if rows.labels is None else rows.labels,
        class_names=rows.class_names or names,
        ids=rows.ids,
        columns=rows.columns,
        source=rows.settled_source(),
    )
    return predictions, rows.labels is not None, (*rows.warnings, *head.warnings)


def _class_names(weights: Path, k: int) -> tuple[str, ...] | None:
    """The names that head.json gives the classes of a head that `finetune` wrote, if the two lie side by side."""
    from calibeval.core.heads.facts import FACTS_FILE, HeadFacts
    from calibeval.readers.features.head_weights import RUN_FILE

    path = weights.with_name(FACTS_FILE)
    if weights.name != RUN_FILE or not path.exists():
        return None
    try:
        names = HeadFacts.from_json(path.read_bytes()).class_names
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror})") from None
    except InputError as error:
        raise InputError(f"{path}: {error}; delete it, or train again") from None
    if names is not None and len(names) != k:
        raise InputError(f"{path}: class_names must be {k} names, one for each class of the head")
    return names
