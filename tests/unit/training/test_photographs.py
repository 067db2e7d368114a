"""Reading a folder of good photographs: what is taken, what is refused and what is remarked on."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_service.simulation import render
from trainer.datasets.photographs import read_folder
from trainer.domain import Picture
from trainer.errors import DatasetError, PhotographError


def picture(seed: int, height: int = 80, width: int = 96) -> Picture:
    """Return noise, uint8 (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, pixels: NDArray[Any]) -> None:
    """Write a picture in the format of its ending."""
    assert cv2.imwrite(str(path), pixels)


def test_reads_pictures_in_order_of_names_and_leaves_other_files_alone(tmp_path: Path) -> None:
    """Pictures come in the order of their names; a text file beside them is no matter."""
    save(tmp_path / "b.png", picture(1))
    save(tmp_path / "a.bmp", picture(2))
    (tmp_path / "notes.txt").write_text("line 3")
    found = read_folder(tmp_path)
    assert [photograph.path.name for photograph in found.photographs] == ["a.bmp", "b.png"]
    assert np.array_equal(found.photographs[1].pixels, picture(1))
    assert found.warnings == ()


def test_digest_names_the_content_not_the_file_names(tmp_path: Path) -> None:
    """The same photographs under other names are the same set."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    for number in range(2):
        save(one / f"{number}.png", picture(number))
        save(two / f"{1 - number}.png", picture(number))
    assert read_folder(one).digest == read_folder(two).digest
    save(two / "2.png", picture(2))
    assert read_folder(one).digest != read_folder(two).digest


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that is not there is named, with what to do."""
    with pytest.raises(DatasetError, match="nowhere") as caught:
        read_folder(tmp_path / "nowhere")
    assert caught.value.remedy


def test_no_photograph_says_what_to_put_there(tmp_path: Path) -> None:
    """An empty folder asks for 3 to 10 photographs."""
    with pytest.raises(DatasetError, match="3 to 10"):
        read_folder(tmp_path)


def test_an_image_that_is_no_image_is_named(tmp_path: Path) -> None:
    """A file that only ends like a picture stops the run by its name."""
    save(tmp_path / "a.png", picture(1))
    (tmp_path / "broken.jpg").write_bytes(b"this is no JPEG")
    with pytest.raises(PhotographError, match=r"broken\.jpg"):
        read_folder(tmp_path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    """A picture file without a byte in it is refused by name."""
    (tmp_path / "empty.png").touch()
    with pytest.raises(PhotographError, match=r"empty\.png"):
        read_folder(tmp_path)


def test_a_tiny_picture_is_refused(tmp_path: Path) -> None:
    """A thumbnail cannot be trained from, and its size is told."""
    save(tmp_path / "thumb.png", picture(1, 20, 30))
    with pytest.raises(PhotographError, match="30 x 20"):
        read_folder(tmp_path)


def test_one_photograph_is_enough_but_its_meaning_is_told(tmp_path: Path) -> None:
    """One photograph trains, with a warning that differences between parts are guessed."""
    save(tmp_path / "only.png", picture(1))
    (warning,) = read_folder(tmp_path).warnings
    assert "guessed" in warning


def test_different_sizes_are_listed(tmp_path: Path) -> None:
    """Photographs of different sizes are used, and the sizes are told."""
    save(tmp_path / "a.png", picture(1))
    save(tmp_path / "b.png", picture(2, 100, 120))
    (warning,) = read_folder(tmp_path).warnings
    assert "96 x 80" in warning
    assert "120 x 100" in warning


def test_photographs_of_another_shape_are_told_of_as_stretched(tmp_path: Path) -> None:
    """A photograph taken upright among others lying down is named: resizing would stretch it."""
    save(tmp_path / "a.png", picture(1))
    save(tmp_path / "upright.png", picture(2, 96, 80))
    (warning,) = read_folder(tmp_path).warnings
    assert "upright.png is 80 x 96" in warning
    assert "stretched" in warning


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_photograph_of_one_shade_is_refused_by_name(tmp_path: Path, level: int) -> None:
    """A covered lens or burnt-out light shows no part; the noise of a camera does not make it one."""
    save(tmp_path / "a.png", picture(1, 480, 640))
    noise = np.random.default_rng(0).normal(level, 1.5, (480, 640, 3))
    save(tmp_path / "cap.png", np.clip(noise, 0, 255).astype(np.uint8))
    with pytest.raises(PhotographError, match=r"cap\.png shows nothing"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path, ["cap.png"])) == 1


def test_grey_among_colour_names_the_fewer(tmp_path: Path) -> None:
    """Another camera setting is told as what it is, not as light of another colour."""
    for number in range(3):
        save(tmp_path / f"{number}.png", picture(number))
    save(tmp_path / "grey.png", picture(3)[:, :, 0])
    (warning,) = read_folder(tmp_path).warnings
    assert warning.startswith("grey.png: in grey, the others in colour")


