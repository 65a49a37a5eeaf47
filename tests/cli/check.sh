#!/bin/sh
# Command lines and what they must do: check.sh PROGRAM, in the root of the project.
# Each case: name, wanted exit status, wanted text (a basic regular expression), and the command.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1
. "$here/lib.sh"

# The smallest scenarios with each verdict.
scenario() {
    {
        printf 'apiVersion: vmconform.dev/v1alpha1\nkind: Scenario\nmetadata: {name: %s, labels: {size: small}}\n' "$1"
        printf 'spec:\n  requirement: [some-promise]\n  description: A sample for the command line.\n'
        cat
    } >"$work/s/$1.yaml"
}
mkdir "$work/s"
scenario passes <<'Y'
  steps:
    - create: {apiVersion: v1, kind: Namespace, metadata: {name: a}}
    - assert: {kind: Namespace, name: a, has: {status: {phase: Active}}, within: 1m}
Y
scenario fails <<'Y'
  steps: [{assert: {kind: Namespace, name: never, has: {}}}]
Y
scenario errs <<'Y'
  steps: [{wait: {kind: Namespace, name: never, has: {}, within: 1m}}]
Y
scenario vacuous <<'Y'
  steps: [{settle: {}}]
  sometimes: [{that: "exists('Namespace', 'never')"}]
Y
scenario matrixed <<'Y'
  matrix: {size: [1, 2]}
  steps: [{assert: "size < 2"}]
Y
scenario races <<'Y'
  steps:
    - race:
        a: [{apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: "1"}}}, {apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: "2"}}}]
        b: [{apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: "3"}}}]
    - assert: "get('ConfigMap', 'c').data.v == '3'"
  sometimes: ["get('ConfigMap', 'c').data.v == '2'"]
Y
scenario races-well <<'Y'
  steps:
    - race:
        tenant: [{apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: "1"}}}]
        admin: [{apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: "2"}}}]
  sometimes: ["get('ConfigMap', 'c').data.v == '2'"]
Y
mkdir "$work/r"
mv "$work/s/races.yaml" "$work/s/races-well.yaml" "$work/r"
run="$program run --jobs 1"
s=$work/s

check no-command 2 '^usage: vmconform COMMAND' "$program"
check help 0 '^usage: vmconform COMMAND' "$program" --help
check help-as-a-word 0 '^usage: vmconform COMMAND' "$program" help
check help-of-a-command 0 '^usage: vmconform serve' "$program" help serve
check help-of-a-component 0 '^usage: vmconform component' "$program" help component
check help-of-a-subcommand 0 '^usage: vmconform qcow2 map' "$program" help qcow2 map
check help-of-no-command 2 "did you mean 'serve'" "$program" help serv
check version 0 '^vmconform [0-9]*\.[0-9]*\.[0-9]*$' "$program" --version
check unknown-command 2 "unknown command 'rnu'" "$program" rnu
check unknown-command-hint 2 "did you mean 'run'" "$program" rnu
check control-bytes-in-command 2 "unknown command" "$program" "$(printf 'a\033[31m')"
for command in run list lint expand grammar qcow2 cel mutants doctor; do
    check help-of-$command 0 "^usage: vmconform $command" "$program" $command --help
done
# Reports bring options of their own: one may be called as another option is.
check no-option-twice 1 '' sh -c "$program run --help | grep -o '^ *[-a-z, ]*--[a-z-]*' | sed 's/.*--//' | sort | uniq -d | grep ."
echo '{}' >"$work/empty.json"
check grammar-of-everything 0 '^verbs:$' "$program" grammar
check grammar-of-one 0 '^clock	' "$program" grammar verbs
check grammar-as-markdown 0 '^| `clock` | `{advance: DURATION}` |' "$program" grammar --markdown verbs
check grammar-unknown-table 2 "no table is called 'verb'" "$program" grammar verb
check grammar-unknown-table-hint 2 "did you mean 'verbs'" "$program" grammar verb
check grammar-no-schema 2 'No such file' "$program" grammar --schema "$work/none.json"
check grammar-bad-schema 2 'this is no schema of scenarios' "$program" grammar --schema "$work/empty.json"
check no-such-mutant 2 "no mutant matches 'no-such'" "$program" mutants --filter no-such

