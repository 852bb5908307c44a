"""The gate: whether a model passes a set of rules, judged by a pure function of measured numbers."""
