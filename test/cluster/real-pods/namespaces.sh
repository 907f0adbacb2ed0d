#!/usr/bin/env bash
# The first process of the demonstration's own namespaces: makes them look like a machine to a kubelet, and runs the
# story in them. Called by run.sh: namespaces.sh STATE PROGRAMS ROOT
set -euo pipefail
state=$1 programs=$2 root=$3

cgroups=$(awk '$3 ~ /^cgroup2?$/ && $2 ~ "^/sys/fs/cgroup/" { print $2, $3, $4 }' /proc/mounts)
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /sys/fs/cgroup
while read -r path type options; do
  mkdir "$path"
  if [ "$type" = cgroup2 ]; then
    mount -t cgroup2 cgroup2 "$path"
    continue
  fi
  # Of the options of a mount, only those that say which hierarchy it is.
  names=$(tr , '\n' <<<"$options" | grep -vE '^(rw|ro|nosuid|nodev|noexec|relatime|xattr|clone_children|release_agent=.*)$' | paste -sd,)
  case "$names" in name=*) names="none,$names" ;; esac
  mount -t cgroup -o "$names" cgroup "$path"
  # Where two controllers share a hierarchy, each is looked for by its own name too.
  for name in ${names//,/ }; do [ -e "/sys/fs/cgroup/$name" ] || ln -s "${path##*/}" "/sys/fs/cgroup/$name"; done
done <<<"$cgroups"
rm -f /sys/fs/cgroup/none /sys/fs/cgroup/name=*

# What the kubelet and containerd keep lies in fixed folders: these are the demonstration's own.
mkdir -p "$state"/{run,lib,log,tmp}
mount --bind "$state/lib" /var/lib
mount --bind "$state/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run

# The kubelet sets kernel parameters that are the whole machine's: it gets files to write to instead.
for parameter in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys \
  kernel/keys/root_maxbytes; do
  [ -e "/proc/sys/$parameter" ] || continue
  copy="$state/run/${parameter//\//.}"
  cat "/proc/sys/$parameter" >"$copy"
  mount --bind "$copy" "/proc/sys/$parameter"
done

# Loopback, and one address that is not loopback's for the node.
ip link set lo up
ip link add node0 type veth peer name node0-end
ip address add 192.0.2.10/24 dev node0
ip link set node0 up
ip link set node0-end up
sysctl -q -w net.ipv4.ip_forward=1 2>/dev/null || echo 1 >/proc/sys/net/ipv4/ip_forward

# This shell stays the first process: it takes in the orphans that containers leave.
export TMPDIR="$state/tmp" PATH="$PATH:/usr/sbin:/sbin"
unset KUBECONFIG KUBEBUILDER_ASSETS SERIN_TEST_CONTEXT
cd "$root"
status=0
node --import tsx test/cluster/real-pods/main.ts "$state" "$programs" || status=$?
exit "$status"
