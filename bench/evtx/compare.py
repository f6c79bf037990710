"""Compares gyoji dump -f xml with python-evtx, value by value.

    python3 compare.py GYOJI FOLDER [FILES]

For up to FILES files of the folder every record's leaves (element path, Name,
text; attributes) are compared. Needs the package python-evtx. Prints counts and
the kinds of differences; exits with 1 when there are any left. What both show
differently on purpose is taken for equal: the case of GUIDs, times 20 µs apart (theirs
go through floating point), bytes (Base64 there, hexadecimal here and in Event Viewer),
line ends (theirs are not escaped, so that reading their XML loses carriage returns),
arrays of text (theirs are <string> elements in the text of one element).
"""

import base64
import collections
import datetime
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import Evtx.Evtx as evtx


def strip(tag):
    return tag.rsplit("}", 1)[-1]


def leaves(node, path=()):
    path = path + (strip(node.tag),)
    for k, v in node.attrib.items():
        yield "/".join(path) + "@" + strip(k), v
    if len(node) == 0:
        yield "/".join(path), node.text or ""
    for child in node:
        yield from leaves(child, path)


def clean(text):
    # Characters that XML 1.0 does not have: each reader deals with them in its own way.
    return re.sub("[^\t\n\r -\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]", "", text)


RECORDS = 60  # of each file

STRINGS = re.compile("<string>(.*?)</string>", re.DOTALL)
GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00:00|Z)?$")


def norm(key, v):
    v = v.replace("\r\n", "\n").replace("\r", "\n").strip()
    m = TIME.match(v)
    if m:  # microseconds there, 100 ns here; where they have none, no fraction
        return "%s %s.%s" % (m[1], m[2], ((m[3] or "") + "0000000")[:7])
    if re.match(r"^0x[0-9a-fA-F]+$", v):
        return "0x%x" % int(v, 16)
    if v in ("True", "False"):
        return v.lower()
    return GUID.sub(lambda m: m[0].strip("{}").lower(), v)


def same(theirs, mine):
    """Whether two texts are of one value that is written in two ways."""
    try:
        a, b = (datetime.datetime.fromisoformat(v[:26]) for v in (theirs, mine))
        return abs(a - b) <= datetime.timedelta(microseconds=20)
    except ValueError:
        pass
    try:
        return base64.b64decode("".join(theirs.split()), validate=True).hex().upper() == mine
    except ValueError:
        return False


def ours(gyoji, path):
    out = subprocess.run([gyoji, "dump", "-Q", "-j1", "-f", "xml", path], capture_output=True).stdout.decode()
    # An event may hold line breaks; each begins with <Event.
    return re.split(r"\n(?=<Event[ >])", out.rstrip("\n")) if out else []


def record_id(event):
    for k, v in leaves(event):
        if k == "Event/System/EventRecordID":
            return v
    return None


def main():
    gyoji, folder = sys.argv[1:3]
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else 1 << 30
    files = sorted(os.path.join(r, f) for r, _, fs in os.walk(folder) for f in fs if f.endswith(".evtx"))
    totals, kinds, samples = collections.Counter(), collections.Counter(), {}
    for path in files[:limit]:
        totals["files"] += 1
        mine = collections.defaultdict(list)
        for text in ours(gyoji, path):
            try:
                e = ET.fromstring(clean(text))
            except ET.ParseError as err:
                kinds["ours is not XML"] += 1
                samples.setdefault("ours is not XML", (path, str(err), text[:300]))
                continue
            mine[record_id(e)].append(e)
            totals["ours"] += 1
        try:
            with evtx.Evtx(path) as log:
                for n, record in enumerate(log.records()):
                    if n >= RECORDS:
                        break  # it reads a few hundred a second
                    try:
                        theirs = ET.fromstring(clean(record.xml()))
                    except Exception as err:
                        totals["theirs failed"] += 1
                        continue
                    totals["theirs"] += 1
                    rid = record_id(theirs)
                    best = None
                    for candidate in mine.get(rid, []):
                        diff = compare(theirs, candidate)
                        if best is None or len(diff) < len(best):
                            best = diff
                    if best is None:
                        kinds["record missing"] += 1
                        samples.setdefault("record missing", (path, rid))
                        continue
                    if not best:
                        totals["equal"] += 1
                    for kind, detail in best:
                        kinds[kind] += 1
                        samples.setdefault(kind, (path, rid, detail))
        except Exception as err:
            totals["files theirs failed on"] += 1
    print(dict(totals))
    for kind, n in kinds.most_common(40):
        print(n, kind, samples[kind])
    sys.exit(1 if kinds else 0)


def compare(theirs, mine):
    # An optional attribute without a value is left out by Windows, and by us.
    a = collections.Counter((k, norm(k, w)) for k, v in leaves(theirs) if v or "@" not in k
                            for w in (STRINGS.findall(v) if v.startswith("<string>") else [v]))
    b = collections.Counter((k, norm(k, v)) for k, v in leaves(mine))
    out = []
    left, right = a - b, b - a
    for (k, v) in list(left.elements()):
        for (kk, w) in right:
            if k == kk and right[kk, w] > 0 and same(v, w):
                left[k, v] -= 1
                right[k, w] -= 1
                break
    left, right = +left, +right
    for (k, v) in left:
        other = [w for (kk, w) in right if kk == k]
        out.append(("differs: " + k if other else "only theirs: " + k, (v[:120], other[:1])))
    for (k, v) in right:
        if k not in [kk for kk, _ in left]:
            out.append(("only ours: " + k, v[:120]))
    return out


main()
