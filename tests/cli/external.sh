#!/bin/sh
# Components that are outside: external.sh PROGRAM
# The controller is tests/cli/external/controller.py, its scenarios are those of the example controller.
set -u
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
scenarios=$here/../clients/go/example-controller/scenarios
. "$here/lib.sh"
cd "$work" || exit 2

fail() {
    echo "$1"
    head -n 40 out | sed 's/^/    /'
    failed=$((failed + 1))
}

# expect NAME STATUS PATTERN OPTION...: the run ends with this status and says this.
expect() {
    name=$1 want=$2 pattern=$3
    shift 3
    count=$((count + 1))
    "$program" run "$@" >out 2>&1 </dev/null
    got=$?
    [ "$got" -eq "$want" ] && grep -q -e "$pattern" out || fail "$name: exit status $got, want $want and '$pattern':"
}

# also PATTERN: the last run has said this too.
also() {
    count=$((count + 1))
    grep -q -e "$1" out || fail "not said: '$1'"
}

one=$scenarios/snapshot-ready.yaml
refuse() { expect "$1" 2 "$2" "$one" "$3" "$4"; }
refuse 'no value' 'NAME=builtin, NAME=external or NAME=exec:COMMAND' --implementation instance-snapshotter
refuse 'an unknown value' 'did you mean .external' --implementation instance-snapshotter=extrenal
refuse 'an unknown name' "no selected case starts a component called 'instance-snapshoter'" --implementation instance-snapshoter=external
also "did you mean 'instance-snapshotter', which .*snapshot-ready.yaml:28 starts?"
refuse 'a name that is like none' "started are 'instance-snapshotter' (.*snapshot-ready.yaml:28)" --implementation backup=external
refuse 'a component of no project' "no component is called 'instance-snapshotter'" --seed 2
also "implementation instance-snapshotter=external"
also 'snapshot-ready.yaml:28:'
refuse 'nobody is outside' '--listen is for an implementation that is outside' --listen 127.0.0.1:0
refuse 'no time' '--quiet-ms' --implementation=instance-snapshotter=external --quiet-ms=0
refuse 'no leap' '--leap wants a duration' --implementation=instance-snapshotter=external --leap=0s
refuse 'a crash sweep' '--crash wants runs that are the same' --implementation=instance-snapshotter=external --crash=every-write
refuse 'both ways' 'is for components of ours' --implementation=instance-snapshotter=external --transport=http
refuse 'no address' 'HOST:PORT' --implementation=instance-snapshotter=external --listen=here
refuse 'nobody comes' 'has not connected within 100ms' --implementation=instance-snapshotter=external --connect-timeout=100ms
also '^error snapshot-ready (observed)'
expect 'two outside' 2 'one component can be' "$one" --implementation a=external --implementation b=external

# Components that `finally` and templates start, and templates of templates, are known too. None is outside.
cat >late.yaml <<'END'
apiVersion: vmconform.dev/v1alpha1
kind: Scenario
metadata: {name: late}
spec:
  requirement: [example-snapshot]
  description: Components that start late.
  vars: {which: osac-operator}
  given:
    - cluster: main
  templates:
    begin:
      steps:
        - use: deeper
    deeper:
      steps:
        - component: {start: first}
    never:
      steps:
        - component: {start: unused}
  steps:
    - create: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
    - assert: "true"
    - use: begin
      when: "false"
  finally:
    - component: {start: second}
      when: "false"
END
sed 's/start: first/start: "${which}"/; s/name: late/name: computed/' late.yaml >computed.yaml
expect 'in a template of a template' 0 '1 passed' late.yaml --implementation first=builtin
expect 'in what is done at the end' 0 '1 passed' late.yaml --implementation second=builtin
expect 'in a template that nobody uses' 2 "no selected case starts a component called 'unused'" late.yaml --implementation unused=builtin
expect 'a name that a variable has' 0 '1 passed' computed.yaml --implementation osac-operator=builtin
expect 'a crash sweep of what is ours' 0 '1 passed' late.yaml --implementation first=builtin --crash every-write
expect 'processes of what is ours' 0 '1 passed' late.yaml --implementation first=builtin --transport http

