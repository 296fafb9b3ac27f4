"""Test results as TAP, for tests that are scripts."""
import sys
import traceback


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
        try:
            complaints = function(*arguments)
        except Exception:  # a test that breaks has failed, and the others still count
            complaints = [traceback.format_exc()]
        self.result(not complaints, name, *(complaints or ()))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))

    def finish(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.failed else 0)
