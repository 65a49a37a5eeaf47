#!/bin/sh
# A session with `vmconform serve`, over HTTPS and over a socket, and command lines that it refuses: serve.sh PROGRAM
# curl is the client; without it the session is left out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
. "$here/lib.sh"
cd "$work" || exit 2

fail() {
    echo "$1"
    failed=$((failed + 1))
}

# refuse NAME PATTERN OPTION...: exit status 2, and a line that matches.
refuse() {
    name=$1 pattern=$2
    shift 2
    count=$((count + 1))
    "$program" serve "$@" >out 2>&1 </dev/null
    got=$?
    [ "$got" -eq 2 ] && grep -q -- "$pattern" out && return
    fail "$name: exit status $got, want 2 and '$pattern':"
    head -n 5 out | sed 's/^/    /'
}

# start OPTION...: until the line that says it is ready; its words are in $ready.
start() {
    rm -f line
    mkfifo line
    "$program" serve "$@" >line 2>errors </dev/null &
    running=$!
    ready=
    read -r ready <line
    [ -n "$ready" ] || fail "serve $*: it did not start: $(cat errors)"
}

# stop SIGNAL: it ends with 0 and has nothing to say.
stop() {
    count=$((count + 1))
    kill "-$1" "$running"
    wait "$running"
    got=$?
    running=
    [ "$got" -eq 0 ] || fail "after SIG$1: exit status $got, want 0"
    [ -s errors ] && fail "after SIG$1: $(cat errors)"
}

# expect NAME CODE PATTERN PATH [CURL OPTION...]
expect() {
    name=$1 want=$2 pattern=$3 path=$4
    shift 4
    count=$((count + 1))
    # shellcheck disable=SC2086 # the options of the connection are words
    got=$(curl -sS --max-time 20 -o body -w '%{http_code}' $connect "$@" "$base$path" 2>curl-errors)
    if [ "$got" != "$want" ]; then
        fail "$name: code $got, want $want: $(head -c 300 body 2>/dev/null) $(cat curl-errors)"
    elif ! grep -q -- "$pattern" body; then
        fail "$name: the answer has no '$pattern': $(head -c 300 body)"
    fi
}

# member NAME: the value of a scalar of the kubeconfig that stands once, or first.
member() {
    sed -n "s/^.*$1: *\"\{0,1\}\([^\" ]*\)\"\{0,1\}\$/\1/p" kubeconfig | head -n 1
}

