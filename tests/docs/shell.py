"""One shell for the commands of a page, as a reader has one: variables, folders and servers stay from line to line."""
import os
import re
import select
import shlex
import signal
import subprocess
import time

# What truly varies: real time, ports, how many lines the shell has read.
MASKS = [(re.compile(r"bash: line \d+:"), "bash:"),
         (re.compile(r"(^| +)\d+\.\d+ ms\b"), " N ms"),
         (re.compile(r"; \d+\.\d+s$"), "; N s"),
         (re.compile(r"127\.0\.0\.1:\d{4,5}"), "127.0.0.1:PORT")]
SECONDS = 60


def masked(line):
    for pattern, instead in MASKS:
        line = pattern.sub(instead, line)
    return line.rstrip()


def fits(shown, line):
    """`...` within a line stands for any text."""
    pattern = ".*".join(re.escape(masked(part)) if i == 0 else re.escape(masked("x" + part)[1:])
                        for i, part in enumerate(shown.split("...")))
    return re.fullmatch(pattern, masked(line)) is not None


def alike(shown, lines):
    """A line `...` stands for any number of lines."""
    reach = {0}
    for want in shown:
        if want.strip() == "...":
            reach = set(range(min(reach), len(lines) + 1)) if reach else reach
        else:
            reach = {i + 1 for i in reach if i < len(lines) and fits(want, lines[i])}
    return len(lines) in reach


class Shell:
    def __init__(self, folder, env):
        self.seen, self.told = b"", b""
        self.out, out = os.pipe()
        self.status, status = os.pipe()
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, env=env, stdin=subprocess.PIPE,
                                        stdout=out, stderr=out, pass_fds=[status], start_new_session=True)
        os.close(out)
        os.close(status)
        self.fd = status
        self.send("set -o pipefail\n")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def read(self, until, seconds=SECONDS):
        """Takes in what the commands print, until the condition holds; whether it did."""
        end = time.monotonic() + seconds
        while not until():
            ready, _, _ = select.select([self.out, self.status], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            if self.out in ready:
                self.seen += os.read(self.out, 65536)
            if self.status in ready:
                got = os.read(self.status, 64)
                if not got:
                    return False
                self.told += got
        return True

    def wait(self, until):
        """Waits for the condition as long as something runs in the background that could make it true."""
        end = time.monotonic() + SECONDS
        while not until() and self.jobs() and time.monotonic() < end:
            self.read(until, 0.2)
        self.drain()

    def drain(self):
        while select.select([self.out], [], [], 0)[0]:
            self.seen += os.read(self.out, 65536) or b""

    def lines(self):
        return self.seen.decode(errors="replace").splitlines()

    def run(self, text, shown):
        """The exit status, or None when there was none in time. What was printed is in lines()."""
        self.seen, self.told = b"", b""
        self.send(f"eval {shlex.quote(text)} {self.fd}>&- </dev/null; echo $? >&{self.fd}\n")
        if not self.read(lambda: self.told.endswith(b"\n")):
            return None
        self.drain()
        # What a server in the background says comes when it comes; that it is ready is its first line.
        if shown is not None:
            self.wait(lambda: alike(shown, self.lines()))
        elif text.rstrip().endswith("&"):
            self.wait(lambda: b"\n" in self.seen)
        return int(self.status_text)

    status_text = property(lambda self: self.told.decode().split()[0])

    def jobs(self):
        before = self.told
        self.told = b""
        self.send(f"jobs -pr | tr '\\n' ' ' >&{self.fd}; echo . >&{self.fd}\n")
        self.read(lambda: self.told.endswith(b"\n"))
        running = self.told.split()[:-1]
        self.told = before
        return running

    def end(self):
        """Ends what runs in the background; the exit statuses that are not those of a clean end."""
        self.told = b""
        self.send(f"for p in $(jobs -p); do kill $p 2>/dev/null; wait $p; echo $? >&{self.fd}; done; echo . >&{self.fd}\n")
        ended = self.read(lambda: self.told.endswith(b".\n"))
        statuses = self.told.decode().split()[:-1] if ended else ["none"]
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        os.close(self.out)
        os.close(self.status)
        return [s for s in statuses if s not in ("0", "143")]