def test_the_same_picture_twice_is_told(tmp_path: Path) -> None:
    """A copy under another name and format is recognised by its pixels."""
    for name in ("a.png", "b.bmp", "c.png"):
        save(tmp_path / name, picture(2 if name == "c.png" else 1))
    (warning,) = read_folder(tmp_path).warnings
    assert "b.bmp" in warning
    assert "a.png" in warning


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    """A grey photograph is read as BGR with equal channels, as the edge sees a grey camera."""
    grey = picture(1)[:, :, 0]
    save(tmp_path / "grey.png", grey)
    pixels = read_folder(tmp_path).photographs[0].pixels
    assert pixels.shape == (80, 96, 3)
    assert np.array_equal(pixels[:, :, 1], grey)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_pictures_are_reduced_by_the_depth_in_use(tmp_path: Path, bits: int) -> None:
    """A camera's 10 or 12 bits in a 16-bit file fill the 8 bits just as 16 do, and it is told."""
    deep = picture(1).astype(np.uint16) << (bits - 8)
    save(tmp_path / "deep.tif", deep)
    found = read_folder(tmp_path)
    assert np.array_equal(found.photographs[0].pixels, picture(1))
    assert any(f"{bits}-bit" in warning for warning in found.warnings)


def test_warnings_come_in_chinese_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OKNG_LANG=zh what is odd about the photographs is told in Chinese."""
    monkeypatch.setenv("OKNG_LANG", "zh")
    save(tmp_path / "only.png", picture(1))
    (warning,) = read_folder(tmp_path).warnings
    assert "照片" in warning


def test_a_strong_drift_of_light_names_darkest_and_brightest(tmp_path: Path) -> None:
    """Photographs of which one is three times as bright as another train with a warning that names both."""
    save(tmp_path / "monday.png", picture(1) // 4)
    save(tmp_path / "noon.png", picture(2))
    save(tmp_path / "night.png", picture(3) // 5)
    warnings = read_folder(tmp_path).warnings
    assert len(warnings) == 1
    assert "noon.png" in warnings[0]
    assert "night.png" in warnings[0]


def test_light_that_wanders_a_little_is_not_remarked_on(tmp_path: Path) -> None:
    """A third more light from one photograph to the next is what good parts come in."""
    save(tmp_path / "a.png", picture(1))
    save(tmp_path / "b.png", (picture(2) * 0.75).astype(np.uint8))
    assert read_folder(tmp_path).warnings == ()


def test_a_copy_saved_anew_counts_once_and_another_part_does_not(tmp_path: Path) -> None:
    """A PNG saved again as JPEG is the same picture; the next part in the same fixture is another."""
    part = render("pcb", seed=1).pixels
    save(tmp_path / "a.png", part)
    save(tmp_path / "a.jpg", part)
    save(tmp_path / "b.png", render("pcb", seed=2).pixels)
    found = read_folder(tmp_path)
    assert [photograph.path.name for photograph in found.photographs] == ["a.jpg", "b.png"]
    (warning,) = found.warnings
    assert "a.png" in warning
    assert "once" in warning


def test_a_part_with_a_small_defect_is_not_the_same_picture(tmp_path: Path) -> None:
    """What differs in one place only is another picture, however much alike."""
    part = render("pcb", seed=1).pixels
    spoilt = part.copy()
    height, width = part.shape[:2]
    spoilt[height // 2 :, width // 2 :][: height // 30, : height // 30] ^= 128
    save(tmp_path / "a.png", part)
    save(tmp_path / "b.png", spoilt)
    assert len(read_folder(tmp_path)) == 2


def test_all_the_same_is_one_photograph(tmp_path: Path) -> None:
    """Five copies are worth one photograph, and say so as one does."""
    for number in range(5):
        save(tmp_path / f"{number}.png", picture(1))
    found = read_folder(tmp_path)
    assert len(found) == 1
    copies, alone = found.warnings
    assert "4.png are the same picture as 0.png" in copies
    assert "One photograph only" in alone


def test_light_of_another_colour_names_both(tmp_path: Path) -> None:
    """A photograph in evening light among others under white light is told of."""
    evening = picture(3).astype(np.float32) * (0.7, 0.9, 1.0)
    save(tmp_path / "evening.png", evening.astype(np.uint8))
    save(tmp_path / "noon.png", picture(2))
    (warning,) = read_folder(tmp_path).warnings
    assert "evening.png" in warning
    assert "noon.png" in warning


def test_a_photograph_may_be_left_out_by_its_name(tmp_path: Path) -> None:
    """What is left out is not learned from; a name that is not there, or nothing left, is refused."""
    save(tmp_path / "a.png", picture(1))
    save(tmp_path / "b.png", picture(2))
    assert [each.path.name for each in read_folder(tmp_path, ["a.png"]).photographs] == ["b.png"]
    with pytest.raises(DatasetError, match=r"c\.png"):
        read_folder(tmp_path, ["c.png"])
    with pytest.raises(DatasetError, match="Every photograph"):
        read_folder(tmp_path, ["a.png", "b.png"])
