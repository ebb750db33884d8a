"""Every wrong input of `doors`: one clear line, soon, with little memory.

    python proofs/bad_input.py [--door csv] [--json]

Writes docs/figures/reliability-bad-input.json, unless --json asks for the results on stdout instead.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bad_inputs import DOORS
from sandbox import one_line, read_apart, summary

from convscope.data.decode import decode_file
from convscope.data.readers import load
from convscope.errors import DataError

SECONDS, MEGABYTES = 2.0, 300.0


def knock(door: str, path: Path) -> str:
    """Name the input as a person would; the refusal, or an empty text."""
    try:
        if door == "image":
            decode_file(path)
        else:
            load(path)
    except DataError as error:
        return str(error)
    return ""


def unclear(said: str) -> str:
    """What is wrong with a message, or nothing."""
    if "Expected" not in said or "Received" not in said:
        return f"it does not say what was expected and received: {said[:200]!r}"
    return one_line(said)


def prove(doors: list[str]) -> list[dict[str, Any]]:
    """Run all cases of some doors."""
    load("mnist", test_fraction=0)  # whatever is imported late is imported, before anything is measured
    limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "unclear": unclear}
    return [
        {"door": door, "name": name, **read_apart(make, functools.partial(knock, door), **limits)}
        for door in doors
        for name, make in DOORS[door].items()
    ]


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", choices=DOORS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    results = prove([chosen.door] if chosen.door else list(DOORS))
    if chosen.json:
        print(json.dumps(results))
        return
    by_door = Counter(result["door"] for result in results)
    write("reliability-bad-input", {"summary": summary(results), "by_door": by_door, "results": results})


if __name__ == "__main__":
    main()
