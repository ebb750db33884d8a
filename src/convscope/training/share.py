"""Which shards of a batch a worker computes. Light."""

from __future__ import annotations

from dataclasses import dataclass

from convscope.errors import OptionError


@dataclass(frozen=True)
class Share:
    """The part of each batch that a worker computes.

    Attributes:
        shards: Shards of the whole batch.
        size: Images of a shard.
        first: The worker's first shard.
        count: The worker's number of shards.
    """

    shards: int
    size: int
    first: int
    count: int

    @property
    def images(self) -> slice:
        """The images of the batch that the worker reads."""
        return slice(self.first * self.size, (self.first + self.count) * self.size)

    @property
    def is_branch(self) -> bool:
        """Whether the worker's shards are a whole branch of the tree in which shards are added."""
        return self.count & (self.count - 1) == 0 and self.shards & (self.shards - 1) == 0


def share_of(shards: int, batch_size: int, *, rank: int = 0, workers: int = 1) -> Share:
    """Which shards a worker computes.

    Args:
        shards: Shards of a batch.
        batch_size: Images of a batch.
        rank: The worker, from 0.
        workers: Number of workers; all of them have the same number of shards.

    Raises:
        OptionError: The shards do not divide the batch, or the workers do not divide the shards.

    Example:
        >>> share_of(4, 256, rank=1, workers=2)
        Share(shards=4, size=64, first=2, count=2)
    """
    if batch_size % shards:
        raise OptionError(
            f"Expected a number of shards that divides the batch size. Received: shards={shards}, "
            f"batch_size={batch_size}.",
            hint="Choose another --shards or --batch-size.",
        )
    if shards % workers:
        raise OptionError(
            f"Expected a number of workers that divides the shards. Received: {workers} workers, shards={shards}.",
            hint="Choose another number of workers; a new training may also choose other --shards.",
        )
    count = shards // workers
    return Share(shards, batch_size // shards, rank * count, count)