# ---- what is refused ----
echo 'apiVersion: v1
kind: ConfigMap
metadata: {name: "Not A Name"}' >bad-name.yaml
echo 'apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: nowhere.example.com/v1
kind: Thing
metadata: {name: b}' >unknown-kind.yaml
printf 'a: 1\n---\n# nothing\n---\n- b\n' >no-object.yaml
printf 'apiVersion: v1\n---\nkind: [\n' >bad-yaml.yaml
printf -- '# one\n--- {apiVersion: v1, kind: Thing}\n' >same-line.yaml
printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n\0\n---\nkind: [\n' >nul.yaml
printf -- '# one\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  spec:\n    replica: 3\n    paused: "yes"\n' >unknown-field.yaml
at='--address 127.0.0.1:0'
# shellcheck disable=SC2086
{
    refuse 'an operand' 'takes no operands' x
    refuse 'an unknown option' "did you mean '--address'" --adress 127.0.0.1:0
    refuse 'no port' 'HOST:PORT' --address 127.0.0.1
    refuse 'another host' 'cannot listen' --address 192.0.2.1:0
    refuse 'speed 0' "above 0 and at most 1e+09, found '0'" $at --speed 0
    refuse 'speed that is none' "found 'fast'" $at --speed fast
    refuse 'a start that is none' "'now' or a time" $at --start yesterday
    refuse 'tls that is neither' 'true and false' $at --tls maybe
    refuse 'no connections' '1 to 65536, found 0' $at --connections 0
    refuse 'too many connections' '1 to 65536, found 65537' $at --connections 65537
    refuse 'both of two' 'contradict' $at --rbac --no-rbac
    refuse 'tls for a socket' 'a socket never speaks it' --unix s --tls true
    refuse 'a start before all' 'a time after 1970-01-01T00:00:00Z and before' $at --start 1969-12-31T23:59:59Z
    refuse 'a start at zero' 'a time after 1970-01-01T00:00:00Z and before' $at --start 1970-01-01T00:00:00Z
    refuse 'a start at the end' 'and before 2200-01-01T00:00:00Z' $at --start 2262-04-11T23:47:16.854775807Z
    refuse 'a user twice' "--as: there is a context for 'bob' already" $at --as bob --as bob=dev
    refuse 'another administrator' "--as: there is a context for 'kubernetes-admin' already" $at --as kubernetes-admin=dev
    refuse 'an account twice' "--service-account: there is a context for 'shop/bot' already" $at --service-account shop/bot --service-account shop/bot
    refuse 'an account that a user is called as' "there is a context for 'shop/bot' already" $at --as shop/bot --service-account shop/bot
    refuse 'a user of no UTF-8' '--as wants UTF-8' $at --as "$(printf 'a\377')"
    refuse 'a group of no UTF-8' '--as wants UTF-8' $at --as "$(printf 'a=b,\300\200')"
    refuse 'an account of no UTF-8' '--service-account wants UTF-8' $at --service-account "$(printf 'a/\377')"
    refuse 'a cluster of no UTF-8' '--cluster wants UTF-8' $at --cluster "$(printf '\377')"
    refuse 'an account without a namespace' 'NAMESPACE/NAME' $at --service-account name
    refuse 'an account that cannot be' 'API server refused' $at --service-account ns/Not_A_Name
    refuse 'nobody' 'USER or USER=GROUP' $at --as =group
    refuse 'an empty group' 'none of them empty' $at --as user=a,,b
    refuse 'a kubeconfig where none can be' "cannot write '/nowhere/k'" $at --kubeconfig /nowhere/k
    refuse 'a file that is not there' "missing.yaml': No such file" $at --world missing.yaml
    refuse 'a name that the server refuses' 'bad-name.yaml:1:1: error: the API server refused ConfigMap' $at --world bad-name.yaml
    refuse 'a kind that nobody knows' "unknown-kind.yaml:5:1: error: the cluster does not know nowhere.example.com/v1, kind 'Thing'" $at --world unknown-kind.yaml
    refuse 'a field that its kind lacks' "unknown-field.yaml:9:5: error: Deployment: unknown field 'spec.replica'" $at --world unknown-field.yaml
    refuse 'with a hint' "did you mean 'replicas'" $at --world unknown-field.yaml
    refuse 'a value that cannot be its field' "unknown-field.yaml:10:13: error: Deployment: 'spec.paused' must be true or false, found 'yes'" $at --world unknown-field.yaml
    refuse 'no object' 'no-object.yaml:5:1: error: expected an object' $at --world no-object.yaml
    refuse 'no YAML' 'bad-yaml.yaml:' $at --world bad-yaml.yaml
    refuse 'no kind, behind the separator' "same-line.yaml:2:5: error: the cluster does not know v1, kind 'Thing'" $at --world same-line.yaml
    refuse 'a NUL byte' 'nul.yaml:5:1: error: ' $at --world nul.yaml
}
(
    # The kubeconfig is cut off where the limit is.
    trap '' XFSZ
    ulimit -f 1
    "$program" serve --address 127.0.0.1:0 2>&1 </dev/null
) >out
count=$((count + 1))
grep -q "cannot write 'vmconform.kubeconfig': File too large" out || fail "no room for the kubeconfig: $(cat out)"
ls | grep -q kubeconfig && fail 'who is refused leaves a kubeconfig behind'

if ! command -v curl >/dev/null; then
    echo 'curl is not installed: no session'
    [ "$failed" -eq 0 ]
    exit
fi

# ---- a session over HTTPS ----
echo 'apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: from-file, namespace: shop}, data: {k: v}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: alice, namespace: default}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
  subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
--- # namespaces that are there already, as a dump has them
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {team: a}, uid: 0a, resourceVersion: "7"}
spec: {finalizers: [kubernetes]}
status: {phase: Active}
--- {apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}
--- {apiVersion: v1, kind: Node, metadata: {name: node01, labels: {rack: r1}}, spec: {podCIDR: 10.244.0.0/24}, status: {}}
--- {apiVersion: v1, kind: ConfigMap, metadata: {name: inline, namespace: shop}, data: {k: w}}' >world.yaml
start --address 127.0.0.1:0 --kubeconfig kubeconfig --as alice=dev --service-account shop/bot --world world.yaml --rbac --start 2031-02-03T04:05:06Z
base=$(member server)
case $ready in
"serving $base, kubeconfig kubeconfig") ;;
*) fail "it says '$ready', and its kubeconfig names '$base'" ;;
esac
case $(ls -l kubeconfig) in
-rw-------*) ;;
*) fail "the kubeconfig is not private: $(ls -l kubeconfig)" ;;
esac
member certificate-authority-data | base64 -d >ca.pem
member client-certificate-data | base64 -d >cert.pem
member client-key-data | base64 -d >key.pem
connect='--cacert ca.pem --cert cert.pem --key key.pem'
cms=/api/v1/namespaces/shop/configmaps
expect 'health' 200 '^ok$' /readyz
expect 'an object of a file' 200 '"k": "v"' $cms/from-file
expect 'one behind a separator' 200 '"k": "w"' $cms/inline
expect 'a namespace that was there' 200 '"team": "a"' /api/v1/namespaces/default
expect 'a time in YAML' 200 'creationTimestamp: "2031-02-03T04:05:' $cms/inline -H 'Accept: application/yaml'
expect 'a node' 200 '"node01"' /api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io'
tr -d ' \n' <body | grep -q '"cells":\["node01","Ready","control-plane","[0-9]*s","v1.32.0","192.168.66.101"' || fail "a row of nodes: $(cat body)"
expect 'that takes machines, and has a label of a file' 200 '"node01"' /api/v1/nodes?labelSelector=kubevirt.io/schedulable%3Dtrue,rack%3Dr1
expect 'create' 201 '"creationTimestamp": "2031-02-03T04:05:' $cms -d '{"metadata": {"name": "made"}}' -H 'Content-Type: application/json'
expect 'create again' 409 AlreadyExists $cms -d '{"metadata": {"name": "made"}}' -H 'Content-Type: application/json'
expect 'escapes are read once' 200 '"k": "v"' "$cms/%66rom-file"
expect 'an unknown path' 404 '404 page not found' /nowhere
head -c 3200000 /dev/zero | tr '\0' ' ' >large
expect 'a body that is too large' 413 'limit is 3145728' $cms --data-binary @large -H 'Content-Type: application/json'
expect 'the same, asked first' 413 'limit is 3145728' $cms --data-binary @large -H 'Content-Type: application/json' -H 'Expect: 100-continue'

