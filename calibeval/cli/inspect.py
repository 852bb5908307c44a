"""`calibeval inspect`: what is in a file, and how it will be read."""

from __future__ import annotations

import sys

from calibeval.cli import options
from calibeval.cli.reading import read_options


def inspect(
    dump: options.Dump,
    json: options.Json = False,
    kind: options.Kind = None,
    logits_key: options.LogitsKey = None,
    probs_key: options.ProbsKey = None,
    labels_key: options.LabelsKey = None,
    ids_key: options.IdsKey = None,
    labels: options.Labels = None,
    score_columns: options.ScoreColumns = None,
    class_names: options.ClassNames = None,
    ignore_index: options.IgnoreIndex = None,
    max_bytes: options.MaxBytes = None,
    max_memory: options.MaxMemory = None,
    no_crc: options.NoCrc = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """What is in a file and how it will be read: arrays, splits, kind, classes, columns."""
    from calibeval.cli.terminal import screen
    from calibeval.readers.describe import inspect_dump
    from calibeval.render.inspection import render

    reading = read_options(
        kind=kind,
        logits_key=logits_key,
        probs_key=probs_key,
        labels_key=labels_key,
        ids_key=ids_key,
        labels=labels,
        score_columns=score_columns,
        class_names=class_names,
        ignore_index=ignore_index,
        max_bytes=max_bytes,
        max_memory=max_memory,
        no_crc=no_crc,
    )
    inspection = inspect_dump(dump, reading)
    sys.stdout.write(inspection.to_json() if json else render(inspection, ascii_only=screen().ascii_only))
    return 0
