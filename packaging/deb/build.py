#!/usr/bin/python3
"""Build the Debian package of recon, into dist/: `make deb`.

The package is for the Debian that builds it: it has an environment of that Python in
/usr/lib/recon, with the packages that packaging/requirements.txt pins by hash, because Debian's own
are too old (12 has pydantic 1.10). It needs `apt-get install python3-venv` and a package index.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from email.utils import formatdate
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOME = "/usr/lib/recon"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
MAINTAINER = "recon developers <recon@localhost.localdomain>"
_BUILT_FROM = ("reconciler", "pyproject.toml", "README.md", "LICENSE")
_COMPLETIONS = {
    "bash": "bash-completion/completions/recon",
    "zsh": "zsh/vendor-completions/_recon",
    "fish": "fish/vendor_completions.d/recon.fish",
}
_UNITS = """
from pathlib import Path
import sys
from reconciler.cli.boot import systemd
from reconciler.cli.boot.boot import Boot
from reconciler.cli.framework.options import Where
from reconciler.state.paths import StatePaths
place = Where(Path("/etc/recon/manifests"), StatePaths(Path("/var/lib/recon")))
for name, text in systemd.units(Boot(["/usr/bin/recon"], place, version=252)).items():
    own = "# Of the package recon. `recon startup` writes its own, which this one gives way to."
    lines = [own if "recon startup" in line else line for line in text.splitlines()]
    Path(sys.argv[1], name).write_text("\\n".join(lines) + "\\n")
"""
"""What `recon startup` would write, for Debian 12's systemd."""


def main() -> None:
    """Build one package and print its path."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--output", type=Path, default=ROOT / "dist", help="default: dist/")
    words.add_argument("--revision", default="1", help="of the package, behind recon's version")
    given = words.parse_args()
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="recon-deb-") as scratch:
        print(build(Path(scratch), given.output.resolve(), given.revision))


def build(scratch: Path, output: Path, revision: str) -> Path:
    """Everything below ``scratch``/root, then the package of it."""
    root = scratch / "root"
    environment(scratch, root)
    program = [str(root / f"{HOME[1:]}/bin/python"), "-P", "-m", "reconciler"]
    version = f"{release()}-{revision}"
    manual_pages(root, program)
    completions(root, program)
    units(root)
    documents(root, version)
    control(root, version)
    for place in root.rglob("__pycache__"):
        shutil.rmtree(place)
    output.mkdir(parents=True, exist_ok=True)
    name = f"recon_{version}_{architecture()}.deb"
    run("dpkg-deb", "--root-owner-group", "--build", str(root), str(output / name))
    return output / name


def environment(scratch: Path, root: Path) -> None:
    """An environment that works from ``HOME``: no path of this machine is left in it."""
    home, tools, tree = root / HOME[1:], scratch / "tools", scratch / "tree"
    run(sys.executable, "-m", "venv", str(tools))
    run(sys.executable, "-m", "venv", "--without-pip", str(home))
    tree.mkdir()
    for name in _BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    pip = [str(tools / "bin/pip"), "--quiet", "--disable-pip-version-check"]
    into = [*pip, "--python", str(home / "bin/python"), "install", "--no-compile"]
    pinned = ["--require-hashes", "--only-binary=:all:", "--requirement"]
    run(*pip, "install", *pinned, str(ROOT / "packaging/build-requirements.txt"))
    run(*into, *pinned, str(ROOT / "packaging/requirements.txt"))
    here = ["--no-deps", "--no-build-isolation"]
    run(*pip, "wheel", *here, "--wheel-dir", str(scratch), str(tree))
    (wheel,) = scratch.glob("*.whl")
    run(*into, "--no-deps", "--no-index", str(wheel))
    scripts(home)


def scripts(home: Path) -> None:
    """Python and recon alone, by the paths that they will have."""
    folder = home / "bin"
    for script in folder.iterdir():
        script.unlink()
    (folder / "python").symlink_to(f"/usr/bin/{PYTHON}")
    recon = folder / "recon"
    recon.write_text(
        f"#!{HOME}/bin/python\n"
        "from reconciler.cli.main import main\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )
    recon.chmod(0o755)
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON[6:]}\n"
    )
    for place in (home / "include", home / "lib64", home / "share"):
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
    for name in ("direct_url.json", "REQUESTED"):
        for place in home.rglob(f"*.dist-info/{name}"):
            place.unlink()
    link = home.parents[1] / "bin/recon"
    link.parent.mkdir()
    link.symlink_to("../lib/recon/bin/recon")


def manual_pages(root: Path, program: list[str]) -> None:
    folder = root / "usr/share/man/man1"
    run(*program, "man", "--output", str(folder))
    for page in folder.iterdir():
        packed(page)


def completions(root: Path, program: list[str]) -> None:
    for shell, place in _COMPLETIONS.items():
        text = run(*program, "completion", shell)
        write(root / "usr/share" / place, text)


def units(root: Path) -> None:
    folder = root / "lib/systemd/system"
    folder.mkdir(parents=True)
    run(str(root / f"{HOME[1:]}/bin/python"), "-P", "-c", _UNITS, str(folder))


def documents(root: Path, version: str) -> None:
    folder = root / "usr/share/doc/recon"
    write(folder / "copyright", copyright_of(root))
    write(folder / "README.Debian", (HERE / "README.Debian").read_text())
    write(folder / "changelog", (ROOT / "CHANGELOG.md").read_text())
    packed(folder / "changelog")
    date = formatdate(float(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    entry = f"recon ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n"
    write(folder / "changelog.Debian", f"{entry}\n -- {MAINTAINER}  {date}\n")
    packed(folder / "changelog.Debian")
    write(root / "usr/share/lintian/overrides/recon", (HERE / "lintian-overrides").read_text())


def copyright_of(root: Path) -> str:
    """recon's licence, and that of each bundled package, whose own text lies beside it."""
    licence = (ROOT / "LICENSE").read_text()
    holder = next(line for line in licence.splitlines() if line.startswith("Copyright"))
    indented = "\n".join(f" {line}" if line.strip() else " ." for line in licence.splitlines())
    parts = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: recon\nSource: https://pypi.org/project/recon-reconciler\n",
        f"Files: *\nCopyright: {holder.removeprefix('Copyright').strip()}\n"
        f"License: Expat\n{indented}\n",
    ]
    for metadata in sorted(root.rglob("*.dist-info/METADATA")):
        name, _, version = metadata.parent.name.removesuffix(".dist-info").partition("-")
        if name == "recon_reconciler":
            continue
        text = metadata.read_text()
        place = metadata.parent.relative_to(root)
        parts.append(
            f"Files: {place.parent}/{name}*\nCopyright: the authors of {name} {version}\n"
            f"License: {name}\n {_licence(text)}\n The text is in /{place}.\n"
        )
    return "\n".join(parts)


