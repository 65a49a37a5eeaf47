#!/bin/sh
# OSAC as processes: a served hub and workload cluster, our fulfillment service and our operator, each on its own, and a
# tenant with curl: osac-processes.sh PROGRAM PAGE. PAGE, docs/fulfillment-service.md, is held against what the service answers. The
# service is killed in the middle: nothing is lost, and nothing is there twice. kubectl tells the story where it is installed.
set -u
program=$(realpath "$1") page=$(realpath "$2")
for tool in curl openssl jq; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
work=$(mktemp -d)
server='' service='' operator='' watcher=''
finish() {
    # shellcheck disable=SC2086
    kill -KILL $server $service $operator $watcher 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 2
export HOME="$work" KUBECONFIG="$work/kc"
failed=0 count=0
deadline=$(($(date +%s) + 100))

fail() {
    echo "$1"
    failed=$((failed + 1))
}

# give_up TEXT: nothing that follows could be judged.
give_up() {
    echo "$1"
    tail -n 20 serve.err service.log operator.log 2>/dev/null
    exit 1
}

in_time() {
    [ "$(date +%s)" -lt $deadline ]
}

# ---- the processes ----

cat >world.yaml <<'Y'
apiVersion: vmconform.dev/v1alpha1
kind: Scenario
metadata: {name: world}
spec:
  requirement: [serve]
  description: A hub and a workload cluster, without the programs between them.
  given:
    - cluster: hub
    - cluster: workload
    - kubevirt: workload
    - provisioner: {hub: hub, workload: workload}
    - cluster: hub
      objects: [{apiVersion: v1, kind: Namespace, metadata: {name: osac-computeinstance}}]
  steps: [{assert: "true"}]
Y
cat >settings.yaml <<'Y'
{hub: hub, workload: workload, namespace: osac-computeinstance, service: fulfillment-service,
 pollInterval: 200ms, requeueInterval: 200ms, subnetInterval: 200ms}
Y
echo '{requeueInterval: 200ms}' >service.yaml

mkfifo line
"$program" serve --address 127.0.0.1:0 --unix socket --anonymous --speed 20 --world world.yaml --kubeconfig kc \
    >line 2>serve.err </dev/null &
server=$!
read -r ready <line || give_up 'the clusters are not there'
case $ready in
'serving hub https://'*', workload https://'*) ;;
*) give_up "the clusters: it says '$ready'" ;;
esac

# start_service ADDRESS: $url is where it listens.
start_service() {
    rm -f service.line
    mkfifo service.line
    "$program" component fulfillment-service --listen "$1" --database data/service.db --kubeconfig kc.hub \
        --config service.yaml >>service.log 2>service.line </dev/null &
    service=$!
    exec 3<service.line
    url=
    while [ -z "$url" ]; do
        read -r said <&3 || give_up 'the service is not there'
        echo "$said" >>service.log
        case $said in
        *' is served at http://'*) url=http://${said##*http://} ;;
        esac
    done
    cat <&3 >>service.log &
    exec 3<&-
}

start_operator() {
    "$program" component osac-operator --kubeconfig kc --cluster hub=kubernetes-admin@hub \
        --cluster workload=kubernetes-admin@workload --config settings.yaml --service "fulfillment-service=$url" \
        >operator.log 2>&1 </dev/null &
    operator=$!
}

# restart: no notice is given, and the files are what it has. The operator is to find it where it was.
restart() {
    kill -KILL "$service"
    wait "$service" 2>/dev/null
    start_service "${url#http://}"
}

# ---- the tenant, and who looks ----

b64() {
    openssl base64 -A | tr '+/' '-_' | tr -d =
}

# token CLAIMS: signed by the service's default key
token() {
    head=$(printf '{"alg":"HS256"}' | b64).$(printf '%s' "$1" | b64)
    printf '%s.%s' "$head" "$(printf '%s' "$head" | openssl dgst -sha256 -hmac vmconform -binary | b64)"
}
ann=$(token '{"sub":"ann","tenants":["tenant-a"]}')
bob=$(token '{"sub":"bob","tenants":["tenant-b"]}')


