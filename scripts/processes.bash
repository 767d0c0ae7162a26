# Sourced by quickstart.sh and cluster.sh: the binary, and processes started here, remembered by id in the folder `$state`.

# The id of the process that role $1 runs as, where it is still the one that was started.
pid_of() {
  local file="$state/$1.pid" pid started
  [ -e "$file" ] || return 1
  read -r pid started <"$file" || return 1
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# When process $1 began, so that a recycled id is not taken for ours; nothing where it has ended. It has ended too
# where nobody has asked for its exit code yet: in a container often nobody ever does.
start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  # After the name, which may hold anything: the state, then 18 others.
  read -r -a fields <<<"${stat##*) }"
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

remember() { echo "$2 $(start_time "$2")" >"$state/$1.pid"; }

# Only one such script at a time works on `$state`; those that it starts do not hold the lock (9>&-).
lock_state() {
  exec 9>"$state/lock"
  flock -n 9 || { echo "Another $1 is at work in $state: wait for its end." >&2; exit 1; }
}

# Starts a command in the background as role $1, its output added to the file $2.
launch() {
  local role=$1 out=$2
  shift 2
  nohup "$@" >>"$out" 2>&1 </dev/null 9>&- &
  remember "$role" $!
}

# A process of which a signal has kept us from remembering the role.
end_last() { [ -z "${!:-}" ] || kill "$!" 2>/dev/null || true; }

# Makes the signals that end a script end it by its EXIT trap.
exit_on_signals() {
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Lets what has to be ended be ended, whoever presses Ctrl-C meanwhile.
hold_signals() { trap '' HUP INT TERM; }

# Ends role $1 with signal $2 (TERM) and waits for its end; returns 1 where it does not run.
end() {
  local pid running=
  if pid=$(pid_of "$1"); then
    running=yes
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    while pid_of "$1" >/dev/null; do sleep 0.1; done
    if [ "${2:-TERM}" = KILL ]; then echo "Killed $1 (process $pid)."; else echo "Stopped $1 (process $pid)."; fi
  fi
  rm -f "$state/$1.pid"
  [ -n "$running" ]
}

# Runs a command that starts a broker, as role $1 with its output added to the file $2, and waits until it answers on
# port $3.
run_broker() {
  local role=$1 out=$2 port=$3 begin
  shift 3
  begin=$(stat -c %s "$out" 2>/dev/null || echo 0)
  launch "$role" "$out" "$@"
  ! wait_for_broker "$role" "$port" || return 0
  echo "$role did not start; its last words:" >&2
  tail -c +$((begin + 1)) "$out" | tail -5 >&2
  return 1
}

# Waits until role $1 answers on port $2, at most a minute and as long as it runs.
wait_for_broker() {
  local patience=$((SECONDS + 60))
  until scripts/barnabas ready "localhost:$2" >/dev/null 2>&1; do
    pid_of "$1" >/dev/null && [ "$SECONDS" -le "$patience" ] || return 1
    sleep 0.1
  done
  pid_of "$1" >/dev/null
}

# Builds the release binary into this checkout, and uses it; that of BARNABAS_BIN is used as it is, and so is one of before
# where there is no Rust.
build_barnabas() {
  if [ -n "${BARNABAS_BIN:-}" ]; then
    echo "Using $BARNABAS_BIN (BARNABAS_BIN)."
  elif command -v cargo >/dev/null; then
    # Here, even where CARGO_TARGET_DIR says otherwise.
    cargo build --release --bin barnabas --target-dir target
    BARNABAS_BIN=$PWD/target/release/barnabas
  elif [ -x target/release/barnabas ]; then
    echo "Rust is missing, so that nothing is built: using target/release/barnabas as it is."
    BARNABAS_BIN=$PWD/target/release/barnabas
  elif BARNABAS_BIN=$(type -P barnabas); then
    echo "Rust is missing, so that nothing is built: using $BARNABAS_BIN."
  else
    echo "Rust is missing: install it as https://rustup.rs tells, or name a barnabas binary by BARNABAS_BIN." >&2
    return 1
  fi
  export BARNABAS_BIN
}