# What another reader makes of our YAML: texts of a table come back as the texts that they are.
if python3 -c 'import yaml' 2>/dev/null; then
    cat >texts.py <<'END'
import json, sys, yaml
texts = """2026-01-01 2026-1-1 2026-11-30T18:26:40Z 2026-11-30t18:26:40.5+02:00 2026-11-30_18 2026-11 12:30:45 1:20 190:20:30.15
    0644 0o17 0x1F 0b1 1_000 1e3 1.5 .5 -1 +1 . -.inf .NaN ~ null Null true TRUE yes No on OFF y n = << - -- --- ... ? : a:b a: #a a#b
    *a &a !a % @a `a 10Gi 5d""".split() + ["", " ", "2026-11-30 18:26:40", "2026-11-30 18:26:40 +2", "a: b", "a #b", "- a", "a\nb"]
want = {"k%d" % i: t for i, t in enumerate(texts)}
if sys.argv[1] == "put":
    json.dump({"metadata": {"name": "texts"}, "data": want}, sys.stdout)
else:
    got = yaml.safe_load(sys.stdin)
    for k, t in want.items():
        if got["data"][k] != t:
            print("YAML: %r is read as %r" % (t, got["data"][k]))
    if not isinstance(got["metadata"]["creationTimestamp"], str):
        print("YAML: creationTimestamp is read as %r" % got["metadata"]["creationTimestamp"])