python=$(command -v python3) || { echo "$count checks, the rest needs python3"; exit $((failed > 0)); }
# The interpreter itself, so that what is started is what is stopped.
python=$("$python" -c 'import sys; print(sys.executable)')
controller="exec $python $here/external/controller.py"

# tokens_of KUBECONFIG
tokens_of() { sed -n 's/^ *token: "\{0,1\}\([^" ]*\)"\{0,1\}$/\1/p' "$1"; }

expect 'it passes' 0 '3 cases: 3 passed' "$scenarios" --implementation "instance-snapshotter=exec:$controller" --json x.json --kubeconfig kc --trace trace
# Who may enter is of the run alone, whatever its seed, and nothing that others read tells of it.
tokens_of kc >tokens
WRONG=talk
export WRONG
expect 'and again' 0 '1 passed' "$one" --implementation "instance-snapshotter=exec:$controller" --kubeconfig kc2 --trace trace2
WRONG=
tokens_of kc2 >tokens2
count=$((count + 4))
[ "$(wc -l <tokens)" -eq 2 ] || fail "$(wc -l <tokens) tokens, want 2"
grep -qxFf tokens tokens2 && fail 'another run with the same seed has the same tokens'
grep -q '"resource":"tokenreviews".*"code":201' trace2 || fail 'the trace does not tell of the TokenReview'
grep -qF -f tokens -f tokens2 trace trace2 x.json && fail 'a trace or a report holds a token'
expect 'over a socket' 0 '3 cases: 3 passed' "$scenarios" --implementation instance-snapshotter=external --exec "$controller" \
    --listen "unix:$work/socket" --junit report/x.xml --json report/x.json
also '3 of the cases were observed'
cp report/x.xml out && also 'name="observed" value="true"'
cp report/x.json out && also '"observed": true'
[ -e socket ] && fail 'the socket was left behind'
[ -f report/vmconform.kubeconfig ] || fail 'the kubeconfig is not beside the reports'

export WRONG
WRONG=ready
expect 'Ready too early' 1 'Ready is said only of what KubeVirt can restore' "$one" --implementation instance-snapshotter=external --exec "$controller"
also 'broken by instance-snapshotter'
also '| shop snap-1 Ready'
WRONG=name
expect 'a second one after the crash' 1 'not exactly one VirtualMachineSnapshot was created' "$scenarios/snapshot-once.yaml" \
    --implementation instance-snapshotter=external --exec "$controller"
WRONG=exit
expect 'it ends' 2 "'instance-snapshotter' ended by itself: exit status 1" "$one" --implementation instance-snapshotter=external --exec "$controller"
also '| nothing to do: giving up'
WRONG=deaf
expect 'it never comes' 2 'has not connected within 300ms' "$one" --implementation instance-snapshotter=external --exec "$controller" --connect-timeout 300ms
WRONG=
expect 'no time left' 2 'did not end within 100ms of wall time' "$one" --implementation instance-snapshotter=external --exec "$controller" --timeout 100ms

# One that somebody else has started lives over all cases.
mkfifo line
KUBECONFIG=$work/own.kubeconfig
export KUBECONFIG
"$program" run "$scenarios" --implementation instance-snapshotter=external --kubeconfig "$KUBECONFIG" >line 2>&1 </dev/null &
runner=$!
exec 3<line
read -r ready <&3
"$python" "$here/external/controller.py" >log 2>&1 </dev/null &
running=$!
cat <&3 >out
wait "$runner"
status=$?
count=$((count + 1))
[ "$status" -eq 0 ] || fail "one that lives on: exit status $status"
also '3 cases: 2 passed, 0 failed, 0 errors, 0 vacuous, 1 skipped'
also "crashes 'instance-snapshotter', which somebody else has started"

echo "$count checks, $failed failed ($ready)" | sed "s|$work/||"
[ "$failed" -eq 0 ]
