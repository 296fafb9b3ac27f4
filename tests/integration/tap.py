"""Test results as TAP, for tests that are scripts."""
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def attempt(function, *arguments):
    """Complaints, whatever happens."""
    try:
        return function(*arguments)
    except Exception:  # a test that breaks has failed, and the others still count
        return [traceback.format_exc()]


def in_folder(function):
    """The test in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return attempt(function, Path(folder))


class Tap:
    """Counts and prints results; the plan comes last."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, name, *details):
        self.count += 1
        self.failed += 0 if good else 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name.replace("#", "")))
        for detail in () if good else details:
            for line in str(detail).splitlines():
                print("#   " + line)
        sys.stdout.flush()

    def run(self, name, function, *arguments):
        """One test: a function that returns a list of complaints, empty when all is well."""
        complaints = attempt(function, *arguments)
        self.result(not complaints, name, *(complaints or ()))

    def run_each(self, tests, *arguments):
        """Tests one after the other: (name, function of a folder and the arguments)."""
        for name, function in tests:
            with tempfile.TemporaryDirectory() as folder:
                self.run(name, function, folder, *arguments)

    def run_together(self, tests, at_once=4):
        """Tests that mostly wait, (name, function of a folder), some at the same time; results come
        in their order."""
        with ThreadPoolExecutor(at_once) as pool:
            running = [(name, pool.submit(in_folder, function)) for name, function in tests]
            for name, future in running:
                complaints = future.result()
                self.result(not complaints, name, *(complaints or ()))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))

    def finish(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.failed else 0)
