"""The modules of the page under Node's own test runner."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_modules_pass_their_own_tests():
    files = sorted(str(path) for path in (ROOT / "tests" / "web").glob("*.test.js"))
    done = subprocess.run(["node", "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert files
    assert done.returncode == 0, done.stdout[-3000:]
