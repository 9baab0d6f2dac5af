# Shared by the stand-ins. Everything in a loop is a shell builtin: 48 of these share two cores.

say() {
    echo "$* ${EPOCHREALTIME}"
}

# A pause without a process: nothing ever comes out of this pipe.
mkfifo /tmp/never 2>/dev/null
exec 9<>/tmp/never
pause() {
    read -r -t "$1" _ <&9
}

# Opens a connection whose ends are file descriptors 4 (to it) and 5 (from it).
dial() {
    rm -f /tmp/to /tmp/from
    mkfifo /tmp/to /tmp/from
    nc -w 5 "$1" "$2" </tmp/to >/tmp/from 2>/dev/null 4>&- 5>&- 9>&- &
    dialled=$!
    exec 4>/tmp/to 5</tmp/from
}

hang_up() {
    exec 4>&- 5<&-
    kill "$dialled" 2>/dev/null
    wait "$dialled" 2>/dev/null
    dialled=
}

# A process with pid 1 gets no signal that it did not ask for.
obey() {
    trap 'kill "$dialled" 2>/dev/null; say "stopped $name"; exit 0' TERM INT
    trap '' PIPE
}

# What an image that misbehaves does instead.
misbehave() {
    case ${MISBEHAVE:-} in
        crash-loop)
            echo "fatal: $name cannot start: the stand-in crashes on purpose" >&2
            exit 3
            ;;
        ignores-sigterm) trap '' TERM INT ;;
    esac
}
