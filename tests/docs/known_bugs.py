#!/usr/bin/env python3
"""The table of known bugs is true: known_bugs.py PAGE MUTANTS SCENARIOS

Every number from B-01 to B-52 has one row, in order. What stands in backticks in the last column is a mutant, a scenario, or a switch; a mutant named after a bug stands in that bug's
row, beside a scenario that it names under `kills`; a switch occurs in a scenario of its row. A row without a scenario says nothing."""
import pathlib
import re
import sys

NUMBERS = [f"B-{n:02}" for n in range(1, 53)]


def read_mutants(path):
    """{name: its scenarios}"""
    mutants, name = {}, None
    for line in open(path, encoding="utf-8"):
        begun = re.match(r"- name: (\S+)", line)
        kills = re.match(r"  kills: \[(.*)\]", line)
        if begun:
            name = begun[1]
        elif kills:
            mutants[name] = set(re.split(r",\s*", kills[1]))
    return mutants


def read_rows(path):
    """[(place, number, last column)]"""
    rows = []
    for count, line in enumerate(open(path, encoding="utf-8"), 1):
        if not re.match(r"\| B-", line):
            continue
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        rows.append((f"{pathlib.Path(path).name}:{count}", cells[0], cells[3] if len(cells) == 4 else None))
    return rows


class Checker:
    def __init__(self, mutants, scenarios):
        self.mutants, self.scenarios, self.mistakes, self.told = mutants, scenarios, [], {}

    def wrong(self, place, text):
        self.mistakes.append(f"{place}: {text}")

    def check_switch(self, place, number, word, scenarios):
        if not any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", self.scenarios[s]) for s in scenarios):
            self.wrong(place, f"{number}: `{word}` is no mutant and no scenario, and no scenario of the row turns it on")

    def check_row(self, place, number, text):
        words = re.findall(r"`([^`]+)`", text)
        mutants = [w for w in words if w in self.mutants]
        scenarios = [w for w in words if w in self.scenarios]
        if not scenarios:
            self.wrong(place, f"{number} names no scenario")
        for word in words:
            if re.match(r"B-\d\d-", word) and word not in self.mutants:
                self.wrong(place, f"{number}: there is no mutant `{word}`")
            elif word not in self.mutants and word not in self.scenarios:
                self.check_switch(place, number, word, scenarios)
        for mutant in mutants:
            self.told.setdefault(mutant, set()).add(number)
            if not self.mutants[mutant] & set(scenarios):
                self.wrong(place, f"{number}: no scenario of the row is one that `{mutant}` names")

    def check(self, rows):
        if [number for _, number, _ in rows] != NUMBERS:
            self.wrong("the table", f"its rows are not {NUMBERS[0]} to {NUMBERS[-1]}, each once, in order")
        for place, number, text in rows:
            if text is None:
                self.wrong(place, f"{number} has not four columns")
            else:
                self.check_row(place, number, text)
        for mutant in self.mutants:
            named = re.match(r"([bB]-\d\d)", mutant)
            if named and named[1] not in self.told.get(mutant, ()):
                self.wrong("mutants", f"{mutant} does not stand in the row of {named[1]}")


def texts_below(folder):
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(pathlib.Path(folder).rglob("*.yaml"))}


def main():
    page, mutants, scenarios = sys.argv[1:4]
    checker = Checker(read_mutants(mutants), texts_below(scenarios))
    rows = read_rows(page)
    checker.check(rows)
    for mistake in checker.mistakes:
        print(mistake)
    print(f"{len(rows)} rows, mistakes: {len(checker.mistakes)}")
    sys.exit(1 if checker.mistakes or not rows else 0)


main()
