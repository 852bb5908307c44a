"""Roles of arrays and columns that a person can name: `--key ROLE=NAME`, in Python `key={"role": "name"}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calibeval.core.errors import UsageError, nearest

SCORES = ("logits", "probs", "log_probs", "confidence")
OF_DUMPS = (*SCORES, "correct", "prediction", "labels", "ids")
OF_FEATURES = ("features", "labels", "ids")
ROLES = (*OF_DUMPS, "groups", "weights", "features")
ELSEWHERE = {
    "groups": "name the column with --group",
    "weights": "rows cannot be weighted yet",
    "features": "finetune and predict read features",
}


SHORT_FORMS = ("logits", "probs", "labels", "ids", "features")  # roles that have an option of their own


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that the user named for each role; None: find it by the usual names. in_full: roles named by --key."""

    logits: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    confidence: str | None = None
    correct: str | None = None
    prediction: str | None = None
    labels: str | None = None
    ids: str | None = None
    features: str | None = None
    in_full: frozenset[str] = frozenset()

    @property
    def scores(self) -> str | None:
        """The role of the scores that were named, if any were."""
        return next((role for role in SCORES if getattr(self, role) is not None), None)

    def said(self, role: str) -> str:
        """The option with which the person named the key of a role, as it was written.

        >>> Keys(labels="y").said("labels"), Keys(labels="y", in_full=frozenset({"labels"})).said("labels")
        ('--labels-key', '--key labels=y')
        """
        short = role in SHORT_FORMS and role not in self.in_full
        return f"--{role}-key" if short else f"--key {role}={getattr(self, role)}"


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
