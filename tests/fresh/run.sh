#!/bin/bash
# run.sh bookworm|trixie root|sudo [--test]: proves the two commands on a bare Debian that has git and apt, nothing else.
#
# A debootstrap root is unpacked, HEAD is cloned in it into a folder with a space in its name, `./tandem-dev run` is started
# there and curled from outside, stopped with SIGTERM, and started once more: that one must neither call apt nor compile. With
# --test, `./tandem-dev test --fast` follows, and the bench packages are installed to see that none starts a service.
# "root": as root. "sudo": as a user who may use sudo; the second run is `sudo ./tandem-dev run`.
#
# FRESH_LOGS=FOLDER keeps the logs of a run that failed. Needs root, debootstrap, curl and git here. Everything inside lives in mount and process namespaces of its own: when this
# script ends, however it does, the kernel takes away what was started and mounted.
set -euo pipefail

suite=${1:?usage: run.sh bookworm|trixie root|sudo [--test]}
user=${2:?usage: run.sh bookworm|trixie root|sudo [--test]}
with_test=${3:-}
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
tree=$(dirname -- "$(dirname -- "$here")")

say() { printf '[%s %s %4ds] %s\n' "$suite" "$user" "$SECONDS" "$*"; }
fail() { say "FAILED: $*"; exit 1; }

# ---- outside: unpack, run the inside in namespaces, clean up

root= namespaces=

clean_up() { # the namespaces first: nothing may write to the root any more when it goes
  if [[ -n $namespaces ]]; then
    kill -KILL "$namespaces" 2>/dev/null || true
    wait "$namespaces" 2>/dev/null || true
  fi
  [[ -z $root ]] || rm -rf --one-file-system "$root"
}

