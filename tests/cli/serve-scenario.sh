#!/bin/sh
# The world of a scenario, served: several clusters, and components that somebody else plays: serve-scenario.sh PROGRAM SCENARIOS
# kubectl is the client, and our operator stands for somebody else's.
set -u
program=$(realpath "$1") scenarios=$(realpath "$2")
command -v kubectl >/dev/null || { echo 'skipped: kubectl is not installed' && exit 77; }
work=$(mktemp -d)
server='' component=''
finish() {
    # shellcheck disable=SC2086
    kill -KILL $server $component 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 2
export HOME="$work" KUBECONFIG="$work/kc"
failed=0 count=0

fail() {
    echo "$1"
    failed=$((failed + 1))
}

# refuse PATTERN OPTION...: exit status 2, and a line that matches.
refuse() {
    pattern=$1
    shift
    count=$((count + 1))
    "$program" serve --address 127.0.0.1:0 "$@" >out 2>&1 </dev/null
    got=$?
    [ "$got" -eq 2 ] && grep -q -- "$pattern" out && return
    fail "serve $*: exit status $got, want 2 and '$pattern': $(head -n 3 out)"
}

# start OPTION...: its first line is in $ready, the others come from descriptor 3.
start() {
    rm -f line
    mkfifo line
    "$program" serve --kubeconfig kc "$@" >line 2>errors </dev/null &
    server=$!
    exec 3<line
    ready=
    read -r ready <&3 && return
    echo "serve $*: it did not start: $(cat errors)"
    exit 1
}

# stop STATUS
stop() {
    count=$((count + 1))
    kill -TERM "$server"
    wait "$server"
    got=$?
    server=
    exec 3<&-
    [ "$got" -eq "$1" ] || fail "after SIGTERM: exit status $got, want $1: $(cat errors)"
    [ "$1" -ne 0 ] || [ ! -s errors ] || fail "it wrote to standard error: $(cat errors)"
}

# expect NAME PATTERN KUBECTL-ARGUMENT...: what it prints has the pattern, whether it succeeds or not.
expect() {
    name=$1 pattern=$2
    shift 2
    count=$((count + 1))
    kubectl --request-timeout 20s "$@" >out 2>&1 </dev/null
    grep -q -e "$pattern" out || fail "$name: no '$pattern' in: $(head -c 400 out)"
}

cat >two.yaml <<'END'
apiVersion: vmconform.dev/v1alpha1
kind: Scenario
metadata: {name: two}
spec:
  requirement: [serve]
  description: Two clusters, and an operator between them that is not there.
  given:
    - cluster: hub
    - cluster: spoke
    - cluster: spoke
      objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: of-spoke, namespace: default}}]
    - steps:
      - fault: {name: busy, point: api, match: {kind: ConfigMap, by: my-operator}, times: 1, action: {answer: 409}}
    - component: my-operator
    - steps:
      - wait: {kind: ConfigMap, name: default/of-operator, has: {metadata: {name: of-operator}}, within: 1h}
  steps:
    - assert: "true"
END

# ---- what is refused ----
refuse 'NAME=external, NAME=none or NAME=builtin' --world two.yaml --implementation my-operator
refuse "did you mean 'external'" --world two.yaml --implementation my-operator=extrenal
refuse 'start the program yourself' --world two.yaml --implementation my-operator=exec:true
refuse "no selected case starts a component called 'my-operater'" --world two.yaml --implementation my-operater=none
refuse "did you mean 'my-operator', which two.yaml:14 starts" --world two.yaml --implementation my-operater=external
refuse 'twice who plays' --world two.yaml --implementation my-operator=none --implementation my-operator=builtin
refuse "there is a context for 'my-operator' already" --world two.yaml --implementation my-operator=external --as my-operator
refuse 'only a scenario has components' --implementation my-operator=none
refuse "two.yaml:14:7: no component is called 'my-operator'; did you mean .*a program of yours (--implementation my-operator=external)?" --world two.yaml
refuse "two.yaml:16:15: .*of-operator" --world two.yaml --implementation my-operator=none
sed 's/my-operator/spoke/; s/name: two/name: same/' two.yaml >same.yaml
refuse "'spoke' is a cluster and a component" --world same.yaml --implementation spoke=external
sed 's/cluster: spoke/cluster: "a.b:c"/; s/name: two/name: odd/' two.yaml >odd.yaml
refuse "letters, digits.*found 'a.b:c'" --world odd.yaml --implementation my-operator=external
count=$((count + 1))
"$program" serve --address 127.0.0.1:65535 --world two.yaml --implementation my-operator=external >out 2>&1 </dev/null
grep -q -e 'there is none for number 2' -e 'cannot listen' out || fail "a port too many: $(cat out)"

