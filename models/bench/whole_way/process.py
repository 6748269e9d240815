"""A peer in a process of its own, which is started, asked and measured from outside: processor time of all its threads, memory."""
import os
import subprocess
import time
from pathlib import Path


class Process:
    """`command` answers the commands of daemon/examples/whole_way.rs. All run on one core."""

    def __init__(self, command, core, environment=None):
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **(environment or {})),
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.folder = Path(f"/proc/{self.process.pid}")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[0]} ended at: {line}")
        return answer.strip()

    def timed(self, line):
        """The answer, and the seconds that it took of the clock and of processors."""
        cpu, clock = self.cpu(), time.perf_counter()
        answer = self.ask(line)
        return answer, time.perf_counter() - clock, self.cpu() - cpu

    def cpu(self):
        """Processor seconds of all threads that live; the kernel counts nanoseconds."""
        total = 0
        for thread in (self.folder / "task").iterdir():
            try:
                total += int((thread / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass  # it ended meanwhile
        return total / 1e9

    def all_cpu(self):
        """Processor seconds since the start, threads that ended among them, in steps of ten milliseconds."""
        fields = (self.folder / "stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def since_start(self):
        return time.perf_counter() - self.began

    def peak_mb(self):
        text = (self.folder / "status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    def close(self):
        self.process.stdin.close()
        self.process.wait()
