"""Compares the speed of gyoji dump with evtxexport (libevtx) and python-evtx.

    python3 speed.py GYOJI FOLDER [RECORDS]

Each reader turns the same files into XML, a process for each file, on one core.
First every reader's events are counted; only files of which a peer gives as many
as gyoji does are timed with it, the others are listed. python-evtx reads files
of up to RECORDS (2000) events in all, for it is slow. Times are user and system time.
Needs libevtx-utils and python3-evtx, of Debian.
"""

import os
import resource
import subprocess
import sys


def run(args):
    """What a process on one core prints, and its cpu time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(["taskset", "-c", "0"] + args, capture_output=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def events(out):
    return out.count(b"<Event ") + out.count(b"<Event>")


def main():
    gyoji, folder = sys.argv[1:3]
    budget = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    ours = lambda path: [gyoji, "dump", "-Q", "-j1", "-f", "xml", path]
    peers = {
        "evtxexport": (lambda path: ["evtxexport", "-f", "xml", path], float("inf")),
        "python-evtx": (lambda path: ["evtx_dump.py", path], budget),
    }
    files = sorted(os.path.join(r, f) for r, _, fs in os.walk(folder) for f in fs if f.endswith(".evtx"))
    counted = {path: events(run(ours(path))[0]) for path in files}
    print("gyoji: %d events of %d files" % (sum(counted.values()), len(files)))
    for name, (command, left) in peers.items():
        equal, fewer = [], []
        for path in sorted(files, key=counted.get):
            if counted[path] > left:
                break
            left -= counted[path]
            n = events(run(command(path))[0])
            if n == counted[path]:
                equal.append(path)
            else:
                fewer.append((path, n))
        total = sum(counted[p] for p in equal)
        print("%s: as many events of %d files, %d in all" % (name, len(equal), total))
        for path, n in fewer:
            print("  %s: %d, gyoji gives %d" % (os.path.relpath(path, folder), n, counted[path]))
        if not total:
            continue
        ratios, best = [], {}
        for _ in range(3 if name == "evtxexport" else 1):
            cpu = [sum(run(args(p))[1] for p in equal) for args in (ours, command)]
            ratios.append(cpu[1] / cpu[0])
            for who, t in zip(("gyoji", name), cpu):
                best[who] = min(t, best.get(who, t))
        for who, t in best.items():
            print("  %s: %.2f s of cpu, %d events/s" % (who, t, total / t))
        print("  %s takes %.1f times as long" % (name, sorted(ratios)[len(ratios) // 2]))


main()
