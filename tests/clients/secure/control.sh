# Asks the runner for something: restart, or the name of a certificate that the server is to present.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$CLIENTS_CONTROL"
echo "$1" >&3
read -r answer <&3
[ "$answer" = done ]
