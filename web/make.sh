#!/bin/bash
# Builds the dashboard and writes it as a C++ source: web/make.sh FILE [OTHERWISE]. Works in FILE's folder, not in the sources.
# OTHERWISE: what FILE becomes a copy of when npm fails, so that a build without network is a build without dashboard.
set -euo pipefail

web=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
mkdir -p -- "$(dirname -- "$1")"
file=$(readlink -f -- "$(dirname -- "$1")")/$(basename -- "$1")
folder=$(dirname -- "$file")
log=$folder/npm.log

# Node brings certificates of its own; what this machine trusts besides (the proxy of a company, say) counts as well.
certificates=/etc/ssl/certs/ca-certificates.crt
if [[ -z ${NODE_EXTRA_CA_CERTS:-} && -r $certificates ]]; then export NODE_EXTRA_CA_CERTS=$certificates; fi

build() {
  cd -- "$folder"
  rm -rf src dist
  cp -r -- "$web"/{src,index.html,package.json,package-lock.json,.npmrc,tsconfig.json,vite.config.ts,embed.mjs} .
  # Installed anew only when what is to be installed has changed.
  if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --prefer-offline --fetch-retries=1 --fetch-timeout=20000 && cp package-lock.json node_modules/.installed
  fi &&
    npm run check && npm run build && node embed.mjs dist "$file"
}

if (set +e; build) >"$log" 2>&1; then exit 0; fi
tail -n 20 -- "$log" >&2
if [[ -z ${2:-} ]]; then
  echo "the dashboard could not be made, see $log" >&2
  exit 1
fi
echo "WITHOUT DASHBOARD: npm could not make it, see $log; to try again: rm '$file', and build" >&2
cp -- "$2" "$file"
