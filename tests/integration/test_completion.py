#!/usr/bin/env python3
"""What bash offers when Tab is pressed: every command and option that --help has, and words that the
programs take. Needs bash-completion."""
import re
import subprocess
import tempfile
from pathlib import Path

from session_record import BUILDDIR, SRCDIR, run
from tap import Tap

LIBRARY = Path("/usr/share/bash-completion/bash_completion")
SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"
# As readline has it when it calls: words also end at a colon.
PRESS_TAB = r"""
. "$1"; . "$2"; program=$3; function=$4; COMP_LINE=$5; shift 5
COMP_POINT=${#COMP_LINE}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
COMPREPLY=()
"$function" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def tab(program, *line):
    """What is offered for the last word of a command line."""
    words = [w for argument in line for w in re.split("(:)", argument) if w or not argument]
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB, "tab", LIBRARY, SRCDIR / "completion" / program,
         BUILDDIR / program, "_" + program, " ".join([program, *line]), program, *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        cwd=SRCDIR)
    if done.stderr:
        raise RuntimeError(f"{program} {line}: {done.stderr}")
    return done.stdout.split()


def says(program, *arguments):
    return subprocess.run([BUILDDIR / program, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=60)


def options_of(text):
    """The long options that begin a line of --help."""
    return set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+)", text, re.M))


def commands():
    return re.findall(r"^  ([a-z-]+)  +\S", says("mailseal", "--help").stdout, re.M)


def differs(what, offered, wanted):
    if not wanted:
        return [f"{what}: nothing is known to compare with"]
    if len(offered) != len(set(offered)) or set(offered) != set(wanted):
        return [f"{what}: {sorted(offered)}, not {sorted(wanted)}"]
    return []


def every_command():
    return differs("commands", tab("mailseal", ""), [*commands(), "--help", "--version"])


def every_option():
    complaints = []
    for command in commands():
        complaints += differs(command, tab("mailseal", command, "--"),
                              options_of(says("mailseal", command, "--help").stdout))
    return complaints


def every_option_of_the_sensor():
    text = says("mailseald", "--help").stdout
    return differs("mailseald", tab("mailseald", "-"), options_of(text) | {"-r", "-i", "-c"}) + \
        differs("mailseald --s", tab("mailseald", "--s"),
                [o for o in options_of(text) if o.startswith("--s")])


def words_are(command, option, *more):
    """The words offered for an option are those that its error names."""
    said = says("mailseal", command, *more, option, "?").stderr
    named = re.search(r" is (?:one of )?(.*) \(see ", said)
    return differs(f"{command} {option}", tab("mailseal", command, option, ""),
                   re.split(", | or ", named.group(1)) if named else [])


def fixed_words():
    return words_are("graph", "--kind") + words_are("graph", "--theme", "--total") + \
        words_are("export", "--resolution") + words_are("export", "--service") + \
        words_are("matrix", "--service") + \
        differs("--mode", tab("mailseald", "--mode", ""), re.search(
            r"--mode (\S+)", says("mailseald", "--help").stdout).group(1).split("|"))


def rules():
    source = (SRCDIR / "reports" / "rules.h").read_text("ascii")
    return differs("--rule", tab("mailseal", "incidents", "--rule", ""),
                   re.findall(r'X\(RULE_\w+, "([^"]+)"', source))


def series():
    listed = re.findall(r"^  (\w+) ", says("mailseal", "export", "--list").stdout, re.M)
    return differs("--series", sorted(set(tab("mailseal", "export", "--series", ""))),
                   set(listed))


def from_the_state(state):
    """Behind the colon only what follows it is offered, as bash wants it."""
    where = ("--state", str(state))
    pairs = tab("mailseal", "graph", *where, "--pair", "")
    complaints = [] if "sfr:laposte" in pairs and len(pairs) > 9 else [f"pairs: {pairs}"]
    return complaints + \
        differs("peers", tab("mailseal", "incidents", *where, "--peer", "la"), ["laposte"]) + \
        differs("a pair", tab("mailseal", "graph", *where, "--pair", "sfr:la"), ["laposte"]) + \
        differs("incidents", tab("mailseal", "ack", *where, ""), ["1"]) + \
        differs("incidents", tab("mailseal", "incidents", *where, ""), ["1"])


def files(folder):
    (folder / "a.pcap").touch()
    (folder / "b").mkdir()
    both = [f"{folder}/a.pcap", f"{folder}/b"]
    complaints = []
    for line in (("mailseald", "-r"), ("mailseald", "-r", both[0]), ("mailseald", "-c"),
                 ("mailseal", "explain"), ("mailseal", "export", "--out")):
        complaints += differs(line, tab(*line, f"{folder}/"), both)
    for line in ("mailseald", "--state"), ("mailseal", "html", "--out"):
        complaints += differs(line, tab(*line, f"{folder}/"), both[1:])
    return complaints + differs("interfaces", tab("mailseald", "-i", ""),
                                [p.name for p in Path("/sys/class/net").iterdir()])


def quiet(folder):
    """Where nothing is known, nothing is offered and nothing is said."""
    return [f"{line}: {tab(*line)}" for line in (
        ("mailseal", "nosuch", "--"), ("mailseal", "matrix", "--last", ""),
        ("mailseal", "matrix", ""), ("mailseald", "--filter", ""), ("mailseald", ""),
        ("mailseal", "graph", "--state", f"{folder}/none", "--pair", "")) if tab(*line)]


def main():
    tap = Tap()
    if not LIBRARY.exists():
        print("1..0 # SKIP bash-completion is not installed")
        return
    tap.run("every command", every_command)
    tap.run("every option of every command", every_option)
    tap.run("every option of mailseald", every_option_of_the_sensor)
    tap.run("words that an option takes", fixed_words)
    tap.run("rules", rules)
    tap.run("series", series)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = run("-c", SRCDIR / "mailseal.yaml.example", "-r", SAMPLE, "--quiet", "--state",
                   folder / "state")
        tap.result(done.returncode == 0, "a state directory", done.stderr)
        tap.run("pairs, peers and incidents", from_the_state, folder / "state")
        (folder / "files").mkdir()
        tap.run("files, directories, interfaces", files, folder / "files")
        tap.run("nothing where nothing is known", quiet, folder)
    tap.finish()


if __name__ == "__main__":
    main()
