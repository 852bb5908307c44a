"""For torchmetrics and Lightning: `Calibration`, a metric whose rows are summed across batches and processes."""

from calibeval.integrations.torchmetrics import Calibration

__all__ = ["Calibration"]