# The list of mutants against the files and the scenarios, without compiling. `mutant FIND [ALSO]` writes a list of one.
mutant() {
    printf -- '- name: m\n  file: %s/m.c\n  find: %s\n  replace: nix\n  kills: [%s]\n  why: A sample.\n' \
        m "$1" "${kills-passes}" >"$work/m.yaml"
    [ -z "${2-}" ] || printf '  also: {find: %s, replace: nix}\n' "$2" >>"$work/m.yaml"
}
mkdir "$work/m"
printf 'one\ntwo two\nthree\n' >"$work/m/m.c"
in_m="env -C $work $(realpath "$program") mutants --check --list m.yaml s/passes.yaml"
mutant one
check mutants-check 0 '^1 mutant, 1 scenario, 0 mistakes$' $in_m
mutant one three
check mutants-check-also 0 '0 mistakes' $in_m
mutant four
check mutants-check-nowhere-hint 1 'no line of the file is like it' $in_m
check mutants-check-nowhere 1 "^m.yaml:3:9: error: mutant 'm': the text is 0 times in m/m.c, expected once" $in_m
mutant two
check mutants-check-twice 1 "^m.yaml:3:9: error: mutant 'm': the text is 2 times in m/m.c, expected once" $in_m
check mutants-check-twice-hint 1 'it stands in line 2, 2; take in more' $in_m
mutant thred
check mutants-check-nearly-hint 1 "did you mean 'three', m/m.c:3" $in_m
mutant one one
check mutants-check-also-gone 1 "^m.yaml:7:16: error: mutant 'm': the text is 0 times" $in_m
printf -- '- name: m\n  file: m/m.c\n  find: |-\n    one\n      two two\n  replace: x\n  kills: [passes]\n  why: A sample.\n' >"$work/m.yaml"
check mutants-check-lines 1 'hint: .*the spaces of the file' $in_m
sed -i 's/      two two/    two two/' "$work/m.yaml"
check mutants-check-lines-right 0 '0 mistakes' $in_m
kills=passed mutant one
check mutants-check-scenario 1 "^m.yaml:5:11: error: no scenario is called 'passed'" $in_m
kills=passed mutant one
check mutants-check-scenario-hint 1 "did you mean 'passes'" $in_m
mutant one
check mutants-check-toothless 1 "^s/fails.yaml:3:18: error: no mutant has the scenario 'fails'" $in_m s/fails.yaml
check mutants-check-toothless-hint 1 'expected in one entry of m.yaml' $in_m s/fails.yaml
check mutants-check-filter 0 '^1 mutant, ' $in_m s/fails.yaml --filter m
check mutants-check-no-match 2 "no mutant matches 'n'" $in_m --filter n
rm "$work/m/m.c"
check mutants-check-no-file 1 "^m.yaml:2:9: error: .*m/m.c.: No such file" $in_m
check mutants-check-no-file-hint 1 'a path below the current folder' $in_m
touch "$work/m/n.c"
check mutants-check-nearly-file-hint 1 "did you mean 'm/n.c'" $in_m
mv "$work/m" "$work/mm"
check mutants-check-nearly-folder-hint 1 "did you mean 'mm'" $in_m
rm "$work/m.yaml"
check mutants-check-no-list 2 'No such file' $in_m
check mutants-check-ours 0 ' 0 mistakes$' "$program" mutants --check
check unknown-option 2 "unknown option '--junti'" "$program" run --junti x "$s"
check unknown-option-hint 2 "did you mean '--junit'" "$program" run --junti x "$s"
check option-without-value 2 "\-\-junit" "$program" run "$s" --junit
check seed-no-number 2 "\-\-seed" $run --seed seven "$s"
check seed-negative 2 "\-\-seed" $run --seed -1 "$s"
check seed-too-large 2 "\-\-seed" $run --seed 99999999999999999999999 "$s"
check timeout-no-duration 2 "\-\-timeout" $run --timeout 5 "$s"
check bad-shard 2 "\-\-shard wants I/N" $run --shard 3/2 "$s"
check bad-crash 2 "\-\-crash knows" $run --crash sometimes "$s"
check bad-engine 2 "\-\-engine knows" $run --engine magic "$s"
check bad-selector 2 "error:" $run -l 'size in (' "$s"
check no-path 2 'no path was given' "$program" run
check missing-path 2 'No such file' $run "$s/none.yaml"
check missing-folder 2 'No such file' "$program" lint "$work/none"
mkdir "$work/empty"
check empty-folder 2 'no case was selected' $run "$work/empty"
check nothing-selected 2 'no case was selected' $run --filter 'no-such-*' "$s"
check nothing-selected-by-label 2 'no case was selected' $run -l size=large "$s"
mkdir "$work/twin"
cp "$s/passes.yaml" "$work/twin"
check name-twice 2 "the name 'passes' is taken" $run "$s/passes.yaml" "$work/twin"
check file-twice 0 '1 passed' $run "$s/passes.yaml" "$s/passes.yaml"

