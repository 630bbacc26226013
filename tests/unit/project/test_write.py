"""Outputs are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fwc.errors import UsageError
from fwc.project.write import PlannedFile, difference, out_of_date, write_all


def test_a_full_disk_leaves_every_old_file_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second file fails while it is written: the first keeps its old text too, and no temporary file stays."""
    first, second = tmp_path / "rules.v4", tmp_path / "rules.v6"
    first.write_text("old 4\n")
    second.write_text("old 6\n")
    real = os.fsync
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no space left"):
        write_all([PlannedFile(first, "new 4\n"), PlannedFile(second, "new 6\n")])
    assert first.read_text() == "old 4\n"
    assert second.read_text() == "old 6\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rules.v4", "rules.v6"]


def test_a_real_full_file_system_leaves_the_old_file_intact(tmp_path: Path) -> None:
    """The same on a device that is always full, through the real system calls."""
    target = tmp_path / "nftables.conf"
    target.write_text("old\n")
    import resource
    import signal

    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            write_all([PlannedFile(target, "x" * 100_000)])
        except UsageError:
            os._exit(7)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert target.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["nftables.conf"]


def test_the_mode_of_an_existing_file_is_kept_and_a_new_one_is_private(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("a")
    old.chmod(0o640)
    script = tmp_path / "apply.sh"
    write_all([PlannedFile(old, "b"), PlannedFile(tmp_path / "new", "c"), PlannedFile(script, "d", True)])
    assert old.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert script.stat().st_mode & 0o777 == 0o700


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("a")
    link = tmp_path / "link"
    link.symlink_to(real)
    write_all([PlannedFile(link, "b")])
    assert real.read_text() == "b"
    assert link.is_symlink()


def test_a_missing_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_all([PlannedFile(tmp_path / "no" / "file", "x")])


def test_out_of_date_and_difference(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    planned = PlannedFile(path, "one\ntwo\n")
    assert out_of_date([planned]) == [planned]
    assert "+++ " in difference(planned)
    write_all([planned])
    assert out_of_date([planned]) == []
    assert difference(planned) == ""


def test_a_device_or_pipe_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    """As root, replacing it would take /dev/null away from the whole machine."""
    if os.geteuid() == 0:
        null = tmp_path / "null"
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        write_all([PlannedFile(null, "rules\n")])
        assert stat.S_ISCHR(null.stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        planned = [PlannedFile(pipe, "rules\n"), PlannedFile(tmp_path / "file", "more\n")]
        write_all(out_of_date(planned))  # which does not wait for somebody to write into the pipe
        assert os.read(reader, 100) == b"rules\n"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert (tmp_path / "file").read_text() == "more\n"


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(UsageError, match="it is a socket"):
            write_all([PlannedFile(tmp_path / "s", "rules\n")])


@pytest.mark.parametrize("mode", ["w", "a"])
def test_standard_output_by_its_path_is_written_to(tmp_path: Path, mode: str) -> None:
    """A file that it leads to keeps what stands before, and takes what comes behind."""
    program = "from fwc.project.write import *\nfrom pathlib import Path\n"
    program += "write_all([PlannedFile(Path('/dev/stdout'), 'rules\\n')])"
    with open(tmp_path / "file", mode) as stream:
        for words in (["echo", "before"], [sys.executable, "-c", program], ["echo", "behind"]):
            subprocess.run(words, stdout=stream, check=True)
    assert (tmp_path / "file").read_text() == "before\nrules\nbehind\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "rules\n"


def test_the_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    full, other = Path("/dev/full"), tmp_path / "other"
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(UsageError, match="cannot write /dev/full: no space left"):
        write_all([PlannedFile(other, "1\n"), PlannedFile(full, "2\n"), PlannedFile(tmp_path / "third", "3\n")])
    assert list(tmp_path.iterdir()) == []