def _licence(metadata: str) -> str:
    head = metadata.partition("\n\n")[0]
    found = re.search(r"^License-Expression: (.+)$", head, re.M)
    found = found or re.search(r"^Classifier: License :: (?:OSI Approved :: )?(.+)$", head, re.M)
    found = found or re.search(r"^License: (.+)$", head, re.M)
    return found[1] if found else "See there."


def control(root: Path, version: str) -> None:
    """The package's own data, and what runs when it comes and goes."""
    size = sum(place.lstat().st_size for place in root.rglob("*")) // 1024
    major, minor = sys.version_info[:2]
    needed = f"python3 (>= {major}.{minor}~), python3 (<< {major}.{minor + 1}~)"
    folder = root / "DEBIAN"
    folder.mkdir()
    write(
        folder / "control",
        f"""\
Package: recon
Version: {version}
Architecture: {architecture()}
Maintainer: {MAINTAINER}
Installed-Size: {size}
Depends: {needed}, libc6 (>= 2.34), libgcc-s1
Suggests: nodejs
Section: admin
Priority: optional
Homepage: https://pypi.org/project/recon-reconciler
Description: declarative process manager for one Linux host
 A directory of manifests is the desired state. recon watches the files and
 the processes, and makes the processes match the files: rolling updates
 without a lost request, probes, cron jobs, logs, and a way back.
 .
 Nothing is started by the installation. Begin with `recon init`, then
 `recon apply`; `recon startup` has it started at boot.
""",
    )
    for name in ("postinst", "prerm", "postrm"):
        shutil.copy(HERE / name, folder / name)
        (folder / name).chmod(0o755)
    sums = run(
        "sh", "-c", "find . -type f ! -path './DEBIAN/*' -printf '%P\\0' | xargs -0 md5sum", at=root
    )
    write(folder / "md5sums", sums)


def release() -> str:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert found is not None
    return found[1]


def architecture() -> str:
    return run("dpkg", "--print-architecture").strip()


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def packed(place: Path) -> None:
    """As gzip, without a name and a time."""
    with open(f"{place}.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped:
        zipped.write(place.read_bytes())
    place.unlink()


def run(*words: str, at: Path = ROOT) -> str:
    """Run a command away from other people's settings; what it prints. SystemExit if it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, cwd=at)
    if done.returncode:
        raise SystemExit(f"the package was not built: {words[0]} exited {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
