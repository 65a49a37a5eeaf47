#!/usr/bin/env python3
"""Validates every scenario and fixture against docs/scenario.schema.json, and checks that the schema
refuses what the grammar refuses. Exit status 77: PyYAML or jsonschema is not installed."""
import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

HEAD = """
apiVersion: vmconform.dev/v1alpha1
kind: Scenario
metadata: {name: x}
"""
GOOD = [
    "spec: {requirement: [r], description: d, steps: []}",
    "spec: {requirement: [r], description: d, steps: [{wait: 'true'}, {assert: {kind: A, name: b, has: {}}}]}",
    "spec: {requirement: [r], description: d, steps: [{clock: {advance: '${d}'}}], given: [{cluster: a}]}",
    "spec: {requirement: [r], description: d, steps: [{use: t, with: {a: 1}}, {crash: c}]}",
    "spec: {requirement: [r], description: d, steps: [], given: [{objects: [], cluster: a}]}",
]
BAD = [
    "spec: {requirement: [], description: d, steps: []}",
    "spec: {requirement: [r], steps: []}",
    "spec: {requirement: [r], description: d, steps: [{}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: 'true', assert: 'true'}]}",
    "spec: {requirement: [r], description: d, steps: [{race: {}}]}",
    "spec: {requirement: [r], description: d, steps: [{race: {a: [], b: [{settle: {}}]}}]}",
    "spec: {requirement: [r], description: d, steps: [{race: {a: [{settle: {}}], b: [{settle: {}}], between: soon}}]}",
    "spec: {requirement: [r], description: d, steps: [{call: {path: /}}]}",
    "spec: {requirement: [r], description: d, steps: [{call: {method: GET, path: /, expect: {status: 1}}}]}",
    "spec: {requirement: [r], description: d, steps: [{mark: m, upon: {call: GET, kind: Pod}}]}",
    "spec: {requirement: [r], description: d, steps: [{mark: m, upon: {event: ADDED, path: /}}]}",
    "spec: {requirement: [r], description: d, steps: [{link: {up: true}}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: {that: 'true', kind: A}}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: {kind: A, name: b}}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: {kind: A, name: b, has: {}, absent: true}}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: {kind: A, name: b, absent: false}}]}",
    "spec: {requirement: [r], description: d, steps: [{clock: {advance: soon}}]}",
    "spec: {requirement: [r], description: d, steps: [{clock: {advance: 1s}, with: {a: 1}}]}",
    "spec: {requirement: [r], description: d, steps: [{wait: 'true', upon: {event: ADDED}}]}",
    "spec: {requirement: [r], description: d, steps: [{mark: m, refused: {code: 1}}]}",
    "spec: {requirement: [r], description: d, steps: [{mark: m, upon: {event: ADDED, at: after}}]}",
    "spec: {requirement: [r], description: d, steps: [], never: [{name: n}]}",
    "spec: {requirement: [r], description: d, steps: [], always: [{name: n, upon: {event: ADDED}}]}",
    "spec: {requirement: [r], description: d, steps: [], given: [{kubevirt: a, storage: a}]}",
    "spec: {requirement: [r], description: d, steps: [], explore: {}}",
    "spec: {requirement: [r], description: d, steps: [], matrix: {self: [1]}}",
]


def main():
    root = pathlib.Path(sys.argv[1])
    schema = json.loads((root / "docs/scenario.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failed = 0
    files = sorted(p for d in ("scenarios", "fixtures") for p in (root / d).rglob("*.yaml"))
    for path in files:
        error = jsonschema.exceptions.best_match(
            validator.iter_errors(yaml.safe_load(path.read_text()))
        )
        if error:
            place = "/".join(str(p) for p in error.absolute_path)
            print(f"{path.relative_to(root)}: {place}: {error.message[:300]}")
            failed += 1
    for text, good in [(t, True) for t in GOOD] + [(t, False) for t in BAD]:
        if validator.is_valid(yaml.safe_load(HEAD + text)) != good:
            print(f"{'refused' if good else 'not refused'}: {text}")
            failed += 1
    print(f"{len(files)} files, {len(GOOD) + len(BAD)} samples, {failed} mistakes")
    return 1 if failed or not files else 0


sys.exit(main())
