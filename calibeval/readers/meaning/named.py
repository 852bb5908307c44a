"""Roles of arrays and columns that a person can name: `--key ROLE=NAME`, in Python `key={"role": "name"}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calibeval.core.errors import UsageError, nearest
from calibeval.readers.logs.options import OF_LOGS

SCORES = ("logits", "probs", "log_probs", "confidence")
OF_DUMPS = (*SCORES, "correct", "prediction", "labels", "ids", "weights", *OF_LOGS)
OF_FEATURES = ("features", "labels", "ids", "weights")
ROLES = (*OF_DUMPS, "groups", "features")
ELSEWHERE = {
    "groups": "name the column with --group",
    "features": "finetune and predict read features",
}


def named_roles(key: Mapping[str, str], short: Mapping[str, str | None], readable: Sequence[str]) -> dict[str, str]:
    """The name of the array of each role that was named, by itself or by a short form such as --labels-key.

    short: what the short forms say, by role. readable: the roles that are read.
    Raises: UsageError for a role that does not exist, with the nearest, or that is not read here; for a role that is
    named twice.

    >>> named_roles({"log_probs": "lp"}, {"labels": "y", "ids": None}, OF_DUMPS)
    {'log_probs': 'lp', 'labels': 'y'}
    """
    found = dict(key)
    for role in found:
        if role not in ROLES:
            raise UsageError(f'--key "{role}" is unknown{nearest(role, ROLES)}; there are {", ".join(ROLES)}')
        if role not in readable:
            hint = ELSEWHERE.get(role) or f"roles here are {', '.join(readable)}"
            raise UsageError(f'--key {role}: no role "{role}" is read here; {hint}')
    for role, name in short.items():
        if name is not None and found.setdefault(role, name) != name:
            raise UsageError(f"--key {role}={found[role]} and --{role}-key {name} contradict each other")
    return found
