"""`calibeval predict`: the logits of a trained head for cached features."""

from __future__ import annotations

import json as json_library
from pathlib import Path
from typing import Any

from calibeval.cli import options
from calibeval.cli.reading import FeatureFlags, refuse_overwriting, say, with_feature_flags
from calibeval.core.errors import FileProblem, InputError


@with_feature_flags
def predict(
    run: options.Run,
    features: options.FeatureFile,
    out: options.DumpOut,
    flags: FeatureFlags = FeatureFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """The logits of a head that `finetune` trained, for cached features with or without labels."""
    import numpy as np

    from calibeval.core.linear import PlainLayer, logits_of
    from calibeval.core.predictions import Predictions
    from calibeval.readers.features import open_features
    from calibeval.readers.head_weights import read_head
    from calibeval.writers.dump import write_dump

    refuse_overwriting([features, flags.class_names, *([] if run.is_dir() else [run])], [out])
    head = read_head(run)
    rows = open_features(features, flags.options(), need_labels=False)
    if rows.d != head.d:
        raise InputError(f"{rows.source.name} has {rows.d} features a row, but {head.source.name} takes {head.d}")
    rows.check_values()
    rows.check_classes(head.k, "the head has")
    names = rows.class_names or _class_names(run, head.k)
    layers = [PlainLayer(layer.weight, layer.bias) for layer in head.layers]
    predictions = Predictions(
        logits=logits_of(layers, rows.features),
        labels=np.zeros(rows.n, np.int64) if rows.labels is None else rows.labels,
        class_names=names,
        ids=rows.ids,
        columns=rows.columns,
        source=rows.settled_source(),
    )
    write_dump(predictions, out, labelled=rows.labels is not None)
    say([*(f"warning: {text}" for text in (*rows.warnings, *head.warnings)), f"written to {out}"], quiet=quiet)
    return 0


def _class_names(run: Path, k: int) -> tuple[str, ...] | None:
    """The names that the run's head.json gives its classes, if there is one."""
    path = run / "head.json"
    if not run.is_dir() or not path.exists():
        return None
    try:
        facts: Any = json_library.loads(path.read_text(encoding="utf-8"))
        names = facts["class_names"]
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: is no head.json of calibeval; delete it, or train again") from None
    if names is None:
        return None
    if not isinstance(names, list) or len(names) != k or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: class_names must be {k} names, one for each class of the head")
    return tuple(names)
