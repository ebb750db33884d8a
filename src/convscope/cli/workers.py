"""The options of ``convscope train`` for several workers, as a cluster or as processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convscope.api.notes import note
from convscope.cli.output import Output, say, say_json
from convscope.distributed.cluster import Cluster, cluster_of_environment
from convscope.distributed.ray_cluster import RayCluster
from convscope.errors import OptionError
from convscope.training.duration import parse_time

if TYPE_CHECKING:
    from convscope.cli.train import WorkerOptions


def cluster_of(options: WorkerOptions) -> Cluster | None:
    """The cluster that the options or ``TF_CONFIG`` name; None for a training of this process alone.

    Raises:
        OptionError: They do not fit together.
    """
    seconds, is_trusted = _seconds(options.connect_timeout), options.trusted_network
    if options.workers is None:
        if options.rank is not None:
            raise OptionError(f"--rank counts the addresses of --workers. Received: rank={options.rank} without them.")
        return cluster_of_environment(connect_seconds=seconds, is_trusted=is_trusted)
    workers = tuple(one.strip() for one in options.workers.split(",") if one.strip())
    if options.rank is None and len(workers) > 1:
        raise OptionError(
            f"Expected --rank with --workers. Received: {len(workers)} addresses and no rank.",
            hint=f"Start this command once for each rank from 0 to {len(workers) - 1}.",
        )
    cluster = Cluster(workers, options.rank or 0, seconds, is_trusted)
    return cluster if cluster.count > 1 else None


def start_processes(options: WorkerOptions, arguments: Sequence[str], given: Mapping[str, Any], output: Output) -> int:
    """Run the same command as several workers on this machine.

    Args:
        options: With ``processes``.
        arguments: Those without a name.
        given: The other options of the command, by name; None stands for one that is not given.
        output: What to print.

    Returns:
        The exit code.

    Raises:
        OptionError: ``--workers`` or ``--rank`` was given as well.
    """
    from convscope.distributed.processes import command_of, run_processes

    if options.workers is not None or options.rank is not None:
        raise OptionError("Expected --processes, or --workers with --rank. Received: both.")
    _seconds(options.connect_timeout)
    assert options.processes is not None
    words = ["train", *arguments, "--connect-timeout", options.connect_timeout]
    for name, value in given.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            is_flag = isinstance(value, bool)
            words.append(f"{'--no-' + flag[2:] if value is False else flag}" if is_flag else f"{flag}={value}")
    words += [f"--{name}" for name in ("json", "quiet", "verbose") if getattr(output, name)]
    return run_processes(command_of(words), options.processes, say=note, write=say)


def run_on_ray(options: WorkerOptions, data: str | None, given: Mapping[str, Any], output: Output) -> int:
    """Train on workers that Ray starts.

    Args:
        options: With ``ray``.
        data: The dataset.
        given: The paths ``out``, ``resume``, ``from`` and ``config``, and the ``options`` of the training.
        output: What to print.

    Returns:
        The exit code.

    Raises:
        OptionError: The options do not fit together.
    """
    from convscope.api.train_on_ray import train_on_ray
    from convscope.cli.results import train_hints, train_json, train_text
    from convscope.cli.signals import StopRequest

    if options.processes is not None or options.rank is not None:
        raise OptionError("Expected --ray with --workers N. Received: --processes or --rank with it.")
    number = options.workers or "1"
    if not number.isdecimal():
        raise OptionError(f"With --ray, --workers is a number. Received: workers={number[:200]!r}.")
    seconds = _seconds(options.connect_timeout)
    assert options.ray is not None
    cluster = RayCluster(options.ray, int(number), seconds, options.trusted_network)
    where = {name: given[name] for name in ("out", "resume", "config")} | {"from_run": given["from"]}
    with StopRequest() as request:
        how = {"where": where, "is_quiet": output.quiet, "is_stopped": lambda: request.signal != 0}
        run = train_on_ray(data, cluster, **how, **given["options"])
    if output.json:
        say_json(train_json(run))
    else:
        say(train_text(run))
        output.hint(train_hints(run))
    return 128 + request.signal if run.record.outcome == "interrupted" else 0


def _seconds(text: str) -> float:
    try:
        return parse_time(text)
    except OptionError:
        raise OptionError(
            f"connect_timeout must be a duration from 1s to 100h, such as 90s or 5m. Received: {text!r}."
        ) from None
