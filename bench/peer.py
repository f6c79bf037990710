"""Runs one statement in DuckDB: peer.py THREADS OUT.ndjson < statement

The rows go to OUT.ndjson as one JSON object a line. Needs pip install duckdb.
"""

import sys

import duckdb

threads, out = sys.argv[1:3]
con = duckdb.connect(config={"threads": int(threads)})
con.execute(f"COPY ({sys.stdin.read()}) TO '{out}' (FORMAT json)")
