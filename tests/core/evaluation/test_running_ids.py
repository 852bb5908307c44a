"""Ids of rows that come batch by batch: those that come twice are told, whatever their type and batch."""

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.running_ids import id_digests

RNG = np.random.default_rng(4)
Z, Y = RNG.normal(size=(60, 3)) * 2.0, np.arange(60) % 3


def added(part, ids, rows=None, **more):
    here = slice(0, len(ids)) if rows is None else rows
    part.update(logits=Z[here], labels=Y[here], ids=ids, **more)
    return part


def told(part):
    found = [one for one in part.report().dumps[0].warnings if one.code == "duplicate_ids"]
    return str(found[0]) if found else None


def test_ids_that_come_once_are_not_told():
    part = added(calibeval.Accumulator(3), np.arange(20))
    added(part, np.arange(20, 40))
    assert told(part) is None


def test_an_id_of_an_earlier_batch_is_told_with_both_rows():
    part = added(calibeval.Accumulator(3), np.arange(20))
    added(part, np.append(np.arange(20, 39), 7))
    assert told(part) == (
        "1 id occurs twice (first: row 39 has that of row 7), and each such row counts: padding of a distributed "
        "sampler?"
    )
    assert part.n == 40


def test_ids_are_counted_and_whole_numbers_are_one_id_in_every_type():
    part = added(calibeval.Accumulator(3), np.array([7, 8, 9]))
    added(part, ["007", "x", "8"])
    added(part, np.array([8.0, 1.0, 2.0]))
    assert told(part).startswith("2 ids occur more than once (first: row 3 has that of row 0)")


def test_digests_differ_for_other_ids_and_do_not_depend_on_the_batch():
    ids = np.array([f"img_{i}" for i in range(5000)])
    digests = id_digests(ids)
    assert len(np.unique(digests)) == 5000
    assert np.array_equal(id_digests(ids[40:45].astype("U99")), digests[40:45])
    assert np.array_equal(id_digests(ids[:3].astype("S")), digests[:3])
    assert len(np.unique(id_digests(np.arange(-500, 500)))) == 1000


@pytest.mark.parametrize(
    "ids",
    [
        [
            np.array([-7]),
            ["-7"],
            np.array([-7.0]),
            ["-007"],
            np.array([-7.0, 0.5], np.float32),
            ["-7.0", "x"],
            np.array([b"-7"]),
        ],
        [np.array([0]), np.array([-0.0]), ["0"], ["-0"], np.array([0.0, 1e300])],
        [np.array([10**17]), [str(10**17)], np.array([10**17], np.uint64), [10**17, "x"]],
        [np.array([2**63], np.uint64), [str(2**63)], [f"00{2**63}.0"]],
        [np.array([2**64 - 7], np.uint64), [str(2**64 - 7)]],
        [np.array([-(2**63)]), [str(-(2**63))]],
        [np.array([1e17]), np.array([1e17, 0.5]), ["1e+17"]],
        [[str(2**64)], [2**64, "x"]],
    ],
    ids=lambda ids: str(ids[0]),
)
def test_an_id_has_one_digest_in_every_type(ids):
    assert len({int(id_digests(np.array(one, object) if isinstance(one, list) else one)[0]) for one in ids}) == 1


def test_other_numbers_are_other_ids():
    """A number below 0 is not the one whose bits are the same, and a rounded float is not known to be a number."""
    every = [np.array([-7]), np.array([7]), np.array([2**64 - 7], np.uint64), np.array([-(2**63)]),
             np.array([2**63], np.uint64), np.array([1e17]), np.array([10**17]), np.array([2.0**53]),
             np.array([2**64, "x"], object), np.array([f"{2**64 + 1}"]), np.array([7.5])]  # fmt: skip
    assert len({int(id_digests(one)[0]) for one in every}) == len(every)


def test_merged_accumulators_are_checked_too_and_files_hold_no_ids(tmp_path):
    one, other = added(calibeval.Accumulator(3), np.arange(20)), added(calibeval.Accumulator(3), np.arange(15, 35))
    one.save(tmp_path / "a.sums")
    one.merge(other)
    assert told(one).startswith("5 ids occur twice (first: row 20 has that of row 15)")
    loaded = calibeval.Accumulator.load(tmp_path / "a.sums")
    loaded.merge(other)
    assert told(loaded) is None
    assert b"ids" not in (tmp_path / "a.sums").read_bytes()


def test_ignored_rows_do_not_count_and_images_have_one_id_or_one_a_pixel():
    part = calibeval.Accumulator(3, ignore_index=-1)
    part.update(logits=Z[:4], labels=[-1, 1, 2, 0], ids=[5, 6, 7, 5])
    assert told(part) is None
    part.update(logits=Z[:2], labels=[0, 1], ids=[9, 5])
    assert told(part).startswith("1 id occurs twice (first: row 5 has that of row 3)")
    images = calibeval.Accumulator(3)
    scores, labels = RNG.normal(size=(2, 3, 4, 5)), RNG.integers(0, 3, (2, 4, 5))
    images.update(logits=scores, labels=labels, ids=["a", "b"])
    images.update(logits=scores, labels=labels, ids=["c", "a"])
    assert told(images).startswith("1 id occurs twice (first: image 3 has that of image 0), and each such image counts")


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (None, calibeval.UsageError, "batch 2: this batch has no ids, but the batches before had them"),
        (np.arange(19), calibeval.InputError, "batch 2: .*ids.* 19"),
    ],
)
def test_refused_ids_leave_all_as_it_was(ids, error, message):
    part = added(calibeval.Accumulator(3), np.arange(20))
    before = part.report().to_json()
    with pytest.raises(error, match=message):
        part.update(logits=Z[20:40], labels=Y[20:40], ids=ids)
    assert (part.report().to_json(), part.n) == (before, 20)
    bare = calibeval.Accumulator(3)
    bare.update(logits=Z, labels=Y)
    with pytest.raises(calibeval.UsageError, match="batch 2: this batch has ids, but the batches before had none"):
        bare.update(logits=Z, labels=Y, ids=np.arange(60))


def test_tensors_and_resets():
    torch = pytest.importorskip("torch")
    part = calibeval.Accumulator(3)
    for _ in range(2):
        part.update(logits=torch.tensor(Z[:20]), labels=torch.tensor(Y[:20]), ids=torch.arange(20))
    assert told(part).startswith("20 ids occur twice")
    part.reset()
    part.update(logits=Z, labels=Y)
    assert told(part) is None
