import inspect

import pytest

import convscope


@pytest.mark.parametrize("name", convscope.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    thing = getattr(convscope, name)
    assert inspect.getdoc(thing)
    assert thing.__module__.startswith("convscope.")


def test_the_door_names_each_home_once_and_in_order() -> None:
    assert list(convscope._HOMES) == convscope.__all__ == sorted(convscope.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = convscope.magic
