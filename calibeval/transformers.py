"""For transformers: `compute_metrics`, for its Trainer, and `Calibration`, the same with choices and the report."""

from calibeval.integrations.transformers import Calibration, compute_metrics

__all__ = ["Calibration", "compute_metrics"]
