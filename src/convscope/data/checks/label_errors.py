"""Likely label errors. They need trained networks: `api.check_data.check_labels` finds them by cross-validation."""

from __future__ import annotations

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.scan import ScanResult


def find(scan: ScanResult) -> tuple[Finding, ...]:
    """Nothing: a scan alone does not show label errors."""
    return ()


CHECK = DataCheck(
    {
        "label_error": Kind(
            "Likely label errors",
            "Networks that were not trained on these images predict another class. Review them, and correct the wrong "
            "ones.",
            50,
        ),
        "label_doubt": Kind(
            "Possible label errors",
            "Mostly errors of the networks, not of the labels; the most likely label errors come first. Review the "
            "first ones.",
            100,
            is_serious=False,
        ),
    },
    find,
)
