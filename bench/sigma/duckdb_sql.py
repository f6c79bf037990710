"""Runs what `gyoji convert -t duckdb` writes in DuckDB and compares its matches
with those of `gyoji hunt`, rule by rule.

    pip install duckdb
    gyoji convert -t duckdb -Q -o sql/ RULES/
    gyoji hunt -Q -d RULES/ -f ndjson EVENTS.jsonl > hits.ndjson
    python3 duckdb_sql.py sql/ EVENTS.jsonl[.gz] hits.ndjson

Events are flat, one JSON object a line; all columns are text. A rule that gyoji
refuses to write is not compared, and neither is one whose fields the table calls
otherwise (Image of Security 4688): a table has no mapping.
"""
import collections, glob, gzip, json, re, sys
import duckdb

sql_dir, events_path, hits_path = sys.argv[1:4]
hits = collections.Counter()
for line in open(hits_path):
    hits[json.loads(line)["rule"]] += 1

rules = []
for name in sorted(glob.glob(sql_dir + "/**/*.sql", recursive=True)):
    text = open(name).read()
    rules.append((re.search(r"^-- Sigma rule ([0-9a-f-]{36})", text, re.M).group(1), name, text))

# DuckDB's names of columns ignore letter case.
columns, rows = {}, []
for line in gzip.open(events_path, "rt") if events_path.endswith("gz") else open(events_path):
    row = {}
    for k, v in json.loads(line).items():
        if v is not None:
            columns.setdefault(k.lower(), k)
            row.setdefault(k.lower(), v if isinstance(v, str) else json.dumps(v))
    rows.append(row)
for _, _, text in rules:
    body = re.sub(r"'(?:[^']|'')*'", "", re.sub(r"^--.*", "", text, flags=re.M))
    for k in re.findall(r'"((?:[^"]|"")*)"', body):
        columns.setdefault(k.replace('""', '"').lower(), k)

db = duckdb.connect()
try:
    db.execute("LOAD inet")
    inet = True
except duckdb.Error:
    inet = False
names = list(columns)
quoted = ", ".join('"' + columns[k].replace('"', '""') + '"' for k in names)
db.execute("CREATE TABLE events (%s)" % ", ".join('"' + columns[k].replace('"', '""') + '" VARCHAR' for k in names))
import os, tempfile
with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
    for row in rows:
        f.write(json.dumps({columns[k]: v for k, v in row.items()}) + "\n")
spec = "{" + ", ".join("'%s': 'VARCHAR'" % columns[k].replace("'", "''") for k in names) + "}"
db.execute("INSERT INTO events (%s) SELECT %s FROM read_json('%s', format='newline_delimited', columns=%s)" % (quoted, quoted, f.name, spec))
os.unlink(f.name)

equal = differ = skipped = matches = matched = 0
for rule, name, text in rules:
    if "INET" in text and not inet:
        skipped += 1
        continue
    try:
        n = db.execute("SELECT count(*) FROM (%s)" % text.rstrip().rstrip(";")).fetchone()[0]
    except duckdb.Error as e:
        n = "error: " + str(e).splitlines()[0]
    if n == hits[rule]:
        equal += 1
        matches += n
        matched += n > 0
    else:
        differ += 1
        print(f"{name}: DuckDB {n}, gyoji {hits[rule]}")
print(f"{len(rows)} events, {len(rules)} rules: {equal} equal ({matches} matches of {matched} rules), {differ} differ, {skipped} not run: this DuckDB has no inet extension")
sys.exit(differ > 0)
