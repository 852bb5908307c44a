"""Roles of arrays and columns, which `--key ROLE=NAME` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calibeval.cli.options.choices import pairs
from calibeval.core.errors import UsageError

SCORES = ("logits", "probs", "log_probs", "confidence")
OF_DUMPS = (*SCORES, "correct", "prediction", "labels", "ids")
OF_FEATURES = ("features", "labels", "ids")
ROLES = (*OF_DUMPS, "groups", "weights", "features")
ELSEWHERE = {
    "groups": "name the column with --group",
    "weights": "rows cannot be weighted yet",
    "features": "finetune and predict read features",
}


def named_keys(
    texts: Sequence[str], short: Mapping[str, str | None], readable: Sequence[str]
) -> tuple[dict[str, str], frozenset[str]]:
    """The key of each role that was named, by --key or by a short form such as --labels-key, and the roles after --key.

    short: what the short forms say, by role. readable: the roles that the command reads.
    Raises: UsageError for a role that does not exist, with the nearest, or that the command does not read; for a role
    that is named twice.
    """
    found = pairs("--key", texts, ROLES, "ROLE=NAME")
    for role in found:
        if role not in readable:
            hint = ELSEWHERE.get(role) or f"roles here are {', '.join(readable)}"
            raise UsageError(f'--key {role}: this command reads no role "{role}"; {hint}')
    in_full = frozenset(found)
    for role, name in short.items():
        if name is not None and found.setdefault(role, name) != name:
            raise UsageError(f"--key {role}={found[role]} and --{role}-key {name} contradict each other")
    return found, in_full
