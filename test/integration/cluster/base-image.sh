#!/usr/bin/env bash
# Makes the base image of the Dockerfile where no registry can be reached: a Debian from the mirror that apt uses, with Node and
# npm from the npm registry, in the local image store under the name that the Dockerfile has for it. Nothing to do when it is there.
#
#   base-image.sh [NODE-LINE]      default: the line that the Dockerfile names
set -euo pipefail
cd "$(dirname "$0")/../../.."
line=${1:-$(sed -n 's/^ARG NODE=//p' Dockerfile)}
image=docker.io/library/node:$line-bookworm-slim
if buildah images --format '{{.Name}}:{{.Tag}}' | grep -qxF "$image"; then
  echo "$image is there"
  exit 0
fi
command -v debootstrap >/dev/null || { echo 'debootstrap is missing'; exit 1; }
work=$(mktemp -d /var/tmp/halfopen-base.XXXXXX)
trap 'rm -rf "$work"' EXIT
root=$work/root
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | sed -nE 's#^(.*/debian)/? bookworm$#\1#p' | head -n 1)
debootstrap --variant=minbase --include=libstdc++6,libatomic1,ca-certificates bookworm "$root" \
  "${mirror:-http://deb.debian.org/debian}" >"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
npm install --prefix "$work/npm" --no-audit --no-fund --loglevel=error "node@$line" npm@11
install -m 755 "$work/npm/node_modules/node/bin/node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"
cp -r "$work/npm/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
for tool in npm npx; do ln -s "../lib/node_modules/npm/bin/$tool-cli.js" "$root/usr/local/bin/$tool"; done
# Hosts behind a proxy that signs for others have its certificate among their own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
container=$(buildah from scratch)
buildah copy --quiet "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --cmd node "$container"
buildah commit --quiet --rm "$container" "$image" >/dev/null
echo "$image is made"
