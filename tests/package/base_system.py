"""The plain Debian system into which the packages are installed: made once with debootstrap from
the mirror of this machine, kept in $MAILSEAL_LAB, and never written to but to fetch packages."""
import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from namespaces import Failed, run

LAB = Path(os.environ.get("MAILSEAL_LAB") or "/var/cache/mailseal-lab")
# This host may run no systemd that would want to know.
NSPAWN = ["systemd-nspawn", "--register=no", "--keep-unit", "--link-journal=no"]
APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"]


def codename():
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise Failed("/etc/os-release names no VERSION_CODENAME")


def mirror(suite):
    """Where apt here takes this suite from."""
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                f"Codename: {suite}").split()
    if not lines:
        raise Failed(f"apt has no package lists of {suite}: apt-get update")
    return lines[0]


def inside(root, *command, bind=None):
    """Runs a command in the system on disk, not booted, with the network of this host."""
    return run(*NSPAWN, "--quiet", "--directory", root, "--as-pid2",
               *([f"--bind-ro={bind}:/packages"] if bind else []), "--", *command, timeout=600)


def make(root):
    """Only what debootstrap calls minimal, and systemd."""
    suite, new = codename(), root.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    run("debootstrap", "--variant=minbase", "--include=systemd", suite, new, mirror(suite),
        timeout=900)
    new.rename(root)


def fetch(root, debs):
    """Has apt there download whatever the packages and the test of them depend on."""
    command = [*APT, "--download-only", "install", "python3",
               *(f"/packages/{deb.name}" for deb in debs)]
    try:
        inside(root, *command, bind=debs[0].parent)
    except Failed:  # the lists are old, or there is something new to depend on
        inside(root, *APT, "update")
        inside(root, *command, bind=debs[0].parent)


@contextlib.contextmanager
def lock():
    """One test at a time makes it or adds to it."""
    LAB.mkdir(parents=True, exist_ok=True)
    with open(LAB / "package-root.lock", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def ready(debs):
    """The system, with all that these packages need in the cache of its apt."""
    root = LAB / f"package-root-{codename()}"
    with lock():
        if not root.exists():
            make(root)
        fetch(root, debs)
    return root


# A copy of the system to write to, in memory, for as long as a command runs: ROOT COMMAND...
COPY = """\
set -e
root=$1
shift
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/copy
mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/copy
mount -t proc proc /mnt/copy/proc
mount --bind /dev /mnt/copy/dev
exec "$@"
"""
COPY_PATH = "/mnt/copy"


def with_copy(root, *command, **options):
    """Runs a command beside a copy of the system in COPY_PATH."""
    return subprocess.run(["unshare", "--mount", "sh", "-c", COPY, "sh", str(root),
                           *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          timeout=600, **options)
