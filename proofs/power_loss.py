"""A power cut at every operation of a training: what the disk was not told to keep may be gone, torn, or out of order.

    python proofs/power_loss.py [--each 12] [--resumed 40]

The operations of one training are written down and played again on a disk that keeps no promise but those of its
fsyncs: of a file's later bytes the first may be there, the last, or zeros in their place; of a folder's later changes
any may be there and others not. A rename is whole or not there at all. For each operation some images of such a disk
are made, and read as a person would: the newest whole checkpoint must be no older than the last that the training took
for kept, and to the byte what was written; a finished run must be readable. Some images are trained to the end: the
training must be the one that nobody cut. Writes docs/figures/reliability-power.json.
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
from faults import SHORT, at_home, command
from interruption import NETWORK, outcome_of, prepare
from trainer import note_state

from convscope.errors import ConvscopeError
from convscope.model import model_file
from convscope.training import checkpoint
from convscope.training.run import MODEL_FILE, RUN_FILE, load_run

COUNTED = ("open", "write", "fsync", "rename", "unlink", "mkdir", "rmdir")


@dataclass
class Found:
    """What became of images of a disk."""

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
    """Bytes that the disk was told to keep, those that came later, and those that never left the process."""

    kept: bytes = b""
    later: bytes = b""
    buffered: bytes = b""


class Disk:
    """A disk that keeps what it was told to keep, and of the rest what chance leaves."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now: dict[Path, File] = {}
        self.kept: dict[Path, File] = {}
        self.kept_folders, self.later_folders = {root}, list[Path]()
        self.later: list[tuple[Path, Path | None, File | None]] = []
        self.promised = ""

    def take(self, operation: Operation) -> None:
        """Do one operation of the log."""
        path, content = operation.path, operation.content
        if operation.name == "open":
            file = self.now.setdefault(path, File())
            if content is None:
                file.kept = file.later = file.buffered = b""
            self.later.append((path, None, file))
        elif operation.name == "write":
            self.now[path].buffered += content.encode() if isinstance(content, str) else content
        elif operation.name == "flush":
            file = self.now[path]
            file.later, file.buffered = file.later + file.buffered, b""
        elif operation.name == "rename":
            self.now[content] = self.now.pop(path)
            self.later.append((content, path, self.now[content]))
        elif operation.name == "unlink":
            self.now.pop(path, None)
            self.later.append((path, None, None))
        elif operation.name == "mkdir":
            self.later_folders.append(path)
        elif operation.name == "rmdir":
            pass  # of a folder that is empty by then: that it may still be there changes nothing
        elif operation.name == "promise":
            self.promised = path.name
        elif path in self.now:
            file = self.now[path]
            file.kept, file.later = file.kept + file.later, b""
        else:
            self._sync_folder(path)

    def _sync_folder(self, folder: Path) -> None:
        for change in [change for change in self.later if change[0].parent == folder]:
            _apply(change, self.kept)
            self.later.remove(change)
        self.kept_folders |= {path for path in self.later_folders if path.parent == folder}
        self.later_folders = [path for path in self.later_folders if path.parent != folder]

    def after_a_cut(self, rng: random.Random) -> dict[Path, bytes]:
        """One image of what may be found: name to bytes."""
        share = rng.choice([0.0, 0.5, 0.5, 1.0])
        names = dict(self.kept)
        for change in self.later:
            if rng.random() < share:
                _apply(change, names)
        folders = self.kept_folders | {path for path in self.later_folders if rng.random() < share}
        image = {}
        for path, file in names.items():
            if all(folder in folders for folder in path.parents if folder.is_relative_to(self.root)):
                image[path] = file.kept + _torn(file.later, rng)
        return image


def _apply(change: tuple[Path, Path | None, File | None], names: dict[Path, File]) -> None:
    path, old, file = change
    if old is not None:
        names.pop(old, None)
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def _torn(later: bytes, rng: random.Random) -> bytes:
    """Any part of bytes that nobody forced to the disk: all, none, the first, zeros, or some zeros."""
    cut = rng.randint(0, len(later))
    parts = (later, b"", later[:cut], bytes(len(later)), later[:cut] + bytes(len(later) - cut))
    return rng.choice((*parts, bytes(cut) + later[cut:]))


def write_down(root: Path) -> list[Operation]:
    """Train once; what it asks of the disk below ``root``, and after which operation it took a checkpoint for kept."""
    real_write = checkpoint.save_checkpoint

    def write(*words: Any) -> Path:
        path = real_write(*words)
        notes.append(Operation("promise", path.absolute()))
        return path

    notes: list[Operation] = []
    with watched(notes=notes):
        checkpoint.save_checkpoint = write
        code, said = command("train", *SHORT, "--out", "run")
        checkpoint.save_checkpoint = real_write
    if code:
        raise SystemExit(said)
    return [operation for operation in notes if operation.path.is_relative_to(root)]


