"""Files of images: their checksums, the units of their voxels, and what libraries say on the way."""

import gzip
import logging
import struct

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from calibeval.core.errors import InputError
from calibeval.readers.cases.pictures import read_affine, read_mask, read_nifti
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile


def noise(*shape):
    return np.random.default_rng(7).integers(0, 4, shape).astype(np.uint8)


def nifti(file, values, unit=None):
    image = nib.Nifti1Image(values, np.diag([1.0, 2.0, 3.0, 1.0]))
    image.header.set_xyzt_units(unit)
    image.to_filename(file)
    return SteadyFile.of(file)


def flipped(file, place):
    raw = bytearray(file.read_bytes())
    raw[place] ^= 1
    file.write_bytes(raw)
    return SteadyFile.of(file)


@pytest.mark.parametrize("place", [700, 1500, -9, -5, -1])  # the last eight bytes are the checksum and the length
def test_one_bit_of_a_compressed_volume(tmp_path, place):
    nifti(tmp_path / "a.nii.gz", noise(12, 20, 20))
    file = flipped(tmp_path / "a.nii.gz", place)
    with pytest.raises(InputError, match=r"a\.nii\.gz: not a NIfTI file, or damaged"):
        read_nifti(file, Limits())
    with pytest.raises(InputError, match=r"a\.nii\.gz: not a NIfTI file, or damaged"):
        read_affine(file, Limits())


@pytest.mark.parametrize("cut", [1, 8, 9])
def test_a_compressed_volume_that_was_cut_off(tmp_path, cut):
    file = tmp_path / "a.nii.gz"
    nifti(file, noise(12, 20, 20))
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(InputError, match="damaged"):
        read_nifti(SteadyFile.of(file), Limits())


def test_what_follows_a_volume_counts_as_its_size(tmp_path):
    file = tmp_path / "a.nii.gz"
    nifti(file, noise(5, 4, 3))
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + bytes(10_000)))
    assert read_nifti(SteadyFile.of(file), Limits()).values.shape == (5, 4, 3)
    with pytest.raises(InputError, match="expands to 10412 bytes, over the limit of 5000"):
        read_nifti(SteadyFile.of(file), Limits(max_bytes=5000))


@pytest.mark.parametrize("place", [-17, -20, -200])  # checksum, its data's checksum, data
def test_one_bit_of_a_png(tmp_path, place):
    Image.fromarray(noise(40, 40)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: not a PNG file, or damaged"):
        read_mask(flipped(tmp_path / "a.png", place), Limits())


def test_sizes_of_voxels_are_in_millimetres(tmp_path):
    found = [
        read_nifti(nifti(tmp_path / f"{unit}.nii", noise(5, 4, 3), unit), Limits())
        for unit in ("mm", "micron", "meter", None)
    ]
    assert [one.spacing for one in found] == [
        (1.0, 2.0, 3.0),
        pytest.approx((0.001, 0.002, 0.003)),
        (1000.0, 2000.0, 3000.0),
        (1.0, 2.0, 3.0),
    ]
    assert found[1].affine == pytest.approx(np.diag([0.001, 0.002, 0.003, 1.0]))


def test_a_voxel_of_size_0_has_no_size(tmp_path, capfd, caplog):
    file = tmp_path / "a.nii"
    nifti(file, noise(5, 4, 3))
    raw = bytearray(file.read_bytes())
    struct.pack_into("<f", raw, 80, 0.0)  # the size along x, for which nibabel puts 1
    struct.pack_into("<i", raw, 0, 347)
    file.write_bytes(raw)
    with caplog.at_level(logging.DEBUG):
        assert read_nifti(SteadyFile.of(file), Limits()).spacing is None
    assert capfd.readouterr().err == ""
    assert caplog.text == ""


def test_two_images_of_a_size_in_a_tiff(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(noise(6, 8))
        file.write(noise(6, 8) + 1, metadata={"axes": "YX"}, contiguous=False)
    with pytest.raises(InputError, match=r"a\.tif: holds 2 images of equal size, but one is needed for each case"):
        read_mask(SteadyFile.of(tmp_path / "a.tif"), Limits())
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(noise(6, 8))
        file.write(noise(3, 4), contiguous=False)  # a small copy
    assert (read_mask(SteadyFile.of(tmp_path / "b.tif"), Limits()).values == noise(6, 8)).all()
