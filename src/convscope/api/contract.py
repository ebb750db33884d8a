"""The preprocessing contract that a model file carries, read back and held against the network."""

from __future__ import annotations

from convscope.data.preprocess import Preprocessing
from convscope.errors import ModelFileError
from convscope.model.model_file import Model


def preprocessing_of(model: Model) -> Preprocessing:
    """The contract by which any picture becomes this network's input.

    Raises:
        DataError: The file holds no contract, or one with other words.
        ModelFileError: It gives images of another shape than the network reads.
    """
    contract = Preprocessing.from_json(model.preprocessing)
    given = (contract.height, contract.width, contract.channels)
    if given != model.spec.input_shape:
        raise ModelFileError(
            f"Expected preprocessing that gives what the network reads, {model.spec.input_shape}. Received: {given}."
        )
    return contract