# ---- two clusters, and an operator that somebody else is ----
start --address 127.0.0.1:0 --unix s --world two.yaml --as jane --implementation my-operator=external --speed 60
case $ready in
'serving hub https://127.0.0.1:'*', spoke https://127.0.0.1:'*', kubeconfig kc, socket s, socket s.spoke') ;;
*) fail "it says '$ready'" ;;
esac
expect 'the first cluster is the current one' '^kubernetes-admin@hub$' config current-context
taken=${ready#*spoke https://}
count=$((count + 1))
"$program" serve --address "${taken%%,*}" --kubeconfig other >out 2>&1 </dev/null
grep -q 'hint: --address 127.0.0.1:0 takes a port that is free' out || fail "an address that is taken: $(cat out)"
expect 'nothing of the other' 'configmaps "of-spoke" not found' get configmap of-spoke
expect 'the other cluster' 'of-spoke' --context kubernetes-admin@spoke get configmap of-spoke
expect 'with its own kubeconfig' 'of-spoke' --kubeconfig kc.spoke get configmap of-spoke
expect 'which knows that one alone' '^kubernetes-admin@spoke' --kubeconfig kc.spoke config get-contexts -o name
# In quotes or after a blank: certificates may spell it by chance.
grep -q '[ "@]hub' kc.spoke && fail 'the kubeconfig of a cluster knows of the other'
expect 'whom --as names' 'Username  *jane$' --context jane@spoke auth whoami
# Who may enter one cluster is nobody in the other.
kubectl config set-context crossed --cluster spoke --user jane@hub >/dev/null
expect 'a token of the other cluster' 'You must be logged in\|Unauthorized' --context crossed get configmaps
kubectl config set-context crossed-admin --cluster spoke --user kubernetes-admin@hub >/dev/null
expect 'a certificate of the other cluster' 'error\|Unauthorized' --context crossed-admin get configmaps
[ -S s ] && [ -S s.spoke ] || fail 'each cluster has a socket'
# The operator's requests are those of the component.
expect 'the component has a kubeconfig' '^my-operator@hub$' --kubeconfig kc.my-operator config current-context
expect 'who it is' 'system:serviceaccount:my-operator:my-operator' --kubeconfig kc.my-operator auth whoami
expect 'a fault for the component' 'Operation cannot be fulfilled' --kubeconfig kc.my-operator create configmap of-operator
expect 'others do not meet it' 'kube-root-ca.crt' get configmaps
expect 'once' 'created' --kubeconfig kc.my-operator create configmap of-operator
read -r done_line <&3
[ "$done_line" = 'the given of the scenario is done' ] || fail "then it says '$done_line'"
stop 0
[ -e s.spoke ] && fail 'a socket is left behind'

start --address 127.0.0.1:0 --world two.yaml --cluster spoke --implementation my-operator=external
case $ready in
'serving https://127.0.0.1:'*', kubeconfig kc') ;;
*) fail "one alone: it says '$ready'" ;;
esac
expect 'one alone' 'of-spoke' get configmap of-spoke
stop 0

# ---- a given that fails while it is served: told, and there to be looked at ----
start --address 127.0.0.1:0 --world two.yaml --implementation my-operator=external --speed 1000000
until [ -s errors ] || ! kill -0 "$server"; do kubectl get --raw /readyz >/dev/null 2>&1; done
grep -q 'the given of the scenario failed: two.yaml:16:15: ' errors || fail "it says: $(cat errors)"
expect 'it goes on' of-spoke --context kubernetes-admin@spoke get configmaps
stop 2

# ---- OSAC's hub and workload cluster, with our operator as somebody else's ----
start --address 127.0.0.1:0 --world "$scenarios/osac/create/create-online.yaml" --implementation osac-operator=external --speed 20
expect 'no phase without the operator' '^vm-1: $' get computeinstance vm-1 -n osac-computeinstance -o 'jsonpath={.metadata.name}: {.status.phase}'
echo '{namespace: osac-computeinstance, hub: hub, workload: workload}' >settings
"$program" component osac-operator --kubeconfig kc --cluster hub=osac-operator@hub \
    --cluster workload=osac-operator@workload --config settings >component.out 2>&1 </dev/null &
component=$!
read -r done_line <&3
[ "$done_line" = 'the given of the scenario is done' ] || fail "OSAC: it says '$done_line': $(cat errors component.out)"
expect 'the phase' '^Running$' get computeinstance vm-1 -n osac-computeinstance -o 'jsonpath={.status.phase}'
expect 'the VM' '^Running$' --context kubernetes-admin@workload get vm vm-1 -n tenant-a -o 'jsonpath={.status.printableStatus}'
kill -TERM "$component"
wait "$component" || fail "the operator ended badly: $(cat component.out)"
component=''
stop 0

echo "$count checks, $failed failed"
[ "$failed" -eq 0 ]
