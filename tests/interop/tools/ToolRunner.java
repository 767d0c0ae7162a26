// Runs Kafka's tools one after the other in one JVM, each as if it had a JVM of its own: starting one costs most of the time
// that a tool takes.
//
// Standard input brings a tool as a count of strings and, each behind its length, the strings: the class, and its arguments.
// Standard output answers with the exit code, and what the tool has printed on both streams, each behind its length.
// Integers have four bytes, the first one the highest. A tool's threads are those of its thread group.

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.apache.kafka.common.utils.Exit;

public final class ToolRunner {
    public static void main(String[] none) throws Exception {
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        // Before any class keeps what they were.
        System.setOut(new PrintStream(new Routed(System.err, tool -> tool.out), true));
        System.setErr(new PrintStream(new Routed(System.err, tool -> tool.err), true));
        Exit.setExitProcedure((status, message) -> Tool.current().exit(status, true));
        Exit.setHaltProcedure((status, message) -> Tool.current().exit(status, false));
        Exit.setShutdownHookAdder((name, hook) -> Tool.current().addHook(hook));
        while (true) {
            String[] words;
            try {
                words = new String[in.readInt()];
            } catch (EOFException over) {
                Runtime.getRuntime().halt(0);
                return;
            }
            for (int at = 0; at < words.length; at++) {
                words[at] = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
            }
            Tool tool = new Tool();
            int status = tool.run(words[0], Arrays.copyOfRange(words, 1, words.length));
            out.writeInt(status);
            for (byte[] printed : List.of(tool.out.toByteArray(), tool.err.toByteArray())) {
                out.writeInt(printed.length);
                out.write(printed);
            }
            out.flush();
            tool.stopThreads();
        }
    }

    /** A tool while it runs. */
    private static final class Tool extends ThreadGroup {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        private final CompletableFuture<Integer> ended = new CompletableFuture<>();
        private final List<Runnable> hooks = new ArrayList<>();
        private volatile boolean runsHooks = true;

        Tool() {
            super("tool");
        }

        /** The tool that this thread is one of. */
        static Tool current() {
            ThreadGroup group = Thread.currentThread().getThreadGroup();
            while (group != null && !(group instanceof Tool)) {
                group = group.getParent();
            }
            return (Tool) group;
        }

        synchronized void addHook(Runnable hook) {
            hooks.add(hook);
        }

        /** Ends the tool; never returns to it, as a JVM that exits does not. */
        void exit(int status, boolean runsHooks) {
            this.runsHooks &= runsHooks;
            ended.complete(status);
            while (true) {
                LockSupport.park();
            }
        }

        int run(String name, String[] arguments) throws Exception {
            new Thread(this, () -> start(name, arguments), "main").start();
            int status = ended.get();
            if (runsHooks) {
                List<Thread> last = new ArrayList<>();
                synchronized (this) {
                    hooks.forEach(hook -> last.add(new Thread(this, hook)));
                }
                last.forEach(Thread::start);
                for (Thread hook : last) {
                    hook.join();
                }
            }
            return status;
        }

        private void start(String name, String[] arguments) {
            int status = 0;
            try {
                Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
                awaitThreads();
            } catch (InvocationTargetException failed) {
                if (failed.getCause() instanceof ThreadDeath) {
                    return;
                }
                System.err.print("Exception in thread \"main\" ");
                failed.getCause().printStackTrace();
                status = 1;
            } catch (ReflectiveOperationException | InterruptedException failed) {
                failed.printStackTrace();
                status = 1;
            }
            ended.complete(status);
        }

        /** A JVM ends with the last thread that is no daemon. */
        private void awaitThreads() throws InterruptedException {
            for (Thread thread : threads()) {
                if (!thread.isDaemon() && thread != Thread.currentThread()) {
                    thread.join();
                }
            }
        }

        private Thread[] threads() {
            Thread[] threads = new Thread[activeCount() + 64];
            return Arrays.copyOf(threads, enumerate(threads));
        }

        @SuppressWarnings({"deprecation", "removal"})
        void stopThreads() {
            for (Thread thread : threads()) {
                thread.stop();
            }
        }

        @Override
        public void uncaughtException(Thread thread, Throwable failed) {
            if (!(failed instanceof ThreadDeath)) {
                super.uncaughtException(thread, failed);
            }
        }
    }

    /** Brings what a thread prints to its tool, and else to `other`. */
    private static final class Routed extends OutputStream {
        private final OutputStream other;
        private final Function<Tool, OutputStream> ofTool;

        Routed(OutputStream other, Function<Tool, OutputStream> ofTool) {
            this.other = other;
            this.ofTool = ofTool;
        }

        private OutputStream target() {
            Tool tool = Tool.current();
            return tool == null ? other : ofTool.apply(tool);
        }

        @Override
        public void write(int one) throws IOException {
            target().write(one);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            target().write(bytes, from, count);
        }
    }
}
