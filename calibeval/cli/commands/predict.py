"""`calibeval predict`: the logits of a trained head for cached features."""

from __future__ import annotations

import sys

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import FeatureFlags, refuse_overwriting, say, with_feature_flags
from calibeval.cli.screen.written import written_json


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

    The head is a run of `finetune` or a file of weights; labels are optional.
    """
    from calibeval.api.predict import predicted
    from calibeval.readers.features.features import open_features
    from calibeval.writers.dump import check_format, write_dump

    refuse_overwriting([features, flags.class_names, *([] if run.is_dir() else [run])], [out])
    check_format(out)
    reading = flags.options()
    rows = open_features(features, reading, need_labels=False)
    predictions, labelled, warnings = predicted(run, rows, reading.limits)
    write_dump(predictions, out, labelled=labelled)
    say([*(f"warning: {text}" for text in warnings), f"written to {out}"], quiet=quiet)
    if json:
        sys.stdout.write(written_json(out, predictions.rows, predictions.kind, warnings))
    return 0
