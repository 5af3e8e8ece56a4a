#!/bin/sh
# Reports a call, reads the rep, and reports the call's end. Needs curl and openssl.
# LOCKSTEP_URL, LOCKSTEP_SECRET (whsec_…), REP
set -eu
key="$(printf %s "${LOCKSTEP_SECRET#whsec_}" | base64 -d | od -An -vtx1 | tr -d ' \n')"

ask() { # method path body
  id="example-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')"
  at="$(date +%s)"
  signature="$(printf %s "$id.$at.$3" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)"
  set -- "$1" "$2" "$3" -H "webhook-id: $id" -H "webhook-timestamp: $at" -H "webhook-signature: v1,$signature"
  method="$1" path="$2" body="$3"
  shift 3
  [ -z "$body" ] || set -- "$@" -H "content-type: application/json" --data-binary "$body"
  curl --silent --show-error --fail-with-body -X "$method" "$@" "${LOCKSTEP_URL%/}/api/v1$path" && echo
}

ask PUT "/reps/$REP/holds/example" '{"status":"InACall","ttlSeconds":60}'
ask GET "/reps/$REP" ''
ask DELETE "/reps/$REP/holds/example" ''
