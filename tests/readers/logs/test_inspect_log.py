"""Logs of inspect: samples of an archive, by one scorer, with the confidence in the metadata of its scores."""

from __future__ import annotations

import importlib.util
import io
import zipfile
import zlib

import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from tests.readers.logs.eval_writer import sample, write


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_samples_and_their_scores(tmp_path, compression):
    values = ["C", "I", "N", 1, 0.0, True]
    rows = [sample(i, value=value, confidence=90 - i) for i, value in enumerate(values)]
    found = calibeval.read(write(tmp_path / "run.eval", rows, compression=compression))
    assert (found.kind, found.source.format) == ("confidence", "eval")
    assert found.scores[0:6].tolist() == pytest.approx([0.9, 0.89, 0.88, 0.87, 0.86, 0.85])
    assert found.labels.tolist() == [1, 0, 0, 1, 0, 1]
    assert found.ids.tolist()[:2] == ["task/0/1", "task/1/1"]
    assert 'scorer "judged" · confidence from "confidence"' in found.source.log.recognised
    assert (found.source.log.group, found.source.log.counts) == (None, ())


def test_the_name_of_the_file_does_not_matter(tmp_path):
    assert calibeval.read(write(tmp_path / "run.log", [sample("a", confidence=0.5)])).n == 1


def test_epochs_of_a_sample_are_one_group(tmp_path):
    rows = [sample(f"s{i}", epoch, confidence=70, value="CI"[epoch - 1]) for i in range(40) for epoch in (1, 2)]
    dump = calibeval.evaluate(write(tmp_path / "run.eval", rows)).dumps[0]
    assert (dump.n, dump.groups.column, dump.groups.count) == (80, "document", 40)


def test_partially_right_answers_are_half_right(tmp_path):
    rows = [sample(i, value="CIP"[i % 3], confidence=0.8) for i in range(90)]
    report = calibeval.evaluate(write(tmp_path / "run.eval", rows), level=None)
    assert report["accuracy"].value == pytest.approx(0.5)
    assert report["confidence_gap"].value == pytest.approx(0.3)
    (count,) = report.dumps[0].source.log.counts
    assert (count.what, count.answers, count.left_out) == (
        "partially right, counted as half right and half wrong", 30, False,
    )  # fmt: skip
    assert report.dumps[0].source.log.answers == 90


def test_unscored_samples_are_counted(tmp_path):
    rows = [
        sample("a", confidence=60),
        sample("b", value=float("nan"), confidence=60),
        sample("c", value=None, confidence=60),
        sample("d") | {"scores": {}, "error": {"message": "timeout"}},
        sample("e") | {"scores": None},
    ]
    log = calibeval.read(write(tmp_path / "run.eval", rows)).source.log
    assert {one.what: one.answers for one in log.counts} == {"unscored": 3, "whose sample ended in an error": 1}
    assert log.answers == 5


def test_several_scorers_are_asked_for(tmp_path):
    first, second = (sample("a", scorer=name, confidence=c)["scores"] for name, c in (("match", 60), ("judge", 70)))
    path = write(tmp_path / "run.eval", [sample("a") | {"scores": first | second}])
    with pytest.raises(InputError, match=r'2 scorers, match, judge; .*key=\{"scorer": "match"\}'):
        calibeval.read(path)
    assert calibeval.read(path, key={"scorer": "judge"}).scores[0:1].tolist() == [0.7]
    with pytest.raises(UsageError, match="there is no such scorer"):
        calibeval.read(path, key={"scorer": "jugde"})


def test_the_confidence_may_have_another_name_and_stand_in_the_sample(tmp_path):
    rows = [sample(i, metadata={"p_true": 0.25}) for i in range(3)]
    path = write(tmp_path / "run.eval", rows)
    with pytest.raises(InputError, match=r'has a "confidence" in its metadata, .*key=\{"confidence": "NAME"\}'):
        calibeval.read(path)
    assert calibeval.read(path, key={"confidence": "p_true"}).scores[0:3].tolist() == [0.25] * 3


