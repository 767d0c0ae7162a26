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

# Runs a command that starts a broker, as role $1 with its output in the file $2, and waits until it is ready.
run_broker() {
  local role=$1 log=$2 said='' patience=$((SECONDS + 60)) pid
  shift 2
  while :; do
    : >"$log"
    nohup "$@" >>"$log" 2>&1 </dev/null &
    pid=$!
    remember "$role" "$pid"
    ! wait_for_broker "$pid" "$log" || return 0
    if ! grep -q NodeExists "$log" || [ "$SECONDS" -gt "$patience" ]; then
      echo "$role did not start; its last words:" >&2
      tail -5 "$log" >&2
      return 1
    fi
    [ -n "$said" ] || echo "$role was killed: ZooKeeper holds its last session for some seconds yet ..."
    said=yes
  done
}

# Waits until the broker with process id $1, which writes to the file $2, says that it is ready, or ends.
wait_for_broker() {
  # The log itself says when the broker is ready, or its end does.
  grep -q -m1 'started (kafka.server.KafkaServer)' < <(timeout 60 tail -n +1 --pid="$1" -f "$2")
}

# Builds the release binary into this checkout.
build_barnabas() {
  command -v cargo >/dev/null || {
    echo "Rust is missing: install it as https://rustup.rs tells." >&2
    return 1
  }
  # Here, even where CARGO_TARGET_DIR says otherwise.
  cargo build --release --bin barnabas --target-dir target
}
