# Runs $1.go with Debian's packages, which are found in GOPATH mode.
set -eu
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$CLIENTS_CACHE/go" GOFLAGS=
exec go run "$1.go"
