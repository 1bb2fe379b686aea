"""A process shut in: on Linux in namespaces of its own, everywhere with limits on what it takes.

In the namespaces there is no network; the files are the Python installation, to be read, and one
folder in memory, to be written; no other process can be seen or ended; and nothing can be mounted
or gained. What this cannot hold back: use of the processor until the time is up, as many processes
as the user may start (the superuser: as many as there is memory for), and holes in the kernel.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

WORK = "/work"  # the folder that can be written, as the process sees it
WORK_SIZE = "256m"
PROCESSES = 256

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

_NEW_MOUNTS, _NEW_HOST, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_ALL_NEW = _NEW_MOUNTS | _NEW_HOST | _NEW_IPC | _NEW_USER | _NEW_PROCESSES | _NEW_NETWORK
_NO_SETUID, _NO_DEVICES, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MOUNT_SETATTR, _HERE, _ATTR_RECURSIVE = 442, -100, 0x8000
_READ_ONLY_ATTRIBUTES = 1 | 2 | 4  # read only, no setuid, no devices
_PDEATHSIG, _NO_NEW_PRIVILEGES = 1, 38
_CAPABILITIES_VERSION_3 = 0x20080522


def limit(memory: int, seconds: int) -> None:
    """Bound this process's memory (bytes), processor time, files and processes, where possible."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": seconds,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 64 << 20,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_NPROC": PROCESSES,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):  # macOS refuses to bound memory
            continue


def readable_folders() -> list[str]:
    """What Python needs to run as it runs here: its installation and the folders of its path."""
    wanted = [*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix]
    wanted += [str(Path(sys.executable).resolve().parent), *sys.path]
    found: list[Path] = []
    for name in wanted:
        path = Path(name)
        inside = any(path.is_relative_to(other) for other in found)
        if name and path.is_dir() and not path.is_symlink() and not inside and path != path.parent:
            found.append(path)
    return [str(path) for path in sorted(found) if not _within_another(path, found)]


def _within_another(path: Path, others: list[Path]) -> bool:
    return any(path != other and path.is_relative_to(other) for other in others)


def confine(root: Path, readable: Iterable[str]) -> None:
    """Go on in namespaces of our own, in a process of its own, with `root` (empty) as the root.

    The calling process waits for it and ends as it ends. Must be called before any thread is
    started. Raises OSError where the system does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    _call("unshare", _ALL_NEW)
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _build(root, readable)
    _go_on_in_a_process_of_its_own()
    os.chroot(root)
    os.chdir(WORK)
    _mount("proc", "/proc", "proc", _NO_SETUID | _NO_DEVICES)
    _give_up_all_capabilities()


def _build(root: Path, readable: Iterable[str]) -> None:
    """Put together the file system that the process sees."""
    _mount("tmpfs", str(root), "tmpfs", _NO_SETUID | _NO_DEVICES, f"size={WORK_SIZE},mode=755")
    for name in readable:
        _show(Path(name), root)
    for name in _SYSTEM:
        if Path(name).is_symlink() and not (root / name[1:]).exists():
            (root / name[1:]).symlink_to(Path(name).readlink())
    for name in _SYSTEM_FILES:
        if Path(name).is_file():
            (root / "etc").mkdir(exist_ok=True)
            (root / name[1:]).write_bytes(Path(name).read_bytes())
    (root / "dev").mkdir()
    for name in _DEVICES:
        (root / name[1:]).touch()
        _mount(name, str(root / name[1:]), None, _BIND)
    for name in ("proc", "tmp", WORK[1:]):
        (root / name).mkdir(exist_ok=True, parents=True)


def _show(folder: Path, root: Path) -> None:
    """Show a folder at its own place, to be read and not to be written."""
    place = root / str(folder)[1:]
    place.mkdir(parents=True, exist_ok=True)
    _mount(str(folder), str(place), None, _BIND | _RECURSIVE)
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY_ATTRIBUTES, 0, 0, 0)
    _call(
        "syscall",
        _MOUNT_SETATTR,
        _HERE,
        os.fsencode(place),
        _ATTR_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )


def _go_on_in_a_process_of_its_own() -> None:
    """Fork: the new process is the first of its namespace, and ends with the one that waits.

    SIGTERM, or its parent's end, has the one that waits kill the other, and with it all in its
    namespace. The other cannot reach the one that waits, whatever it does to itself.
    """
    _call("prctl", _PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        for stream in range(3, 64):  # the pipes are the child's alone
            try:
                os.close(stream)
            except OSError:
                continue
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    _call("prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _give_up_all_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call("capset", ctypes.byref(header), ctypes.byref(nothing))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    encoded = [os.fsencode(text) if text else None for text in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), os.fsencode(data) if data else None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
