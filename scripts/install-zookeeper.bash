# Sourced by quickstart.sh and test.sh: a ZooKeeper to run, installed where there is none, and waiting for it.

. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/zookeeper-environment.bash"

# Finds ZooKeeper or installs the distribution's package; says what to do where it may not.
install_zookeeper() {
  (find_zookeeper) 2>/dev/null && return 0
  if [ -n "${ZOOKEEPER_HOME:-}" ]; then
    find_zookeeper
    return
  fi
  local sudo=
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null && sudo="sudo -n"
  fi
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || [ -n "$sudo" ]; }; then
    echo "Installing the packages zookeeper and default-jre-headless with apt-get ..."
    local log
    log=$(mktemp)
    if { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends default-jre-headless zookeeper; } >"$log" 2>&1; then
      rm -f "$log"
    else
      tail -5 "$log" >&2
      rm -f "$log"
      echo "apt-get could not install ZooKeeper: see its words above." >&2
      return 1
    fi
  fi
  find_zookeeper
}

# The first port from $1 up that nobody listens on, on loopback.
free_port() {
  local port=$1
  while port_in_use "$port"; do port=$((port + 1)); done
  echo "$port"
}

# Whether somebody listens on this port of loopback.
port_in_use() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Whether the ZooKeeper at host $1, port $2 accepts a client.
zookeeper_answers() {
  local answer
  answer=$( { exec 3<>"/dev/tcp/$1/$2" && printf srvr >&3 && timeout 2 cat <&3; } 2>/dev/null | tr -d '\0') || return 1
  case $answer in *Mode:*) return 0 ;; *) return 1 ;; esac
}

# Waits until the ZooKeeper at $1:$2 answers, as long as process $3 lives and at most a minute.
wait_for_zookeeper() {
  local tries=0
  until zookeeper_answers "$1" "$2"; do
    kill -0 "$3" 2>/dev/null || { echo "ZooKeeper ended before it answered." >&2; return 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "ZooKeeper did not answer on $1:$2 within a minute." >&2; return 1; }
    sleep 0.2
  done
}
