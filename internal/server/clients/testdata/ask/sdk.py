# PyPI sumologic-sdk: each query of the input as a search job, page by page.
import json, os, sys, tempfile, time

os.chdir(tempfile.mkdtemp())  # it may write cookies
from sumologic import SumoLogic

c = SumoLogic(os.environ["ACCESS_ID"], os.environ["ACCESS_KEY"], endpoint=os.environ["BASE"] + "/api")
out = []
for q in json.load(sys.stdin):
    r = {"query": q["query"], "rows": [], "warnings": [], "errors": []}
    try:
        job = c.search_job(q["query"], q["from"], q["to"], q.get("zone", "UTC"))
        buckets = 0
        while True:
            s = c.search_job_status(job)
            r["warnings"] += s["pendingWarnings"]
            r["errors"] += s["pendingErrors"]
            buckets += sum(b["count"] for b in s["histogramBuckets"])
            if s["state"] not in ("NOT STARTED", "GATHERING RESULTS"):
                break
            time.sleep(0.05)
        r["state"], r["histogram"], r["messages"], r["records"] = s["state"], buckets, s["messageCount"], s["recordCount"]
        what = "records" if s["recordCount"] > 0 else "messages"
        get = c.search_job_records if what == "records" else c.search_job_messages
        while True:
            page = get(job, limit=100, offset=len(r["rows"]))
            r["fields"] = page["fields"]
            if not page[what]:
                break
            r["rows"] += [m["map"] for m in page[what]]
        c.delete_search_job(job)
        try:
            c.search_job_status(job)
            r["errors"].append("it is there after its deletion")
        except Exception as e:
            if e.response.status_code != 404:
                raise
    except Exception as e:
        r["refused"] = getattr(e, "response", None) is not None and e.response.json() or str(e)
    out.append(r)
json.dump(out, sys.stdout)
