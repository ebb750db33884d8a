"""Check a dataset for problems before training.

Light: works on the records of `scan`. Each module of ``checks/`` is one check; `DATA_CHECKS` finds them by import, so a
new check is one new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.data import checks
from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.natural_order import natural_key
from convscope.data.scan import ScanResult


def _find_checks() -> dict[str, DataCheck]:
    modules = sorted(module.name for module in pkgutil.iter_modules(checks.__path__))
    return {name: importlib.import_module(f"{checks.__name__}.{name}").CHECK for name in modules}


DATA_CHECKS: dict[str, DataCheck] = _find_checks()
"""The checks by name."""

KINDS: dict[str, Kind] = dict(
    sorted((item for check in DATA_CHECKS.values() for item in check.kinds.items()), key=lambda item: item[1].order)
)
"""The kinds of findings by name, the most serious first."""


@dataclass(frozen=True)
class DataReport:
    """The findings for a dataset.

    Attributes:
        scan: The scanned dataset.
        findings: The most serious kinds first.
        is_compared: Whether images were compared for near duplicates, which is not done for very many.
    """

    scan: ScanResult
    findings: tuple[Finding, ...]
    is_compared: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each kind that has any, the most serious first."""
        counts = Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    @property
    def class_counts(self) -> dict[str, dict[str, int]]:
        """The number of readable images by class, in natural order, and part."""
        counts: dict[str, dict[str, int]] = {}
        names = {record.class_name for record in self.scan.records} | set(self.scan.empty)
        for name in sorted(names, key=natural_key):
            counts[name] = {"train": 0, "test": 0}
        for record in self.scan.records:
            counts[record.class_name][record.part] += 1
        return counts


def check_dataset(scan: ScanResult, more: Sequence[Finding] = ()) -> DataReport:
    """Run all checks.

    Args:
        scan: From `scan.scan`.
        more: Findings from elsewhere, such as likely label errors.
    """
    findings = [finding for check in DATA_CHECKS.values() for finding in check.find(scan)]
    ordered = sorted([*findings, *more], key=lambda finding: KINDS[finding.kind].order)
    return DataReport(scan, tuple(ordered), scan.is_compared)
