"""Which values trial n tries: a function of the seed, of n, and of the results of trials 0 to n - concurrency.

Optuna's sampler is asked once for each trial, with a seed of its own and the trials in the order of their numbers. So
the proposal does not depend on how many trials run at the same time, or on which ends first. Imports Optuna.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from convscope.sweeping.definition import Definition
from convscope.sweeping.records import COMPLETE, PRUNED, Trial
from convscope.sweeping.space import Parameter, Space

Params = dict[str, Any]

FIRST_RANDOM = 10
"""Results that the sampler needs before it proposes anything but random values."""

LEAST_COMPLETE = 10
BEST = 1 / 3
"""Fraction of the complete trials that are the best ones, when parameters are compared."""

MOST_DRAWS = 20
"""Draws of a combination that no earlier trial has; then one of the untried ones is taken."""

MOST_LISTED = 10_000


def distribution(parameter: Parameter) -> BaseDistribution:
    """A parameter as Optuna knows it."""
    if parameter.values:
        return CategoricalDistribution(parameter.values)
    if parameter.is_integer:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.is_log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.is_log)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """All parameters as Optuna knows them."""
    return {one.name: distribution(one) for one in space.parameters}


class Proposals:
    """The values of every trial of a sweep.

    Args:
        definition: Of the sweep.
    """

    def __init__(self, definition: Definition) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._definition = definition
        self._distributions = distributions(definition.space)
        self._known: dict[int, Params] = {}

    def params(self, number: int, finished: Mapping[int, Trial]) -> Params:
        """The values of one trial.

        Args:
            number: Of the trial.
            finished: All trials up to ``number - concurrency``, and any others.
        """
        if number in finished:
            return finished[number].params
        if number not in self._known:
            self._known[number] = self._propose(number, finished)
        return self._known[number]

    def earlier(self, number: int, finished: Mapping[int, Trial]) -> list[Trial]:
        """The trials whose results a trial may depend on, in order."""
        return [finished[one] for one in range(number - self._definition.concurrency + 1)]

    def _propose(self, number: int, finished: Mapping[int, Trial]) -> Params:
        definition = self._definition
        if definition.is_seeds:
            return {}
        if definition.is_grid:
            order = np.random.default_rng(definition.seed).permutation(definition.total)
            return definition.space.combinations()[order[number]]
        earlier = self.earlier(number, finished)
        pending = [self.params(one, finished) for one in range(len(earlier), number)]
        tried = [*(one.params for one in earlier), *pending]
        proposed: Params = {}
        for draw in range(MOST_DRAWS):
            proposed = self._ask(earlier, pending, seed_of(definition.seed, number, draw))
            if proposed not in tried:
                return proposed
        if definition.space.count > MOST_LISTED:
            return proposed
        untried = [one for one in definition.space.combinations() if one not in tried]
        return untried[seed_of(definition.seed, number, MOST_DRAWS) % len(untried)]

    def _ask(self, earlier: list[Trial], pending: list[Params], seed: int) -> Params:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls both arguments experimental
            sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed)
            if self._definition.sampler == "tpe":
                first = min(FIRST_RANDOM, max(self._definition.trials // 4, 2))
                sampler = optuna.samplers.TPESampler(
                    seed=seed, n_startup_trials=first, multivariate=True, constant_liar=True
                )
            study = optuna.create_study(direction="maximize", sampler=sampler)
            study.add_trials([frozen(one, self._distributions) for one in earlier])
            for params in pending:  # so that trials at the same time do not try the same
                running = create_trial(state=TrialState.RUNNING, params=params, distributions=self._distributions)
                study.add_trial(running)
            return study.ask(self._distributions).params


def seed_of(seed: int, number: int, draw: int = 0) -> int:
    """A seed for one proposal, from 0 to 2³²-1."""
    return int.from_bytes(hashlib.sha256(f"{seed} {number} {draw}".encode()).digest()[:4], "big")


def frozen(trial: Trial, known: dict[str, BaseDistribution], attributes: dict[str, Any] | None = None) -> FrozenTrial:
    """A trial as Optuna keeps it: diverged and failed ones count as the worst of the pruned."""
    values = {int(float(point) * 100): value for point, value in trial.checks.items()}
    is_complete = trial.outcome == COMPLETE
    if not is_complete:
        values = values if trial.outcome == PRUNED else {0: 0.0}
    return create_trial(
        state=TrialState.COMPLETE if is_complete else TrialState.PRUNED,
        params=trial.params,
        distributions=known if trial.params else {},
        value=trial.accuracy if is_complete else None,
        intermediate_values=values,
        user_attrs=attributes or {},
    )


def importances(trials: list[Trial], space: Space) -> dict[str, float]:
    """How much each parameter decides whether a trial is in the best third, as fractions that add up to 1.

    Returns:
        The most important first; empty with fewer than `LEAST_COMPLETE` complete trials, or if all are equally good.

    Source:
        Watanabe, Bansal and Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
        subspaces", IJCAI 2023, in Optuna's implementation.
    """
    complete = [one for one in trials if one.outcome == COMPLETE]
    if len(complete) < LEAST_COMPLETE or len({one.accuracy for one in complete}) < 2 or not space.parameters:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    known = distributions(space)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction="maximize")
        study.add_trials([frozen(one, known) for one in complete])
        try:
            found = optuna.importance.get_param_importances(
                study, evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
            )
        except (ValueError, RuntimeError):  # every trial has the same values
            return {}
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}
