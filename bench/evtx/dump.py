"""Writes a log's events as JSON, one on a line: dump.py FILE

The reader is PyPI's package evtx, which is the Rust crate of that name with Python
around it: for machines where the crate's own evtx_dump cannot be built.
"""

import sys

from evtx import PyEvtxParser

out = sys.stdout
for record in PyEvtxParser(sys.argv[1], number_of_threads=1).records_json():
    if not isinstance(record, Exception):
        out.write(record["data"].replace("\n", " "))
        out.write("\n")
