"""Simulate a power loss after every disk operation of a training: data that was not synced may be lost or torn.

    python proofs/power_loss.py [--each 12] [--resumed 40]

The operations of one training are recorded and replayed on a simulated disk that guarantees nothing but its fsyncs:
unsynced bytes of a file may be present, missing, or zero; unsynced changes of a folder may be present or missing in any
combination. A rename is atomic. After each operation several images of such a disk are created and read: the newest
complete checkpoint must be at least as new as the last one that was saved, and equal to it byte by byte; a finished run
must be readable. Some images are trained to the end, which must give the result of an undisturbed training. Writes
docs/figures/reliability-power.json.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from disk import Operation, watched
from faults import SHORT, command, working_in
from interruption import NETWORK, outcome_of, prepare
from trainer import record_state

from convscope.errors import ConvscopeError
from convscope.model import model_file
from convscope.training import checkpoint
from convscope.training.run_folder import MODEL_FILE, RUN_FILE, load_record

COUNTED = ("open", "write", "fsync", "rename", "unlink", "mkdir", "rmdir")


@dataclass
class Outcome:
    """Counts over images of the disk; the names are those in docs/figures."""

    operations: int = 0
    images: int = 0
    whole: int = 0
    nothing_yet: int = 0
    finished: int = 0
    damaged: int = 0
    resumed: int = 0
    trouble: list[str] = field(default_factory=list)


@dataclass
class File:
    """Synced bytes, bytes written since the last fsync, and bytes still buffered in the process."""

    synced: bytes = b""
    unsynced: bytes = b""
    buffered: bytes = b""


class Disk:
    """A simulated disk: keeps what was synced, and a random part of the rest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.current: dict[Path, File] = {}
        self.synced: dict[Path, File] = {}
        self.synced_folders, self.unsynced_folders = {root}, list[Path]()
        self.unsynced: list[tuple[Path, Path | None, File | None]] = []
        self.last_saved = ""

    def apply(self, operation: Operation) -> None:
        """Replay one operation of the log."""
        path, content = operation.path, operation.content
        if operation.name == "open":
            file = self.current.setdefault(path, File())
            if content is None:
                file.synced = file.unsynced = file.buffered = b""
            self.unsynced.append((path, None, file))
        elif operation.name == "write":
            self.current[path].buffered += content.encode() if isinstance(content, str) else content
        elif operation.name == "flush":
            file = self.current[path]
            file.unsynced, file.buffered = file.unsynced + file.buffered, b""
        elif operation.name == "rename":
            self.current[content] = self.current.pop(path)
            self.unsynced.append((content, path, self.current[content]))
        elif operation.name == "unlink":
            self.current.pop(path, None)
            self.unsynced.append((path, None, None))
        elif operation.name == "mkdir":
            self.unsynced_folders.append(path)
        elif operation.name == "rmdir":
            pass  # an empty folder that is still there changes nothing
        elif operation.name == "saved":
            self.last_saved = path.name
        elif path in self.current:
            file = self.current[path]
            file.synced, file.unsynced = file.synced + file.unsynced, b""
        else:
            self._sync_folder(path)

    def _sync_folder(self, folder: Path) -> None:
        for change in [change for change in self.unsynced if change[0].parent == folder]:
            _apply(change, self.synced)
            self.unsynced.remove(change)
        self.synced_folders |= {path for path in self.unsynced_folders if path.parent == folder}
        self.unsynced_folders = [path for path in self.unsynced_folders if path.parent != folder]

    def image(self, rng: random.Random) -> dict[Path, bytes]:
        """One possible state of the disk: file names to bytes."""
        fraction = rng.choice([0.0, 0.5, 0.5, 1.0])
        names = dict(self.synced)
        for change in self.unsynced:
            if rng.random() < fraction:
                _apply(change, names)
        folders = self.synced_folders | {path for path in self.unsynced_folders if rng.random() < fraction}
        image = {}
        for path, file in names.items():
            if all(folder in folders for folder in path.parents if folder.is_relative_to(self.root)):
                image[path] = file.synced + _torn(file.unsynced, rng)
        return image


def _apply(change: tuple[Path, Path | None, File | None], names: dict[Path, File]) -> None:
    path, old, file = change
    if old is not None:
        names.pop(old, None)
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def _torn(data: bytes, rng: random.Random) -> bytes:
    """What may remain of unsynced bytes: all, none, the first, zeros, or some zeros."""
    cut = rng.randint(0, len(data))
    parts = (data, b"", data[:cut], bytes(len(data)), data[:cut] + bytes(len(data) - cut))
    return rng.choice((*parts, bytes(cut) + data[cut:]))


def record_operations(root: Path) -> list[Operation]:
    """Train once, and return its disk operations below ``root``, with a mark after each checkpoint that was saved."""
    real_write = checkpoint.save_checkpoint

    def write(*words: Any) -> Path:
        path = real_write(*words)
        log.append(Operation("saved", path.absolute()))
        return path

    log: list[Operation] = []
    with watched(log=log):
        checkpoint.save_checkpoint = write
        code, error = command("train", *SHORT, "--out", "run")
        checkpoint.save_checkpoint = real_write
    if code:
        raise SystemExit(error)
    return [operation for operation in log if operation.path.is_relative_to(root)]


