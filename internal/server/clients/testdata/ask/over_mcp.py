# PyPI sumo-logic-mcp, an MCP server, asked by PyPI mcp as its client.
import asyncio, json, os, sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    env = {**os.environ, "SUMOLOGIC_ACCESS_ID": os.environ["ACCESS_ID"], "SUMOLOGIC_ACCESS_KEY": os.environ["ACCESS_KEY"], "SUMOLOGIC_ENDPOINT": os.environ["BASE"]}
    server = StdioServerParameters(command=os.path.join(os.path.dirname(sys.executable), "sumo-logic-mcp"), args=[], env=env)
    out = []
    async with stdio_client(server) as (r, w):
        async with ClientSession(r, w) as s:
            await s.initialize()
            for tool, args in json.load(sys.stdin):
                got = await s.call_tool(tool, args)
                text = got.content[0].text
                if got.isError:
                    out.append({"error": text})
                else:
                    out.append(json.loads(text))
    json.dump(out, sys.stdout)


asyncio.run(main())
