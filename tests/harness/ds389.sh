# One 389 Directory Server of the tests, watched: `sh ds389.sh PORT SUFFIX PASSWORD NAMES`, with content synchronisation and the retro changelog.
# The changelog names entries by their unique id when NAMES is not empty: without it both know of changes and tell of none.
#
# It says `ready` once it listens, on loopback only. The test process holds the other end of the standard input, which ends with that process
# however it ends; then the server is stopped and its folder removed.
port=$1 suffix=$2 password=$3 names=$4

folder=$(mktemp -d "${TMPDIR:-/tmp}/passerelle-ds389.XXXXXX") || exit 1
root=$folder/root log=$folder/log config=$folder/root/etc/dirsrv/slapd-test
# The folder may not be the owner's to stand in.
cd / || exit 1

# It refuses to be made by root.
as_owner() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=dirsrv --regid=dirsrv --clear-groups -- env HOME="$folder" PATH="$folder/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
    else
        env HOME="$folder" PATH="$folder/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
    fi
}

stop() {
    pid=$(cat "$root/run/dirsrv/slapd-test.pid" 2>/dev/null) && kill "$1" "$pid" 2>/dev/null
}

clean() {
    trap - EXIT
    stop -9
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
# The reader of what is said here may be gone already.
trap '' PIPE

failed() {
    echo "389 Directory Server $1:"
    tail -n 40 "$log"
    exit 1
}

for program in /usr/sbin/dscreate /usr/sbin/ns-slapd; do
    [ -x "$program" ] || { echo "$program is not installed. Run \`apt-get install 389-ds-base\`, or scripts/test, which installs what the tests need."; exit 1; }
done

mkdir "$root" "$folder/bin"
cat >"$folder/answers" <<END
[general]
config_version = 2
full_machine_name = localhost
strict_host_checking = False
selinux = False
systemd = False
start = True
[slapd]
instance_name = test
port = $port
secure_port = $((port + 1))
self_sign_cert = False
root_password = $password
[backend-userroot]
suffix = $suffix
create_suffix_entry = True
sample_entries = no
END
touch "$log"
[ "$(id -u)" -eq 0 ] && chown -R dirsrv:dirsrv "$folder"
as_owner /usr/bin/python3 /usr/sbin/dscreate ds-root "$root" "$folder/bin" >>"$log" 2>&1 || failed "made no place of its own"
# From the first moment on it listens on loopback only.
sed -i 's/^nsslapd-localhost: .*/&\nnsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1/' "$root/share/dirsrv/data/template-dse.ldif"
as_owner "$folder/bin/dscreate" -v from-file "$folder/answers" >>"$log" 2>&1 || failed "was not made"

# What it is to offer is read when it starts.
stop -TERM || failed "did not start"
while kill -0 "$pid" 2>/dev/null; do :; done
awk '/^dn: / { ours = /^dn: cn=(Content Synchronization|Retro Changelog Plugin),cn=plugins,cn=config/ }
     ours && /^nsslapd-pluginEnabled: off/ { sub(/off/, "on") } { print }
     names && /^dn: cn=Retro Changelog Plugin,/ { print "nsslapd-attribute: nsuniqueid:targetUniqueId" }' names="$names" "$config/dse.ldif" >"$folder/dse.ldif"
cat "$folder/dse.ldif" >"$config/dse.ldif"
as_owner /usr/sbin/ns-slapd -D "$config" -i "$root/run/dirsrv/slapd-test.pid" >>"$log" 2>&1 || failed "did not start again"
echo ready

while read -r _; do :; done