def images(log: list[Operation], root: Path, each: int, seed: int) -> Iterator[tuple[int, Disk, dict[Path, bytes]]]:
    """Yield the images after each operation, with the simulated disk."""
    disk, rng = Disk(root), random.Random(seed)
    for index, operation in enumerate(log):
        disk.apply(operation)
        for _ in range(each if operation.name in COUNTED else 0):
            yield index, disk, disk.image(rng)


def write_image(image: dict[Path, bytes], root: Path, target: Path) -> Path:
    """Write an image of the disk into a folder."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "run").mkdir(parents=True)
    for path, content in image.items():
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return target / "run"


def check(run: Path, disk: Disk, written: dict[str, bytes], is_over: bool, outcomes: Outcome) -> str:
    """What is wrong with an image, or an empty text."""
    if is_over:
        for name in (RUN_FILE, MODEL_FILE):
            if (run / name).read_bytes() != written[name]:
                return f"{name} differs from what was written"
        load_record(run)
        model_file.load_model(run / MODEL_FILE)
        outcomes.finished += 1
        return ""
    try:
        newest = checkpoint.latest_checkpoint(run)
    except ConvscopeError as error:
        outcomes.nothing_yet += not disk.last_saved
        return f"{disk.last_saved} was saved and is not found: {error}" if disk.last_saved else ""
    outcomes.whole += 1
    outcomes.damaged += bool(newest.damaged)
    name = f"step-{newest.checkpoint.step:09d}.safetensors"
    if name < disk.last_saved:
        return f"{disk.last_saved} was saved, {name} is found"
    return "" if (run / checkpoint.FOLDER / name).read_bytes() == written[name] else f"{name} differs"


def prove(
    folder: Path, *, each: int = 12, resumed: int = 40, seed: int = 0, report: Callable[[Outcome], object] = print
) -> Outcome:
    """Check `each` images after each operation; train `resumed` of the images to the end."""
    outcomes, rng = Outcome(), random.Random(seed)
    home, target = folder / "home", folder / "image"
    home.mkdir()
    prepare(home)
    (home / "net.txt").write_text(NETWORK, encoding="utf-8")
    with working_in(home):
        log = record_operations(home)
        expected = outcome_of(home, "run")
    outcomes.operations = sum(operation.name in COUNTED for operation in log)
    written = _written(log)
    over = next(index for index, operation in enumerate(log) if _ends(operation, log[index:]))
    chosen = set(rng.sample(range(outcomes.operations * each), resumed))
    for number, (index, disk, image) in enumerate(images(log, home, each, seed)):
        run = write_image(image, home, target)
        outcomes.images += 1
        try:
            wrong = check(run, disk, written, index >= over, outcomes)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        if not wrong and number in chosen:
            wrong = _train_to_the_end(target, home, expected, outcomes)
        if wrong:
            outcomes.trouble.append(f"after operation {index + 1}, {log[index].name} {log[index].path.name}: {wrong}")
    report(outcomes)
    return outcomes


def _written(log: list[Operation]) -> dict[str, bytes]:
    """The content of every file at the time of its last rename, according to the log."""
    written, files = {}, dict[Path, bytes]()
    for operation in log:
        if operation.name == "open" and operation.content is None:
            files[operation.path] = b""
        elif operation.name == "write":
            content = operation.content
            files[operation.path] += content.encode() if isinstance(content, str) else content
        elif operation.name == "rename":
            written[operation.content.name] = files[operation.path]
    return written


def _ends(operation: Operation, rest: list[Operation]) -> bool:
    """Whether the training deletes its checkpoints here: nothing is renamed afterwards."""
    in_them = operation.path.parent.name == checkpoint.FOLDER and operation.name == "unlink"
    return in_them and not any(later.name == "rename" for later in rest)


def _train_to_the_end(target: Path, home: Path, expected: str, outcomes: Outcome) -> str:
    """Resume the training, or start it again if there is no checkpoint."""
    for name in ("data.npz", "net.txt"):
        shutil.copyfile(home / name, target / name)
    begun = bool(checkpoint.files(target / "run" / checkpoint.FOLDER))
    if begun:
        record_state(checkpoint.latest_checkpoint(target / "run").checkpoint, target / "run")
    if not begun and (target / "run" / "run.json").is_file():
        return ""
    with working_in(target):
        if begun:
            code, error = command("train", "--resume", "run", "--json")
        else:
            shutil.rmtree("run")
            code, error = command("train", *SHORT, "--out", "run")
        outcomes.resumed += 1
        return "" if not code and outcome_of(target, "run") == expected else f"exit {code}: {error[-300:]}"


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--resumed", type=int, default=40)
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = prove(Path(folder), each=chosen.each, resumed=chosen.resumed)
    summary = {key: value for key, value in asdict(outcomes).items() if key != "trouble"}
    summary |= {"troubles": len(outcomes.trouble), "seconds": round(time.monotonic() - began)}
    write("reliability-power", {"summary": summary, "trouble": outcomes.trouble[:50]})


if __name__ == "__main__":
    main()
