#!/bin/sh
# Each example of docs/extending.md does what it says, where it was added, and nowhere else:
# check.sh EXTENDED PROGRAM BUILD, in the root of the project. EXTENDED has the examples, PROGRAM has not, BUILD made both.
set -u
extended=$1 program=$2 build=$3
here=tests/extending
. tests/cli/lib.sh

# ---- where it was added, a scenario can say it; elsewhere it is told what is unknown ----

for example in resource fault verb function component; do
    check "$example" 0 '^1 case: 1 passed' "$extended" run "$here/$example/scenarios"
done
check without-resource 2 "given: unknown key 'lamps'" "$program" lint "$here/resource/scenarios"
check without-verb 2 "step: unknown key 'outage'" "$program" lint "$here/verb/scenarios"
check without-function 2 "unknown function 'age'" "$program" lint "$here/function/scenarios"
check without-report 2 "unknown option '--tap'" "$program" run --tap "$work/tap" "$here"
sed 's/point: bulb/point: api/' "$here/fault/scenarios/lamp-bulbs.yaml" >"$work/lamp-bulbs.yaml"
check other-point 2 "match: point 'api' has no attribute\|action: point 'api' has no action 'dead'" "$extended" run "$work/lamp-bulbs.yaml"
check wrong-lasts 2 "'lasts' must be a duration" sh -c "sed 's/lasts: 30m/lasts: soon/' $here/verb/scenarios/porter-outage.yaml \
    >$work/porter-outage.yaml; $extended lint $work/porter-outage.yaml"
check no-such-object 1 "there is no Namespace 'c'" sh -c "sed 's/.Namespace., .b./\\x27Namespace\\x27, \\x27c\\x27/' \
    $here/function/scenarios/function-age.yaml >$work/function-age.yaml; $extended run $work/function-age.yaml"
check wrong-setting 2 "unknown setting 'later'" sh -c "sed 's/after: 10m/later: 10m/' $here/component/scenarios/porter-puts-out.yaml \
    >$work/porter-puts-out.yaml; $extended run $work/porter-puts-out.yaml"
check help-of-run 0 '^ *--tap FILE *write a TAP report$' "$extended" run --help
check help-of-component 0 '^ *night-porter$' "$extended" component --help
check as-a-process 0 '^1 case: 1 passed' "$extended" run --transport http "$here/component/scenarios"

# ---- the report ----

cp "$here/function/scenarios/function-age.yaml" "$work/function-age.yaml"
check report 0 '^1 case' "$extended" run --tap "$work/out.tap" "$work/function-age.yaml"
printf 'TAP version 13\n1..1\nok 1 - function-age\n' >"$work/want.tap"
check report-text 0 '' cmp "$work/out.tap" "$work/want.tap"

# ---- the same trace each time ----

for jobs in 1 2; do
    "$extended" run --seed 7 --jobs $jobs --trace "$work/trace-$jobs" $here/*/scenarios >/dev/null 2>&1
done
check trace 0 '"lamps"' cat "$work/trace-1"
check same-trace 0 '' cmp "$work/trace-1" "$work/trace-2"

# ---- pages: what is derived is derived, what is not is told ----

mkdir -p "$work/tree/docs" "$work/tree/fixtures" "$work/tree/scenarios"
cp docs/scenario-format.md docs/scenario.schema.json docs/vmconform.1.pod "$work/tree/docs"
cp $here/*/scenarios/*.yaml "$work/tree/scenarios"
check old-page 1 'run scripts/grammar-docs' scripts/grammar-docs --check "$extended" "$work/tree/docs"
for row in '+| `lamps: CLUSTER`' '+| `bulb`' '+| `outage`' '+| `age(KIND, NAME)`' '+| `night-porter` | `after` |' '+    "outage": {'; do
    check "told: $row" 1 "$row" scripts/grammar-docs --check "$extended" "$work/tree/docs"
done
check new-page 0 '' scripts/grammar-docs "$extended" "$work/tree/docs"
check page-is-new 0 '' scripts/grammar-docs --check "$extended" "$work/tree/docs"
check old-manpage 1 'does not tell of: run --tap' tests/lint/manpage.sh "$extended" "$work/tree/docs/vmconform.1.pod"
sed -i 's/^=item B<--trace> I<FILE>$/=item B<--tap> I<FILE>\n\n&/' "$work/tree/docs/vmconform.1.pod"
check manpage 0 '' tests/lint/manpage.sh "$extended" "$work/tree/docs/vmconform.1.pod"
if python3 -c 'import jsonschema, yaml' 2>/dev/null; then
    check schema 0 '^5 files, .* 0 mistakes' python3 tests/schema/check.py "$work/tree"
    cp docs/scenario.schema.json "$work/tree/docs"
    check old-schema 1 'lamp-lights' python3 tests/schema/check.py "$work/tree"
else
    echo "the schema was not tried: python3 has no jsonschema or no yaml"
fi

# ---- the mutant ----

list=$here/mutant/tests/mutants.yaml
check mutant 0 '^killed  *porter-in-a-hurry  *porter-puts-out$' \
    "$extended" mutants --build "$build" --list "$list" "$here/component/scenarios"
sed 's/replace: .*/replace: if (left >= 1) {/' "$list" >"$work/mutants.yaml"
check mutant-that-lives 1 '^SURVIVED  *porter-in-a-hurry' \
    "$extended" mutants --build "$build" --list "$work/mutants.yaml" "$here/component/scenarios"
check build-that-is-none 2 '--build .*: No such file' "$extended" mutants --build "$work/none" --list "$list" "$here/component/scenarios"

echo "$count checks, $failed failed"
[ "$failed" -eq 0 ]
