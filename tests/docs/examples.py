#!/usr/bin/env python3
"""Runs the YAML of the pages with the program, and holds what they show of files against the files. CONTRIBUTING.md tells how pages
mark it. examples.py PROGRAM ROOT FRAMES [PAGE...]"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is written into the tree
import page  # noqa: E402
import shell  # noqa: E402

SECONDS = 60
SHOWN = 20


def run(program, root, text):
    """What is wrong with a scenario; None: it passes."""
    name = re.search(r"^metadata:\s*(?:\n\s+|\{)name: ([a-z0-9-]+)", text, re.MULTILINE)
    if not name:
        return "no metadata.name, so no file can be called like it"
    with tempfile.TemporaryDirectory(prefix="vmconform-docs-") as folder:
        (Path(folder) / "fixtures").symlink_to(root / "fixtures")
        file = Path(folder) / f"{name[1]}.yaml"
        file.write_text(text, encoding="utf-8")
        env = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(["vmconform", "run", file.name], executable=program, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    if done.returncode == 0 and b" 0 skipped" in done.stdout:
        return None
    lines = done.stdout.decode(errors="replace").rstrip().split("\n")
    return "\n    ".join([f"exit status {done.returncode}:"] + [shell.masked(line) for line in lines[:SHOWN]])


def framed(frame, block):
    """The scenario of a frame, with the block in the place of its line HERE, as far indented."""
    text = frame.read_text(encoding="utf-8")
    here = re.search(r"^( *)HERE$", text, re.MULTILINE)
    if not here:
        raise page.Mistake(f"{frame.name}: no line HERE")
    left = min(len(line) - len(line.lstrip()) for line in block.lines if line.strip())
    return text[:here.start()] + "\n".join(here[1] + line[left:] for line in block.lines) + text[here.end():]


def plain(line):
    return re.sub(r"\s+# .*", "", line).rstrip()


def check_yaml(program, root, frames, block):
    notes = block.notes
    if "file" in notes:
        return None if (root / notes["file"]).read_text(encoding="utf-8") == block.text else f"is not {notes['file']}"
    if "excerpt" in notes:
        lines = [plain(line) for line in (root / notes["excerpt"]).read_text(encoding="utf-8").split("\n")]
        shown = ["..."] + [plain(line) for line in block.lines] + ["..."]
        return None if shell.alike(shown, lines) else f"is no part of {notes['excerpt']}"
    if "frame" in notes:
        return run(program, root, framed(frames / f"{notes['frame']}.yaml", block))
    if re.search(r"^kind: Scenario$", block.text, re.MULTILINE):
        return run(program, root, block.text)
    return "is no scenario, and no note above it says what makes one of it: <!-- frame: NAME -->, excerpt or file"


def check(program, root, frames, block):
    try:
        if block.tag == "yaml":
            return check_yaml(program, root, frames, block)
        if block.tag == "json":
            json.loads(block.text)
    except OSError as wrong:
        return f"{wrong.strerror}: {Path(wrong.filename).name}"
    except (ValueError, page.Mistake) as wrong:
        return str(wrong)
    return None


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, root, frames = os.path.realpath(sys.argv[1]), Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    names = sys.argv[4:] or ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] + sorted(f"docs/{p.name}" for p in root.glob("docs/*.md"))
    used, examples, mistakes = set(), 0, 0
    for name in names:
        for block in page.blocks(name, (root / name).read_text(encoding="utf-8")):
            wrong = check(program, root, frames, block)
            examples += block.tag in ("yaml", "json")
            used.add(block.notes.get("frame"))
            if wrong:
                mistakes += 1
                print(f"{block.place}: {wrong}")
    for frame in sorted(frames.glob("*.yaml")):
        if frame.stem not in used and not sys.argv[4:]:
            mistakes += 1
            print(f"{frame.name}: no page has an example for this frame")
    print(f"{len(names)} pages: {examples} examples, {mistakes} mistakes")
    sys.exit(1 if mistakes or not examples else 0)


main()
