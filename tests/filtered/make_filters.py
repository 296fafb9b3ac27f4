#!/usr/bin/env python3
"""The filters of system calls that systemd would make of the units, without systemd.

usage: make_filters.py FOLDER

Makes FOLDER, which stands in for the folder of the build (top_builddir): everything of it is there, but
mailseald, what of it tests run alone, and what mailseal runs as a service are started under the filters of
their units. With it, the suite of tests runs under them: make check-filtered.

Started as root, which no unit does, the sensor becomes somebody else or, where there is nobody, SQLite sees
to the owner of its files. For that, and only then, the calls are left that it takes.
"""
import ctypes
import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

BUILDDIR = Path(os.environ.get("top_builddir") or ".").resolve()
UNDER_FILTER = BUILDDIR / "tests" / "filtered" / "under_filter"
AS_ROOT = ("setresuid", "setresgid", "setgroups", "chown", "fchown")

# Programs of tests that do what the couriers of mailseald do.
COURIERS = ("tests/integration/play_couriers", "tests/reports/send_alert")

KILL, ALLOW = 0x80000000, 0x7fff0000
EQUAL, MASKED_EQUAL = 4, 7
FAMILIES_MAX = 64
WRITE, EXEC, SHM_EXEC, SUID_SGID = 2, 4, 0o100000, (0o4000, 0o2000)
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)


def refuse(number):
    return 0x00050000 | number


class Condition(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operation", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def equal(argument, value):
    return Condition(argument, EQUAL, value, 0)


def has_bits(argument, bits):
    return Condition(argument, MASKED_EQUAL, bits, bits)


class Filter:
    """One filter of libseccomp. What it does not speak of meets the action by default."""
    lib = None

    def __init__(self, by_default):
        if not Filter.lib:
            Filter.lib = ctypes.CDLL("libseccomp.so.2")
            Filter.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(by_default)))

    def rule(self, action, name, *conditions):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # not of this machine
            return
        array = (Condition * len(conditions))(*conditions)
        rc = self.lib.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number,
                                             len(conditions), array)
        if rc not in (0, -errno.EEXIST):
            raise OSError(-rc, f"{name}: {os.strerror(-rc)}")

    def write(self, path):
        with open(path, "wb") as out:
            if self.lib.seccomp_export_bpf(self.context, out.fileno()) != 0:
                raise OSError(f"{path}: no filter")
        self.lib.seccomp_release(self.context)


# Units ----------------------------------------------------------------------------------------------

class Unit:
    """The settings of a unit, each a list of values."""

    def __init__(self, path):
        self.settings = {}
        for line in Path(path).read_text("utf-8").replace("\\\n", " ").splitlines():
            key, mark, value = line.partition("=")
            if mark and not line.startswith(("#", ";")):
                self.settings.setdefault(key.strip(), []).append(value.strip())

    def words(self, name):
        return [w for line in self.settings.get(name, ()) for w in line.split()]

    def is_on(self, name):
        return self.words(name)[-1:] == ["yes"]

    def command(self):
        """("mailseald", None) or ("mailseal", "serve"), also where a shell runs it."""
        program, word = re.search(r"/(mailseald?)\s+(\S+)", self.settings["ExecStart"][-1]).groups()
        return program, word if program == "mailseal" else None


def known_sets():
    """The sets of systemd, by name."""
    sets, name = {}, None
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], check=True,
                            capture_output=True, text=True).stdout
    for line in listed.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif not line.strip():
            name = None
        elif name and not line.strip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def expanded(name, sets):
    if not name.startswith("@"):
        return {name}
    return {call for member in sets[name] for call in expanded(member, sets)}


def allowed_calls(unit, sets):
    """The first line says that it is a list of what is allowed; later ones add and take away."""
    calls = expanded("@default", sets)
    lines = unit.settings["SystemCallFilter"]
    assert not lines[0].startswith("~"), "a list of what is refused"
    for line in lines:
        for name in line.lstrip("~").split():
            named = expanded(name, sets)
            calls = calls - named if line.startswith("~") else calls | named
    return calls


def filter_of_calls(unit, sets, as_root):
    """Any other call ends the process, as systemd has it where nothing else is set."""
    out = Filter(KILL)
    for call in sorted(allowed_calls(unit, sets) | set(AS_ROOT if as_root else ())):
        out.rule(ALLOW, call)
    return out


