"""Files that are not Keras models, recognized by their first bytes and names: what they are, and the way out. Light."""

from __future__ import annotations

from pathlib import Path

from convscope.errors import ModelFileError

SAVE = "Load it where it was made and save it with Keras: model.save('model.keras')."

_BY_ENDING = {
    ".onnx": ("an ONNX model", "Save the Keras model that it was made from: model.save('model.keras')."),
    ".tflite": ("a TensorFlow Lite model", "Save the Keras model that it was made from: model.save('model.keras')."),
    ".pt": (
        "a PyTorch file",
        "Rebuild the network in Keras, copy the weights, and save it: model.save('model.keras').",
    ),
    ".pb": ("a TensorFlow graph", SAVE),
    ".json": ("an architecture without weights", "Save both: model.save('model.keras')."),
    ".safetensors": (
        "a safetensors file",
        "It holds weights without the network. Save both: model.save('model.keras').",
    ),
    ".pkl": ("a pickle, which can run code when it is opened", SAVE),
}
_SAME = {".pth": ".pt", ".ckpt": ".pb", ".pickle": ".pkl", ".joblib": ".pkl"}


def refuse_folder(path: Path) -> None:
    """Refuse a folder in place of a file.

    Raises:
        ModelFileError: It is a folder; the message names a SavedModel or a run.
    """
    if not path.is_dir():
        return
    if (path / "saved_model.pb").exists():
        raise ModelFileError("it is a SavedModel folder of TensorFlow.", hint=SAVE)
    if (path / "model.safetensors").exists():
        raise ModelFileError("it is a run folder of convscope.", hint=f"Open it with: convscope open {path}")
    raise ModelFileError("it is a folder.", hint="Give the file that model.save('model.keras') wrote.")


def refuse_other_formats(path: Path, head: bytes) -> None:
    """Refuse what is neither a zip archive nor HDF5.

    Args:
        path: The file.
        head: Its first bytes.

    Raises:
        ModelFileError: It is a known format; nothing is raised for an unknown one.
    """
    ending = path.suffix.lower()
    found = _BY_ENDING.get(_SAME.get(ending, ending))
    if head[4:8] == b"TFL3":
        found = _BY_ENDING[".tflite"]
    elif head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        found = _BY_ENDING[".pt"] if found == _BY_ENDING[".pt"] else _BY_ENDING[".pkl"]
    if found:
        raise ModelFileError(f"it is {found[0]}, not a Keras model.", hint=found[1])


def refuse_other_archives(names: list[str]) -> None:
    """Refuse zip archives of other programs.

    Args:
        names: The first members.

    Raises:
        ModelFileError: It is one of PyTorch or NumPy.
    """
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        what, way_out = _BY_ENDING[".pt"]
        raise ModelFileError(f"it is {what}, not a Keras model.", hint=way_out)
    if names and all(name.endswith(".npy") for name in names):
        raise ModelFileError("it is an archive of NumPy arrays, not a Keras model.", hint=SAVE)
