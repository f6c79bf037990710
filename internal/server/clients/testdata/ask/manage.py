# PyPI sumologic-sdk: what it manages besides searches.
import json, os, sys, tempfile

os.chdir(tempfile.mkdtemp())
from sumologic import SumoLogic

c = SumoLogic(os.environ["ACCESS_ID"], os.environ["ACCESS_KEY"], endpoint=os.environ["BASE"] + "/api")
out = {}
out["collectors"] = [x["name"] for x in c.collectors(limit=10)]
made = c.create_collector({"collector": {"collectorType": "Hosted", "name": "sdk"}}).json()
got, etag = c.collector(made["collector"]["id"])
got["collector"]["category"] = "changed"
c.update_collector(got, etag)
out["category"] = c.collector(made["collector"]["id"])[0]["collector"]["category"]
source = c.create_source(made["collector"]["id"], {"source": {"sourceType": "HTTP", "name": "s", "category": "sdk/s"}}).json()
got, etag = c.source(made["collector"]["id"], source["source"]["id"])
c.update_source(made["collector"]["id"], got, etag)
out["sources"] = [x["name"] for x in c.sources(made["collector"]["id"])]
c.delete_source(made["collector"]["id"], source)
c.delete_collector(made)

table = c.create_lookup_table({
    "name": "Tools", "description": "d", "fields": [{"fieldName": "image", "fieldType": "string"}, {"fieldName": "risk", "fieldType": "int"}],
    "primaryKeys": ["image"], "ttl": 0, "sizeLimitAction": "StopIncomingMessages", "parentFolderId": c.get_personal_folder().json()["id"],
}).json()
out["path"] = table["contentPath"]
with open("rows.csv", "w") as f:
    f.write(os.environ["ROWS"])
job = c.upload_csv_lookup_table(table["id"], ".", "rows.csv", "true").json()
out["upload"] = c.check_lookup_status(job["id"]).json()["status"]
c.update_lookup_table(table["id"], {"row": [{"columnName": "image", "columnValue": "more.exe"}, {"columnName": "risk", "columnValue": "1"}]})
c.edit_lookup_table(table["id"], {"description": "changed", "ttl": 0})
out["description"] = c.get_lookup_table(table["id"]).json()["description"]

rule = c.create_field_extraction_rule({"name": "r", "scope": "_sourceCategory=x", "parseExpression": 'parse "user=* " as user', "enabled": True}).json()
out["rules"] = [r["name"] for r in c.get_all_field_extraction_rules(limit=10)["data"]]
c.delete_field_extraction_rule(rule["id"])
out["fields"] = len(c.get_all_fields())

folder = c.create_folder("Hunts", "d", c.get_personal_folder().json()["id"]).json()
job = c.import_content(folder["id"], {"type": "SavedSearchWithScheduleSyncDefinition", "name": "s1", "description": "", "search": {"queryText": "* | count", "defaultTimeRange": "-15m", "byReceiptTime": False}}).json()
out["import"] = c.check_import_status(folder["id"], job["id"]).json()["status"]
out["children"] = [x["name"] for x in c.get_children_folder(folder["id"])]
job = c.export_content(folder["id"]).json()
out["export"] = c.get_export_content_result(folder["id"], job["id"]).json()["children"][0]["search"]["queryText"]
job = c.delete_content(folder["id"]).json()
out["delete"] = c.check_delete_status(folder["id"], job["id"]).json()["status"]
out["gone"] = c.folder_not_exist(folder["id"])
out["global"] = c.get_global_folder().json()["data"]
json.dump(out, sys.stdout)
