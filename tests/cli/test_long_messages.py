"""Errors are short, whatever a file or a command line is full of; what they begin and end with stays."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.invoking import run
from tests.data import logits_and_labels

LONG = "k" * 10**6


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logits, labels = logits_and_labels(60, 3)
    np.savez("a.npz", logits=logits, labels=labels)
    np.savez("keys.npz", **{f"array_{i}_{'x' * 90}": labels for i in range(200)})
    rows = [f"0.{i % 10},0.5,{i % 2}" for i in range(30)]
    columns = ",".join(f"column_{i}" for i in range(2_000))
    cells = {
        "cell.csv": f"prob_0,prob_1,label\n{LONG},0.5,1\n",
        "label.csv": f"prob_0,prob_1,label\n0.5,0.5,{LONG}\n",
        "header.csv": f"{LONG},prob_1,label\n" + "\n".join(rows),
        "columns.csv": columns + "\n" + ",".join("1" for _ in range(2_000)),
        "cell.jsonl": json.dumps({"probs": [0.5, LONG], "label": 0}) + "\n",
        "key.jsonl": json.dumps({LONG: [0.5, 0.5], "label": 0}) + "\n",
        "names.txt": f"a\n{LONG}\n{LONG}\n",
        "key.toml": f"[gate]\n{LONG[: 10**5]} = 1\n",
        "metric.toml": f'[[gate.rule]]\nmetric = "{LONG[: 10**5]}"\nmax = 1\n',
        "slice.toml": f'slices = 1\n[[gate.rule]]\nmetric = "ece"\nmax = 0.1\nslice = "{LONG[: 10**5]}"\n',
        "syntax.toml": LONG[: 10**5],
        "map.json": json.dumps({"schema": LONG}),
        "method.json": json.dumps({"schema": "calibeval.map/1", "method": LONG, "k": 2}),
        "report.json": json.dumps({"schema": "calibeval.report/1", LONG: 1}),
    }
    for name, text in cells.items():
        (tmp_path / name).write_text(text, encoding="utf-8")


WORDS = [
    *(["report", name] for name in ("keys.npz", "cell.csv", "label.csv", "header.csv", "columns.csv", "cell.jsonl")),
    ["report", "key.jsonl"],
    ["report", "a.npz", "--class-names", "names.txt"],
    *(["gate", "a.npz", "--config", name] for name in ("key.toml", "metric.toml", "slice.toml", "syntax.toml")),
    ["report", "a.npz", "--map", "map.json"],
    ["report", "a.npz", "--map", "method.json"],
    ["compare", "report.json", "a.npz"],
    ["report", "a.npz", "--slice", LONG],
    ["report", "columns.csv", "--labels-key", LONG],
    ["report", "keys.npz", "--logits-key", LONG],
    ["report", "a.npz", "--score-columns", ",".join(["a"] * 10**5)],
    ["report", "a.npz", "--kind", LONG],
    ["report", "a.npz", "--key", LONG],
    ["report", "a.npz", "--key", f"logits={LONG}"],
    ["report", "a.npz", "--format", LONG],
    ["report", "a.npz", "--metrics", LONG],
    ["report", "a.npz", "--read-as", LONG],
    ["report", "a.npz", "--bins", LONG],
    ["report", "a.npz", f"--{LONG}"],
    ["report", LONG],
    ["report", f"a.npz#{LONG}"],
    [LONG],
    ["fit", "a.npz", "--method", LONG],
    ["gate", "a.npz", "--max", LONG],
    ["gate", "a.npz", "--preset", LONG],
    ["finetune", "a.npz", "--val", "a.npz", "-o", "run", "--loss", LONG],
    ["finetune", "a.npz", "--val", "a.npz", "-o", "run", "--loss", f"ce({LONG}=1)"],
]


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
def test_errors_are_short(capsys, words):
    result = run(capsys, *words)
    assert result.code in (2, 3, 4), result.err[:300]
    assert len(result.err) < 500
    assert result.err.count("\n") <= 2


@pytest.mark.parametrize("words", [w for w in WORDS if w[0] in ("report", "compare")], ids=lambda _: "words")
def test_errors_as_json_are_short(capsys, words):
    result = run(capsys, *words, "--json")
    assert result.code in (2, 3, 4)
    assert len(json.loads(result.err)["error"]["message"]) < 500
