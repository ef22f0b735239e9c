# Writes a program to a file, runs a command on it, and says its exit code by the descriptor that
# this was started with. Started in the sandbox as: sh -c (this text) sh FILE COMMAND...
exec 3<&1 1>&2
cat <&3 >"$1" || exit 1
shift
"$@" 3>&- </dev/null
echo "{\"exit\": $?}" >&3
