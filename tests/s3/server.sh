# To be sourced: start_server FOLDER and stop_server, for a server over FOLDER on a free port of the loopback address.
# Sets S3_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
export AWS_ACCESS_KEY_ID=vmconform AWS_SECRET_ACCESS_KEY=not-a-secret

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The server of the folder, on the port in FOLDER/port; its process id goes into FOLDER/pid.
launch_server() {
    ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY setsid \
        "$WORK/versitygw" --port "127.0.0.1:$(cat "$1/port")" --region us-east-1 --iam-dir "$1/iam" posix "$1/data" \
        >>"$1/log" 2>&1 </dev/null &
    echo $! >"$1/pid"
}

answers() {
    curl -s -o /dev/null --max-time 2 "$1/"
}

start_server() {
    mkdir -p "$1/data/backups" "$1/iam"
    free_port >"$1/port"
    S3_URL=http://127.0.0.1:$(cat "$1/port")
    export S3_URL
    launch_server "$1"
    tries=0
    until answers "$S3_URL"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ]; then
            echo "the S3 server does not answer:"
            cat "$1/log"
            return 1
        fi
        sleep 0.1
    done
}

stop_server() {
    [ ! -f "$1/pid" ] || kill -KILL "$(cat "$1/pid")" 2>/dev/null
}
