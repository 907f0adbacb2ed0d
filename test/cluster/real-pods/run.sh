#!/usr/bin/env bash
# Serin promotes and rolls back real pods under real traffic, on this machine: a real control plane, a kubelet with
# containerd, haproxy, Prometheus, a Git server, and Serin as it is released. About three minutes; exit 0 when every
# claim held, 1 when one did not, 3 when the world for it could not be made. docs/real-pods.md tells what it shows.
#
#   test/cluster/real-pods/run.sh           run it
#   test/cluster/real-pods/run.sh --keep    leave the logs, the repository and the measurements in their folder
#
# Needs root on Debian 12 with version 1 cgroups, Node, git and `npm ci`. It installs the Debian packages it lacks and
# builds the control plane once (about ten minutes). Everything runs in namespaces of its own and ends with them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
keep=''
for argument in "$@"; do
  case "$argument" in
    --keep) keep=1 ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) echo "unknown option $argument" >&2; exit 2 ;;
  esac
done

say() { printf '%s\n' "$*" >&2; }
cannot() { say "real pods: $*"; exit 3; }

[ "$(id -u)" = 0 ] || cannot 'this needs root: namespaces, mounts and containers'
[ -r /etc/debian_version ] && command -v apt-get >/dev/null || cannot 'this needs Debian 12: its parts are Debian packages'
mountpoint -q /sys/fs/cgroup/memory ||
  cannot 'this needs version 1 cgroups (/sys/fs/cgroup/memory); with systemd, boot with systemd.unified_cgroup_hierarchy=0'
command -v node >/dev/null && command -v git >/dev/null || cannot 'this needs node and git'
[ -x "$root/node_modules/.bin/tsx" ] || cannot 'run npm ci first'

# What is not there is installed. Debian would start some of it as services, now and at the next boot: not here.
install_missing() {
  local wanted=() units=() pair command
  for pair in containerd:containerd runc:runc haproxy:haproxy prometheus:prometheus ip:iproute2 iptables:iptables \
    unshare:util-linux setpriv:util-linux; do
    command="${pair%%:*}"
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || wanted+=("${pair##*:}")
  done
  [ -x /usr/lib/cni/bridge ] || wanted+=(containernetworking-plugins)
  [ ${#wanted[@]} = 0 ] && return
  say "installing ${wanted[*]}"
  local policy=/usr/sbin/policy-rc.d made=''
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=1; }
  local log="$state/install.log" failed=''
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } \
    >"$log" 2>&1 </dev/null || failed=1
  [ -z "$made" ] || rm -f "$policy"
  [ -z "$failed" ] || { tail -20 "$log" >&2; cannot 'the packages could not be installed'; }
  for command in "${wanted[@]}"; do
    case "$command" in containerd | haproxy | prometheus) units+=("$command") ;; esac
  done
  case " ${wanted[*]} " in *' prometheus '*) units+=(prometheus-node-exporter) ;; esac
  [ ${#units[@]} = 0 ] || ! command -v systemctl >/dev/null || systemctl disable -q "${units[@]}" 2>/dev/null || true
}

# A busybox that needs no libraries is what the images are made of. Installing the package would remove Debian's other
# busybox, so only its file is taken.
static_busybox() {
  local installed
  installed=$(command -v busybox || true)
  if [ -n "$installed" ] && ! ldd "$installed" >/dev/null 2>&1; then
    cp "$installed" "$state/busybox"
    return
  fi
  (
    mkdir "$state/busybox-package" && cd "$state/busybox-package"
    { apt-get -o APT::Sandbox::User=root download -qq busybox-static || { apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq busybox-static; }; } >/dev/null 2>&1
    dpkg -x busybox-static_*.deb . && cp bin/busybox "$state/busybox"
  ) || cannot 'busybox-static could not be fetched'
}

hierarchies() { awk '$3 ~ /^cgroup2?$/ && $2 ~ "^/sys/fs/cgroup/" { print $2 }' /proc/mounts; }

# Of a run that was killed, all processes are gone; its folder and its empty groups are not.
sweep() {
  local folder hierarchy
  for folder in "${TMPDIR:-/tmp}"/serin-real-pods.*; do
    [ -e "$folder/owner" ] && [ ! -d "/proc/$(cat "$folder/owner")" ] || continue
    for hierarchy in $(hierarchies); do remove_groups "$hierarchy/$(basename "$folder")"; done
    rm -rf "$folder"
  done
}

# Whatever ends this script ends the world: with its first process the kernel ends all others of its process namespace,
# and with the last of them go the network, the mounts and the containers.
end() {
  local status=$? hierarchy
  trap - EXIT
  trap '' INT TERM HUP
  [ -z "$world" ] || kill -KILL "$world" 2>/dev/null || true
  for hierarchy in $(hierarchies); do remove_groups "$hierarchy/$group"; done
  if [ -n "$keep" ]; then rm "$state/owner" && say "kept: $state"; else rm -rf "$state"; fi
  exit "$status"
}
remove_groups() {
  local attempt
  for attempt in $(seq 100); do
    [ -d "$1" ] || return 0
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ -d "$1" ] && sleep 0.1
  done
  say "cgroup $1 could not be removed"
}
sweep
state=$(mktemp -d "${TMPDIR:-/tmp}/serin-real-pods.XXXXXX")
echo $$ >"$state/owner"
group="$(basename "$state")"
world=''
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

install_missing
static_busybox
say 'looking for the control plane (built once, about ten minutes)'
"$here/../control-plane/build.sh" --kubelet >"$state/programs" || cannot 'the control plane could not be built'
node "$root/scripts/build.mjs" serin "$root/src/cli/main.ts" "$state/serin" || cannot 'Serin could not be built'

for hierarchy in $(hierarchies); do
  mkdir "$hierarchy/$group"
  # A group for processors takes no process before it has some.
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$hierarchy/$group/$file" ] || cat "$hierarchy/$file" >"$hierarchy/$group/$file"
  done
  [ ! -e "$hierarchy/$group/cgroup.clone_children" ] || echo 1 >"$hierarchy/$group/cgroup.clone_children"
done
(
  for hierarchy in $(hierarchies); do echo "$BASHPID" >"$hierarchy/$group/cgroup.procs"; done
  exec setpriv --pdeathsig KILL unshare --cgroup --net --mount --pid --fork --kill-child --propagation private \
    "$here/namespaces.sh" "$state" "$(cat "$state/programs")" "$root"
) &
world=$!
status=0
wait "$world" || status=$?
exit "$status"
