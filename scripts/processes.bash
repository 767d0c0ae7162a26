# Sourced by quickstart.sh and cluster.sh: processes started here, remembered by id in the folder `$state`.

# The id of the process that role $1 runs as, where it is still the one that was started.
pid_of() {
  local file="$state/$1.pid" pid started
  [ -e "$file" ] || return 1
  read -r pid started <"$file"
  [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# When process $1 began, so that a recycled id is not taken for ours.
start_time() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }

remember() { echo "$2 $(start_time "$2")" >"$state/$1.pid"; }

# Ends role $1 with signal $2 (TERM) and waits for its end.
end() {
  local pid
  if pid=$(pid_of "$1"); then
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    if [ "${2:-TERM}" = KILL ]; then echo "Killed $1 (process $pid)."; else echo "Stopped $1 (process $pid)."; fi
  fi
  rm -f "$state/$1.pid"
}

# Waits until the broker with process id $1, which writes to the file $2, says that it is ready, or ends.
wait_for_broker() {
  # The log itself says when the broker is ready, or its end does.
  grep -q -m1 'started (kafka.server.KafkaServer)' < <(timeout 60 tail -n +1 --pid="$1" -f "$2")
}
