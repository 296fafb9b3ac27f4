#!/usr/bin/env python3
"""The Debian packages, as an operator meets them: built, installed on a machine that has never seen
them, configured, started, upgraded, removed, installed again, purged. What was counted stays true.

usage: package.py TARBALL"""
import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent / "interop")]

import base_system  # noqa: E402 pylint: disable=C0413
from build import Packages  # noqa: E402 pylint: disable=C0413
from machine import Machine  # noqa: E402 pylint: disable=C0413
from namespaces import run  # noqa: E402 pylint: disable=C0413
from session_record import SRCDIR  # noqa: E402 pylint: disable=C0413
from story import STORY, Operator  # noqa: E402 pylint: disable=C0413
from tap import Tap  # noqa: E402 pylint: disable=C0413

TOOLS = ("dpkg-buildpackage", "dh", "lintian", "debootstrap", "systemd-nspawn", "autopkgtest", "ip")


def skip_all(why):
    """Nothing can be tested here. In CI that is a failure."""
    if os.environ.get("CI_REQUIRE_PACKAGE"):
        print(f"1..1\nnot ok 1 - the packages # {why}\n# 0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    print(f"1..0 # SKIP {why}\n# 0 passed, 0 failed, 1 skipped")
    sys.exit(0)


def whole(tap, packages):
    """The tarball holds every file of the repository, when this is one."""
    name = "the tarball holds every file"
    if not (SRCDIR / ".git").exists():
        tap.skip(name, "the source is not a repository")
        return
    tracked = run("git", "-c", "safe.directory=*", "ls-files", cwd=SRCDIR).splitlines()
    missing = [path for path in tracked if not path.startswith((".ci/", ".gitignore")) and
               not (packages.source / path).exists()]
    tap.result(tracked and not missing, name, f"missing: {missing}")


def built(packages):
    packages.build()
    return [f"there is no {deb}" for deb in packages.debs() if not deb.is_file()]


def autopkgtest(packages, base):
    """debian/tests, by the tool that Debian runs them with."""
    out = packages.folder / "autopkgtest"
    done = base_system.with_copy(base, "autopkgtest", "--no-built-binaries", "--output-dir", out,
                                 *packages.debs(), packages.source, "--", "chroot",
                                 base_system.COPY_PATH)
    summary = (out / "summary").read_text("utf-8") if (out / "summary").exists() else ""
    verdicts = [line.split()[1] for line in summary.splitlines()]
    if done.returncode == 0 and verdicts and set(verdicts) == {"PASS"}:
        return []
    return [f"exit {done.returncode}: {summary}", done.stdout[-4000:]]


def purge_everything(packages):
    """Every state directory that a unit asks for is one that a purge removes."""
    def text(tree, pattern):
        return "\n".join(path.read_text("utf-8") for path in sorted(tree.glob(pattern)))
    complaints = []
    for tree in packages.unpacked():
        postrm = text(tree, "DEBIAN/postrm")
        for state in re.findall(r"^StateDirectory=(\S+)", text(tree, "lib/systemd/system/*"), re.M):
            if not re.search(rf"/var/lib/{state}(\s|$)", postrm):
                complaints.append(f"{tree.name}: /var/lib/{state} is left")
    return complaints


def on_a_machine(tap, packages, folder, base):
    with Machine(base, packages.folder, folder) as machine:
        operator = Operator(machine, packages, folder)
        for name, chapter in STORY:
            tap.run(name, chapter, operator)
    tap.result(not any(group.exists() for group in machine.cgroups) and
               not Path(f"/proc/{machine.leader}").exists(), "the machine is gone")


def run_all(tap, tarball, folder):
    packages = Packages(tarball, folder / "packages")
    whole(tap, packages)
    tap.run("the packages are built from the tarball", built, packages)
    tap.run("lintian has nothing to say", packages.lintian)
    tap.run("a purge removes every state directory", purge_everything, packages)
    base = base_system.ready(packages.debs())
    tap.run("autopkgtest", autopkgtest, packages, base)
    on_a_machine(tap, packages, folder, base)


def stop(*_):
    raise KeyboardInterrupt


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0:
        skip_all("the packages need root: they are installed into a machine of their own")
    if missing:
        skip_all(f"not installed (./quickstart package installs it): {', '.join(missing)}")
    signal.signal(signal.SIGTERM, stop)
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mailseal-package-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "packages").mkdir()
        run_all(tap, Path(sys.argv[1]).resolve(), folder)
    print(f"# {tap.count - tap.failed} passed, {tap.failed} failed, 0 skipped")
    tap.finish()


if __name__ == "__main__":
    main()
