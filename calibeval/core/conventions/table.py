"""How other tools compute "the same" metrics: a table from which numbers, explanations and docs are derived.

The computation is in `convention_sums`. Accidental properties of a tool (float32 accumulation) are not reproduced;
whatever decides which row falls into which bin is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from calibeval.core.conventions.convention import Convention
from calibeval.core.conventions.images import IMAGE_CONVENTIONS
from calibeval.core.errors import UsageError, nearest

OWN = "calibeval"

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(
                name=OWN,
                aliases=(),
                bins=15,
                closed="right",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="quotients",
                binary="top label",
                equal_mass="order",
                classes="all",
                metrics=("ece", "mce", "aece", "cwce", "oe", "ece_positive"),
                source="calibeval: Guo et al. 2017, with 0 included in the first bin",
                description=(
                    "Bins (lower, upper] with 0 in the first, float64 throughout, edges i/B rounded to the stored "
                    "type; for logits, confidences and edges rounded to multiples of 2^-45. Equal-mass edges are "
                    "order statistics, so no row is lost and ties stay together. Class-wise errors are averaged over "
                    "all classes."
                ),
            ),
            Convention(
                name="guo",
                aliases=("gpleiss", "focal_calibration"),
                bins=15,
                closed="right",
                drops_zero=True,
                one_apart=False,
                softmax="stored",
                edges="float32",
                binary="top label",
                equal_mass="interpolated",
                classes="labelled",
                metrics=("ece", "mce", "aece", "cwce"),
                source=(
                    "gpleiss/temperature_scaling @ ce1154ec (ECE); torrvision/focal_calibration @ 475422a6 "
                    "(ECE, MCE, adaptive, class-wise)"
                ),
                description=(
                    "The code of Guo et al. 2017 and its successor by Mukhoti et al. 2020. Bins (lower, upper] whose "
                    "edges are a float32 linspace, with the softmax in the type of the logits. A probability of "
                    "exactly 0 is in no bin but counts in n, which affects class-wise errors of saturated models. "
                    "Equal-mass edges are interpolated between sorted confidences, and the lowest confidence, with "
                    "all its ties, is in no bin. Class-wise errors are averaged over max(label) + 1 classes."
                ),
            ),
            Convention(
                name="mbls",
                aliases=("cals",),
                bins=15,
                closed="right",
                drops_zero=True,
                one_apart=False,
                softmax="stored",
                edges="float32",
                binary="top label",
                equal_mass="interpolated",
                classes="labelled",
                metrics=("ece", "aece", "cwce"),
                source="by-liu/MbLS @ dc865036 and by-liu/CALS @ d72b31f6, calibrate/evaluation/metrics.py",
                description=(
                    "The tables of the MbLS and CALS papers: metrics from focal_calibration, hence the bins of "
                    "`guo`, without a maximum calibration error. Their evaluators can average the errors of "
                    "batches, which is a different quantity; here all rows are pooled."
                ),
            ),
            Convention(
                name="torchmetrics",
                aliases=(),
                bins=15,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="confidence",
                top_float32=True,
                binary="P(class 1)",
                equal_mass=None,
                classes=None,
                metrics=("ece", "mce", "rmsce"),
                source="torchmetrics 1.9.0, binary_calibration_error and multiclass_calibration_error, l1, l2 and max",
                description=(
                    "Bins [lower, upper), and a separate bin for a probability of exactly 1 (issue #3510). Two "
                    "classes are the binary task: P(class 1) against class 1. More classes: float32 confidences of "
                    "the top label. Float16 scores have a float16 softmax, and float16 edges for P(class 1). "
                    "The tool guesses from the values whether they are logits; here that is known."
                ),
            ),
            Convention(
                name="torchmetrics-multiclass",
                aliases=(),
                bins=15,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="confidence",
                top_float32=True,
                binary="top label",
                equal_mass=None,
                classes=None,
                metrics=("ece", "mce", "rmsce"),
                source="torchmetrics 1.9.0, multiclass_calibration_error with num_classes=2",
                description=(
                    "`torchmetrics` if two classes are passed to the multiclass task: the top label is measured. "
                    "For three and more classes it is the same."
                ),
            ),
            Convention(
                name="netcal",
                aliases=(),
                bins=10,
                closed="left",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="linspace",
                binary="P(class 1)",
                equal_mass="quantiles",
                classes=None,
                counts_labels=True,
                metrics=("ece", "mce", "aece"),
                source="netcal 1.4.0, ECE (also with equal_intervals=False, here AECE) and MCE",
                description=(
                    "Bins [lower, upper), the last one closed; 10 by default. Two classes are P(class 1) against "
                    "class 1, and more than two probabilities are refused if only two labels occur. Equal-mass "
                    "edges are np.quantile's from 0 to 1; if ties make two of them equal, the tool raises, and "
                    "so there is no number here. Its ACE, the plain mean over bins, is not a metric of calibeval."
                ),
            ),
            Convention(
                name="relplot",
                aliases=(),
                bins=10,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="steps",
                binary="P(class 1)",
                equal_mass=None,
                classes=None,
                metrics=("ece",),
                own_way=("smece",),
                source="relplot 1.0.3, smECE with its default kernel, and binnedECE",
                description=(
                    "smECE on a grid of at least 1,001 nodes and an average weighted by the density of rows, the width "
                    "by 10 bisections. The nodes at 0 and 1 have no mirror image, so rows there count half: for "
                    "saturated models its smECE differs from the exact one. Two classes are P(class 1) against class "
                    "1. binnedECE has bins [lower, upper), and a separate bin for a probability of exactly 1."
                ),
            ),
            Convention(
                name="torch-uncertainty",
                aliases=("torch_uncertainty",),
                bins=10,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="confidence",
                top_float32=True,
                binary="P(class 1)",
                equal_mass="counts",
                classes="all",
                metrics=("ece", "mce", "aece", "cwce", "rmsce"),
                own_way=("aurc", "augrc"),
                other_way=(("smece", "smooths log-odds by default"),),
                source=(
                    "torch-uncertainty 0.13.0, CalibrationError, AdaptiveCalibrationError, ClasswiseCalibrationError, "
                    "AURC and AUGRC"
                ),
                description=(
                    "The bins of torchmetrics, but 10 by default (its class-wise error has 15). Adaptive errors are of "
                    "the top label, also for two classes, in bins of equal counts; where a bin ends within a tie of "
                    "right and wrong rows, the tool's number depends on the order of the rows, and there is none "
                    "here. AURC and AUGRC are integrals by trapezoids from coverage 1/n to 1, divided by 1 - 1/n; the "
                    "tool ranks ties in the order in which its sort leaves them, here they share their mean error."
                ),
            ),
            Convention(
                name="hle",
                aliases=(),
                bins=15,
                closed="right",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="quotients",
                binary="top label",
                equal_mass="chunks",
                classes=None,
                metrics=("ece",),
                ece="root",
                source="calib_err of Humanity's Last Exam, run_judge_results.py",
                description=(
                    "Rows in ascending order of confidence, in chunks of 100; the rows that remain belong to the last. "
                    "ECE is the root of the mean squared gap of the chunks, but the last chunk, the most confident "
                    "rows, is left out, as its loop ends before it, and still counts in n; `all_chunks` has what it "
                    "would be with it. Below 100 rows there is none; up to 199 there is one chunk, so it is 0. Its "
                    "sort leaves ties in any order; here, they are in the order of rows. The number of bins changes "
                    "nothing in it."
                ),
            ),
            Convention(
                name="helm",
                aliases=(),
                bins=10,
                closed="right",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="quotients",
                binary="top label",
                equal_mass="midpoints",
                classes=None,
                metrics=("ece", "aece"),
                ece="mass",
                source="HELM @ 63754d05, ece_10_bin and ece_1_bin, of uncertainty-calibration 0.1.4",
                description=(
                    "ECE is HELM's ece_10_bin, of 10 bins of equal mass: edges are halfway between parts of equal size "
                    "of the sorted confidences, bins are (lower, upper], equal edges are merged, so that ties stay "
                    "together. `one_bin` beside it is ece_1_bin, the distance of accuracy and mean confidence. AECE is "
                    "the same number. Its platt_ece is fitted on the rows that it is measured on, and not computed "
                    "here."
                ),
            ),
            Convention(
                name="minderer",
                aliases=("robustness_metrics",),
                bins=100,
                closed="left",
                drops_zero=False,
                one_apart=False,
                softmax="stored",
                edges="quotients",
                binary="top label",
                equal_mass="ranks",
                classes=None,
                metrics=("ece", "aece"),
                ece="mass",
                source="Minderer et al. 2021; google-research/robustness_metrics @ 93ac2c2, GeneralCalibrationError",
                description=(
                    "The ECE of Revisiting the Calibration of Modern Neural Networks: of the top label, in 100 bins of "
                    "equal mass. The lower edge of bin i is the confidence at rank i n/100, rounded half to even; bins "
                    "are [lower, upper), so that ties stay together, and rows of exactly 1 have a bin of their own. "
                    "AECE is the same number. With so many bins, look at the noise floor."
                ),
            ),
        )
    }
)


def find_convention(name: str) -> Convention:
    """The convention of that name or alias, in any case.

    Raises: UsageError with the nearest name.

    >>> find_convention("CALS").name
    'mbls'
    """
    plain = name.casefold()
    for convention in CONVENTIONS.values():
        if plain == convention.name or plain in convention.aliases:
            return convention
    if plain in IMAGE_CONVENTIONS:
        raise UsageError(
            f'"{name}" measures images one by one, as only `calibeval report` and `calibeval conventions` do; '
            "here, there are only conventions that count all rows together"
        )
    every = [known for convention in CONVENTIONS.values() for known in (convention.name, *convention.aliases)]
    there = ", ".join(f"{c.name} (or {', '.join(c.aliases)})" if c.aliases else c.name for c in CONVENTIONS.values())
    of_images = f"; of segmentations, {', '.join(IMAGE_CONVENTIONS)}"
    near = nearest(plain, [*every, *IMAGE_CONVENTIONS])
    raise UsageError(f'convention "{name}" is unknown{near}; there are {there}{of_images}')
