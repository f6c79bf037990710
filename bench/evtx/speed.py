"""Compares the speed of gyoji with other readers of event logs, in one run.

    python3 speed.py GYOJI FOLDER [RECORDS]

First gyoji alone: dump to NDJSON and XML and the T1204.001 query over the whole
folder, one process each, with its peak of memory. Then the peers that are
installed: evtxexport (libevtx) and evtx_dump.py (python-evtx), which write XML, and
evtx_dump (the Rust crate evtx) and dump.py (PyPI's evtx, the same crate with Python
around it), which write JSON, one event on a line. They take
one file at a time, so there is a process of theirs for each file; gyoji reads all
in one. All is on one core. First every reader's events are counted;
only files of which a peer gives as many as gyoji does are timed with it, the others
are listed. Each peer gets files of up to so many events in all, the smallest first:
python-evtx RECORDS (2000), for it is slow. Times are user and system time; ratios
are medians of pairs taken by turns.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

QUERY = os.path.join(os.path.dirname(__file__), "../../packages/T1204.001-malicious-link/query.seed.sumo")
DUMP = os.path.join(os.path.dirname(__file__), "dump.py")
PAIRS = 3


def counted_by(count, args):
    """How many events a process prints. Its output is not kept: the peak of memory
    that is measured of a child begins with its parent's."""
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        return sum(count(line) for line in p.stdout)


def run(args):
    """The cpu time of a process on one core, and its peak of memory in KiB."""
    p = subprocess.Popen(["taskset", "-c", "0"] + args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = status
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def elements(out):
    return out.count(b"<Event ") + out.count(b"<Event>")


def lines(out):
    return out.count(b"\n")


def median(values):
    return sorted(values)[len(values) // 2]


def alone(gyoji, folder):
    events = counted_by(lines, [gyoji, "dump", "-Q", "-j1", folder])
    print("gyoji over the folder, %d events:" % events)
    for name, args in {
        "dump -f ndjson": ["dump", "-Q", "-j1", folder],
        "dump -f xml": ["dump", "-Q", "-j1", "-f", "xml", folder],
        "the query": ["search", "-Q", "-j1", "-f", "ndjson", "-q", QUERY, folder],
    }.items():
        taken = [run([gyoji] + args) for _ in range(PAIRS)]
        cpu = median([t for t, _ in taken])
        print("  %s: %.2f s of cpu, %.2f M events/s, %d MiB at most" % (name, cpu, events / cpu / 1e6, max(m for _, m in taken) >> 10))


def main():
    gyoji, folder = sys.argv[1:3]
    budget = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    alone(gyoji, folder)
    xml = lambda *paths: [gyoji, "dump", "-Q", "-j1", "-f", "xml", *paths]
    ndjson = lambda *paths: [gyoji, "dump", "-Q", "-j1", *paths]
    peers = {
        "evtxexport": (xml, elements, lambda path: ["evtxexport", "-f", "xml", path], 100_000),
        "evtx_dump.py": (xml, elements, lambda path: ["evtx_dump.py", path], budget),
        "dump.py": (ndjson, lines, lambda path: [sys.executable, DUMP, path], 1_000_000),
        "evtx_dump": (ndjson, lines, lambda path: ["evtx_dump", "-t", "1", "-o", "jsonl", "--dont-show-record-number", path], 1_000_000),
    }
    files = sorted(os.path.join(r, f) for r, _, fs in os.walk(folder) for f in fs if f.endswith(".evtx"))
    counted = {path: counted_by(lines, ndjson(path)) for path in files}
    for name, (ours, count, theirs, left) in peers.items():
        if not (importlib.util.find_spec("evtx") if name == "dump.py" else shutil.which(name)):
            print("%s: not compared, for %s is not installed" % (name, "PyPI's evtx" if name == "dump.py" else "it"))
            continue
        equal, others = [], []
        for path in sorted(files, key=counted.get):
            if counted[path] > left:
                break
            left -= counted[path]
            n = counted_by(count, theirs(path))
            if n == counted[path]:
                equal.append(path)
            else:
                others.append((path, n))
        total = sum(counted[p] for p in equal)
        print("%s: as many events of %d files, %d in all" % (name, len(equal), total))
        for path, n in others:
            print("  %s: %d, gyoji gives %d" % (os.path.relpath(path, folder), n, counted[path]))
        if not total:
            continue
        taken = [(run(ours(*equal))[0], sum(run(theirs(p))[0] for p in equal))
                 for _ in range(1 if name == "evtx_dump.py" else PAIRS)]
        for who, times in zip(("gyoji", name), zip(*taken)):
            print("  %s: %.2f s of cpu, %d events/s" % (who, median(times), total / median(times)))
        print("  %s takes %.1f times as long" % (name, median([b / a for a, b in taken])))


main()
