# What scripts full of checks share: $work, a folder that is removed at the end, and with it the process $running.
work=$(mktemp -d)
running=
failed=0 count=0
finish() {
    [ -n "$running" ] && kill -KILL "$running" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

# check NAME STATUS PATTERN COMMAND...: the exit status, and a line of the output that matches.
check() {
    name=$1 want=$2 pattern=$3
    shift 3
    count=$((count + 1))
    "$@" >"$work/out" 2>&1 </dev/null
    got=$?
    if [ "$got" -ne "$want" ]; then
        echo "$name: exit status is $got, want $want"
    elif [ -n "$pattern" ] && ! grep -q -- "$pattern" "$work/out"; then
        echo "$name: no line matches '$pattern':"
    else
        return
    fi
    sed 's/^/    /' "$work/out" | head -n 20
    failed=$((failed + 1))
}
