"""What lies beside the exported files for a place where models are shared or served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.model.model_file import Model
from convscope.training.run import RunRecord


@dataclass(frozen=True, eq=False)
class ExportedRun:
    """The run that is exported.

    Attributes:
        folder: The run folder.
        record: Its record.
        model: Its network.
        contract: The content of ``convscope.json``.
    """

    folder: Path
    record: RunRecord
    model: Model
    contract: Mapping[str, Any]

    @property
    def evaluation(self) -> tuple[str, Mapping[str, Any]] | None:
        """As `RunRecord.measured`."""
        return self.record.measured


@dataclass(frozen=True)
class Companion:
    """A kind of companion.

    Attributes:
        title: One line for people.
        needs: Formats that have to be exported with it.
        write: Writes into the folder of the export; returns file name to one line about it.
    """

    title: str
    needs: tuple[str, ...]
    write: Callable[[Path, ExportedRun], Mapping[str, str]]
