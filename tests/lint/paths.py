#!/usr/bin/env python3
"""What the pages name exists: links and their headings, paths, files and functions in backticks. paths.py ROOT

A path may have NAMES, `*` or `<...>` for what varies. A file without a folder is looked for everywhere. What a page shows how to make
(<!-- save: PATH -->, `... > FILE`) need not be there; what stands below build/ neither."""
import fnmatch
import os
import re
import sys
from pathlib import Path

ENDINGS = ("c", "h", "cc", "md", "list", "py", "sh", "txt", "pod", "yaml")
SKIPPED = {".git", "build", "bad"}
SOURCES = (".c", ".h", ".cc", ".py", ".sh", ".go")


class Tree:
    def __init__(self, root):
        self.root, self.paths, self.words = root, set(), None
        for folder, folders, files in os.walk(root):
            below = Path(folder).relative_to(root)
            self.paths |= {str(below / name) for name in folders + files}
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
        self.tops = {path.split("/")[0] for path in self.paths}

    def called(self):
        """Everything that a source calls or defines, or has as a text of its own."""
        if self.words is None:
            self.words = set()
            for path in self.paths:
                if path.endswith(SOURCES):
                    text = (self.root / path).read_text(encoding="utf-8", errors="replace")
                    self.words |= set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", text)) | set(re.findall(r'"(\w+)"', text))
        return self.words

    def has(self, page, name):
        """name: a path from the root or from the page, or the end of one."""
        name = name.rstrip("/")
        beside = os.path.normpath(os.path.join(os.path.dirname(page), name))
        if name in self.paths or beside in self.paths or any(p.endswith("/" + name) for p in self.paths):
            return True
        pattern = re.sub(r"<[^>]*>|[A-Z][A-Z_]+", "*", name)
        return "*" in pattern and any(fnmatch.fnmatchcase(p, want) for p in self.paths for want in (pattern, "*/" + pattern))


def slugs(text):
    """GitHub's names of the headings."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-")
        found.add(slug)
    return found


def without_blocks(text):
    return re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)


def looks_like_path(tree, word):
    if not re.fullmatch(r"[\w./*<>-]+", word) or word.startswith(("/", "-", ".", "build/")) or "..." in word:
        return False
    if "/" in word:
        return word.split("/")[0] in tree.tops
    return re.search(r"\w\.(%s)$" % "|".join(ENDINGS), word) is not None


def made(text):
    """What commands and notes of the page make."""
    found = set(re.findall(r"^<!-- save: (\S+) -->$", text, re.MULTILINE))
    shown = "\n".join(re.findall(r"^\$ .*(?:\n.*)*?(?=^```|\Z)", text, re.MULTILINE))
    found |= set(re.findall(r"[\w.-]+\.\w+", shown))
    return found | {path.split("/")[-1] for path in found}


def check_links(tree, name, line, texts, say):
    for target in re.findall(r"\]\(([^)\s]+)\)", line):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if not (tree.root / to).exists():
            say(f"the link leads nowhere: {target}")
        elif anchor and to.endswith(".md"):
            if to not in texts:
                texts[to] = slugs((tree.root / to).read_text(encoding="utf-8"))
            if anchor not in texts[to]:
                say(f"{to} has no heading for the link: {target}")


def words_of(line):
    """The words in backticks; of a manual page, the files."""
    for quoted in re.findall(r"`([^`]+)`", line) + re.findall(r"F<([^>]+)>", line):
        yield from (word.strip("'\",:;()") if "()" not in word else word for word in quoted.split())


def check_words(tree, name, line, known, say):
    for word in words_of(line):
        function = re.fullmatch(r"([A-Za-z_]\w*)\(\)", word)
        if function and function[1] not in tree.called():
            say(f"no source has a function {word}")
        elif looks_like_path(tree, word) and word not in known and not tree.has(name, word):
            say(f"there is no {word}")


def pages_of(root):
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "fuzz/README.md", "qcow2/README.md", "tests/clients/README.md"]
    names += [str(p.relative_to(root)) for p in sorted((root / "docs").iterdir()) if p.suffix in (".md", ".pod")]
    return [name for name in names if (root / name).exists()]


def main():
    root = Path(sys.argv[1]).resolve()
    tree, texts, count = Tree(root), {}, 0
    for name in pages_of(root):
        text = (root / name).read_text(encoding="utf-8")
        known = made(text)
        for number, line in enumerate(without_blocks(text).split("\n"), 1):
            def say(what, place=f"{name}:{number}"):
                nonlocal count
                count += 1
                print(f"{place}: {what}")
            check_links(tree, name, line, texts, say)
            check_words(tree, name, line, known, say)
    print(f"{len(pages_of(root))} pages, {count} findings", file=sys.stderr)
    sys.exit(1 if count else 0)


main()
