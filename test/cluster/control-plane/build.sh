#!/usr/bin/env bash
# Builds a Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler) from Debian's own
# packages, once, into a cache outside the tree, and prints the folder that holds the binaries.
#
#   test/cluster/control-plane/build.sh            build if the cache is empty, print the folder
#   test/cluster/control-plane/build.sh --where    print the folder, build nothing
#   test/cluster/control-plane/build.sh --kubelet  build the kubelet too (for the demonstration with real pods)
#
# Needs a Debian 12 machine with its package sources; root only where jq, rsync or make are still to be installed.
# The cache is $SERIN_CONTROL_PLANE_CACHE, else $XDG_CACHE_HOME/serin/control-plane, else ~/.cache/serin/control-plane.
set -euo pipefail

# Raise it when what this script builds changes: an old cache is then left aside.
recipe=1
cache="${SERIN_CONTROL_PLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serin/control-plane}"
bin="$cache/debian-bookworm-$recipe"
commands='kube-apiserver kube-controller-manager kube-scheduler'
wanted="$commands etcd"

case "${1:-}" in
  --where) echo "$bin"; exit 0 ;;
  --kubelet) commands="$commands kubelet"; wanted="$wanted kubelet" ;;
  '') ;;
  *) echo "unknown option $1" >&2; exit 2 ;;
esac

complete() { for name in $wanted; do [ -x "$bin/$name" ] || return 1; done; }
if complete; then echo "$bin"; exit 0; fi

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
fail() { printf 'control plane: %s\n' "$*" >&2; exit 1; }
command -v apt-get >/dev/null || fail 'this builds from Debian packages and there is no apt-get; set KUBEBUILDER_ASSETS to a folder with the binaries instead'

mkdir -p "$cache"
# Two builds at once would only slow each other down: the second waits and finds the work done.
exec 9>"$cache/build.lock"
flock 9
if complete; then echo "$bin"; exit 0; fi

work="$cache/work-$recipe"
mkdir -p "$work/home" "$work/packages" "$work/apt/lists/partial" "$work/apt/archives/partial" "$bin"

missing=''
for tool in jq rsync make gcc; do command -v "$tool" >/dev/null || missing="$missing $tool"; done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || fail "needs$missing: apt-get install$missing"
  say "installing$missing"
  apt-get update -qq >&2
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >&2
fi

# The machine's own package sources name binaries only. A private copy adds the sources of bookworm, wherever this
# machine gets them from; nothing of the machine's own configuration is changed.
debian=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  grep -oE 'https?://[^ ]*/debian/?( |$)' | tr -d ' ' | sort -u | head -1 || true)
[ -n "$debian" ] || fail 'no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d'
printf '%s\n' "deb $debian bookworm main" "deb-src $debian bookworm main" >"$work/apt/sources.list"
apt_options=(-o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State::lists="$work/apt/lists" -o Dir::Cache::archives="$work/apt/archives"
  -o Dir::Cache::pkgcache="" -o Dir::Cache::srcpkgcache="" -o APT::Sandbox::User=root)
quiet_get() { apt-get "${apt_options[@]}" -qq "$@" >&2; }

say 'fetching sources'
quiet_get update
cd "$work/packages"
quiet_get source --download-only kubernetes
apt-get "${apt_options[@]}" -qq download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server >&2

unpack() { dpkg -x "$work"/packages/"$1"_*.deb "$work/unpacked"; }
for package in golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server; do unpack "$package"; done
install -m 755 "$work/unpacked/usr/bin/etcd" "$bin/etcd"

source="$work/kubernetes"
if [ ! -d "$source" ]; then
  dpkg-source --no-check -x kubernetes_*.dsc "$source.new" >&2
  mv "$source.new" "$source"
fi
# The vendored reflect2 reads Go's maps in a way that Go 1.18 changed: the API server would crash at its first write of
# a custom resource. Debian's newer package of the same library is the cure.
rm -f "$source"/vendor/github.com/modern-go/reflect2/*
cp "$work"/unpacked/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$source/vendor/github.com/modern-go/reflect2/"

printf '%s\n' 'KUBE_GIT_COMMIT=debian' 'KUBE_GIT_TREE_STATE=clean' 'KUBE_GIT_VERSION=v1.20.2' 'KUBE_GIT_MAJOR=1' 'KUBE_GIT_MINOR=20' >"$work/version"
cd "$source"
mkdir -p .go/src/k8s.io
ln -sfn ../../.. .go/src/k8s.io/kubernetes
targets=''
for name in $commands; do targets="$targets cmd/$name"; done
say "building$targets (about ten minutes of processor time, once)"
env -u GOFLAGS -u GOTOOLCHAIN -u GO111MODULE \
  GOROOT="$work/unpacked/usr/lib/go-1.19" GOPATH="$source/.go" GOPROXY=off GOFLAGS=-p="$(nproc)" CGO_ENABLED=0 \
  HOME="$work/home" GOCACHE="$work/home/go-build" KUBE_GIT_VERSION_FILE="$work/version" \
  PATH="$work/unpacked/usr/lib/go-1.19/bin:$PATH" \
  nice make WHAT="${targets# }" >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; fail "the build failed: see $work/build.log"; }
for name in $commands; do
  install -m 755 "_output/local/go/bin/$name" "$bin/$name.new"
  mv "$bin/$name.new" "$bin/$name"
done
complete || fail "built, but something is missing in $bin"
say "built into $bin"
echo "$bin"