check passes 0 '1 passed, 0 failed' $run "$s/passes.yaml"
check fails 1 '0 passed, 1 failed' $run "$s/fails.yaml"
check errs 2 '1 error,' $run "$s/errs.yaml"
check vacuous 3 '1 vacuous' $run "$s/vacuous.yaml"
check fails-and-errs 1 '1 failed, 1 error,' $run "$s/fails.yaml" "$s/errs.yaml"
check errs-and-vacuous 2 '1 error, 1 vacuous' $run "$s/errs.yaml" "$s/vacuous.yaml"
check failure-tells-place 1 'fails.yaml:[0-9]*:[0-9]*' $run "$s/fails.yaml"
check failure-tells-replay 1 'replay: .*vmconform run' $run "$s/fails.yaml"
check by-label 0 '1 passed' $run -l size=small --filter passes "$s"
check matrix-name 1 'matrixed\[size=2\]' $run "$s/matrixed.yaml"
check matrix-filter 0 '1 passed' $run --filter 'matrixed[size=1]' "$s"
check after-dashes 0 '1 passed' $run -- "$s/passes.yaml"

echo fails >"$work/expected"
check expected-failure 0 '0 passed' $run --expected-failures "$work/expected" "$s/fails.yaml"
echo passes >"$work/expected"
check expected-failure-passes 1 'the list of expected failures' $run --expected-failures "$work/expected" "$s/passes.yaml"
check expected-missing 2 'No such file' $run --expected-failures "$work/none" "$s/passes.yaml"

check junit 1 '' $run --junit "$work/j.xml" --json "$work/j.json" "$s/passes.yaml" "$s/fails.yaml"
check junit-has-failure 0 '<failure' cat "$work/j.xml"
check json-has-status 0 '"failed"' cat "$work/j.json"
if command -v xmllint >/dev/null; then
    check junit-is-xml 0 '' xmllint --noout "$work/j.xml"
fi
check report-below-a-file 2 "Not a directory" $run --junit "$s/passes.yaml/j.xml" "$s/passes.yaml"

check list 0 'passes' "$program" list "$s"
check list-json-labels 0 '"size": "small"' "$program" list --json "$s/passes.yaml"
check list-json 0 '"matrixed\[size=1\]"' "$program" list --json "$s"
check lint 0 '5 scenarios, 6 cases, no mistake found' "$program" lint "$s"
check lint-without-a-list 0 'note: no list of promises was found; ids were not checked' "$program" lint "$s"
check lint-notes-once 1 '' sh -c "'$program' lint '$s' 2>&1 | grep -c 'no list of promises' | grep -v '^1$'"
# Where a list belongs to the folder, all of it says which promise is left.
mkdir -p "$work/p/docs" "$work/p/scenarios/more"
cp "$s/passes.yaml" "$work/p/scenarios/more"
cat >"$work/p/docs/requirements.yaml" <<'Y'
requirements:
  - {id: some-promise, says: What the sample claims for itself., strength: M, from: the sample}
  - {id: left-alone, says: What nobody claims at all any more., strength: H, from: the sample}
  - {id: for-later, says: What somebody claims on another day., strength: H, from: the sample, later: true}
