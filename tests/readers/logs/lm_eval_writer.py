"""Samples as lm-evaluation-harness 0.4.13 writes them, by `EvaluationTracker.save_results_samples`.

Every value inside `resps` and `filtered_resps` becomes a text, the target one as well, and the arguments objects.
"""

from __future__ import annotations

import json

import numpy as np

NAME = "samples_{task}_2026-08-21T10-11-12.345678.jsonl"


def as_texts(values):
    """What `sanitize_list` makes of nested lists."""
    return [as_texts(one) for one in values] if isinstance(values, list | tuple) else str(values)


def sample(number, likelihoods, choices, target, *, right, name="none", unconditional=None, plain=False):
    """One row: `right` are the numbers of the right options, by which the harness computes its accuracies."""
    scores = np.array(likelihoods, float)
    letters, octets = (np.array([len(c) for c in kind], float) for kind in (choices, [c.encode() for c in choices]))
    pairs = [["question " + str(number), " " + choice] for choice in choices]
    results = [[float(score), False] for score in scores]
    if unconditional is not None:
        pairs += [["", " " + choice] for choice in choices]
        results += [[float(score), False] for score in unconditional]
    metrics = {
        "acc": float(int(np.argmax(scores)) in right),
        "acc_norm": float(int(np.argmax(scores / letters)) in right),
        "acc_bytes": float(int(np.argmax(scores / octets)) in right),
    }
    if unconditional is not None:
        metrics["acc_mutual_info"] = float(int(np.argmax(scores - np.array(unconditional))) in right)
    return {
        "doc_id": number,
        "doc": {"question": "question " + str(number), "rating": float("nan")},
        "target": target if plain else str(target),
        "arguments": {f"gen_args_{i}": {"arg_0": pair[0], "arg_1": pair[1]} for i, pair in enumerate(pairs)},
        "resps": as_texts([[one] for one in results]),
        "filtered_resps": results if plain else as_texts(results),
        "filter": name,
        "metrics": list(metrics),
        "doc_hash": "0" * 64,
        "prompt_hash": "0" * 64,
        "target_hash": "0" * 64,
        **metrics,
    }


def samples(rng, n, *, least=3, most=5, name="none"):
    """Rows of a task with `least` to `most` options of unequal lengths, with umlauts, whose target is a number."""
    for number in range(n):
        k = int(rng.integers(least, most + 1))
        choices = ["ö" * int(rng.integers(1, 9)) + str(i) for i in range(k)]
        right = int(rng.integers(k))
        yield sample(number, rng.normal(-20, 3, k), choices, right, right=[right], name=name)


def write(path, rows):
    """The rows, one a line, as the harness writes them."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
