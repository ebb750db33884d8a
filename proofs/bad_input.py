"""Check that every invalid input of `bad_inputs` is refused in one line, in little time and memory.

    python proofs/bad_input.py [--source csv] [--json]

Writes docs/figures/reliability-bad-input.json, unless --json prints the results instead.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bad_inputs import CASES, all_cases
from sandbox import one_line, read_in_sandbox, summary

from convscope.data.decode import decode_file
from convscope.data.readers import load
from convscope.errors import DataError

SECONDS, MEGABYTES = 2.0, 300.0


def refusal(source: str, path: Path) -> str:
    """Read an input, and return the error message, or an empty text."""
    try:
        if source == "image":
            decode_file(path)
        else:
            load(path)
    except DataError as error:
        return str(error)
    return ""


def unclear(message: str) -> str:
    """What is wrong with a message, or an empty text."""
    if "Expected" not in message or "Received" not in message:
        return f"it does not say what was expected and received: {message[:200]!r}"
    return one_line(message)


def prove(sources: list[str]) -> list[dict[str, Any]]:
    """Run all cases of some kinds of source."""
    load("mnist", test_fraction=0)  # so that lazy imports are not measured
    limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "unclear": unclear}
    return [
        {"source": source, "name": name, **read_in_sandbox(make, functools.partial(refusal, source), **limits)}
        for source in sources
        for name, make in all_cases()[source].items()
    ]


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", choices=CASES)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    results = prove([chosen.source] if chosen.source else list(CASES))
    if chosen.json:
        print(json.dumps(results))
        return
    by_source = Counter(result["source"] for result in results)
    write("reliability-bad-input", {"summary": summary(results), "by_source": by_source, "results": results})


if __name__ == "__main__":
    main()
