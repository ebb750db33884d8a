from pathlib import Path

import pytest

from convscope.api.load_data import load_data
from convscope.api.summary import summary
from convscope.errors import OptionError


def test_presets_fit_other_inputs_and_classes() -> None:
    spec = summary("classic", input_shape=(32, 32, 3), num_classes=4).spec
    assert spec.input_shape == (32, 32, 3) and spec.num_classes == 4


def test_a_run_has_its_own_input_and_classes(short_run: Path) -> None:
    assert summary(str(short_run)).name == "quick"
    assert summary(str(short_run / "model.safetensors")) == summary(str(short_run))
    for change in ({"input_shape": (32, 32, 3)}, {"num_classes": 3}):
        with pytest.raises(OptionError, match="its own input shape and classes"):
            summary(str(short_run), **change)


@pytest.mark.parametrize("classes", [-3, 0, 1])
def test_a_network_tells_two_classes_apart_at_least(classes: int) -> None:
    with pytest.raises(OptionError, match="2 or more"):
        summary("quick", num_classes=classes)


def test_a_folder_without_a_model_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Expected a preset"):
        summary(str(tmp_path))


def test_data_reads_what_train_would(shapes_folder: Path) -> None:
    found = load_data(str(shapes_folder), size=12)
    assert found.train.image_shape == (12, 12, 3) and found.kind == "folder"
    with pytest.raises(OptionError, match="size"):
        load_data(str(shapes_folder), size=0)