END
    python3 texts.py put >texts.json
    expect 'texts' 201 '"name": "texts"' $cms -d @texts.json -H 'Content-Type: application/json'
    expect 'texts in YAML' 200 'name: texts' $cms/texts -H 'Accept: application/yaml'
    python3 texts.py compare <body >differences 2>&1
    [ -s differences ] && fail "$(cat differences)"
fi

# A watch that is open while the server ends: its events arrive as they happen, and it ends cleanly.
mkfifo events
# shellcheck disable=SC2086
curl -sSN --max-time 20 $connect "$base$cms?watch=1" >events 2>watch-errors &
watcher=$!
exec 3<events
read -r first <&3
read -r second <&3
expect 'delete' 200 Success $cms/made -X DELETE
deleted=
while read -r event <&3; do
    case $event in *'"DELETED"'*) deleted=$event && break ;; esac
done
case "$first$second" in
*'"ADDED"'*from-file*) ;;
*) fail "the watch begins with: $first $second" ;;
esac
case $deleted in
*'"name":"made"'*) ;;
*) fail "the watch does not tell of the deletion" ;;
esac

# Those who are not the administrator.
connect='--cacert ca.pem'
sed -n 's/^.*token: *"\{0,1\}\([^" ]*\)"\{0,1\}$/\1/p' kubeconfig >tokens
expect 'without credentials' 401 Unauthorized $cms
expect 'alice may not' 403 'User \\"alice\\" cannot list' $cms -H "Authorization: Bearer $(sed -n 1p tokens)"
may_start='{"spec": {"resourceAttributes": {"verb": "update", "group": "subresources.kubevirt.io", "resource": "virtualmachines", "subresource": "start", "namespace": '
reviews=/apis/authorization.k8s.io/v1/selfsubjectaccessreviews
expect 'alice may start machines' 201 '"allowed": true' $reviews -d "$may_start\"default\"}}}" -H 'Content-Type: application/json' -H "Authorization: Bearer $(sed -n 1p tokens)"
expect 'but not everywhere' 201 '"allowed": false' $reviews -d "$may_start\"shop\"}}}" -H 'Content-Type: application/json' -H "Authorization: Bearer $(sed -n 1p tokens)"
expect 'the account may not' 403 'system:serviceaccount:shop:bot' $cms -H "Authorization: Bearer $(sed -n 2p tokens)"
expect 'nor somebody who makes a token up' 401 Unauthorized $cms -H 'Authorization: Bearer x.y.z'

stop TERM
wait "$watcher" || fail "the watch did not end cleanly: $(cat watch-errors)"
exec 3<&-

