"""What the pages show: their fenced blocks, and the commands with the output that the reader is promised."""
import re

PROMPT = "$ "
TAGS = {"console", "yaml", "json", "c", "cmake", "go", "sh", "text"}


class Mistake(Exception):
    """A page that cannot be read: the place and what is wrong with it."""


class Block:
    def __init__(self, page, line, tag, notes):
        self.page, self.line, self.tag, self.notes, self.lines = page, line, tag, notes, []

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def blocks(name, text):
    """The fenced blocks, each with the notes (<!-- KEY: VALUE -->) that stand directly above it."""
    found, block, notes = [], None, {}
    for number, line in enumerate(text.split("\n"), 1):
        note = re.fullmatch(r"<!-- ([a-z]+): (.*) -->", line)
        if block is not None:
            if line.strip() == "```":
                found.append(block)
                block = None
            else:
                block.lines.append(line)
        elif line.startswith("```"):
            block = Block(name, number, line[3:].strip(), notes)
            if block.tag not in TAGS:
                raise Mistake(f"{block.place}: a block says what it is: ```console, or one of {', '.join(sorted(TAGS))}")
            notes = {}
        elif note:
            notes = {**notes, note[1]: note[2]}
        elif line:
            notes = {}
    if block is not None:
        raise Mistake(f"{block.place}: the block does not end")
    return found


class Command:
    """One command line, its output as the page shows it (None: not shown), and the exit status that the page states."""

    def __init__(self, page, line, text):
        self.page, self.line, self.text, self.shown = page, line, text, None

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def bare(self):
        """Without its comment, and with single spaces: as tests/docs/not-run.txt names it."""
        first = re.sub(r"\s+#\s.*", "", self.text.replace("\\\n", " "))
        return " ".join(first.split())

    @property
    def status(self):
        stated = re.search(r"\s# exit (\d+)$", self.text)
        return int(stated[1]) if stated else 0


def whole(command, text):
    """Whether a command line needs no further line."""
    here = re.search(r"<<\s*'?(\w+)'?", command)
    if here:
        return f"\n{here[1]}" in command and command.split("\n")[-1] == here[1]
    return not text.endswith("\\")


def commands(block):
    """The commands of a console block."""
    found, open_line = [], False
    for number, line in enumerate(block.lines, block.line + 1):
        if open_line:
            found[-1].text += "\n" + line
            open_line = not whole(found[-1].text, line)
        elif line.startswith(PROMPT):
            found.append(Command(block.page, number, line[len(PROMPT):]))
            open_line = not whole(found[-1].text, line)
        elif not found:
            raise Mistake(f"{block.page}:{number}: a console block begins with '{PROMPT}' and a command")
        else:
            found[-1].shown = (found[-1].shown or []) + [line]
    if open_line:
        raise Mistake(f"{found[-1].place}: the command line does not end")
    return found


def manual(name, text):
    """The commands of a manual page: the bold lines of the synopsis that are complete, and the indented lines of the examples."""
    found, section = [], None
    for number, line in enumerate(text.split("\n"), 1):
        head = re.fullmatch(r"=head1 (.*)", line)
        section = head[1] if head else section
        complete = re.fullmatch(r"B<([^<>]+)>", line)
        if section == "SYNOPSIS" and complete:
            found.append(Command(name, number, complete[1]))
        elif section == "EXAMPLES" and line.startswith("    "):
            if found and not whole(found[-1].text, found[-1].text):
                found[-1].text += "\n" + line[4:]
            else:
                found.append(Command(name, number, line[4:]))
    return found
