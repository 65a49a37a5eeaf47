#!/bin/sh
# OSAC as processes: a served hub and workload cluster, our fulfillment service and our operator, each on its own, and a
# tenant with curl: osac-processes.sh PROGRAM. The service is killed in the middle, and nothing is lost.
# kubectl looks at the hub where it is installed, else curl.
set -u
program=$(realpath "$1")
for tool in curl openssl; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
work=$(mktemp -d)
server='' service='' operator=''
finish() {
    # shellcheck disable=SC2086
    kill -KILL $server $service $operator 2>/dev/null
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
 pollInterval: 200ms}
Y

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
        >>service.log 2>service.line </dev/null &
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

# shows NAME PATH PATTERN: ann sees it, in time.
shows() {
    count=$((count + 1))
    call "$ann" GET "$2"
    until [ "$code" = 200 ] && grep -q -e "$3" out; do
        in_time || give_up "$1: $code $(cat out)"
        call "$ann" GET "$2"
    done
}

# gone NAME PATH BODY: 404 with that body, in time.
gone() {
    call "$ann" GET "$2"
    while [ "$code" = 200 ]; do
        in_time || give_up "$1: it is there: $(cat out)"
        call "$ann" GET "$2"
    done
    answer "$1" 404 "$3" "$ann" GET "$2"
}

# hub: what the hub has of snapshots, as text.
if command -v kubectl >/dev/null; then
    hub() {
        kubectl --request-timeout 20s get cisnap -n osac-computeinstance >hub.out 2>&1 </dev/null
    }
    none='^No resources found'
else
    hub() {
        curl -s --max-time 20 --unix-socket socket -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' \
            http://hub/apis/osac.openshift.io/v1alpha1/namespaces/osac-computeinstance/computeinstancesnapshots >hub.out
    }
    none='"rows": *\[\]'
fi

# hub_shows NAME PATTERN: in time.
hub_shows() {
    count=$((count + 1))
    hub
    until grep -q -e "$2" hub.out; do
        in_time || give_up "$1: $(cat hub.out)"
        hub
    done
}

instances=fulfillment/v1/compute_instances snapshots=fulfillment/v1/compute_instance_snapshots
mkdir data
start_service 127.0.0.1:0

# ---- the answers that docs/fulfillment-service.md tells ----
answer 'no instances yet' 200 '{}' "$ann" GET $instances
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
hub_shows 'and on the hub' Ready
missing="{\"code\":5,\"message\":\"compute instance snapshot \\\"$snap\\\" not found\",\"details\":[]}"
answer 'a snapshot of others' 404 "$missing" "$bob" GET $snapshots/$snap

# ---- what was said stays said: at rest, and while others write ----
call "$ann" GET $snapshots
mv out before
restart
answer 'the same after a death' 200 "$(cat before)" "$ann" GET $snapshots
: >acknowledged
while curl -sf --max-time 20 -H "Authorization: Bearer $ann" "$url/api/$instances" \
    -d '{"spec":{"template":"small","run_strategy":"Halted"}}' >>acknowledged && echo >>acknowledged; do :; done &
writer=$!
until [ "$(wc -l <acknowledged)" -ge 5 ]; do in_time || give_up 'nobody can write'; done
kill -KILL "$service"
wait "$service" 2>/dev/null
wait "$writer"
start_service "${url#http://}"
for id in $(sed -n 's/^{"id":"\([^"]*\)",.*}$/\1/p' acknowledged); do
    shows 'what was acknowledged' "$instances/$id" "^{\"id\":\"$id\""
    call "$ann" DELETE "$instances/$id"
done

# ---- a restore, and the end ----
call "$ann" PATCH $instances/$vm '{"spec":{"run_strategy":"Halted"}}'
shows 'it stands still' $instances/$vm '"state":"COMPUTE_INSTANCE_STATE_STOPPED"'
call "$ann" PATCH $instances/$vm \
    "{\"spec\":{\"restore_from_snapshot\":\"$snap\",\"restore_requested_at\":\"2026-01-01T01:00:00Z\"}}"
shows 'it is restored' $instances/$vm '"last_restored_at":"2026-01-01T01:00:00Z"'
answer 'a delete' 200 '{}' "$ann" DELETE $snapshots/$snap
restart
gone 'the snapshot went' $snapshots/$snap "$missing"
hub_shows 'and its object' "$none"
answer 'a delete of the instance' 200 '{}' "$ann" DELETE $instances/$vm
gone 'the instance went' $instances/$vm "{\"code\":5,\"message\":\"object with identifier '$vm' not found\",\"details\":[]}"

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
