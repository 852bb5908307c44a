"""For ignite: `Calibration`, a metric whose rows are summed across batches and processes."""

from calibeval.integrations.ignite import Calibration

__all__ = ["Calibration"]
