#!/bin/bash
# base.sh SUITE: prints the path of a tarball of a bare Debian SUITE (debootstrap, minbase), made on the first call and kept
# in the cache. The mirror and apt's proxy are those of this machine's own apt. Needs root and debootstrap.
set -euo pipefail

suite=${1:?usage: base.sh bookworm|trixie}
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tandem
tarball=$cache/base-$suite.tar
mkdir -p "$cache"

exec 9>"$cache/base-$suite.lock"
flock 9
if [[ ! -s $tarball ]]; then
  # Where this machine's apt gets Debian itself from; not the security or the backports archive.
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' | sed -n 's/^Debian Debian //p' | sort -u | head -n 1)
  if [[ -z $mirror ]]; then  # no package lists yet: read the sources themselves
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
      grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ')
  fi
  [[ -n $mirror ]] || { echo "base.sh: no Debian mirror in this machine's apt sources" >&2; exit 1; }
  proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/.*"\(http[^"]*\)".*/\1/p')
  [[ -z $proxy ]] || export http_proxy=$proxy

  root=$cache/base-$suite.part
  rm -rf --one-file-system "$root"
  echo "base.sh: debootstrap $suite from this machine's mirror" >&2
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$cache/base-$suite.log" 2>&1 ||
    { tail -n 20 "$cache/base-$suite.log" >&2; exit 1; }

  # What this machine's apt had to be told about the archive, the system inside has to be told as well.
  apt-config dump Acquire | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|Retries)' \
    >"$root/etc/apt/apt.conf.d/90host" || true
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/etc/resolv.conf "$root"/etc/hostname
  tar --numeric-owner --one-file-system -C "$root" -cf "$tarball.part" .
  mv "$tarball.part" "$tarball"
  rm -rf --one-file-system "$root"
fi
echo "$tarball"
