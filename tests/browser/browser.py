#!/usr/bin/env python3
"""The pages of mailseal serve in Debian's Chromium, on nine invented days.

make check-browser runs it. The screenshots stay in tests/browser/pictures/ of the build; with
--documents some of them become those of doc/screenshots/.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
HERE = SRCDIR / "tests" / "browser"
PICTURES = BUILDDIR / "tests" / "browser" / "pictures"
USER = ["--user", "nobody"] if os.geteuid() == 0 else []
MODULES = Path(os.environ.get("MAILSEAL_LAB", "/var/cache/mailseal-lab")) / "browser" / "node_modules"
DOCUMENTS = {"overview-light.png": "overview.png", "overview-dark-window.png": "overview-dark.png",
             "overview-phone-window.png": "overview-phone.png", "pair-light-window.png": "pair.png",
             "graph.png": "graph.png", "incident-light-window.png": "incident.png"}


def missing():
    """What the machine lacks, or None."""
    if not shutil.which("node"):
        return "no node"
    if not Path(os.environ.get("CHROMIUM", "/usr/bin/chromium")).exists():
        return "no chromium"
    if not (MODULES / "playwright-core").is_dir():
        return f"no playwright-core in {MODULES}"
    return None


def serve(state):
    """A server on a port of its own, and its address."""
    server = subprocess.Popen([BUILDDIR / "mailseal", "serve", *USER, "--state", state,
                               "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    line = server.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    if not found:
        server.terminate()
        sys.exit(f"mailseal serve said: {line}")
    return server, found.group()


def main():
    why = missing()
    if why:
        if os.environ.get("CI_REQUIRE_BROWSER"):
            sys.exit(f"browser.py: {why}; ./quickstart browser installs what is needed")
        print(f"1..0 # SKIP {why}: ./quickstart browser installs what is needed")
        return
    shutil.rmtree(PICTURES, ignore_errors=True)
    with tempfile.TemporaryDirectory() as top:
        state = Path(top) / "state"
        subprocess.run([BUILDDIR / "tests" / "browser" / "make_demo", state,
                        str(int(time.time()) // 60 * 60)], check=True)
        os.chmod(top, 0o755)
        subprocess.run(["chmod", "-R", "a+rX", state], check=True)
        server, address = serve(state)
        try:
            done = subprocess.run(["node", HERE / "pages.js", address, PICTURES], check=False,
                                  env=dict(os.environ, NODE_PATH=str(MODULES)))
        finally:
            server.terminate()
            server.wait(timeout=30)
    if "--documents" in sys.argv[1:] and done.returncode == 0:
        (SRCDIR / "doc" / "screenshots").mkdir(exist_ok=True)
        for name, document in DOCUMENTS.items():
            shutil.copyfile(PICTURES / name, SRCDIR / "doc" / "screenshots" / document)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
