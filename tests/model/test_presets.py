from pathlib import Path

import pytest

from convscope.errors import OptionError, SpecError
from convscope.model.presets import MAX_SPEC_BYTES, PRESETS, load_spec, spec_text

MNIST = {"input_shape": (28, 28, 1), "num_classes": 10}


def test_classic_has_the_parameters_and_multiply_adds_that_one_finds_by_hand() -> None:
    spec = load_spec("classic", **MNIST)
    rows = {row.name: row for row in spec.table()}
    # 26 x 26 places of 64 filters over 3 x 3 x 1; 24 x 24 of 128 over 3 x 3 x 64; 12 x 12 x 128 inputs to 10 classes
    assert rows["conv2d"].multiply_adds == 26 * 26 * 64 * 9 == 389_376
    assert rows["conv2d_1"].multiply_adds == 24 * 24 * 128 * 9 * 64 == 42_467_328
    assert rows["dense"].multiply_adds == 12 * 12 * 128 * 10 == 184_320
    assert spec.multiply_adds == 389_376 + 42_467_328 + 184_320
    assert spec.parameters == (9 + 1) * 64 + (9 * 64 + 1) * 128 + (12 * 12 * 128 + 1) * 10 == 258_826


def test_classic_has_the_shapes_of_its_tutorial() -> None:
    assert [row.output_shape for row in load_spec("classic", **MNIST).table()] == [
        (26, 26, 64),
        (24, 24, 128),
        (12, 12, 128),
        (12, 12, 128),
        (18432,),
        (10,),
    ]


def test_quick_costs_a_tenth_of_classic() -> None:
    quick, classic = load_spec("quick", **MNIST), load_spec("classic", **MNIST)
    assert quick.multiply_adds < classic.multiply_adds / 10
    assert quick.parameters < classic.parameters


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("input_shape", [(28, 28, 1), (32, 32, 3), (24, 36, 3), (224, 224, 3)], ids=str)
@pytest.mark.parametrize("num_classes", [2, 10, 30])
def test_each_preset_fits_pictures_of_many_sizes(name: str, input_shape, num_classes: int) -> None:
    spec = load_spec(name, input_shape=input_shape, num_classes=num_classes)
    assert (spec.name, spec.num_classes, spec.input_shape) == (name, num_classes, input_shape)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_spec_file_that_one_can_copy(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.txt"
    path.write_text(PRESETS[name], encoding="utf-8")
    assert load_spec(str(path), **MNIST) == load_spec(name, **MNIST)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_begins_with_a_comment_that_says_what_it_is_for(name: str) -> None:
    assert PRESETS[name].startswith("# ")


def test_a_spec_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xef\xbb\xbf" + PRESETS["classic"].replace("\n", "\r\n").encode())
    assert load_spec(str(path), **MNIST).layers == load_spec("classic", **MNIST).layers


def test_a_mistake_in_a_spec_file_names_the_file_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# mine\nConv2D(8, 3)\nMaxPool2D(2)\n")
    with pytest.raises(SpecError, match=r"^mine, line 3: .*Did you mean MaxPooling2D"):
        load_spec(str(tmp_path / "mine.txt"), **MNIST)


@pytest.mark.parametrize(
    "name, said",
    [
        (
            "clasic",
            r"Expected a preset \(classic, quick, accurate, compact, residual\) or a spec file\. Received: 'clasic'\. ",
        ),
        ("none.txt", "Give a preset or the path of a text file"),
        ("", "Received: ''"),
        ("Classic", "Did you mean classic"),
    ],
)
def test_a_name_that_is_neither_a_preset_nor_a_file_is_refused_with_the_nearest_preset(name: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        load_spec(name, **MNIST)


def test_a_folder_is_not_a_spec_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="or a spec file"):
        spec_text(str(tmp_path))


def test_a_file_that_is_not_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(SpecError, match=r"picture\.png: expected a text file in UTF-8"):
        spec_text(str(tmp_path / "picture.png"))


def test_a_file_that_is_too_long_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "long.txt").open("wb") as file:
        file.truncate(10**12)  # sparse
    with pytest.raises(SpecError, match=r"long\.txt: a spec file has at most 100,000 bytes"):
        spec_text(str(tmp_path / "long.txt"))


def test_the_longest_spec_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("#" * MAX_SPEC_BYTES)
    assert len(spec_text(str(tmp_path / "long.txt"))[0]) == MAX_SPEC_BYTES


@pytest.mark.parametrize(
    ("preset", "shape", "size"), [("quick", (12, 200), 28), ("accurate", (8, 8), 28), ("classic", (4, 9), 28)]
)
def test_images_too_small_for_a_preset_are_refused_with_a_size_that_fits(preset, shape, size) -> None:
    with pytest.raises(SpecError, match=rf"{preset} needs images of at least (\d+)×\1\. Received: images of") as caught:
        load_spec(preset, input_shape=(*shape, 1), num_classes=2)
    assert f"--size {size}" in caught.value.hint
    needed = int(caught.value.message.split("×")[0].split()[-1])
    load_spec(preset, input_shape=(needed, needed, 3), num_classes=5)
    load_spec(preset, input_shape=(size, size, 3), num_classes=5)
    load_spec("compact", input_shape=(*shape, 1), num_classes=2)
    with pytest.raises(SpecError):
        load_spec(preset, input_shape=(needed - 1, needed - 1, 1), num_classes=2)
