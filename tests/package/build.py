"""The packages, built from the tarball of the distribution as a maintainer would build them."""
import os
import shutil
import subprocess

from namespaces import run

NAMES = ("mailseal-sensor", "mailseal", "mailseal-doc")
# Words in machine code are none: which there are changes with each build.
LINTIAN = ("lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on",
           "error,warning,info,pedantic", "--suppress-tags", "spelling-error-in-binary")


class Packages:
    """source: the unpacked source; dsc, changes: what dpkg says of it and of the packages."""

    def __init__(self, tarball, folder):
        self.folder = folder
        version = tarball.name.rsplit("-", 1)[1].replace(".tar.xz", "")
        shutil.copy(tarball, folder / f"mailseal_{version}.orig.tar.xz")
        run("tar", "-xf", tarball, "-C", folder)
        self.source = folder / f"mailseal-{version}"
        self.version = run("dpkg-parsechangelog", "-S", "Version", cwd=self.source).strip()
        self.dsc = folder / f"mailseal_{self.version}.dsc"

    def build(self):
        """The source package first, as long as nothing is built in the folder."""
        cores = os.cpu_count() or 1
        run("dpkg-source", "-b", self.source, cwd=self.folder)
        run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=self.source, timeout=900,
            env={**os.environ, "DEB_BUILD_OPTIONS": f"nocheck parallel={cores}"})

    def debs(self, version=None):
        return [next(self.folder.glob(f"{name}_{version or self.version}_*.deb"))
                for name in NAMES]

    def lintian(self):
        changes, = self.folder.glob("*.changes")
        done = subprocess.run([*LINTIAN, str(changes), str(self.dsc)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=300)
        tags = [line for line in done.stdout.splitlines() if not line.startswith("N:")]
        return tags or ([] if done.returncode == 0 else [f"lintian: {done.stderr}"])

    def unpacked(self):
        """What each of them installs, and its scripts in DEBIAN."""
        shutil.rmtree(self.folder / "unpacked", ignore_errors=True)
        trees = []
        for deb in self.debs():
            trees.append(self.folder / "unpacked" / deb.name)
            trees[-1].parent.mkdir(exist_ok=True)
            run("dpkg-deb", "-R", deb, trees[-1])
        return trees

    def next_version(self, edit):
        """The same programs as an upgrade, in which edit(folder) may change files."""
        version = self.version + "+1"
        for deb, tree in zip(self.debs(), self.unpacked()):
            control = tree / "DEBIAN" / "control"
            control.write_text(control.read_text("utf-8").replace(self.version, version), "utf-8")
            edit(tree)
            run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree,
                self.folder / deb.name.replace(self.version, version))
        return version
