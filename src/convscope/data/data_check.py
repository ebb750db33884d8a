"""The interface of a data check. Each module of ``checks/`` defines one `DataCheck` named ``CHECK``. Light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from convscope.data.scan import ScanResult


@dataclass(frozen=True)
class Kind:
    """A kind of finding.

    Attributes:
        title: A heading.
        advice: What it causes, and what to do about it.
        order: Position among all kinds; the most serious come first.
        is_serious: Whether it distorts the evaluation or loses images.
    """

    title: str
    advice: str
    order: int
    is_serious: bool = True


@dataclass(frozen=True)
class Finding:
    """One problem.

    Attributes:
        kind: A key of `data_checks.KINDS`.
        words: A description.
        files: The images or files concerned; empty for a class.
    """

    kind: str
    words: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataCheck:
    """A check of a dataset.

    Attributes:
        kinds: The kinds of findings that it reports.
        find: Finds them in a scanned dataset.
    """

    kinds: Mapping[str, Kind]
    find: Callable[[ScanResult], Iterable[Finding]]