def restrict_families(out, unit):
    names = unit.words("RestrictAddressFamilies")
    wanted = {int(getattr(socket, name)) for name in names if name != "none"}
    for family in range(FAMILIES_MAX):
        if family not in wanted:
            out.rule(refuse(errno.EAFNOSUPPORT), "socket", equal(0, family))


def restrict_memory(out):
    out.rule(refuse(errno.EPERM), "mmap", has_bits(2, WRITE | EXEC))
    out.rule(refuse(errno.EPERM), "mprotect", has_bits(2, EXEC))
    out.rule(refuse(errno.EPERM), "pkey_mprotect", has_bits(2, EXEC))
    out.rule(refuse(errno.EPERM), "shmat", has_bits(2, SHM_EXEC))


def restrict_namespaces(out):
    out.rule(refuse(errno.ENOSYS), "clone3")
    out.rule(refuse(errno.EPERM), "setns")
    for flag in NEW_NAMESPACES:
        out.rule(refuse(errno.EPERM), "unshare", has_bits(0, flag))
        out.rule(refuse(errno.EPERM), "clone", has_bits(0, flag))


def restrict_modes(out):
    for bit in SUID_SGID:
        for name, argument in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2)):
            out.rule(refuse(errno.EPERM), name, has_bits(argument, bit))


def filter_of_restrictions(unit):
    out = Filter(ALLOW)
    if "RestrictAddressFamilies" in unit.settings:
        restrict_families(out, unit)
    if unit.is_on("MemoryDenyWriteExecute"):
        restrict_memory(out)
    if unit.is_on("RestrictNamespaces"):
        restrict_namespaces(out)
    if unit.is_on("RestrictSUIDSGID"):
        restrict_modes(out)
    return out


# Files ----------------------------------------------------------------------------------------------

def filtered(unit_path, folder, sets, as_root):
    """Writes the filters of a unit; returns what has to stand before the program."""
    unit = Unit(unit_path)
    paths = []
    for made, kind in ((filter_of_calls(unit, sets, as_root), "calls"),
                       (filter_of_restrictions(unit), "restrictions")):
        paths.append(str(Path(folder) / f"{Path(unit_path).stem}.{kind}"))
        made.write(paths[-1])
    return [str(UNDER_FILTER), *paths, "--"]


def services():
    return sorted((BUILDDIR / "systemd").glob("*.service"))


def wrapper(path, program, cases):
    """A script in the place of a program. cases: for a first argument, or for any (None)."""
    lines = ["#!/bin/sh", 'case "${1-}" in']
    for word, before in cases.items():
        lines.append(f'{word or "*"}) exec {" ".join(before)} {program} "$@" ;;')
    path.write_text("\n".join([*lines, "esac", f'exec {program} "$@"', ""]), "ascii")
    path.chmod(0o755)


def mirror(at, to, replaced, leave_out):
    """Links to everything in the folder at, but for the paths that are replaced."""
    to.mkdir(exist_ok=True)
    for entry in at.iterdir():
        if entry in replaced:
            wrapper(to / entry.name, entry, replaced[entry])
        elif entry != leave_out and entry.is_dir() and any(entry in p.parents for p in replaced):
            mirror(entry, to / entry.name, replaced, leave_out)
        elif entry != leave_out:
            (to / entry.name).symlink_to(entry)


def main():
    folder = Path(sys.argv[1]).resolve()
    if re.search(r"[^\w/.+-]", f"{folder}{BUILDDIR}"):
        sys.exit("make_filters.py: a path with strange characters")
    if not shutil.which("systemd-analyze"):
        sys.exit("make_filters.py: systemd-analyze is not installed")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "filters").mkdir(parents=True)
    (folder / "programs").mkdir()
    replaced, sets = {}, known_sets()
    for path in services():
        program, word = Unit(path).command()
        before = filtered(path, folder / "filters", sets, os.geteuid() == 0)
        if not (folder / "programs" / program).exists():
            (folder / "programs" / program).symlink_to(BUILDDIR / program)
        replaced.setdefault(BUILDDIR / program, {})[word] = before
    for name in COURIERS:
        replaced[BUILDDIR / name] = replaced[BUILDDIR / "mailseald"]
    mirror(BUILDDIR, folder, replaced, folder)


if __name__ == "__main__":
    main()
