"""Makes logs of some 20 MB each of the sound chunks of a folder's logs.

    python3 grow.py FOLDER OUT [FILES]

Each of FILES (9) files has every chunk once, in an order of its own, with its
records numbered anew and its checksums made to fit; FILES beyond 9 are links to
the first nine. Equal chunks are taken once. Only chunks that name Sysmon's or the
Security log's provider are taken, as those are what detections read, and none of
folders with logs that are odd on purpose (SKIPPED).
"""

import os
import random
import struct
import sys
import zlib

SKIPPED = {"damaged", "edge-cases", "derived"}
HEADER, CHUNK = 4096, 65536
PROVIDERS = [p.encode("utf-16-le") for p in ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing")]


def sums(chunk):
    """The checksums of a chunk's records and of its header, None when it has no end."""
    free = struct.unpack_from("<I", chunk, 48)[0]
    if not 512 <= free <= CHUNK:
        return None
    return zlib.crc32(chunk[512:free]), zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120]))


def sound(chunk):
    return (len(chunk) == CHUNK and chunk.startswith(b"ElfChnk\0") and any(p in chunk for p in PROVIDERS)
            and sums(chunk) == (struct.unpack_from("<I", chunk, 52)[0], struct.unpack_from("<I", chunk, 124)[0]))


def numbered(chunk, first):
    """The chunk with its records numbered from first, and the next number."""
    chunk = bytearray(chunk)
    free = struct.unpack_from("<I", chunk, 48)[0]
    at, n = 512, first
    while at + 28 <= free and chunk[at:at + 4] == b"**\0\0":
        size = struct.unpack_from("<I", chunk, at + 4)[0]
        if not 28 <= size <= free - at:
            break
        struct.pack_into("<Q", chunk, at + 8, n)
        at, n = at + size, n + 1
    struct.pack_into("<4Q", chunk, 8, first, n - 1, first, n - 1)
    struct.pack_into("<I", chunk, 52, sums(chunk)[0])
    struct.pack_into("<I", chunk, 124, sums(chunk)[1])
    return chunk, n


def main():
    folder, out = sys.argv[1:3]
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    chunks = {}
    for path in sorted(os.path.join(r, f) for r, _, fs in os.walk(folder) for f in fs if f.endswith(".evtx")):
        if SKIPPED & set(os.path.relpath(path, folder).split(os.sep)):
            continue
        with open(path, "rb") as log:
            data = log.read()
        for at in range(HEADER, len(data), CHUNK):
            if sound(data[at:at + CHUNK]):
                chunks[data[at:at + CHUNK]] = None
    chunks = list(chunks)
    shuffle = random.Random(1).shuffle
    os.makedirs(out, exist_ok=True)
    number = 1
    for i in range(files):
        path = os.path.join(out, "big%d.evtx" % i)
        if i >= 9:
            os.link(os.path.join(out, "big%d.evtx" % (i % 9)), path)
            continue
        shuffle(chunks)
        with open(path, "wb") as log:
            log.write(bytes(HEADER))
            for chunk in chunks:
                chunk, number = numbered(chunk, number)
                log.write(chunk)
            head = bytearray(HEADER)
            struct.pack_into("<8s3QI4H", head, 0, b"ElfFile\0", 0, len(chunks) - 1, number, 128, 1, 3, HEADER, len(chunks))
            struct.pack_into("<I", head, 124, zlib.crc32(head[:120]))
            log.seek(0)
            log.write(head)
    print("%d chunks and %d records in %d files, %d of them links" % (len(chunks), number - 1, min(files, 9), max(0, files - 9)))


main()
