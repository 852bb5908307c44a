"""The names that a person gave to arrays, by role."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.readers.stored.names import SCORE_KEYS

SHORT_FORMS = ("logits", "probs", "labels", "ids", "features")  # roles that have an option of their own


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that the user named for each role; None: find it by the usual names. filter, scorer: no
    arrays, but the one of several in a log that is read. in_full: roles named by --key.
    """

    logits: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    confidence: str | None = None
    correct: str | None = None
    prediction: str | None = None
    labels: str | None = None
    ids: str | None = None
    features: str | None = None
    weights: str | None = None
    filter: str | None = None
    scorer: str | None = None
    in_full: frozenset[str] = frozenset()

    @property
    def scores(self) -> str | None:
        """The role of the scores that were named, if any were."""
        return next((role for role in SCORE_KEYS if getattr(self, role) is not None), None)

    def said(self, role: str) -> str:
        """The option with which the person named the key of a role, as it was written.

        >>> Keys(labels="y").said("labels"), Keys(labels="y", in_full=frozenset({"labels"})).said("labels")
        ('--labels-key', '--key labels=y')
        """
        short = role in SHORT_FORMS and role not in self.in_full
        return f"--{role}-key" if short else f"--key {role}={getattr(self, role)}"
