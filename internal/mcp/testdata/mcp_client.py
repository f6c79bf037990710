"""Drives gyoji mcp with the Python client of the protocol's makers.

python3 mcp_client.py stdio COMMAND...      or      python3 mcp_client.py http URL TOKEN
Reads calls as JSON lines from standard input: {"tool", "arguments"} or {"resource"}.
Prints a JSON line for each, and before them one with what the server offers.
"""
import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def talk(read, write):
    async with ClientSession(read, write) as session:
        init = await session.initialize()
        tools = await session.list_tools()
        templates = await session.list_resource_templates()
        resources = await session.list_resources()
        print(json.dumps({
            "name": init.serverInfo.name,
            "tools": sorted(t.name for t in tools.tools),
            "writing": sorted(t.name for t in tools.tools if not (t.annotations and t.annotations.readOnlyHint)),
            "search": sorted(next(t for t in tools.tools if t.name == "search").inputSchema["properties"]),
            "templates": sorted(t.uriTemplate for t in templates.resourceTemplates),
            "resources": sorted(str(r.uri) for r in resources.resources),
        }), flush=True)
        for line in sys.stdin:
            call = json.loads(line)
            try:
                if "resource" in call:
                    r = await session.read_resource(call["resource"])
                    print(json.dumps({"text": r.contents[0].text}), flush=True)
                else:
                    r = await session.call_tool(call["tool"], call["arguments"])
                    print(json.dumps({"error": r.isError, "answer": r.structuredContent, "text": r.content[0].text}), flush=True)
            except Exception as e:  # what the server refuses
                print(json.dumps({"refused": str(e)}), flush=True)


async def main():
    if sys.argv[1] == "http":
        async with streamablehttp_client(sys.argv[2], headers={"Authorization": "Bearer " + sys.argv[3]}) as (read, write, _):
            await talk(read, write)
    else:
        async with stdio_client(StdioServerParameters(command=sys.argv[2], args=sys.argv[3:], env=None if len(sys.argv) < 3 else dict(__import__("os").environ))) as (read, write):
            await talk(read, write)


asyncio.run(main())
