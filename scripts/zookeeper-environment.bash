# Sourced by the ZooKeeper scripts: finds a ZooKeeper's jars and a Java to run them.
# Sets `java` and `zookeeper_classpath`; says what to install and returns 1 where one is missing.

find_zookeeper() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  command -v "$java" >/dev/null || {
    echo "Java is missing: install a Java runtime (Debian, Ubuntu: apt-get install default-jre-headless), or set JAVA_HOME." >&2
    return 1
  }
  if [ -n "${ZOOKEEPER_HOME:-}" ]; then
    ls "$ZOOKEEPER_HOME"/zookeeper*.jar "$ZOOKEEPER_HOME"/lib/zookeeper*.jar >/dev/null 2>&1 || compgen -G "$ZOOKEEPER_HOME/libs/zookeeper*.jar" >/dev/null || {
      echo "ZOOKEEPER_HOME=$ZOOKEEPER_HOME holds no zookeeper jar, neither there nor in its lib folder." >&2
      return 1
    }
    zookeeper_classpath="$ZOOKEEPER_HOME/conf:$ZOOKEEPER_HOME/*:$ZOOKEEPER_HOME/lib/*:$ZOOKEEPER_HOME/libs/*"
  elif [ -e /usr/share/java/zookeeper.jar ]; then
    zookeeper_classpath=/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar
  else
    echo "ZooKeeper is missing: install it (Debian, Ubuntu: apt-get install zookeeper), or set ZOOKEEPER_HOME to an unpacked ZooKeeper 3.5 or later." >&2
    return 1
  fi
}

# Runs a class of ZooKeeper's in this process: run_zookeeper_class LOG4J_FILE CLASS [ARG...]
run_zookeeper_class() {
  local log4j=$1
  shift
  # shellcheck disable=SC2086 # the options are words
  exec "$java" ${KAFKA_HEAP_OPTS:--Xmx512M} -Djava.awt.headless=true -Dlog4j.configuration="file:$log4j" \
    ${KAFKA_OPTS:-} -cp "$zookeeper_classpath" "$@"
}
