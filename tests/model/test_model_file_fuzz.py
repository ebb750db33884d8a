"""Model files whose words are changed and whose hashes are right: read as a model, or refused, and nothing else."""

from __future__ import annotations

import copy
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_file import small_model

from convscope.errors import ModelFileError
from convscope.model.forward import logits
from convscope.model.model_file import load_model, save_model

VALUES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.integers(-2, 20) | st.floats(allow_nan=False)
    | st.text(max_size=5) | st.sampled_from(["Conv2D", "Dense", "relu", "softmax", "same", "F32", "../x", "__class__"])
    | st.lists(st.integers(-2, 9), max_size=4) | st.just({}) | st.just([[[]]])
)  # fmt: skip
WAYS = st.sampled_from(["replace", "replace", "replace", "remove", "double", "add"])


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any], bytes]:
    """A place to write to; spec, tensors' places, and the numbers of a small model."""
    path = tmp_path_factory.mktemp("fuzz") / "m"
    save_model(small_model(), path)
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    return path, json.loads(header.pop("__metadata__")["spec"]), header, content[8 + length :]


def pack(spec: Any, places: Any, numbers: bytes) -> bytes:
    text = json.dumps(spec)
    digest = hashlib.sha256(text.encode() + numbers).hexdigest()
    header = {"__metadata__": {"format": "convscope", "sha256": digest, "spec": text}} | places
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + numbers


def changed(data: st.DataObject, value: Any) -> Any:
    """One place of the value, somewhere inside, replaced, removed, doubled, or joined by another."""
    value = copy.deepcopy(value)
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.integers(0, 4)) == 0:
            break
        place = inner
    way = data.draw(WAYS)
    if way == "remove":
        del place[key]
    elif way == "double" and isinstance(place, list):
        place.insert(key, copy.deepcopy(inner))
    elif way == "add" and isinstance(place, dict):
        place[data.draw(st.text(max_size=4))] = data.draw(VALUES)
    else:
        place[key] = data.draw(VALUES)
    return value


@pytest.mark.long
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(data=st.data(), count=st.integers(1, 3), in_spec=st.booleans())
def test_changed_words_are_refused_or_make_a_model_that_works(parts, data, count, in_spec) -> None:
    path, spec, places, numbers = parts
    for _ in range(count):
        if in_spec and isinstance(spec, dict) and spec:
            spec = changed(data, spec)
        elif places:
            places = changed(data, places)
    path.write_bytes(pack(spec, places, numbers))
    try:
        model = load_model(path)
    except ModelFileError as error:
        assert len(str(error).splitlines()) == 1 and str(path) in str(error)
        return
    given_images = np.zeros((1, *model.spec.input_shape), np.float32)
    assert np.isfinite(logits(model.spec, model.weights, given_images)).all()
    save_model(model, path.with_name("again"))
    assert load_model(path.with_name("again")).spec == model.spec


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(extra=st.binary(max_size=9), cut=st.integers(0, 9))
def test_numbers_that_do_not_fit_are_refused_though_their_hash_is_right(parts, extra, cut) -> None:
    path, spec, places, numbers = parts
    other = numbers[: len(numbers) - cut] + extra
    path.write_bytes(pack(spec, places, other))
    if other != numbers:
        with pytest.raises(ModelFileError):
            load_model(path)
