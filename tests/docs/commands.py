#!/usr/bin/env python3
"""Runs the commands of the pages, in order, in a copy of the tree, and compares exit status and output with what the pages show.

commands.py BUILD ROOT LIST [PAGE...]: BUILD has the programs, LIST names the commands that are not run here. CONTRIBUTING.md
tells how pages write commands."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is written into the tree
import page  # noqa: E402
import shell  # noqa: E402

# What is never run without an entry in the list, however it would end: it installs, builds, or talks to other machines.
NEVER = {"make", "sudo", "apt", "apt-get", "ssh", "docker", "git", "npm", "pip"}
# What a machine may lack: the line is skipped then.
OPTIONAL = {"kubectl", "jq", "go", "qemu-img", "qemu-io", "python3", "curl"}

# Pages that are played at a time.
AT_ONCE = 2
# Lines of output that a mistake is told with.
SHOWN = 60


class Report:
    """What is to be said of one page: pages are played at the same time, and told one after the other."""

    def __init__(self):
        self.counts = {"run": 0, "in another's place": 0, "not run": 0, "skipped": 0}
        self.mistakes, self.lines = 0, []

    def count(self, what):
        self.counts[what] += 1

    def say(self, text):
        self.lines.append(text)

    def wrong(self, text, lines=()):
        self.mistakes += 1
        self.lines += [text] + ["    " + shell.masked(line) for line in list(lines)[:SHOWN]]


class Entry:
    def __init__(self, place, name, command):
        self.place, self.page, self.command, self.used = place, name, command, False
        self.keys = {}


def read_list(path, report):
    """PAGE: COMMAND, then indented `why: TEXT`, and maybe `instead: COMMAND`, which is run in its place."""
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        key = re.fullmatch(r"\s+(why|instead): (.+)", line)
        head = re.fullmatch(r"(\S+): (.+)", line)
        if not line or line.startswith("#"):
            continue
        if key and found:
            found[-1].keys[key[1]] = key[2]
        elif head:
            found.append(Entry(f"{Path(path).name}:{number}", head[1], " ".join(head[2].split())))
        else:
            report.wrong(f"{Path(path).name}:{number}: expected 'PAGE: COMMAND', or below it 'why: TEXT' or 'instead: COMMAND'")
    for entry in found:
        if "why" not in entry.keys:
            report.wrong(f"{entry.place}: no 'why'")
    return found


def lacking(text):
    """A program that the command needs and the machine has not."""
    for word in re.split(r"[\s|;&()]+", text):
        if word in OPTIONAL and not shutil.which(word):
            return word
    return None


def first_word(text):
    for word in text.split():
        if not re.match(r"\w+=", word):
            return word
    return ""


def tree_for(work, root, build):
    """A copy of the tree in which build/release and build/dev are this build, but for what ctest writes."""
    tree = work / "vmconform"
    tree.mkdir()
    left_out = [f"--exclude=./{name}" for name in (".git", "build")] + ["--exclude=corpus", "--exclude=__pycache__"]
    with subprocess.Popen(["tar", "cf", "-", *left_out, "-C", root, "."], stdout=subprocess.PIPE) as packer:
        subprocess.run(["tar", "xf", "-", "-C", tree], stdin=packer.stdout, check=True)
    for preset in ("release", "dev"):
        folder = tree / "build" / preset
        folder.mkdir(parents=True)
        for entry in build.iterdir():
            if entry.name not in ("Testing", "DartConfiguration.tcl", "mutants"):
                (folder / entry.name).symlink_to(entry)
    (work / "home").mkdir()
    (work / "tmp").mkdir()
    return tree


def environment(work, tree, root, build):
    env = {k: v for k, v in os.environ.items() if k != "KUBECONFIG" and not k.startswith("VMCONFORM_")}
    env.update(PATH=f"{tree}/build/release:{env['PATH']}", HOME=str(work / "home"), TMPDIR=str(work / "tmp"), LC_ALL="C", TZ="UTC",
               BUILD=str(build), ROOT=str(root), HELPERS=str(Path(__file__).resolve().parent))
    return env


def play(sh, command, text, report):
    status = sh.run(text, command.shown)
    if status is None:
        report.wrong(f"{command.place}: did not end within {shell.SECONDS} s: $ {text}", sh.lines()[-20:])
        return False
    if status != command.status:
        report.wrong(f"{command.place}: exit status is {status}, the page says {command.status}: $ {text}", sh.lines()[-20:])
    elif command.shown is not None and not shell.alike(command.shown, sh.lines()):
        report.wrong(f"{command.place}: the output is not what the page shows: $ {text}",
                     ["shown:"] + ["  " + line for line in command.shown] + ["printed:"] +
                     ["  " + line for line in sh.lines()])
    return True


def do_command(sh, command, entries, report):
    """False: nothing further of this page can be run."""
    entry = next((e for e in entries if e.page == command.page and e.command == command.bare), None)
    text = command.text
    if entry:
        entry.used = True
        text = entry.keys.get("instead")
        if text is None:
            report.count("not run")
            return True
    elif first_word(command.bare) in NEVER:
        report.wrong(f"{command.place}: no test runs '{first_word(command.bare)}', and the list does not say why: $ {command.bare}")
        return True
    lack = lacking(text)
    if lack:
        report.say(f"{command.place}: skipped: no {lack} on this machine: $ {command.bare}")
        report.count("skipped")
        return True
    report.count("in another's place" if entry else "run")
    return play(sh, command, text, report)


def items_of(name, text):
    """What a reader does with the page, in order: saves a file (path and text), or runs a command."""
    if name.endswith(".pod"):
        return page.manual(name, text)
    items = []
    for block in page.blocks(name, text):
        if "save" in block.notes:
            items.append((block.notes["save"], block.text))
        if block.tag == "console":
            items += page.commands(block)
    return items


def do_page(name, root, build, entries):
    report = Report()
    try:
        items = items_of(name, (root / name).read_text(encoding="utf-8"))
    except page.Mistake as mistake:
        report.wrong(str(mistake))
        return report
    if not any(isinstance(item, page.Command) for item in items):
        return report
    with tempfile.TemporaryDirectory(prefix="vmconform-docs-") as folder:
        work = Path(folder)
        tree = tree_for(work, root, build)
        sh = shell.Shell(tree, environment(work, tree, root, build))
        for item in items:
            if isinstance(item, tuple):
                (tree / item[0]).parent.mkdir(parents=True, exist_ok=True)
                (tree / item[0]).write_text(item[1], encoding="utf-8")
            elif not do_command(sh, item, entries, report):
                break
        for status in sh.end():
            report.wrong(f"{name}: what ran in the background ended with exit status {status}")
    return report


def pages_of(root):
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "fuzz/README.md", "qcow2/README.md", "tests/clients/README.md"]
    return names + sorted(str(p.relative_to(root)) for p in root.glob("docs/*") if p.suffix in (".md", ".pod"))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    build, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    listed = Report()
    entries = read_list(sys.argv[3], listed)
    names = sys.argv[4:] or pages_of(root)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        reports = list(pool.map(lambda name: do_page(name, root, build, entries), names))
    for entry in entries:
        if not entry.used and (not sys.argv[4:] or entry.page in names):
            listed.wrong(f"{entry.place}: {entry.page} has no such command: {entry.command}")
    reports.append(listed)
    print("\n".join(line for report in reports for line in report.lines))
    counts = {what: sum(report.counts[what] for report in reports) for what in listed.counts}
    mistakes = sum(report.mistakes for report in reports)
    print(f"{len(names)} pages: {', '.join(f'{n} {what}' for what, n in counts.items())}; {mistakes} mistakes")
    sys.exit(1 if mistakes or not counts["run"] else 0)


main()
