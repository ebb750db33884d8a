"""Write the results of a benchmark together with the environment."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from convscope.api.environment import describe_environment

FIGURES = Path(__file__).parent.parent / "docs" / "figures"


def write(name: str, figures: dict[str, Any]) -> None:
    """Write docs/figures/<name>.json and print its scalar results."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    record = {"measured": date.today().isoformat(), "environment": describe_environment()} | figures
    (FIGURES / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for key, value in (figures.get("summary") or figures).items():
        if isinstance(value, int | float):
            print(f"  {key:40} {value:.6g}")