def test_scores_that_do_not_say_right_or_wrong_are_refused(tmp_path):
    for value, shown in ((7, "7"), ("maybe", 'text \\("maybe"\\)'), ({"a": 1}, "an object")):
        path = write(tmp_path / "run.eval", [sample("a", value=value, confidence=50)])
        with pytest.raises(InputError, match=rf'samples/a_epoch_1.json: the score of "judged" is {shown}, but right'):
            calibeval.read(path)


def _damaged(path, change):
    path.write_bytes(change(path.read_bytes()))
    return path


def test_damaged_archives_are_refused(tmp_path):
    rows = [sample(i, confidence=50) for i in range(3)]
    path = _damaged(write(tmp_path / "run.eval", rows), lambda data: data[: len(data) // 2])
    with pytest.raises(InputError, match="not a zip archive"):
        calibeval.read(path)
    with pytest.raises(InputError, match=r'holds no "header.json": the evaluation did not end'):
        calibeval.read(write(tmp_path / "b.eval", rows, header=False))
    with pytest.raises(InputError, match="the log holds no samples"):
        calibeval.read(write(tmp_path / "c.eval", []))
    stored = write(tmp_path / "d.eval", rows, compression=zipfile.ZIP_STORED)
    with pytest.raises(InputError, match="is damaged"):
        calibeval.read(_damaged(stored, lambda data: data.replace(b'"confidence": 50', b'"confidence": 51', 1)))
    with pytest.raises(InputError, match="compressed by method 12, which is not read"):
        calibeval.read(write(tmp_path / "e.eval", rows, compression=zipfile.ZIP_BZIP2))


def test_archives_that_expand_too_far_are_refused(tmp_path):
    big = sample("a", confidence=50, input="x" * 10_000_000)
    path = write(tmp_path / "run.eval", [big])
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="over the limit of 1000000"):
        calibeval.read(path, max_bytes=1_000_000)
    nested = write(tmp_path / "n.eval", [])
    with zipfile.ZipFile(nested, "a") as archive:
        archive.writestr("samples/a_epoch_1.json", "[" * 100_000)
    with pytest.raises(InputError, match="nested too deeply"):
        calibeval.read(nested)


def test_members_compressed_by_zstd(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "run.eval"
    as_zstd(write(path, [sample(i, confidence=50) for i in range(3)], compression=zipfile.ZIP_STORED), zstandard)
    assert calibeval.read(path).scores[0:3].tolist() == [0.5] * 3


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is not None, reason="zstandard is there")
@pytest.mark.skipif(hasattr(zipfile, "ZIP_ZSTANDARD"), reason="zipfile reads zstd")
def test_zstd_names_its_extra(tmp_path):
    path = as_zstd(write(tmp_path / "run.eval", [sample("a")], compression=zipfile.ZIP_STORED), None)
    with pytest.raises(InputError, match=r"compressed by zstd, .*calibeval\[logs\]"):
        calibeval.read(path)


def as_zstd(path, zstandard):
    """The archive with members compressed by zstd, in two frames each; without zstandard, only named so."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    out, central = io.BytesIO(), []
    for name, data in members.items():
        half = len(data) // 2
        packed = data if zstandard is None else b"".join(
            zstandard.ZstdCompressor().compress(part) for part in (data[:half], data[half:])
        )  # fmt: skip
        crc, at, encoded = zlib.crc32(data), out.tell(), name.encode()
        head = b"".join(
            size.to_bytes(width, "little")
            for size, width in ((63, 2), (0, 2), (93, 2), (0, 4), (crc, 4), (len(packed), 4), (len(data), 4))
        )
        out.write(b"PK\x03\x04" + head + len(encoded).to_bytes(2, "little") + b"\0\0" + encoded + packed)
        more = len(encoded).to_bytes(2, "little") + bytes(12) + at.to_bytes(4, "little")
        central.append(b"PK\x01\x02" + (63).to_bytes(2, "little") + head + more + encoded)
    start = out.tell()
    out.write(b"".join(central))
    count = len(members).to_bytes(2, "little")
    size = (out.tell() - start).to_bytes(4, "little")
    out.write(b"PK\x05\x06" + bytes(4) + count + count + size + start.to_bytes(4, "little") + b"\0\0")
    path.write_bytes(out.getvalue())
    return path