# call TOKEN METHOD PATH [BODY]: what comes back into `out`, the code into $code.
call() {
    code=$(curl -s --max-time 20 -o out -w '%{http_code}' -X "$2" ${1:+-H "Authorization: Bearer $1"} ${4:+-d "$4"} \
        "$url/api/$3")
}

# answer NAME CODE BODY TOKEN METHOD PATH [REQUEST]: these very bytes.
answer() {
    name=$1 want=$2 body=$3
    shift 3
    count=$((count + 1))
    call "$@"
    printf '%s' "$body" >want
    if [ "$code" != "$want" ] || ! cmp -s want out; then
        fail "$name: $code $(cat out), want $want $body"
    fi
}

# made NAME PATH REQUEST: the id of what ann makes, in $id.
made() {
    count=$((count + 1))
    call "$ann" POST "$2" "$3"
    id=$(sed -n 's/^{"id":"\([^"]*\)",.*/\1/p' out)
    [ "$code" = 200 ] && [ -n "$id" ] || give_up "$1: $code $(cat out)"
}

# changed NAME: something has happened since the last look, or two seconds have passed (it may have happened while the watch began, and
# a service that is being killed ends it).
rm -f events
mkfifo events
changed() {
    in_time || give_up "$1: $code $(cat out)"
    if [ -z "$watcher" ] || ! read -r _ <&4; then
        curl -sN --max-time 2 -H "Authorization: Bearer $ann" "$url/api/fulfillment/v1/events" >events 2>/dev/null &
        watcher=$!
        exec 4<events
    fi
}

# shows NAME PATH PATTERN: ann sees it, in time.
shows() {
    count=$((count + 1))
    call "$ann" GET "$2"
    until [ "$code" = 200 ] && grep -q -e "$3" out; do
        changed "$1"
        call "$ann" GET "$2"
    done
}

# gone NAME PATH BODY: 404 with that body, in time.
gone() {
    call "$ann" GET "$2"
    while [ "$code" = 200 ]; do
        changed "$1"
        call "$ann" GET "$2"
    done
    answer "$1" 404 "$3" "$ann" GET "$2"
}

# done_by NAME METHOD PATH [REQUEST]: ann's request is carried out.
done_by() {
    count=$((count + 1))
    title=$1
    shift
    call "$ann" "$@"
    [ "$code" = 200 ] || give_up "$title: $code $(cat out)"
}

# hub KIND: the names of the hub's objects, one a line.
hub() {
    curl -s --max-time 20 --unix-socket socket \
        "http://hub/apis/osac.openshift.io/v1alpha1/namespaces/osac-computeinstance/$1" >hub.json && jq -r '.items[].metadata.name' hub.json
}

# told NAME PATTERN ARGUMENT...: what kubectl says, in its own words; it waits where it is told to.
if command -v kubectl >/dev/null; then
    told() {
        count=$((count + 1))
        title=$1 pattern=$2
        shift 2
        kubectl --request-timeout 30s "$@" >kubectl.out 2>&1 </dev/null
        grep -q -e "$pattern" kubectl.out || give_up "$title: kubectl $*: $(cat kubectl.out)"
    }
else
    echo "skipped: what kubectl tells, which is not installed"
    told() { :; }
fi

instances=fulfillment/v1/compute_instances snapshots=fulfillment/v1/compute_instance_snapshots
mkdir data
start_service 127.0.0.1:0

