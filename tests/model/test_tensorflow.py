"""What TensorFlow itself would print."""

import logging

import pytest

from convscope.model.tensorflow import tf


def test_functions_of_several_trainings_are_not_reported_as_one_that_is_traced_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(20):
        tf.function(lambda value: value + 1)(tf.constant(1.0))
    logging.getLogger("tensorflow").warning("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]
