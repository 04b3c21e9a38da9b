#!/bin/bash
# Builds the Dockerfile, starts the image and curls it, without a Docker engine: buildah with chroot isolation, on a
# debootstrap'ed trixie that stands in for debian:trixie-slim. Prints the image's size. Needs root, buildah, debootstrap, curl.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
tree=$(dirname -- "$(dirname -- "$here")")
work=$(mktemp -d "${TMPDIR:-/tmp}/tandem-image.XXXXXX")
runner=

say() { printf '[image %4ds] %s\n' "$SECONDS" "$*"; }
fail() { say "FAILED: $*"; exit 1; }
buildah_here() { buildah --storage-driver vfs --root "$work/store" --runroot "$work/run" "$@"; }

descendants() { # pid: of the server, as this machine sees them
  local child
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
    echo "$child"
    descendants "$child"
  done
}

clean_up() {
  local pid
  if [[ -n $runner ]]; then for pid in $(descendants "$runner") "$runner"; do kill -KILL "$pid" 2>/dev/null || true; done; fi
  buildah_here rm --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

((EUID == 0)) || fail "needs root"

# What the official slim image leaves out as well.
say "base image"
tarball=$("$here/../fresh/base.sh" trixie)
base=$(buildah_here from scratch)
mkdir "$work/base"
tar --numeric-owner -C "$work/base" -xf "$tarball"
find "$work/base/usr/share/doc" -mindepth 1 -not -type d -not -name copyright -delete
rm -rf "$work"/base/usr/share/{man,info,locale,groff,lintian}/* "$work"/base/var/cache/*/* "$work"/base/var/log/*.log
printf 'path-exclude /usr/share/%s/*\n' man info locale >"$work/base/etc/dpkg/dpkg.cfg.d/docker"
printf 'path-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n' >>"$work/base/etc/dpkg/dpkg.cfg.d/docker"
# What this machine trusts besides the usual, as a base image of one's own would: npm goes through its proxy.
install -d "$work/base/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$work/base/usr/local/share/ca-certificates/" 2>/dev/null || true
tar --numeric-owner -C "$work/base" -cf "$work/base.tar" .
rm -rf "$work/base"
buildah_here add --quiet "$base" "$work/base.tar" / >/dev/null
buildah_here commit --quiet --format docker "$base" docker.io/library/debian:trixie-slim >/dev/null
buildah_here rm "$base" >/dev/null
rm "$work/base.tar"

say "building"
buildah_here bud --isolation chroot --network host --pull-never --format docker --tag tandem:test "$tree" >"$work/log" 2>&1 ||
  { tail -n 40 "$work/log"; fail "the image does not build"; }
say "built; the base is $(buildah_here images --format '{{.Size}}' docker.io/library/debian:trixie-slim), with Tandem it is $(
  buildah_here images --format '{{.Size}}' localhost/tandem:test)"

container=$(buildah_here from --pull-never localhost/tandem:test)
expect() { # what text pattern
  [[ $2 =~ $3 ]] || fail "$1: got: $2"
}
inside() { buildah_here run --isolation chroot --network host "$container" -- "$@"; }
setting() { buildah_here inspect --type image --format "{{$1}}" localhost/tandem:test; }

expect "user" "$(inside /usr/bin/id -u)" '^[1-9][0-9]*$'
expect "health check" "$(setting .Docker.Config.Healthcheck.Test)" 'tandem status'
expect "port" "$(setting .Docker.Config.ExposedPorts)" '8080/tcp'
expect "entry point" "$(setting .Docker.Config.Entrypoint)$(setting .Docker.Config.Cmd)" '^\[tandem\]\[serve config/tandem.json\]$'
[[ -z $(inside /bin/sh -c 'command -v g++ cmake ninja' 2>/dev/null) ]] || fail "the build tools are in the image"

# The image's own command, on ports of this test instead of 8080 and 9090.
read -r port admin < <(/usr/bin/python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))')
inside tandem serve config/tandem.json --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin" >"$work/served" 2>&1 &
runner=$!
until curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$port/plaintext" 2>/dev/null; do
  kill -0 "$runner" 2>/dev/null || { tail -n 40 "$work/served"; fail "the server ended"; }
  sleep 0.2
done
say "started"

url=http://127.0.0.1:$port
expect "hello" "$(curl -sS "$url/hello/Ada")" 'Hello, Ada!'
expect "C++" "$(curl -sSi -H 'Tandem-Arm: cpp' "$url/json")" 'Tandem-Arm: cpp'
expect "Python" "$(curl -sSi -H 'Tandem-Arm: py' "$url/json")" 'Tandem-Arm: py'
expect "problem" "$(curl -sSi "$url/fib/91")" '^HTTP/1.1 400 .*application/problem\+json'
expect "dashboard" "$(curl -sS "http://127.0.0.1:$admin/")" 'script type="module"'
inside tandem status --admin "http://127.0.0.1:$admin" >/dev/null || fail "the health check says no to a healthy server"
! inside tandem status --admin "http://127.0.0.1:1" >/dev/null 2>&1 || fail "the health check says yes to no server"

server=
for pid in $(descendants "$runner"); do
  [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == */opt/tandem/bin/tandem ]] || continue
  server=${server:-$pid}
  expect "uid of process $pid" "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" '^[1-9]'
done
[[ -n $server ]] || fail "no server process found"
kill -TERM "$server"
status=0
wait "$runner" || status=$?
runner=
((status == 0)) || { tail -n 20 "$work/served"; fail "SIGTERM: exit status $status, expected 0"; }
say "answers are right, nothing runs as root, SIGTERM: exit 0"