# ---- the page: each command of its own with what it prints; `...` stands for anything ----
# What needs a shell of its own (the two programs, kubectl, whose part comes below) has been done above.
documented() {
    awk '/^## / { ours = $0 == "## Two minutes with it" } /^```console/ { inside = 1; next } /^```/ { inside = 0 } ours && inside' "$page" >page.lines
    cp service.log log
    command='' printed=0
    : >page.got
    while IFS= read -r line; do
        case $line in
        '$ vmconform '* | '$ export '* | '$ kubectl '*) command='' ;;
        '$ '*)
            command=${line#??}
            [ "$printed" -eq "$(wc -l <page.got)" ] || fail "the page does not print all of '$before': $(cat page.got)"
            eval "$command" >page.got 2>&1
            [ ! -s page.got ] || [ -z "$(tail -c 1 page.got)" ] || echo >>page.got
            printed=0 before=$command
            ;;
        *)
            [ -n "$command" ] || continue
            count=$((count + 1)) printed=$((printed + 1))
            pattern=$(printf '%s' "$line" | sed 's/[][\.*^$]/\\&/g; s/\\\.\\\.\\\./.*/g')
            sed -n "${printed}p" page.got | grep -qx -e "$pattern" || fail "the page: $command: $(cat page.got), want $line"
            ;;
        esac
    done <page.lines
    [ "$printed" -gt 0 ] && [ -n "${id:-}" ] || fail 'the page has no commands'
}
ours=$ann
documented
page_instance=$id ann=$ours

# ---- the answers that docs/fulfillment-service.md tells ----
answer 'no instances of his' 200 '{}' "$bob" GET $instances
answer 'nobody' 401 '{"code":16,"message":"missing bearer token","details":[]}' '' GET $instances
answer 'no such path' 404 '{"code":5,"message":"Not Found","details":[]}' "$ann" GET fulfillment/v1/nothing
answer 'the private side' 403 '{"code":7,"message":"permission denied","details":[]}' "$ann" GET private/v1/compute_instances
made 'an instance' $instances '{"metadata":{"name":"web"},"spec":{"template":"small","run_strategy":"Always"}}'
vm=$id
answer 'too early' 400 "{\"code\":9,\"message\":\"compute instance \\\"$vm\\\" is not yet provisioned\",\"details\":[]}" \
    "$ann" POST $snapshots "{\"spec\":{\"compute_instance\":\"$vm\"}}"
answer 'an instance of others' 404 "{\"code\":5,\"message\":\"compute instance \\\"$vm\\\" not found\",\"details\":[]}" \
    "$bob" POST $snapshots "{\"spec\":{\"compute_instance\":\"$vm\"}}"
answer 'a slip' 400 '{"code":3,"message":"spec.compute_instanceid: unknown field","details":[]}' \
    "$ann" POST $snapshots "{\"spec\":{\"compute_instanceid\":\"$vm\"}}"

# ---- from the tenant to the workload cluster and back ----
start_operator
shows 'it is provisioned' $instances/$vm '"COMPUTE_INSTANCE_CONDITION_TYPE_PROVISIONED","status":"CONDITION_STATUS_TRUE"'
shows 'it runs' $instances/$vm '"state":"COMPUTE_INSTANCE_STATE_RUNNING"'
made 'a snapshot' $snapshots "{\"metadata\":{\"name\":\"before\"},\"spec\":{\"compute_instance\":\"$vm\"}}"
snap=$id
restart
shows 'it is READY, though the service died when it had been asked for' $snapshots/$snap \
    '"state":"COMPUTE_INSTANCE_SNAPSHOT_STATE_READY"'
told 'the hub has it' 'condition met' wait -n osac-computeinstance cisnap --all --for=condition=Ready --timeout 30s
told 'in a table' ' Ready ' get cisnap -n osac-computeinstance
told 'and the workload cluster' ' true ' --context kubernetes-admin@workload get vmsnapshot -n tenant-a
told 'with its machine' ' Running ' --context kubernetes-admin@workload get vm -n tenant-a
missing="{\"code\":5,\"message\":\"compute instance snapshot \\\"$snap\\\" not found\",\"details\":[]}"
answer 'a snapshot of others' 404 "$missing" "$bob" GET $snapshots/$snap

# ---- what was said stays said: at rest, and while others write ----
call "$ann" GET $snapshots
mv out before
restart
answer 'the same after a death' 200 "$(cat before)" "$ann" GET $snapshots

# A tenant asks for one instance after the other, and the service dies under it. Each name is asked for once: all that were acknowledged
# are there, once, and of the rest at most the one that was on its way.
: >acknowledged
number=0
while
    number=$((number + 1))
    curl -sf --max-time 20 -H "Authorization: Bearer $ann" "$url/api/$instances" \
        -d "{\"metadata\":{\"name\":\"many-$number\"},\"spec\":{\"template\":\"small\",\"run_strategy\":\"Halted\"}}" >answered
