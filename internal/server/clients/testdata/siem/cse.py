# Drives sumologiccse, as published: it looks at an insight, comments on it and closes it.
import os, time
from sumologiccse.sumologiccse import SumoLogicCSE

cse = SumoLogicCSE(os.environ["ACCESS_ID"], os.environ["ACCESS_KEY"], os.environ["BASE_URL"] + "/api/sec", cookieFile=os.path.join(os.environ["WORK"], "cookies"))
for _ in range(100):
    found = cse.get_insights()
    if len(found) == int(os.environ["INSIGHTS"]):
        break
    time.sleep(0.2)
ids = [i["readableId"] for i in found]
assert ids == [i["readableId"] for i in reversed(cse.query_insights(limit=100))], ids
assert len(ids) == len(set(ids)) == int(os.environ["INSIGHTS"]), ids
one = cse.get_insight(ids[0])["data"]
assert one["status"]["name"] == "new" and one["signals"] and one["entity"]["entityType"].startswith("_"), one
cse.add_insight_comment(ids[0], "looked at")
cse.update_insight_resolution_status(ids[0], "False Positive", "closed")
one = cse.get_insight(ids[0])["data"]
assert one["status"]["name"] == "closed" and one["resolution"] == "False Positive" and one["comments"][0]["body"] == "looked at", one
assert len(cse.query_insights(q='-status:"closed"', limit=100)) == len(ids) - 1
rules = cse.query_rules(limit=100)
assert len(rules) >= 6, rules
assert cse.get_rule(rules[0]["id"])["data"]["name"] == rules[0]["name"]
assert cse.get_insights_configuration()["data"]["threshold"] == 12
for many in (cse.get_context_actions, cse.get_custom_entity_types, cse.get_custom_insights, cse.get_match_lists, cse.get_custom_match_list_columns,
             cse.get_entity_criticality_configs, cse.get_log_mappings, cse.get_network_blocks, cse.get_suppressed_lists, cse.get_tag_schemas, cse.get_rule_tuning_expressions):
    assert many()["data"]["objects"] == [], many
assert {s["name"] for s in cse.get_insight_statuses()["data"]["objects"]} >= {"new", "inprogress", "closed"}
assert {s["name"] for s in cse.get_insight_resolutions()["data"]["objects"]} >= {"Resolved", "False Positive"}
for _ in range(100):  # rules that wait for later events signal after the insights are there
    signals = cse.get_signals(limit=100)["data"]
    if signals["total"] == int(os.environ["SIGNALS"]):
        break
    time.sleep(0.2)
assert signals["total"] == int(os.environ["SIGNALS"]), signals["total"]
assert cse.get_signal(signals["objects"][0]["id"])["data"]["allRecords"], signals
entities = cse.get_entities()["data"]["objects"]
assert entities and cse.get_entity(entities[0]["id"])["data"]["id"] == entities[0]["id"]
