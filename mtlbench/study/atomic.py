"""Files that are whole or not there, and whose files they are."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Owner", "create", "replace", "replace_all", "sweep", "temporary_in"]

_PREFIX = ".tmp-"
_ABANDONED_SECONDS = 24 * 3600.0
"""Age of a temporary file of another machine from which it counts as nobody's."""


@dataclass(frozen=True)
class Owner:
    """A process, told apart from a later one with its number.

    machine: the running system and its process-number space, so that two containers never judge each other's.
    """

    machine: str
    pid: int
    started: str

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        return cls(_machine(), os.getpid(), _started(os.getpid()) or "0")

    @property
    def is_here(self) -> bool:
        """Whether this process can see the owner, if it lives."""
        return self.machine == _machine()

    @property
    def is_dead(self) -> bool:
        """Whether the owner surely lives no more; False for what runs elsewhere."""
        return self.is_here and _started(self.pid) != self.started


def create(path: Path, data: bytes) -> bool:
    """Write a new file, whole or not at all; False when there is one already, which then stays as it is."""
    temporary = _written(path, data)
    try:
        try:
            os.link(temporary, path)  # unlike a rename, a link never takes another's place
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file, whole or not at all, in place of one that may be there.

    durable: whether to wait until it would outlive a power cut, which takes milliseconds; what can be made again need
    not.
    """
    replace_all({path: data}, durable=durable)


def replace_all(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """The same of several files: all are written beside their places before the first one takes its place."""
    temporaries: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            temporaries[path] = _written(path, data, durable)
        for path, temporary in temporaries.items():
            temporary.replace(path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
    if durable:
        for folder in {path.parent for path in files}:
            _sync_folder(folder)


def temporary_in(folder: Path) -> Path:
    """A name for a file of this process that ``sweep`` removes once the process is dead."""
    me = Owner.me()
    return folder / f"{_PREFIX}{me.machine}-{me.pid}-{me.started}-{secrets.token_hex(4)}"


def sweep(folder: Path) -> int:
    """Remove temporary files of writers that died in the middle; returns how many."""
    removed = 0
    for path in _temporaries(folder):
        machine, pid, started = (*path.name.removeprefix(_PREFIX).split("-"), "", "", "")[:3]
        owner = Owner(machine, int(pid) if pid.isdigit() else 0, started)
        try:
            if owner.is_dead or time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
                removed += 1
        except OSError:
            continue  # another sweeper was faster, or the file is not ours to remove
    return removed


def _temporaries(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names if name.startswith(_PREFIX))


def _written(path: Path, data: bytes, durable: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_in(path.parent)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system opens folders, nor syncs them
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@functools.cache
def _machine() -> str:
    parts = [platform.node()]
    with contextlib.suppress(OSError):  # elsewhere the host's name has to do
        space = Path("/proc/self/ns/pid").readlink()
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), str(space)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _started(pid: int) -> str | None:
    """When a process of this machine started, in the kernel's ticks; None when it lives no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self").exists() else _started_without_proc(pid)
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in "ZX" else fields[19]  # a zombie only waits to be counted


def _started_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # it lives, and is somebody else's
        return "0"
    return "0"
