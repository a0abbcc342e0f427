# One PostgreSQL server of the tests, watched: `sh postgres.sh PROGRAMS PORT PASSWORD`. A port makes it listen on loopback too, with the password for its superuser.
#
# It says `ready`, the server's folder and the port, then obeys a word a line: stop, start, kill. The test process holds the other end of the standard
# input, which ends with that process however it ends; then the server is stopped and its folder removed.
programs=$1 port=$2 password=$3

folder=$(mktemp -d "${TMPDIR:-/tmp}/passerelle-postgres.XXXXXX") || exit 1
data=$folder/data log=$folder/log
# The folder may not be the owner's to stand in.
cd / || exit 1

# PostgreSQL refuses to run as root.
as_owner() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

clean() {
    trap - EXIT
    as_owner "$programs/pg_ctl" stop -D "$data" -m immediate >/dev/null 2>&1
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
# The reader of what is said here may be gone already.
trap '' PIPE

failed() {
    echo "PostgreSQL $1:"
    cat "$log"
    exit 1
}

start() {
    # Shared memory of a server that was killed is given up a moment after it.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        as_owner "$programs/pg_ctl" start -w -t 60 -s -D "$data" -l "$log" >/dev/null 2>&1 && return
    done
    failed "did not start"
}

stop() {
    as_owner "$programs/pg_ctl" stop -w -t 60 -s -D "$data" -m fast >>"$log" 2>&1 || failed "did not stop"
}

# The server and every process of it at once, as when the machine loses power.
kill_all() {
    server=$(head -n 1 "$data/postmaster.pid")
    children=$(grep -l "^PPid:[[:space:]]*$server\$" /proc/[0-9]*/status 2>/dev/null | tr -dc '0-9\n')
    # One of them may have ended by itself.
    kill -9 "$server" $children 2>/dev/null
    # Where nobody collects its exit, the killed server would still count as running.
    rm -f "$data/postmaster.pid" "$folder"/.s.PGSQL.*.lock
}

touch "$log"
[ "$(id -u)" -eq 0 ] && chown -R postgres:postgres "$folder"
printf '%s' "$password" >"$folder/password"
as_owner "$programs/initdb" -D "$data" -U postgres --auth-local=trust --auth-host=scram-sha-256 --pwfile="$folder/password" \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >>"$log" 2>&1 || failed "made no database"
listens=
[ -n "$port" ] && listens=127.0.0.1
# What is lost when the machine stops does not matter here. The port also names the socket, which lies in a folder of its own.
cat >>"$data/postgresql.conf" <<END
listen_addresses = '$listens'
port = ${port:-5432}
unix_socket_directories = '$folder'
max_connections = 400
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
END
start
echo "ready $folder"

while read -r word; do
    case $word in
    start) start ;;
    stop) stop ;;
    kill) kill_all ;;
    esac
    echo done
done