# ---- and over a socket ----
start --unix socket --anonymous
[ "$ready" = 'serving socket socket, kubeconfig vmconform.kubeconfig' ] || fail "it says '$ready'"
base=http://localhost connect='--unix-socket socket'
expect 'over a socket' 201 '"system:anonymous"' /apis/authentication.k8s.io/v1/selfsubjectreviews -d '{}' -H 'Content-Type: application/json'
stop INT
[ -e socket ] && fail 'the socket is left behind'
start --unix socket --kubeconfig kubeconfig --as alice=dev
[ "$(member server)" = "unix://$(pwd -P)/socket" ] || fail "the kubeconfig names '$(member server)'"
sed -n 's/^.*token: *"\{0,1\}\([^" ]*\)"\{0,1\}$/\1/p' kubeconfig >tokens
review=/apis/authentication.k8s.io/v1/selfsubjectreviews
expect 'the administrator' 201 '"kubernetes-admin"' $review -d '{}' -H 'Content-Type: application/json' -H "Authorization: Bearer $(sed -n 1p tokens)"
expect 'alice' 201 '"alice"' $review -d '{}' -H 'Content-Type: application/json' -H "Authorization: Bearer $(sed -n 2p tokens)"
expect 'nobody' 401 Unauthorized /api
stop INT

# ---- the world of a scenario: its faults meet clients ----
echo 'apiVersion: vmconform.dev/v1alpha1
kind: Scenario
metadata: {name: flaky}
spec:
  requirement: [serve]
  description: For clients of the wire.
  matrix: {cluster: [east, west]}
  given:
    - cluster: east
    - cluster: west
    - objects:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: "${cluster}", namespace: default}}
    - steps:
      - fault: {name: busy, point: api, match: {kind: ConfigMap, by: alice}, times: 1, action: {answer: 503}}
      - fault: {name: slow, point: api, match: {kind: Secret}, action: {delay: 1h}}
  steps:
    - assert: "true"' >flaky.yaml
refuse 'two cases' 'has 2 cases, and one can be served' $at --world flaky.yaml
refuse 'a cluster that it lacks' 'the scenario has east, west' $at --world flaky.yaml --filter '*west*' --cluster north
refuse 'two scenarios' 'is a scenario already' $at --world flaky.yaml --world ./flaky.yaml
start --address 127.0.0.1:0 --tls false --kubeconfig kubeconfig --world flaky.yaml --filter '*west*' --as alice --speed 1000000
base=$(member server) connect=
sed -n 's/^.*token: *"\{0,1\}\([^" ]*\)"\{0,1\}$/\1/p' kubeconfig >tokens
admin="Authorization: Bearer $(sed -n 1p tokens)" alice="Authorization: Bearer $(sed -n 2p tokens)"
cms=/api/v1/namespaces/default/configmaps
expect 'the fault is not for others' 200 '"name": "west"' $cms/west -H "$admin"
expect 'the fault' 503 ServiceUnavailable $cms/west -H "$alice"
expect 'it was for once' 200 '"name": "west"' $cms/west -H "$alice"
expect 'an hour in a moment' 200 SecretList /api/v1/secrets -H "$alice"
stop TERM

# The same world and seed again: who could enter the first server cannot enter this one.
start --address 127.0.0.1:0 --tls false --kubeconfig kubeconfig --world flaky.yaml --filter '*west*' --as alice
base=$(member server)
expect 'a token of another server' 401 Unauthorized $cms -H "$admin"
stop TERM

# Whoever waits when the server ends gets no answer, and holds it up no longer than the grace.
start --address 127.0.0.1:0 --tls false --kubeconfig kubeconfig --world flaky.yaml --filter '*west*' --cluster east
base=$(member server)
sed -n 's/^.*token: *"\{0,1\}\([^" ]*\)"\{0,1\}$/\1/p' kubeconfig >tokens
curl -sS --max-time 60 -H "Authorization: Bearer $(sed -n 1p tokens)" "$base/api/v1/secrets" >body 2>&1 &
client=$!
expect 'others go on meanwhile' 200 ConfigMapList $cms -H "Authorization: Bearer $(sed -n 1p tokens)"
stop TERM
wait "$client" && fail "a request of an hour was answered: $(cat body)"

echo "$count command lines and requests, $failed failed"
[ "$failed" -eq 0 ]