outside() {
  local tarball status=0
  ((EUID == 0)) || fail "needs root for debootstrap and chroot"
  tarball=$("$here/base.sh" "$suite")
  root=$(mktemp -d "${TMPDIR:-/tmp}/tandem-fresh.XXXXXX")
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  tar --numeric-owner -C "$root" -xf "$tarball"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  git -C "$tree" bundle create --quiet "$root/tandem.bundle" HEAD
  FRESH_ROOT=$root unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    "$here/run.sh" "$suite" "$user" "$with_test" &
  namespaces=$!
  wait "$namespaces" || status=$?
  namespaces=
  if ((status != 0)) && [[ -n ${FRESH_LOGS:-} ]]; then
    mkdir -p "$FRESH_LOGS"
    cp "$root"/logs/* "$FRESH_LOGS/"
    say "the logs are in $FRESH_LOGS"
  fi
  return "$status"
}

# ---- inside the namespaces, still with this machine's own tools

clone="/srv/My Projects/tandem"

as_admin() { chroot "$FRESH_ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

# The user of this proof, from a folder that is not the clone, with a locale that is not installed. No fork: the process
# started in the background is the one to send signals to.
as_user() {
  local uid=0 home=/root
  if [[ $user == sudo ]]; then uid=1000 home=/home/ada; fi
  exec chroot "$FRESH_ROOT" /usr/bin/setpriv --reuid $uid --regid $uid --init-groups \
    /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=$home LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 --chdir=/tmp "$@"
}

free_ports() { # two, both bound at once so that they differ
  /usr/bin/python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))'
}

await_server() { # pid port log: the build may take many minutes; a dead process ends the wait
  until curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$2/plaintext" 2>/dev/null; do
    kill -0 "$1" 2>/dev/null || { tail -n 40 "$3"; fail "tandem-dev run ended before it served"; }
    sleep 0.2
  done
}

expect() { # what text pattern
  [[ $2 =~ $3 ]] || fail "$1: got: $2"
}

check_answers() { # port
  local url=http://127.0.0.1:$1 arms
  expect "hello" "$(curl -sS "$url/hello/Ada")" 'Hello, Ada!'
  expect "fib/91" "$(curl -sSi "$url/fib/91")" '^HTTP/1.1 400 .*application/problem\+json'
  expect "echo" "$(curl -sS --data-binary 'some body' "$url/echo")" '^some body$'
  expect "pinned to C++" "$(curl -sSi -H 'Tandem-Arm: cpp' "$url/json")" '[Tt]andem-[Aa]rm: cpp'
  expect "pinned to Python" "$(curl -sSi -H 'Tandem-Arm: py' "$url/json")" '[Tt]andem-[Aa]rm: py'
  arms=$(for _ in {1..60}; do curl -sSi "$url/json" | tr -d '\r' | sed -n 's/^tandem-arm: //Ip'; done | sort -u | tr '\n' ' ')
  expect "both arms answer" "$arms" '^cpp py $'
}

serve_once() { # log, then the command; sets `took`: seconds until it served
  local log=$1 port admin pid began=$SECONDS status=0
  shift
  read -r port admin < <(free_ports)
  (as_user "$@" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin") >"$log" 2>&1 &
  pid=$!
  await_server "$pid" "$port" "$log"
  took=$((SECONDS - began))
  check_answers "$port"
  expect "admin side" "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$admin/healthz")" '^200$'
  kill -TERM "$pid"
  wait "$pid" || status=$?
  ((status == 0)) || { tail -n 20 "$log"; fail "SIGTERM: exit status $status, expected 0"; }
}

inside() {
  local logs=$FRESH_ROOT/logs took
  mkdir "$logs"
  mount -t proc proc "$FRESH_ROOT/proc"
  mount -t tmpfs tmpfs "$FRESH_ROOT/dev/shm" 2>/dev/null || true

  say "git$([[ $user == root ]] || echo ', sudo') and nothing else"
  as_admin apt-get -q update >"$logs/apt" 2>&1 || { cat "$logs/apt"; fail "apt-get update"; }
  # shellcheck disable=SC2046
  as_admin env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install git $([[ $user == root ]] || echo sudo) \
    >>"$logs/apt" 2>&1 || { cat "$logs/apt"; fail "apt-get install git"; }
  as_admin sh -c 'rm -rf /var/lib/apt/lists/*; mkdir -p "/srv/My Projects"
    # Another python3 comes first on PATH, and must not be touched.
    printf "#!/bin/sh\necho the wrong python3 was called >&2\nexit 99\n" >/usr/local/bin/python3; chmod 755 /usr/local/bin/python3'
  if [[ $user == sudo ]]; then
    as_admin sh -c 'useradd --create-home --uid 1000 --user-group ada; echo "ada ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ada
      chown ada: "/srv/My Projects" /tandem.bundle'
  fi
  (as_user git -c advice.detachedHead=false -c init.defaultBranch=main clone --quiet /tandem.bundle "$clone")

  say "NO_INSTALL=1 names what is missing"
  (as_user NO_INSTALL=1 "$clone/tandem-dev" build) >"$logs/no_install" 2>&1 && fail "built without packages"
  expect "NO_INSTALL" "$(<"$logs/no_install")" 'install them with: .*g\+\+'

  say "./tandem-dev run, the first time"
  serve_once "$logs/first" "$clone/tandem-dev" run
  say "served after $took s: packages, build, start; answers are right; SIGTERM: exit 0"
  [[ ! -e $FRESH_ROOT/usr/sbin/policy-rc.d ]] || fail "policy-rc.d was left behind"

  local again=("$clone/tandem-dev" run)
  [[ $user == root ]] || again=(sudo "${again[@]}")
  say "${again[*]##*/}, again"
  serve_once "$logs/second" "${again[@]}"
  say "served after $took s"
  ! grep -q 'apt-get' "$logs/second" || fail "the second run called apt"
  ! grep -qE '^\[[0-9]+/[0-9]+ .*(Building|Linking)' "$logs/second" || fail "the second run compiled"
  ! grep -q 'the wrong python3' "$logs"/* || fail "the first python3 on PATH was called"

  if [[ $with_test == --test ]]; then
    say "./tandem-dev test --fast"
    (as_user "$clone/tandem-dev" test --fast) >"$logs/test" 2>&1 || { tail -n 60 "$logs/test"; fail "tandem-dev test"; }
    say "$(tail -n 1 "$logs/test")"
    expect "totals" "$(tail -n 1 "$logs/test")" '^[0-9]+ passed, 0 failed, [0-9]+ skipped$'
    say "./tandem-dev install bench"
    (as_user "$clone/tandem-dev" install bench) >"$logs/bench" 2>&1 || { tail -n 40 "$logs/bench"; fail "installing for bench"; }
    [[ -x $FRESH_ROOT/usr/sbin/nginx ]] || fail "nginx is not there"
    # Nothing here would start one anyway, with no init; what counts is that the policy was asked and said no.
    grep -q 'policy-rc.d denied execution of start' "$logs/bench" || fail "nothing kept nginx from starting"
    ! pgrep -x 'nginx|uwsgi' >/dev/null || fail "installing started a service"
    [[ ! -e $FRESH_ROOT/usr/sbin/policy-rc.d ]] || fail "policy-rc.d was left behind"
    say "no service was started"
  fi
  say "all fine"
}

if [[ -n ${FRESH_ROOT:-} ]]; then inside; else outside; fi