def images(log: list[Operation], root: Path, each: int, seed: int) -> Iterator[tuple[int, Disk, dict[Path, bytes]]]:
    """Each operation's images, together with the disk as it knows itself."""
    disk, rng = Disk(root), random.Random(seed)
    for index, operation in enumerate(log):
        disk.take(operation)
        for _ in range(each if operation.name in COUNTED else 0):
            yield index, disk, disk.after_a_cut(rng)


def lay(image: dict[Path, bytes], root: Path, there: Path) -> Path:
    """Write an image into a folder."""
    shutil.rmtree(there, ignore_errors=True)
    (there / "run").mkdir(parents=True)
    for path, content in image.items():
        place = there / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return there / "run"


def judge(run: Path, disk: Disk, written: dict[str, bytes], is_over: bool, found: Found) -> str:
    """What is wrong with an image, or an empty text."""
    if is_over:
        for name in (RUN_FILE, MODEL_FILE):
            if (run / name).read_bytes() != written[name]:
                return f"{name} is not what was written"
        load_run(run)
        model_file.load_model(run / MODEL_FILE)
        found.finished += 1
        return ""
    try:
        newest = checkpoint.latest_checkpoint(run)
    except ConvscopeError as error:
        found.nothing_yet += not disk.promised
        return f"{disk.promised} was kept and is not found: {error}" if disk.promised else ""
    found.whole += 1
    found.damaged += bool(newest.damaged)
    name = f"step-{newest.checkpoint.step:09d}.safetensors"
    if name < disk.promised:
        return f"{disk.promised} was kept, {name} is found"
    return "" if (run / checkpoint.FOLDER / name).read_bytes() == written[name] else f"{name} is another"


def prove(
    folder: Path, *, each: int = 12, resumed: int = 40, seed: int = 0, report: Callable[[Found], object] = print
) -> Found:
    """Cut the power after each operation, `each` times; train `resumed` of the images to the end."""
    found, rng = Found(), random.Random(seed)
    home, there = folder / "home", folder / "there"
    home.mkdir()
    prepare(home)
    (home / "net.txt").write_text(NETWORK, encoding="utf-8")
    with at_home(home):
        log = write_down(home)
        wanted = outcome_of(home, "run")
    found.operations = sum(operation.name in COUNTED for operation in log)
    written = _written(log)
    over = next(index for index, operation in enumerate(log) if _ends(operation, log[index:]))
    chosen = set(rng.sample(range(found.operations * each), resumed))
    for number, (index, disk, image) in enumerate(images(log, home, each, seed)):
        run = lay(image, home, there)
        found.images += 1
        try:
            wrong = judge(run, disk, written, index >= over, found)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        if not wrong and number in chosen:
            wrong = _go_on(there, home, wanted, found)
        if wrong:
            found.trouble.append(f"after operation {index + 1}, {log[index].name} {log[index].path.name}: {wrong}")
    report(found)
    return found


def _written(log: list[Operation]) -> dict[str, bytes]:
    """Every file's name and bytes when it got its name, as the log has them; of two the later."""
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
    """Whether this is where the training removes its checkpoints: nothing is renamed after it."""
    in_them = operation.path.parent.name == checkpoint.FOLDER and operation.name == "unlink"
    return in_them and not any(later.name == "rename" for later in rest)


def _go_on(there: Path, home: Path, wanted: str, found: Found) -> str:
    """Do what the person would: go on, or begin again where there is nothing to go on with."""
    for name in ("data.npz", "net.txt"):
        shutil.copyfile(home / name, there / name)
    begun = bool(checkpoint.files(there / "run" / checkpoint.FOLDER))
    if begun:
        note_state(checkpoint.latest_checkpoint(there / "run").checkpoint, there / "run")
    if not begun and (there / "run" / "run.json").is_file():
        return ""
    with at_home(there):
        if begun:
            code, said = command("train", "--resume", "run", "--json")
        else:
            shutil.rmtree("run")
            code, said = command("train", *SHORT, "--out", "run")
        found.resumed += 1
        return "" if not code and outcome_of(there, "run") == wanted else f"exit {code}: {said[-300:]}"


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--resumed", type=int, default=40)
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = prove(Path(folder), each=chosen.each, resumed=chosen.resumed)
    summary = {key: value for key, value in asdict(found).items() if key != "trouble"}
    summary |= {"troubles": len(found.trouble), "seconds": round(time.monotonic() - began)}
    write("reliability-power", {"summary": summary, "trouble": found.trouble[:50]})


if __name__ == "__main__":
    main()
