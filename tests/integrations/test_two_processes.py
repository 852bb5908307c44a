"""In two real processes, metrics are those of all rows, as one process finds them."""

import pytest
import torch

import calibeval
from tests.integrations.in_processes import NAMES, SHARES, rows, run_both

pytestmark = pytest.mark.slow
LOGITS, LABELS = rows()
MORE = torch.cat([torch.arange(600), torch.arange(50), torch.arange(410, 460)])  # and the first 50 of each once more


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return run_both(tmp_path_factory.mktemp("processes"))


def same(values, logits=LOGITS, labels=LABELS):
    report = calibeval.evaluate(logits=logits, labels=labels, level=None)
    assert {name: float(value) for name, value in values.items()} == pytest.approx(
        {name: report[name].value for name in NAMES}, rel=1e-6
    )


def test_of_torchmetrics(found):
    for rank, run in enumerate(run["torchmetrics"] for run in found):
        own = LOGITS[SHARES[rank]], LABELS[SHARES[rank]]
        same(run["all"])
        assert (run["n"], run["own n"]) == (600, len(own[0]))
        same(run["own"], *own)
        same(run["batch"], own[0][:50], own[1][:50])
        same(run["more"], LOGITS[MORE], LABELS[MORE])
        alone = calibeval.metrics.ece(labels=LABELS[410:], logits=LOGITS[410:])
        assert run["one rank"].item() == pytest.approx(alone, rel=1e-6)
        epoch = torch.cat([torch.arange(100), torch.arange(410, 510)])
        same(run["next epoch"], LOGITS[epoch], LABELS[epoch])


def test_of_ignite(found):
    for run in (run["ignite"] for run in found):
        same(run["all"])
        assert run["all"] == run["again"]
        assert run["n"] == 600
        same(run["more"], LOGITS[MORE], LABELS[MORE])


def test_of_lightning(found):
    assert [run["lightning"]["batches"] for run in found] == [7, 3]
    for run in (run["lightning"] for run in found):
        same({name.removeprefix("val_"): value for name, value in run["all"].items()})
        assert run["n"] == 600


@pytest.mark.parametrize("library", ["torchmetrics", "ignite", "lightning"])
def test_both_have_the_same_bits(found, library):
    one, other = ({name: float(value) for name, value in run[library]["all"].items()} for run in found)
    assert one == other
