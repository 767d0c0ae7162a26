# Sourced by walk.sh: how a command is shown and given, how zookeeper-shell tells what it changed, and how everything that
# was started ends. In here $zookeeper is where ZooKeeper answers, $broker where the broker does, and $work a folder of the
# walk's own.

# Process ids of what runs, by the names that the walk gave them.
declare -A started=()
# The data of all znodes when they were last looked at, by their paths.
declare -A seen=()
# The lines of zookeeper-shell's last answer.
answer=()
answers=0

step() { printf '\n== %s\n' "$1"; }

# ---- commands ----------------------------------------------------------------------------------

# The words of a command as they are typed.
typed() {
  local word line=
  for word; do
    case $word in *[!A-Za-z0-9_./:=,%+-]* | '') word="'$word'" ;; esac
    line+=" $word"
  done
  echo "${line# }"
}

# A last line without its end (the prompts of the console producer) is given one.
whole_lines() { sed -e '$a\'; }

# Shows a command and gives it.
run() {
  printf '$ %s\n' "$(typed "$@")"
  "$@" 2>&1 </dev/null | whole_lines
}

# The same for a command that has to be refused.
run_refused() { ! run "$@"; }

# The same for a command that reads: its input comes first, as printf takes it.
type_into() {
  local input=$1
  shift
  printf "$ printf '%s' | %s\n" "$input" "$(typed "$@")"
  # shellcheck disable=SC2059 # the input is a format
  printf "$input" | "$@" 2>&1 | whole_lines
}

# Shows a command and starts it in the background under a name; what it prints goes to a file of that name.
start() {
  local name=$1
  shift
  printf '$ %s &\n' "$(typed "$@")"
  "$@" >"$work/$name.out" 2>&1 </dev/null &
  started[$name]=$!
}

# Ends what was started under a name, by its process id, in order (SIGTERM), and waits for its end.
stop() {
  local name=$1 code=0
  printf '$ kill %s\n' "${started[$name]}"
  kill "${started[$name]}"
  wait "${started[$name]}" || code=$?
  unset "started[$name]"
  echo "The $name has ended with exit code $code."
}

# Waits for at most a minute until a command succeeds: await_success WHAT_IS_MISSING COMMAND [ARGUMENT...]
await_success() {
  local until=$((SECONDS + 60))
  until "${@:2}"; do
    [ "$SECONDS" -le "$until" ] || fail "$1 within a minute."
    sleep 0.1
  done
}

# Waits until what was started under a name has printed a line.
await_line() {
  await_success "The $1 has not printed '$2'" grep -qxF -- "$2" "$work/$1.out"
  echo "The $1 prints: $2"
}

# Whether the broker has started, and has made the last znode of a controller's start.
is_started() {
  kill -0 "${started[broker]}" 2>/dev/null || fail "The broker has ended: $(tail -3 "$work/broker.out")"
  grep -qF "started (kafka.server.KafkaServer)" "$work/broker.out" && is_there /feature
}

await_broker() { await_success "The broker has not started" is_started; }

fail() {
  echo "$1" >&2
  exit 1
}

# ---- znodes ------------------------------------------------------------------------------------

# Starts the zookeeper-shell that is asked from here on: one for the whole walk, as it is a JVM.
open_zookeeper_shell() {
  coproc ZOOKEEPER_SHELL { exec scripts/zookeeper-shell.sh "$zookeeper" 2>&1; }
  ask ''
}

# Gives zookeeper-shell commands, a line each; what it prints is in `answer`, a line an element. A last command that fails
# shows where the answer ends.
ask() {
  local line end=/end-of-answer-$((answers += 1))
  answer=()
  printf '%s\nget %s\n' "$1" "$end" >&"${ZOOKEEPER_SHELL[1]}"
  while IFS= read -r -t 60 line <&"${ZOOKEEPER_SHELL[0]}"; do
    case $line in
      *"Node does not exist: $end") return 0 ;;
      '[zk: '*) ;; # its prompt
      *) answer+=("$line") ;;
    esac
  done
  fail "zookeeper-shell does not answer."
}

is_there() {
  ask "get $1"
  [[ ${answer[0]-} != "Node does not exist: "* ]]
}

# Whether the broker leads all $2 partitions of topic $1.
leads_partitions() {
  [ "$(scripts/kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list "$broker" --topic "$1" 2>/dev/null |
    grep -c '^[^:]*:[0-9]*:[0-9]')" = "$2" ]
}

is_gone() { ! is_there "$1"; }

# The controller acts on what a tool has written a moment later.
await_partitions() { await_success "The broker does not lead $1" leads_partitions "$1" "$2"; }
await_znode() { await_success "$1 is not there" is_there "$1"; }
await_gone() { await_success "$1 is not gone" is_gone "$1"; }

# Shows which znodes are new (+), hold something else (~) and are gone (-) since it was last asked: by `ls -R /` and a `get`
# of each, ZooKeeper's own aside.
show_znodes() {
  local path at kind changes=0 paths=()
  local -A now=()
  ask 'ls -R /'
  for path in "${answer[@]}"; do
    case $path in / | /zookeeper | /zookeeper/*) ;; /*) paths+=("$path") ;; esac
  done
  ask "$(printf 'get %s\n' "${paths[@]}")"
  for at in "${!paths[@]}"; do
    case ${answer[at]} in
      "Node does not exist: "*) ;;
      null) now[${paths[at]}]= ;;
      *) now[${paths[at]}]=${answer[at]} ;;
    esac
  done
  mapfile -t paths < <(printf '%s\n' "${!now[@]}" "${!seen[@]}" | LC_ALL=C sort -u)
  for path in "${paths[@]}"; do
    if [ -z "$path" ] || [ "${now[$path]-gone}" = "${seen[$path]-gone}" ]; then continue; fi
    [ "$((changes += 1))" -gt 1 ] || echo "Znodes:"
    kind='~'
    [ -n "${seen[$path]+there}" ] || kind=+
    [ -n "${now[$path]+there}" ] || kind=-
    printf '  %s %s%s\n' "$kind" "$path" "${now[$path]:+ ${now[$path]}}"
  done
  [ "$changes" -gt 0 ] || echo "Znodes: as before."
  seen=()
  for path in "${!now[@]}"; do seen[$path]=${now[$path]}; done
}

# ---- the end -----------------------------------------------------------------------------------

# Ends what still runs, by its id, the newest last of all ZooKeeper, and removes the walk's folder.
end_all() {
  local code=$? name
  trap - EXIT
  trap '' HUP INT TERM
  for name in consumer broker zookeeper; do
    if [ -n "${started[$name]-}" ]; then
      kill "${started[$name]}" 2>/dev/null || true
      wait "${started[$name]}" 2>/dev/null || true
    fi
  done
  if [ -n "${ZOOKEEPER_SHELL_PID-}" ]; then
    kill "$ZOOKEEPER_SHELL_PID" 2>/dev/null || true
    wait "$ZOOKEEPER_SHELL_PID" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$code"
}
