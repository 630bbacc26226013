"""Anonymous network namespaces, held by file descriptors of this process only, and libnftables inside them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence

from fwc.errors import UsageError

CLONE_NEWNET = 0x40000000


class LaboratoryError(UsageError):
    """The laboratory cannot be built or does not answer: no root, no nft, a kernel without network namespaces."""


_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise LaboratoryError(f"{what}: {os.strerror(number)}")


def _current() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network namespace that the kernel destroys when its descriptor is closed, also after a crash."""

    def __init__(self) -> None:
        home = _current()
        try:
            _checked(_libc.unshare(CLONE_NEWNET), "cannot make a network namespace")
            try:
                self.fd: int | None = _current()
            finally:
                _checked(_libc.setns(home, CLONE_NEWNET), "cannot return to the own network namespace")
        finally:
            os.close(home)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and processes it starts, live in the namespace inside the `with`."""
        assert self.fd is not None
        home = _current()
        try:
            _checked(_libc.setns(self.fd, CLONE_NEWNET), "cannot enter a network namespace")
            try:
                yield
            finally:
                _checked(_libc.setns(home, CLONE_NEWNET), "cannot return to the own network namespace")
        finally:
            os.close(home)

    def run(
        self, command: Sequence[str], text: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the namespace; the caller looks at the return code."""
        with self.entered():
            try:
                return subprocess.run(
                    list(command), input=text, text=True, env=environment, capture_output=True, timeout=600, check=False
                )
            except FileNotFoundError as exception:
                raise LaboratoryError(f"{command[0]} is not installed") from exception

    def must(self, command: Sequence[str], text: str | None = None) -> str:
        """As `run`, but a failure is an error of the laboratory; the output of the program."""
        done = self.run(command, text)
        if done.returncode:
            raise LaboratoryError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def sysctl(self, name: str, value: int | str) -> bool:
        """Write `net/ipv4/...`; False when this kernel does not have it."""
        with self.entered():
            try:
                with open(f"/proc/sys/{name}", "w") as file:
                    file.write(str(value))
            except FileNotFoundError:
                return False
        return True

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class Nft:
    """libnftables in this process; its netlink socket lives in one namespace, so it can own tables there."""

    def __init__(self, namespace: Namespace) -> None:
        try:
            library = ctypes.CDLL("libnftables.so.1")
        except OSError as exception:
            raise LaboratoryError("libnftables is not installed") from exception
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        library.nft_ctx_free.argtypes = [ctypes.c_void_p]
        library.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
        library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
        library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
        library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._library = library
        self._namespace = namespace
        with namespace.entered():
            self._context: int | None = library.nft_ctx_new(0)
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def run(self, text: str) -> None:
        with self._namespace.entered():
            result = self._library.nft_run_cmd_from_buffer(self._context, text.encode())
        errors = self._library.nft_ctx_get_error_buffer(self._context)
        if result:
            raise LaboratoryError(f"libnftables: {(errors or b'').decode().strip()}")

    def close(self) -> None:
        if self._context is not None:
            self._library.nft_ctx_free(self._context)
            self._context = None
