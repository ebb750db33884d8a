"""A proposal depends on the seed, on its number and on earlier results, not on who finished when."""

import random

import numpy as np
import pytest

from convscope.sweeping.definition import Definition
from convscope.sweeping.proposals import Proposals, importances
from convscope.sweeping.pruning import fixed_point, is_pruned
from convscope.sweeping.records import Trial, best

PARAMETERS = ("learning_rate=1e-4..1:log", "epochs=1,2,4", "batch_size=16..128")


def trained(number: int, params: dict) -> Trial:
    """A trial whose accuracy is a function of its values; one in five is stopped early."""
    error = abs(np.log10(params["learning_rate"]) + 2) / 10 + 0.01 * params["epochs"]
    outcome = "pruned" if number % 5 == 4 else "complete"
    return Trial(number, 0, params, outcome, accuracy=float(1 - error), loss=0.1, checks={"0.5": float(0.9 - error)})


def run(definition: Definition, *, workers: int, seed: int) -> dict[int, Trial]:
    """Simulate workers that end in random order, each with its own memory of proposals."""
    rng, finished, running = random.Random(seed), {}, {}
    minds = [Proposals(definition) for _ in range(workers)]
    while len(finished) < definition.total:
        for number in range(definition.total):
            ready = all(one in finished for one in range(number - definition.concurrency + 1))
            if ready and number not in finished and number not in running and len(running) < workers:
                running[number] = rng.choice(minds).params(number, finished)
        number = rng.choice(list(running))
        finished[number] = trained(number, running.pop(number))
    return finished


def test_any_number_of_workers_in_any_order_trains_the_same_trials() -> None:
    definition = Definition("mnist", PARAMETERS, trials=40, concurrency=6, seed=3)
    alone = run(definition, workers=1, seed=0)
    assert all(run(definition, workers=workers, seed=workers) == alone for workers in (2, 6, 9))
    assert run(Definition("mnist", PARAMETERS, trials=40, concurrency=6, seed=4), workers=1, seed=0) != alone


def test_a_trial_is_compared_with_a_fixed_set_of_earlier_ones() -> None:
    definition = Definition("mnist", PARAMETERS, trials=40, concurrency=6)
    finished = run(definition, workers=1, seed=0)
    proposals = Proposals(definition)
    assert [one.number for one in proposals.earlier(10, finished)] == [0, 1, 2, 3, 4]
    assert proposals.earlier(5, finished) == []


def test_the_sampler_learns_from_results() -> None:
    tpe = run(Definition("mnist", PARAMETERS, trials=60, concurrency=1), workers=1, seed=0)
    late = [abs(np.log10(tpe[number].params["learning_rate"]) + 2) for number in range(40, 60)]
    chance = run(Definition("mnist", PARAMETERS, trials=60, sampler="random"), workers=1, seed=0)
    by_chance = [abs(np.log10(chance[number].params["learning_rate"]) + 2) for number in range(40, 60)]
    assert np.mean(late) < 0.5 * np.mean(by_chance)


def test_values_stay_in_their_range_and_combinations_are_not_repeated() -> None:
    definition = Definition("mnist", ("epochs=1,2,4", "batch_size=1..4"), trials=10, concurrency=3)
    params = [one.params for one in run_any(definition)]
    assert len({tuple(sorted(one.items())) for one in params}) == 10
    assert all(one["epochs"] in (1, 2, 4) and 1 <= one["batch_size"] <= 4 for one in params)


def run_any(definition: Definition) -> list[Trial]:
    proposals, finished = Proposals(definition), {}
    for number in range(definition.total):
        finished[number] = Trial(number, 0, proposals.params(number, finished), "complete", 0.5, 0.1)
    return list(finished.values())


def test_a_grid_tries_every_combination_once_in_an_order_by_the_seed() -> None:
    definition = Definition("mnist", ("epochs=1,2,4", "batch_size=1..4"), trials=12)
    params = [one.params for one in run_any(definition)]
    assert sorted(map(str, params)) == sorted(map(str, definition.space.combinations()))
    other = Definition("mnist", ("epochs=1,2,4", "batch_size=1..4"), trials=12, seed=1)
    assert params != [one.params for one in run_any(other)]


def test_importance_names_the_parameter_that_decides() -> None:
    definition = Definition("mnist", ("learning_rate=1e-4..1:log", "batch_size=16..128"), trials=60, sampler="random")
    proposals, trials = Proposals(definition), {}
    for number in range(60):
        params = proposals.params(number, trials)
        accuracy = float(1 - abs(np.log10(params["learning_rate"]) + 2) / 10)
        trials[number] = Trial(number, 0, params, "complete", accuracy, 0.1)
    found = importances(list(trials.values()), definition.space)
    assert next(iter(found)) == "learning_rate" and found["learning_rate"] > 0.7
    assert sum(found.values()) == pytest.approx(1)
    assert importances(list(trials.values())[:9], definition.space) == {}


def test_the_best_trial_is_complete_and_ties_go_to_the_lower_loss() -> None:
    pruned = Trial(0, 0, {}, "pruned", 0.99, 0.1)
    first, second = Trial(1, 0, {}, "complete", 0.9, 0.30), Trial(2, 0, {}, "complete", 0.9, 0.29)
    assert best([pruned, first, second]) is second
    assert best([pruned]) is None


@pytest.mark.parametrize(
    ("pruner", "value", "stopped"),
    [
        ("median", 0.919, True), ("median", 0.92, False), ("median", 0.93, False),
        ("asha", 0.935, True), ("asha", 0.939, True), ("asha", 0.945, False), ("asha", 0.96, False),
        ("none", 0.1, False),
    ],
)  # fmt: skip
def test_a_trial_is_stopped_by_the_rule(pruner: str, value: float, stopped: bool) -> None:
    assert is_pruned(value, [0.90, 0.91, 0.92, 0.94, 0.95], pruner=pruner) is stopped
    assert not is_pruned(value, [0.99, 0.99, 0.99], pruner=pruner)


def test_each_fixed_point_is_used_once_and_the_end_is_none() -> None:
    passed: list[float] = []
    for epoch in range(1, 11):
        point = fixed_point(epoch / 10, passed)
        passed += [point] if point is not None else []
    assert passed == [0.25, 0.5, 0.75]
    assert fixed_point(0.5, []) == 0.5  # a short training is validated once, half way
