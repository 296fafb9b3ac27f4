"""The frame of a script whose tests need a wire: two hosts, made before the first and removed behind the
last."""
import os
import subprocess
import tempfile

from mailhosts import Hosts
from tap import Tap


def skip_all(why):
    print("1..0 # SKIP " + why.replace("\n", " "))


def run_between_hosts(tests):
    """tests: a function of a tap, the hosts, and a folder. Where there can be no hosts none is run."""
    if os.geteuid() != 0:
        skip_all("only root can make network namespaces")
        return
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        hosts = Hosts(folder)
        try:
            try:
                hosts.open()
            except OSError as error:
                skip_all(f"no network namespaces: {error}")
                return
            tests(tap, hosts, folder)
        finally:
            hosts.close()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    tap.result(not any(n in left.stdout for n in hosts.names), "nothing is left", left.stdout)
    tap.finish()
