# Limits of a program, and then the program: seconds of processor, memory, size of files, open files,
# processes. Shells differ in the name of the last one.
exec </dev/null
ulimit -c 0
ulimit -t "$1"
ulimit -v "$2"
ulimit -f 32768
ulimit -n 64
ulimit -u 32 2>/dev/null || ulimit -p 32 2>/dev/null
shift 2
exec "$@"
