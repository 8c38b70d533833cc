#!/usr/bin/env bash
# curl against a host: HTTP/1.1 and HTTP/2, plain and over TLS; bodies both ways, ranges, aborts.
# Arguments: the plain address, the one over TLS, the certificate.
set -euo pipefail
plain=$1 secure=$2 certificate=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ask() { curl -sS --max-time 30 --cacert "$certificate" "$@"; }
expect() { [ "$2" = "$3" ] || { echo "$1: $2, not $3" >&2; exit 1; }; }
head -c 3000000 /dev/urandom >"$work/body"

for how in "1.1 --http1.1 $plain" "2 --http2-prior-knowledge $plain" "1.1 --http1.1 $secure" "2 --http2 $secure"; do
  read -r version flag address <<<"$how"
  expect "$how: version" "$(ask "$flag" -o /dev/null -w '%{http_version} %{http_code}' "$address/http/status/203")" "$version 203"
  expect "$how: body" "$(ask "$flag" "$address/http/status/203")" 203
  ask "$flag" --data-binary "@$work/body" -o "$work/echo" "$address/http/echo"
  cmp "$work/body" "$work/echo"
  expect "$how: range" "$(ask "$flag" -r 2-4 "$address/file")" 234
  expect "$how: unchanged" "$(ask "$flag" -o /dev/null -w '%{http_code}' --etag-compare <(
    ask "$flag" -o /dev/null -D - "$address/file" | tr -d '\r' | sed -n 's/^etag: //Ip') "$address/file")" 304
  expect "$how: events" "$(ask "$flag" -N -H 'last-event-id: 7' "$address/http/events" | grep -c '^id: ')" 3

  # The answer is cut by the guest: curl says so. By curl: the host goes on.
  cut=0
  ask "$flag" -o /dev/null "$address/http/abort" 2>/dev/null || cut=$?
  case $cut in 18 | 56 | 92) ;; *) echo "$how: an aborted body ended with $cut" >&2; exit 1 ;; esac
  read -r -n 1000 _ < <(ask "$flag" -N "$address/fresh/flood/64" 2>/dev/null | tr '\0' x) || true
  expect "$how: after an abort" "$(ask "$flag" "$address/http/status/201")" 201
done
echo walked
