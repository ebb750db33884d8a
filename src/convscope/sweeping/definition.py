"""What a sweep is: everything that all its processes must agree on. Light."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from convscope.arrays import is_number
from convscope.errors import OptionError, RunError
from convscope.sweeping.pruning import PRUNERS
from convscope.sweeping.space import Space, parse_space
from convscope.training.option import did_you_mean

SAMPLERS = ("tpe", "random")
MAX_TRIALS = 10_000
MAX_SEED = 2**31 - 1 - MAX_TRIALS


@dataclass(frozen=True)
class Definition:
    """The definition of a sweep, as the journal holds it.

    Attributes:
        data: Dataset name or path.
        parameters: Each as ``name=values``.
        trials: Number of trials; with ``seeds``, the number of seeds.
        is_seeds: Whether one recipe is trained with several seeds, instead of several recipes with one.
        sampler: How values are proposed: ``tpe`` or ``random``.
        pruner: How trials are stopped early: ``median``, ``asha`` or ``none``.
        confirm: Number of seeds that the best recipe is trained again with.
        concurrency: The most trials at the same time, on all machines together.
        threads: Threads of each training.
        seed: Random seed of splits, trainings and proposals.

    Raises:
        OptionError: A value is not allowed.
    """

    data: str
    parameters: tuple[str, ...]
    trials: int = 40
    is_seeds: bool = False
    sampler: str = "tpe"
    pruner: str = "median"
    confirm: int = 3
    concurrency: int = 8
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {"trials": (1, MAX_TRIALS), "confirm": (0, 1000), "concurrency": (1, 1000), "threads": (1, 1024)}
        for name, (low, high) in (bounds | {"seed": (0, MAX_SEED)}).items():
            _whole("seeds" if name == "trials" and self.is_seeds else name, getattr(self, name), low, high)
        for name, choices in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(
                    f"{name} must be one of {', '.join(choices)}. Received: {name}={value!r}.",
                    hint=did_you_mean(str(value), choices),
                )
        if self.is_seeds and self.space.parameters:
            raise OptionError(
                f"--seeds trains one recipe several times. Received: {self.space.parameters[0].text}.",
                hint="Give each parameter one value, or omit --seeds.",
            )
        if not self.is_seeds and not self.space.parameters:
            raise OptionError(
                "Expected a parameter with several values, such as epochs=1,2,4. Received: none.",
                hint="To train one recipe several times: --seeds 20",
            )

    @cached_property
    def space(self) -> Space:
        """The parameters, parsed."""
        return parse_space(self.parameters)

    @property
    def is_grid(self) -> bool:
        """Whether every combination is tried once, because there are no more combinations than trials."""
        return not self.is_seeds and self.space.count <= self.trials

    @property
    def total(self) -> int:
        """Number of trials."""
        return int(self.space.count) if self.is_grid else self.trials

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        return asdict(self) | {"parameters": list(self.parameters)}


def _whole(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not is_number(value, low, high):
        raise OptionError(f"{name} must be an integer from {low} to {high}. Received: {name}={value!r}.")


def from_json(value: Any) -> Definition:
    """Read what `to_json` wrote.

    Raises:
        RunError: It is not a definition.
    """
    try:
        return Definition(**(value | {"parameters": tuple(value["parameters"])}))
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The journal does not hold the definition of a sweep ({error}).") from None


def check_same(recorded: Definition, given: Definition) -> None:
    """Refuse to join a sweep with another definition.

    Raises:
        RunError: They differ; the message names what does.
    """
    one, other = recorded.to_json(), given.to_json()
    different = [name for name in one if one[name] != other[name] and name != "data"]
    if different:
        words = ", ".join(f"{name} {_words(one[name])}, now {_words(other[name])}" for name in different)
        raise RunError(
            f"Expected the options that this sweep began with. Received: {words}.",
            hint="Repeat them, or begin another sweep with another --out or --journal.",
        )


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
