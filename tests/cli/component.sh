#!/bin/sh
# A component on the wall clock against a served cluster: component.sh PROGRAM. What it does is seen by a watch, so that
# nothing has to sleep.
set -u
program=$1
command -v curl >/dev/null || { echo "curl is not installed" && exit 77; }
work=$(mktemp -d)
server='' component=''
# shellcheck disable=SC2086
trap 'kill $server $component 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
failed=0 count=0

# complain TEXT [FILE...]
complain() {
    echo "$1"
    shift
    [ $# -eq 0 ] || sed 's/^/    /' "$@" | tail -n 20
    failed=$((failed + 1))
}

cat >"$work/world.yaml" <<'Y'
apiVersion: v1
kind: Namespace
metadata: {name: osac}
---
apiVersion: osac.openshift.io/v1alpha1
kind: ComputeInstance
metadata:
  name: vm-1
  namespace: osac
  labels: {osac.openshift.io/computeinstance-uuid: u1}
  annotations: {osac.openshift.io/tenant: t}
spec: {templateID: osac.templates.small, cores: 2, memoryGiB: 4, bootDisk: {sizeGiB: 1}, runStrategy: Always}
---
apiVersion: osac.openshift.io/v1alpha1
kind: ComputeInstanceSnapshot
metadata:
  name: snap-1
  namespace: osac
  labels: {osac.openshift.io/computeinstancesnapshot-uuid: u2}
  annotations: {osac.openshift.io/tenant: t}
spec: {computeInstanceRef: vm-1}
Y
echo 'namespace: osac' >"$work/config.yaml"
snapshots='http://x/apis/osac.openshift.io/v1alpha1/namespaces/osac/computeinstancesnapshots'

# start_server OPTION...: returns when it is ready.
start_server() {
    rm -f "$work/ready" "$work/socket"
    mkfifo "$work/ready"
    # shellcheck disable=SC2086
    "$program" serve $address --unix "$work/socket" --anonymous --kubeconfig "$work/kubeconfig" \
        --world "$work/world.yaml" "$@" >"$work/ready" 2>"$work/serve.err" &
    server=$!
    read -r line <"$work/ready" || complain "serve $*: it is not ready" "$work/serve.err"
}

mkfifo "$work/events"

# stop PID WHAT: SIGTERM is a clean end.
stop() {
    kill -TERM "$1"
    wait "$1"
    status=$?
    [ $status -eq 0 ] || complain "$2: after SIGTERM the status is $status" "$work/component.out" "$work/serve.err"
}

# try NAME COMPONENT-OPTIONS [SERVE-OPTION...]
try() {
    name=$1 options=$2
    shift 2
    count=$((count + 1))
    start_server "$@"
    sed "$edit" "$work/kubeconfig" >"$work/edited" && mv "$work/edited" "$work/kubeconfig"
    # shellcheck disable=SC2086
    "$program" component osac-operator --kubeconfig "$work/kubeconfig" --config "$work/config.yaml" $options \
        >"$work/component.out" 2>&1 &
    component=$!
    curl -sN --max-time 100 --unix-socket "$work/socket" "$snapshots?watch=true" >"$work/events" &
    watcher=$!
    grep -q -m 1 '"phase":"Creating"' <"$work/events" ||
        complain "$name: the snapshot reached no phase" "$work/component.out" "$work/serve.err"
    kill $watcher 2>/dev/null
    stop "$component" "$name: the component"
    stop "$server" "$name: the server"
    component='' server=''
}

address='--address 127.0.0.1:0'
edit=''
try https ''
address=''
try socket ''
address='--address 127.0.0.1:0'
edit='s|^\( *\)server: .*|&\n\1tls-server-name: "kubernetes"|'
try 'another name' ''
edit=''
try http '' --tls false
try contexts '--context osac/operator@main' --service-account osac/operator
echo 'hub: a' >>"$work/config.yaml"
echo 'workload: b' >>"$work/config.yaml"
try clusters '--cluster a=kubernetes-admin@main --cluster b=osac/operator@main' --service-account osac/operator

# Variables of the environment say what --config does not.
switch=OSAC_ENABLE_COMPUTEINSTANCESNAPSHOT_CONTROLLER
switched_off() {
    count=$((count + 1))
    start_server
    rm -f "$work/log"
    mkfifo "$work/log"
    env "$switch=$1" "$program" component osac-operator --kubeconfig "$work/kubeconfig" --config "$work/config.yaml" \
        >"$work/component.out" 2>"$work/log" &
    component=$!
    exec 3<>"$work/log"
    line=
    until [ "${line#*snapshot controller is switched off}" != "$line" ]; do read -r line <&3; done
    stop "$component" "$switch=$1: the component"
    stop "$server" "$switch=$1: the server"
    component='' server=''
}
address='--address 127.0.0.1:0'
echo 'namespace: osac' >"$work/config.yaml"
switched_off false
switched_off 0
export "$switch=maybe"
try 'a variable that says nonsense' ''
export "$switch="
try 'a variable that says nothing' ''
export "$switch=false"
echo 'snapshotController: true' >>"$work/config.yaml"
try 'a config that says otherwise than the variable' ''
unset "$switch"
echo '{}' >"$work/config.yaml"
export OSAC_COMPUTE_INSTANCE_NAMESPACE=osac
try 'a variable that names the namespace' ''
unset OSAC_COMPUTE_INSTANCE_NAMESPACE

# A service: its log says where it listens, and its database is the file. It outlives the process.
serve_database() {
    count=$((count + 1))
    rm -f "$work/log"
    mkfifo "$work/log"
    "$program" component fulfillment-service --listen 127.0.0.1:0 --database "$work/f.db" >"$work/component.out" \
        2>"$work/log" &
    component=$!
    exec 3<>"$work/log"
    line=
    until [ "${line#*is served at http://}" != "$line" ]; do read -r line <&3; done
    address=${line#*is served at http://}
    curl -s --max-time 100 "http://$address/api/fulfillment/v1/compute_instances" \
        >"$work/answer" 2>>"$work/component.out"
    grep -q 'bearer token' "$work/answer" || complain 'a service: no answer' "$work/answer" "$work/component.out"
    stop "$component" 'a service'
    component=''
    [ -s "$work/f.db" ] || complain 'a service: it has no database'
}
serve_database
serve_database

# refused PATTERN ARGUMENT...: exit status 2 and the text.
refused() {
    pattern=$1
    shift
    count=$((count + 1))
    "$program" component "$@" >"$work/out" 2>&1
    status=$?
    if [ $status -ne 2 ] || ! grep -q -- "$pattern" "$work/out"; then
        complain "component $*: status $status, want 2 and '$pattern'" "$work/out"
    fi
}
refused 'component wants one name, found 0'
refused "did you mean 'osac-operator'" osac-operater --kubeconfig "$work/kubeconfig"
refused 'no --kubeconfig was given' osac-operator --kubeconfig ''
refused "$work/nowhere" osac-operator --kubeconfig "$work/nowhere"
refused "no entry of 'contexts' is called 'x'" osac-operator --kubeconfig "$work/kubeconfig" --context x
refused '--cluster wants NAME=CONTEXT' osac-operator --kubeconfig "$work/kubeconfig" --cluster x
refused "unknown option '--contxt'" osac-operator --contxt x
refused '--root' osac-operator --kubeconfig "$work/kubeconfig" --root "$work/nowhere"
refused 'no --kubeconfig was given' fulfillment-service --kubeconfig '' --database "$work/f.db"
refused "component 'osac-operator' has none" osac-operator --listen 127.0.0.1:0 --database "$work/f.db"
refused 'both --root and --database' fulfillment-service --listen 127.0.0.1:0 --database "$work/f.db" --root "$work"
refused '--database wants a file' fulfillment-service --listen 127.0.0.1:0 --database "$work/"
refused "--service wants NAME=URL, found 'x'" osac-operator --listen 127.0.0.1:0 --service x
refused 'must not end with a slash' osac-operator --listen 127.0.0.1:0 --service x=http://y/
count=$((count + 1))
echo 'nonsense: 1' >"$work/bad.yaml"
"$program" component osac-operator --kubeconfig "$work/kubeconfig" --config "$work/bad.yaml" >"$work/out" 2>&1
status=$?
[ $status -eq 1 ] && grep -q 'nonsense' "$work/out" || complain "an unknown setting: status $status" "$work/out"
echo "$count checks, $failed failures"
[ "$failed" -eq 0 ]
