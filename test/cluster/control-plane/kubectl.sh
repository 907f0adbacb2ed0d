#!/usr/bin/env bash
# Fetches a kubectl that is newer than Debian 12's into the cache of the control plane, and prints the folder that holds it.
# Debian 13's package runs on Debian 12 as it is.
set -euo pipefail

cache="${SERIN_CONTROL_PLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serin/control-plane}"
bin="$cache/kubectl-trixie"
if [ -x "$bin/kubectl" ]; then echo "$bin"; exit 0; fi

fail() { printf 'kubectl: %s\n' "$*" >&2; exit 1; }
command -v apt-get >/dev/null || fail 'there is no apt-get; install kubectl 1.27 or newer by hand'
debian=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  grep -oE 'https?://[^ ]*/debian/?( |$)' | tr -d ' ' | sort -u | head -1 || true)
[ -n "$debian" ] || fail 'no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$bin"
# What is installed here must not be taken for a candidate.
touch "$work/status"
echo "deb $debian trixie main" >"$work/sources.list"
options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists"
  -o Dir::State::status="$work/status"
  -o Dir::Cache::archives="$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
apt-get "${options[@]}" -qq update >&2
(cd "$work" && apt-get "${options[@]}" -qq download kubectl >&2 && dpkg -x kubectl_*.deb unpacked)
install -m 755 "$work/unpacked/usr/bin/kubectl" "$bin/kubectl"
echo "$bin"
