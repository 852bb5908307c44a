"""For the Trainer of transformers: `compute_metrics` and `Calibration`, and `ReportCallback`, which imports it."""

from typing import TYPE_CHECKING, Any

from calibeval.integrations.transformers import Calibration, compute_metrics

if TYPE_CHECKING:
    from calibeval.integrations.transformers_callback import ReportCallback

__all__ = ["Calibration", "ReportCallback", "compute_metrics"]


def __getattr__(name: str) -> Any:
    """`ReportCallback`, for which transformers is imported."""
    if name == "ReportCallback":
        from calibeval.integrations.transformers_callback import ReportCallback  # noqa: PLC0415 - it needs the library

        return ReportCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
