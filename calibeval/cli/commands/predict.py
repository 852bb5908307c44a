"""`calibeval predict`: the logits of a trained head for cached features."""

from __future__ import annotations

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import FeatureFlags, refuse_overwriting, say, with_feature_flags
from calibeval.cli.screen.dump_json import written_json
from calibeval.cli.screen.streams import put


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
    from calibeval.core.heads.facts import FACTS_FILE
    from calibeval.readers.features.features import open_features
    from calibeval.readers.features.head_weights import RUN_FILE
    from calibeval.runs.read_back import write_checked
    from calibeval.writers.dump import check_format

    head = [run / RUN_FILE, run / FACTS_FILE] if run.is_dir() else [run]
    refuse_overwriting([features, *flags.files, *head], [out])
    check_format(out)
    reading = flags.options()
    rows = open_features(features, reading, need_labels=False)
    predictions, warnings = predicted(run, rows, reading.limits)
    warnings = (*warnings, *write_checked(predictions, out, reading.limits.max_memory))
    say([*(f"warning: {text}" for text in warnings), f"written to {out}"], quiet=quiet)
    if json:
        put(written_json(out, predictions.rows, predictions.kind, warnings))
    return 0
