"""Whether a model may ship: rules are judged by a pure function of measured numbers."""
