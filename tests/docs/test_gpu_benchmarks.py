"""The benchmarks that want a GPU: what of them works without one."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from calibeval.losses import CALS, CrossEntropy
from tests.benchmarks import cifar_images, device_sums, papers, run, training_gpu
from tests.benchmarks.cifar_training import ResNet, Rows, Trainer, share_of_rate

# Flat colours, which JPEG keeps to a unit or two.
COLOURS = np.array([[200, 30, 60], [10, 120, 240], [90, 90, 90]], np.uint8)


@pytest.fixture
def jpeg_file(tmp_path):
    """A file of three images of one colour each, with their common header once."""
    files = []
    for colour in COLOURS:
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32), tuple(map(int, colour))).save(buffer, "JPEG", quality=75)
        files.append(buffer.getvalue())
    same = next(i for i, bytes_ in enumerate(zip(*files, strict=False)) if len(set(bytes_)) > 1)
    bodies = [file[same:] for file in files]
    part = {
        "body": np.frombuffer(b"".join(bodies), np.uint8),
        "end": np.cumsum([len(body) for body in bodies]),
        "labels": np.array([7, 0, 3], np.uint8),
    }
    arrays = {f"{name}_{key}": value for name in ("train", "test") for key, value in part.items()}
    path = tmp_path / "images.npz"
    np.savez(path, header=np.frombuffer(files[0][:same], np.uint8), **arrays)
    return path


def test_images_behind_a_common_header_are_decoded_in_order(jpeg_file):
    images = cifar_images.read_images(jpeg_file, "train")
    assert images.pixels.shape == (3, 32, 32, 3)
    assert images.labels.tolist() == [7, 0, 3]
    difference = images.pixels.astype(int) - COLOURS[:, None, None, :]
    assert abs(difference).max() <= 3


def test_a_few_images_are_spread_over_the_file(jpeg_file):
    assert cifar_images.read_images(jpeg_file, "test", most=2).labels.tolist() == [7, 3]


def test_several_processes_give_the_same_images(jpeg_file, monkeypatch):
    alone = cifar_images.read_images(jpeg_file, "train")
    monkeypatch.setattr(cifar_images, "CHUNK", 1)
    monkeypatch.setattr(cifar_images, "cores", lambda: 1)
    np.testing.assert_array_equal(cifar_images.read_images(jpeg_file, "train").pixels, alone.pixels)


def test_an_image_of_another_size_is_refused():
    buffer = io.BytesIO()
    Image.new("L", (32, 32)).save(buffer, "JPEG")
    with pytest.raises(ValueError, match=r"\(32, 32\) pixels of mode L"):
        cifar_images.decode([buffer.getvalue()])


def images_of(n):
    """Images whose numbers tell image, row, column: red is the image, green the row, blue the column."""
    pixels = np.zeros((n, 32, 32, 3), np.uint8)
    pixels[..., 0] = np.arange(n)[:, None, None]
    pixels[..., 1], pixels[..., 2] = np.arange(32)[:, None], np.arange(32)
    return cifar_images.Images(pixels, (np.arange(n) % 10).astype(np.uint8))


def test_crops_are_images_shifted_by_at_most_four_and_flipped_or_not():
    rows = Rows(images_of(40), "cpu", padded=True)
    seen, flipped, shifts = [], set(), set()
    for images, labels in rows.crops(8, torch.Generator().manual_seed(0)):
        assert images.shape == (8, 3, 32, 32)
        assert images.is_contiguous(memory_format=torch.channels_last)
        for image, label in zip(images.int(), labels, strict=True):
            number = image[0].unique()
            assert len(number) == 1
            assert label == number % 10  # an image keeps its label
            across = image[2, 16, 10:22].diff().unique().tolist()  # away from the reflected border
            assert across in ([1], [-1])
            flipped.add(across[0])
            shifts.add(image[1, 16, 16].item() - 16)
            seen.append(number.item())
    assert sorted(seen) == list(range(40))
    assert flipped == {1, -1}
    assert shifts <= set(range(-4, 5))
    assert len(shifts) > 4


def test_whole_images_are_those_inside_the_border():
    images = images_of(3)
    for padded in (True, False):
        (found,) = Rows(images, "cpu", padded=padded).whole()
        np.testing.assert_array_equal(found.permute(0, 2, 3, 1), images.pixels)


def test_a_network_of_two_blocks_a_stage_is_a_resnet_18():
    net = ResNet(2, 64)
    assert net.name == "ResNet-18"
    assert sum(part.numel() for part in net.parameters()) == 11_173_962  # as others count it for CIFAR-10
    assert ResNet(1, 8).name == "ResNet-10 of width 8"


def test_equal_seeds_train_equal_networks_one_after_another():
    images = images_of(64)
    train, val = Rows(images, "cpu", padded=True), Rows(images, "cpu", padded=False)
    trainer = Trainer(1, 2, "cpu", batch=32, compiled=False)
    first, other, again = (trainer.train(CrossEntropy(), seed, 1, train, val, val) for seed in (0, 1, 0))
    np.testing.assert_array_equal(first.test_logits, again.test_logits)
    assert not np.array_equal(first.test_logits, other.test_logits)


def test_multipliers_are_updated_after_every_epoch():
    images = images_of(64)
    train, val = Rows(images, "cpu", padded=True), Rows(images, "cpu", padded=False)
    cals = CALS(num_classes=10, margin=1.0)
    Trainer(1, 2, "cpu", batch=32, compiled=False).train(cals, 0, 3, train, val, val)
    assert cals.epoch == 3
    assert (cals.mean_constraint != 0).all()


def test_where_compiling_fails_the_network_runs_as_it_is(monkeypatch, capsys):
    def fail(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", fail)
    trainer = Trainer(1, 2, "cpu", batch=4, compiled=True)
    assert not trainer.compiled
    assert "not compiled: RuntimeError: no compiler" in capsys.readouterr().err


def test_the_rate_rises_and_falls():
    shares = [share_of_rate(step, 100) for step in range(100)]
    assert max(shares) == shares[14] == 1.0
    assert shares[:15] == sorted(shares[:15])
    assert shares[15:] == sorted(shares[15:], reverse=True)
    assert share_of_rate(0, 1) == 1.0


@pytest.mark.parametrize(
    ("left", "epochs"),
    [
        (400.0, 35),  # 0.93 * 400 / 20 = 18.6 s a training, 17.6 of them for epochs of half a second
        (1.0, papers.LEAST_EPOCHS),
        (-50.0, papers.LEAST_EPOCHS),
        (1e6, papers.MOST_EPOCHS),
    ],
)
def test_epochs_fit_into_the_time_that_is_left(left, epochs):
    assert papers.epochs_that_fit(left, 20, 0.5, 1.0) == epochs


def test_the_held_out_images_are_other_images():
    train, val = papers.split(images_of(50), 10)
    kept, held = train.pixels[:, 0, 0, 0].tolist(), val.pixels[:, 0, 0, 0].tolist()
    assert (len(kept), len(held)) == (40, 10)
    assert sorted(kept + held) == list(range(50))


def records(seeds, of_ce=3):
    """What two losses gave, CE with an ECE of 3 % and 5 % or so."""
    setting = {"machine": "Measured.", "gpu": "a GPU", "net": "ResNet-18", "compiled": True, "batch": 512}
    setting |= {"losses": 2, "seeds": seeds, "quick": False, "test_rows": 10_000, "epochs": 20, "step_seconds": 0.01}
    found = [setting]
    for seed in range(seeds):
        for name, ece in (("CE", 0.03 + 0.02 * seed), ("MbLS, m 6", 0.0125)):
            if name != "CE" or seed < of_ce:
                before = {"accuracy": 0.95, "ece": ece, "aece": ece, "nll": 0.2}
                after = {"accuracy": 0.95, "ece": 0.01, "aece": 0.01, "nll": 0.18}
                more = {"temperature": 1.5, "seconds": 12.0, "train_loss": 0.1, "train_accuracy": 0.99}
                found.append({"loss": name, "seed": seed, "before": before, "after": after, **more})
    return found


def test_the_table_gives_means_and_deviations_over_the_seeds():
    text = papers.section(records(2))
    # ECE of 3 and 5 %: mean 4, standard deviation sqrt(2).
    assert "| CE | 95.00 ± 0.00 | 4.00 ± 1.41 | 4.00 ± 1.41 | 0.200 ± 0.000 | 1.50 ± 0.00 | 1.00 ± 0.00 |" in text
    assert "| CE | 93.20 | 5.85 | 5.84 | 95.00 ± 0.00 | 4.00 ± 1.41 |" in text
    assert "| MbLS, m 6 | 95.25 | 1.16 | – | 95.00 ± 0.00 | 1.25 ± 0.00 |" in text
    assert "FLSD" not in text
    assert "Cut off" not in text


def test_the_table_of_a_run_that_was_cut_off_says_so():
    assert "Cut off after 3 of 4 trainings." in papers.section(records(2, of_ce=1))


def test_a_training_that_diverged_is_named():
    found = records(1)
    found[1] = {"loss": "CE", "seed": 0, "reason": "NaN"}
    text = papers.section(found)
    assert "CE with seed 0 diverged.\n" in text
    assert "| CE |" not in text
    assert "| MbLS, m 6 | 95.00 |" in text


def test_the_table_is_made_again_from_the_records(tmp_path, monkeypatch, capsys):
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records(1)))
    monkeypatch.setattr(sys, "argv", ["papers", "--from", str(file)])
    papers.main()
    assert capsys.readouterr().out.strip() == papers.section(records(1))


def test_without_a_gpu_the_page_stays_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    for benchmark in (papers, training_gpu, device_sums):
        benchmark.main()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("no GPU") == 3
    page = tmp_path / "page.md"
    run.write_section(page, "papers", "first")
    before = page.read_text()
    assert "first\n<!-- end of benchmark: papers -->" in before
    run.write_section(page, "papers", told.out)
    assert page.read_text() == before


def test_metrics_are_measured_before_and_after_the_temperature_of_the_held_out_rows():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(3000, 10)).astype(np.float32)
    labels = np.array([rng.choice(10, p=np.exp(row) / np.exp(row).sum()) for row in logits.astype(float)])
    found = papers.measured(3 * logits[1000:], labels[1000:], 3 * logits[:1000], labels[:1000])
    assert found["temperature"] == pytest.approx(3.0, rel=0.1)
    assert found["after"]["nll"] < found["before"]["nll"]
    assert (
        found["after"]["accuracy"] == found["before"]["accuracy"] == (logits[:1000].argmax(1) == labels[:1000]).mean()
    )


def test_the_benchmark_of_heads_runs_with_the_cpu_in_the_place_of_a_gpu():
    sizes = replace(training_gpu.TINY, rounds=1)
    text = training_gpu.section(sizes, "cpu")
    # On one device, the two trainings that are compared are the same.
    for loss in training_gpu.LOSSES:
        assert f"| {loss} | 0 | 0 |" in text
    for loss in ("ce", "mbls(margin=2)", "cals(margin=2)"):
        assert f"| {loss} | 0 |" in text
    assert "| DataLoader loop / CALS | ≥ 20.0× |" in text


def test_the_benchmark_of_sums_runs_with_the_cpu_in_the_place_of_a_gpu(capsys):
    sizes = replace(device_sums.TINY, cases=((600, 70), (900, 2)))
    text = device_sums.section(sizes, "cpu", profiled=True)
    assert "failed" not in text
    assert "Traceback" not in capsys.readouterr().err
    assert text.count("| 600 × 70 |") == text.count("| 900 × 2 |") == 2
    assert float(text.partition("| difference of sums | ≤ 1.0e-12 |")[2].split("|")[0]) <= 1e-12


def test_the_benchmark_of_sums_goes_on_where_one_size_fails(monkeypatch):
    whole = device_sums.measured

    def failing(n, k, *arguments, **named):
        if k == 2:
            raise RuntimeError("out of memory")
        return whole(n, k, *arguments, **named)

    monkeypatch.setattr(device_sums, "measured", failing)
    text = device_sums.section(replace(device_sums.TINY, cases=((300, 2), (400, 3))), "cpu")
    assert "300 × 2 failed" in text
    assert "RuntimeError: out of memory" in text
    assert text.count("| 400 × 3 |") == 2
