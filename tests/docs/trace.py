#!/usr/bin/env python3
"""The fields of a trace are those of its page: trace.py PAGE [--whole] TRACE..., or trace.py PAGE --run PROGRAM SCENARIO...

Every field of every line stands on the page, in that order, with that type or among those words, and those that are always there are. With
--run or --whole, every record, field and word of the page must occur, so that the page tells of nothing that is gone."""
import json
import re
import subprocess
import sys
import tempfile

CASE, COMMON = "The line of a case", "Every other line"
TYPES = {
    "text": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "list": lambda v: isinstance(v, list),
    "object or list": lambda v: isinstance(v, (dict, list)),
    "any": lambda v: True,
}


def read_page(path):
    """{section: {field: (type, words, always)}}, in the order of the page."""
    tables, section = {}, None
    for line in open(path, encoding="utf-8"):
        title = re.match(r"#+ (.*)", line)
        row = re.match(r"\| `(\w+)` \| (.*?) \| (always)? ?\|", line)
        if title:
            section = title[1].strip("`\n")
        elif row:
            words = re.findall(r"`(.*?)`", row[2])
            tables.setdefault(section, {})[row[1]] = (None if words else row[2], words, bool(row[3]))
    return tables


class Checker:
    def __init__(self, tables):
        self.tables, self.seen, self.words, self.mistakes = tables, set(), set(), []

    def wrong(self, where, text):
        mistake = f"{where}: {text}"
        if len(self.mistakes) < 40 and mistake not in self.mistakes:
            self.mistakes.append(mistake)

    def check_fields(self, section, fields, record):
        keys = [k for k in fields if k in record]
        if keys != list(record):
            unknown = [k for k in record if k not in fields]
            self.wrong(section, f"not on the page: {', '.join(unknown)}" if unknown else f"another order: {', '.join(record)}")
        for key, (kind, words, always) in fields.items():
            if key not in record:
                if always:
                    self.wrong(section, f"{key} is not always there")
                continue
            self.seen.add((section, key))
            value = record[key]
            if words:
                self.words.add((section, key, value))
            if words and value not in words:
                self.wrong(section, f"{key} may be {json.dumps(value)}")
            if kind is not None and not TYPES[kind](value):
                self.wrong(section, f"{key} is not {kind}: {json.dumps(value)[:80]}")

    def check_record(self, record, count, since):
        ev = record.get("ev")
        if ev not in self.tables:
            self.wrong("ev", f"not on the page: {ev}")
            return
        self.check_fields(ev, {**self.tables[COMMON], **self.tables[ev]}, record)
        if record["n"] != count:
            self.wrong(ev, f"n is {record['n']} in line {count} of the case")
        if record["t"] < since:
            self.wrong(ev, "t goes back")

    def check_trace(self, path):
        count, since = 0, 0
        for line in open(path, encoding="utf-8"):
            record = json.loads(line)
            if "case" in record:
                count, since = 0, 0
                self.check_fields(CASE, self.tables[CASE], record)
                continue
            count += 1
            self.check_record(record, count, since)
            since = record.get("t", since)

    def check_whole(self):
        for section, fields in self.tables.items():
            for field, (_, words, _) in fields.items():
                there = (section, field) in self.seen
                if not there and not (section == COMMON and any(f == field for _, f in self.seen)):
                    self.wrong(section, f"{field} never occurs")
                for word in words:
                    if there and (section, field, word) not in self.words:
                        self.wrong(section, f"{field} is never {json.dumps(word)}")


def run(checker, program, scenarios):
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as trace:
        done = subprocess.run([program, "run", "--trace", trace.name, "--seed", "7", *scenarios], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"the run failed:\n{done.stdout}")
        if " 0 skipped" not in done.stdout:
            print(f"some of the records cannot be had here:\n{done.stdout}")
            sys.exit(77)
        checker.check_trace(trace.name)
    checker.check_whole()


def main():
    page, rest = sys.argv[1], sys.argv[2:]
    checker = Checker(read_page(page))
    if rest[0] == "--run":
        run(checker, rest[1], rest[2:])
    else:
        whole = rest[0] == "--whole"
        for path in rest[whole:]:
            checker.check_trace(path)
        if whole:
            checker.check_whole()
    for mistake in checker.mistakes:
        print(mistake)
    print(f"{len(checker.seen)} fields, mistakes: {len(checker.mistakes)}")
    sys.exit(1 if checker.mistakes or not checker.seen else 0)


main()
