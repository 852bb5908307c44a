"""For Lightning: `CalibrationCallback`, which logs calibration at the end of each validation and test."""

from calibeval.integrations.lightning import CalibrationCallback

__all__ = ["CalibrationCallback"]