Y
check lint-of-the-whole 2 "requirements.yaml:3:10: error: no scenario claims 'left-alone'" "$program" lint "$work/p/scenarios"
check lint-of-the-whole-once 1 '' sh -c "'$program' lint '$work/p/scenarios/' 2>&1 | grep -c 'no scenario claims' | grep -v '^1$'"
check lint-of-a-part 0 '1 scenario, 1 case, no mistake found' "$program" lint "$work/p/scenarios/more"
check lint-with-a-list 1 '' sh -c "'$program' lint '$work/p/scenarios/more' 2>&1 | grep 'note:'"
check run-of-the-whole 0 ' 1 passed' $run "$work/p/scenarios"
check expand 0 'size: 1' "$program" expand "$s/matrixed.yaml"
check expand-unrolls 0 'patch: the tenant asks to restore .*(fixtures/osac.yaml:' "$program" expand scenarios/osac/toctou/toctou-cache-lag-ready.yaml
mkdir "$s/fixtures" "$s/deep"
printf 'apiVersion: vmconform.dev/v1alpha1\nkind: Fixture\nmetadata: {name: f}\nspec: {description: A sample., given: [{cluster: main}]}\n' >"$s/fixtures/f.yaml"
printf 'apiVersion: vmconform.dev/v1alpha1\nkind: Scenario\nmetadata: {name: inside}\nspec: {requirement: [x], description: A sample., given: [{fixture: f}], steps: [{settle: {}}]}\n' >"$s/deep/inside.yaml"
check fixture-from-inside 0 'no mistake found' env -C "$s/deep" "$(realpath "$program")" lint inside.yaml
rm -r "$s/fixtures" "$s/deep"
check doctor-argument 2 'takes no arguments' "$program" doctor all
check qcow2-missing 2 'error' "$program" qcow2 info "$work/none.qcow2"

# What stands for itself at the time of reading: manifests that a hole gives, a parameter named like a variable.
mkdir "$work/t"
scenario_in() {
    scenario "$1"
    mv "$s/$1.yaml" "$work/t/"
}
scenario_in computed <<'Y'
  steps:
    - create: "${[1, 2].map(i, {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'n' + string(i)}})}"
    - assert: "exists('Namespace', 'n1') && exists('Namespace', 'n2')"
Y
scenario_in hidden <<'Y'
  matrix: {who: [a, b]}
  templates:
    make:
      params: {who: x}
      steps: [{create: {apiVersion: v1, kind: Namespace, metadata: {name: "${who}"}}}]
  steps:
    - {use: make, with: {who: "${who}-1"}}
    - {use: make}
    - assert: "exists('Namespace', who + '-1') && exists('Namespace', 'x')"
Y
scenario_in armed <<'Y'
  given: [{fixture: osac}, {steps: [{use: instance}]}]
  steps:
    - upon: {request: create, kind: VirtualMachineSnapshot, by: osac-operator, at: after}
      mark: seen
    - use: ready-snapshot
Y
scenario_in moments <<'Y'
  matrix: {at: [before, committed, after], skip: [0, 1]}
  given: [{fixture: osac}]
  steps:
    - upon: {request: create, kind: VirtualMachineSnapshot, by: osac-operator, at: "${at}", skip: "${skip}", optional: "${skip > 0}"}
      create: {apiVersion: v1, kind: ConfigMap, metadata: {name: seen}, data: {there: "${string(exists('VirtualMachineSnapshot', 'tenant-a/snap-1'))}"}}
    - use: instance
    - use: ready-snapshot
    - {when: "skip == 0", assert: "get('ConfigMap', 'seen').data.there == string(at != 'before')"}
    - {when: "skip == 1", assert: "!exists('ConfigMap', 'seen')"}
Y
scenario_in no-moment <<'Y'
  vars: {at: sometime}
  steps: [{upon: {request: get, kind: Pod, at: "${at}"}, mark: x}]
Y
check manifests-from-a-hole 0 '1 passed' $run "$work/t/computed.yaml"
check parameter-hides-variable 0 '2 passed' $run "$work/t/hidden.yaml"
check moments-from-a-hole 0 '6 passed' $run "$work/t/moments.yaml"
check moment-from-a-hole-unknown 2 "'at' must be 'before', 'committed' or 'after'" $run "$work/t/no-moment.yaml"
check sweep-over-armed-step 0 ' 0 failed, 0 errors' $run --crash every-write "$work/t/armed.yaml"

