"""How many threads compute one operation: as given, as the training began with, or one for each core."""

from __future__ import annotations

from dataclasses import replace

from convscope.api.prepare import Plan
from convscope.errors import OptionError
from convscope.training.threads import default_threads


def with_threads(plan: Plan) -> Plan:
    """Set the number of threads of this process, and record it in the options.

    Returns:
        The plan with a number in ``options.threads``: one with ``shards``.

    Raises:
        OptionError: TensorFlow runs with another number already, or shards were given more than one thread.
        MissingExtraError: TensorFlow is not installed.
    """
    from convscope.model.tensorflow import set_threads, threads_of_process

    options, default = plan.options, default_threads()
    if options.shards > 1 and options.threads not in (None, 1):
        raise OptionError(
            f"Each shard is computed by one thread. Received: threads={options.threads} with shards={options.shards}.",
            hint="Leave --threads out, or train with --shards 1.",
        )
    threads = 1 if options.shards > 1 else options.threads or threads_of_process(default)
    set_threads(threads, default)
    return replace(plan, options=replace(options, threads=threads))
