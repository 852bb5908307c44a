"""Archives as inspect-ai 0.3 writes them: a journal, one document a sample and epoch, summaries, then the header."""

from __future__ import annotations

import json
import zipfile


def sample(name, epoch=1, *, value="C", confidence=None, scorer="judged", **more):
    """One sample with the score of one scorer, and the keys beside it that matter least."""
    metadata = None if confidence is None else {"confidence": confidence}
    score = {"value": value, "answer": "x", "explanation": "", "metadata": metadata, "history": []}
    return {
        "id": name,
        "epoch": epoch,
        "input": "question",
        "target": "x",
        "messages": [{"role": "user", "content": "question"}],
        "output": {"model": "m", "choices": [{"message": {"content": "x"}, "stop_reason": "stop"}]},
        "scores": {scorer: score},
        "metadata": {},
        "store": {},
        "events": [],
        "error": None,
    } | more


def write(path, samples, *, compression=zipfile.ZIP_DEFLATED, header=True, task="task"):
    """The archive. header: whether the evaluation came to its end."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": {"task": task}}))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        if header:
            archive.writestr("summaries.json", "[]")
            archive.writestr("header.json", json.dumps({"version": 2, "status": "success", "eval": {"task": task}}))
    return path