# Slips of the pen are told, and are no promise kept.
scenario_in law-kind <<'Y'
  steps: [{settle: {}}]
  never: [{name: pods, upon: {event: ADDED, kind: "${'Po' + 'ds'}"}}]
Y
scenario_in never-judged <<'Y'
  steps: [{error: {that: "get('Namespace', 'default').metadata.nam == 'x'", for: 1m}}]
Y
scenario_in disk-never-judged <<'Y'
  given: [{fixture: osac}, {steps: [{use: instance}]}]
  steps: [{error: {disk: tenant-a/vm-1, equals: "${'no' + 'mark'}", for: 1m}}]
Y
scenario_in disk-never-judged-beside-a-law <<'Y'
  given: [{fixture: osac}, {steps: [{use: instance}]}]
  steps:
    - mark: here
    - guest: {vm: tenant-a/vm-1, write: {first: 0, blocks: 1}}
    - use: snapshot
    - error: {disk: tenant-a/vm-1, equals: "${'no' + 'mark'}", for: 1m}
  sometimes: [{disk: tenant-a/vm-1, equals: here}]
Y
scenario_in disk-no-moment <<'Y'
  given: [{fixture: osac}, {steps: [{use: instance}]}]
  steps: [{assert: {disk: tenant-a/vm-1, equals: "${'no' + 'mark'}"}}]
Y
scenario_in elsewhere <<'Y'
  steps:
    - create: {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: kube-system}}
    - assert: {kind: ConfigMap, name: c, has: {}}
Y
check law-about-no-kind 2 "the law 'pods' is about the kind 'Pods', which no cluster knows" $run "$work/t/law-kind.yaml"
check error-never-judged 2 'this could never be evaluated, so nothing was forbidden' $run "$work/t/never-judged.yaml"
check race-names-its-interleaving 1 'failed races{interleaving=aba}' $run "$work/r/races.yaml"
check race-tells-the-turns 1 'in the interleaving aba' $run "$work/r/races.yaml"
check race-tells-its-replay 1 'replay: .*run --seed 1 --interleaving aba .*/races.yaml' $run "$work/r/races.yaml"
check race-replayed 1 'races{interleaving=aba}' $run --interleaving aba "$work/r/races.yaml"
check race-of-another-order 0 '1 passed' $run --interleaving aab "$work/r/races.yaml"
check race-of-no-order 2 "interleaving 'ac' does not fit: after 'a'" $run --interleaving ac "$work/r/races.yaml"
check no-race 2 'interleaving was given, and this case has no race' $run --interleaving ab "$s/passes.yaml"
check race-tells-how-many 0 'race: all 2 interleavings' sh -c "$run --json $work/r.json $work/r/races-well.yaml && cat $work/r.json"
check race-of-long-names 0 '1 passed' $run --interleaving tenant.admin "$work/r/races-well.yaml"
# A name that is computed is known when it runs; one that is written, before.
check run-tells-what-lint-tells 2 "unknown-actor.yaml:22:25: error: nobody who acts is called 'osac-operater'" $run tests/scenario-errors/unknown-actor.yaml
check disk-never-judged 2 "never be evaluated.*tenant-a/vm-1 has no moment 'nomark'" $run "$work/t/disk-never-judged.yaml"
check disk-never-judged-beside-a-law 2 "never be evaluated.*has no moment 'nomark'" $run "$work/t/disk-never-judged-beside-a-law.yaml"
check disk-no-moment 2 "tenant-a/vm-1 has no moment 'nomark'" $run "$work/t/disk-no-moment.yaml"
check right-name-wrong-namespace 1 'ConfigMap default/c does not exist, but kube-system/c does' $run "$work/t/elsewhere.yaml"
check qcow2-info-help 0 '^usage: vmconform qcow2 info \[OPTIONS\] FILE' "$program" qcow2 info --help

# A file beyond the limit is refused before it is read.
{ printf 'apiVersion: vmconform.dev/v1alpha1\n'; yes '# padding' | head -c 2097152; } >"$work/s/too-large.yaml"
check two-mebibytes 2 'too-large.yaml.*1048576' "$program" lint "$work/s/too-large.yaml"

echo "$count command lines, $failed failed"
[ "$failed" -eq 0 ]