do
    cat answered >>acknowledged
    echo >>acknowledged
done &
writer=$!
timeout 30 tail -n +1 -f acknowledged 2>/dev/null | sed 5q >/dev/null # until five lines are there
kill -KILL "$service"
wait "$service" 2>/dev/null
wait "$writer"
start_service "${url#http://}"
jq -r .metadata.name acknowledged | sort >said
call "$ann" GET "$instances?limit=1000"
jq -r '.items[].metadata | select(has("name")) | .name | select(startswith("many-"))' out | sort >kept
count=$((count + 1))
[ "$(wc -l <said)" -ge 5 ] || fail "nothing was acknowledged: $(cat acknowledged)"
[ -z "$(comm -23 said kept)" ] || fail "lost: $(comm -23 said kept)"
[ "$(comm -13 said kept | wc -l)" -le 1 ] || fail "more than was asked for: $(comm -13 said kept)"
[ -z "$(uniq -d kept)" ] || fail "twice: $(uniq -d kept)"
jq -r '.items[] | select(.metadata.name // "" | startswith("many-")) | .id' out >ids
while read -r each <&5; do
    shows 'it reaches the hub' "$instances/$each" COMPUTE_INSTANCE_CONDITION_TYPE_PROVISIONED
done 5<ids
until hub computeinstances >/dev/null && jq -r '.items[].metadata.labels["osac.openshift.io/computeinstance-uuid"]' hub.json | sort >labels &&
    [ -z "$(sort ids | comm -23 - labels)" ]; do
    changed 'each has an object'
done
[ -z "$(uniq -d labels)" ] || fail "two objects of one record: $(uniq -d labels)"
while read -r each <&5; do
    done_by 'it is deleted' DELETE "$instances/$each"
done 5<ids

# ---- a restore, and the end ----
done_by 'a stop' PATCH $instances/$vm '{"spec":{"run_strategy":"Halted"}}'
shows 'it stands still' $instances/$vm '"state":"COMPUTE_INSTANCE_STATE_STOPPED"'
done_by 'a restore' PATCH $instances/$vm \
    "{\"spec\":{\"restore_from_snapshot\":\"$snap\",\"restore_requested_at\":\"2026-01-01T01:00:00Z\"}}"
told 'the hub knows when' 'condition met' wait -n osac-computeinstance ci -l "osac.openshift.io/computeinstance-uuid=$vm" \
    --for=jsonpath='{.status.lastRestoredAt}'=2026-01-01T01:00:00Z --timeout 30s
shows 'it is restored' $instances/$vm '"last_restored_at":"2026-01-01T01:00:00Z"'
answer 'a delete' 200 '{}' "$ann" DELETE $snapshots/$snap
restart
gone 'the snapshot went' $snapshots/$snap "$missing"
told 'and its object' '^No resources found' get cisnap -n osac-computeinstance -l "osac.openshift.io/computeinstancesnapshot-uuid=$snap"
answer 'a delete of the instance' 200 '{}' "$ann" DELETE $instances/$vm
gone 'the instance went' $instances/$vm "{\"code\":5,\"message\":\"object with identifier '$vm' not found\",\"details\":[]}"

answer 'a delete of the page'"'"'s instance' 200 '{}' "$ann" DELETE $instances/$page_instance
gone 'it went too' $instances/$page_instance "{\"code\":5,\"message\":\"object with identifier '$page_instance' not found\",\"details\":[]}"
while [ -n "$(hub computeinstances)$(hub computeinstancesnapshots)" ]; do
    changed 'nothing is left on the hub'
done

# end PID NAME: SIGTERM is a clean end.
end() {
    count=$((count + 1))
    kill -TERM "$1"
    wait "$1"
    status=$?
    [ $status -eq 0 ] || fail "$2: after SIGTERM the status is $status: $(tail -n 20 "$2.log")"
}
mv serve.err serve.log
end "$operator" operator
end "$service" service
end "$server" serve
server='' service='' operator=''
echo "$count checks, $failed failed"
[ "$failed" -eq 0 ]
