"""Parameters of a sweep as people write them."""

import math

import pytest

from convscope.errors import OptionError, RunError
from convscope.sweeping.definition import Definition, check_same, from_json
from convscope.sweeping.space import parse_space


def test_texts_and_mappings_give_the_same_space() -> None:
    texts = parse_space(["learning_rate=1e-3..3e-2:log", "epochs=1,2,4", "--batch-size=32..64", "whiten=true,false"])
    values = {"learning_rate": "1e-3..3e-2:log", "epochs": [1, 2, 4], "batch_size": "32..64", "whiten": (True, False)}
    assert texts == parse_space(values)
    rate, epochs, batch, whiten = texts.parameters
    assert (rate.low, rate.high, rate.is_log, rate.count) == (0.001, 0.03, True, math.inf)
    assert epochs.values == (1.0, 2.0, 4.0) and whiten.values == (True, False)
    assert batch.is_integer and batch.count == 33 and not batch.is_log


def test_one_value_is_fixed_for_all_trials() -> None:
    space = parse_space(["model=quick", "epochs=1,2", "size=28", "class_names=a,b"])
    assert space.fixed == {"model": "quick", "size": "28", "class_names": "a,b"}
    assert space.combinations() == [{"epochs": 1.0}, {"epochs": 2.0}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["epohcs=1,2"], "Unknown option. Received: epohcs. Did you mean epochs?"),
        (["epochs"], "Expected parameters such as epochs=1,2,4 or learning_rate=1e-3..3e-2:log. Received: epochs."),
        (["epochs="], "Expected parameters such as"),
        (["=3"], "Expected parameters such as"),
        (["epochs=1,2", "epochs=3"], "Expected each parameter once. Received: epochs twice."),
        (["epochs=one,2"], "epochs must be a number from 0.01 to 10000. Received: epochs='one'."),
        (["epochs=0,1"], "epochs must be a number from 0.01 to 10000. Received: epochs=0.0."),
        (["epochs=nan,1"], "epochs must be a number from 0.01 to 10000."),
        (["epochs=1,,2"], "epochs must be a number"),
        (["epochs=1..2..3"], "Expected a range such as 1e-3..3e-2"),
        (["epochs=1.."], "Expected a range such as"),
        (["epochs=2..1"], "Expected a range whose first number is the smaller. Received: epochs=2..1."),
        (["epochs=1..1"], "Expected a range whose first number is the smaller."),
        (["batch_size=1.5..3"], "batch_size must be an integer from 1 to 65536. Received: batch_size='1.5'."),
        (["rotate=0..5:log"], "A logarithmic range begins above 0. Received: rotate=0..5:log."),
        (["optimizer=adam,sgdd"], "Did you mean sgd?"),
        (["whiten=yes,no"], "whiten must be true or false. Received: whiten='yes'."),
        (["model=quick,quick"], "Expected different values of model. Received: model=quick,quick."),
        (["size=28,32"], "All trials of a sweep read the same images. Received: size=28,32."),
        (["validation_fraction=0.1..0.2"], "All trials of a sweep read the same images."),
        (["size=huge"], "size must be"),
        (["time=5m"], "A sweep does not take time."),
        (["seed=1,2"], "Use --seed for one seed, or --seeds for several."),
        (["threads=1,2"], "A sweep does not take threads."),
        (["shards=4"], "A sweep does not take shards."),
        (["folds=5"], "A sweep does not take folds."),
        (["freeze=1"], "A sweep does not take freeze."),
        (["data=mnist"], "A sweep does not take data."),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_refused_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_space(words)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_finite_space_with_no_more_combinations_than_trials_is_a_grid() -> None:
    few = Definition("mnist", ("epochs=1,2", "batch_size=8..10"), trials=6)
    assert few.is_grid and few.total == 6
    assert not Definition("mnist", ("epochs=1,2", "batch_size=8..10"), trials=5).is_grid
    assert not Definition("mnist", ("epochs=1..2",), trials=1000).is_grid


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 0}, "trials must be an integer from 1 to 10000. Received: trials=0."),
        ({"confirm": -1}, "confirm must be an integer from 0 to 1000."),
        ({"concurrency": 0}, "concurrency must be"),
        ({"threads": 1.5}, "threads must be"),
        ({"sampler": "tpee"}, "sampler must be one of tpe, random. Received: sampler='tpee'. Did you mean tpe?"),
        ({"pruner": "mean"}, "pruner must be one of median, asha, none."),
        ({"parameters": ()}, "Expected a parameter with several values, such as epochs=1,2,4. Received: none."),
        ({"is_seeds": True}, "--seeds trains one recipe several times. Received: epochs=1,2."),
        ({"is_seeds": True, "trials": 0}, "seeds must be an integer from 1 to 10000."),
    ],
)  # fmt: skip
def test_a_definition_with_a_wrong_value_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Definition(**({"data": "mnist", "parameters": ("epochs=1,2",)} | changes))
    assert message in str(caught.value)


def test_joining_with_other_options_names_what_differs_and_another_path_of_the_data_does_not() -> None:
    one = Definition("mnist", ("epochs=1,2",), seed=1)
    assert from_json(one.to_json()) == one
    check_same(one, Definition("/elsewhere/mnist", ("epochs=1,2",), seed=1))
    with pytest.raises(RunError, match=r"Received: parameters epochs=1,2, now epochs=1,3, seed 1, now 0."):
        check_same(one, Definition("mnist", ("epochs=1,3",)))
    for damaged in (None, [], {}, {"parameters": 3}, one.to_json() | {"more": 1}, one.to_json() | {"trials": 0}):
        with pytest.raises(RunError, match="does not hold the definition of a sweep"):
            from_json(damaged)
