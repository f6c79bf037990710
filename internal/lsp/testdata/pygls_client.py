"""Drives gyoji lsp with the client of pygls: python3 pygls_client.py COMMAND...

Prints one JSON object: what the server said. The Go test that starts this compares.
"""
import asyncio
import json
import sys

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient


async def main():
    client = LanguageClient("test", "1")
    found = {}
    told = asyncio.Event()
    messages = []

    @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(params):
        found[params.uri] = params
        told.set()

    @client.feature(lsp.WINDOW_SHOW_MESSAGE)
    def _(params):
        messages.append(params.message)

    @client.feature(lsp.WINDOW_LOG_MESSAGE)
    def _(params):
        pass

    await client.start_io(*sys.argv[1:])
    capabilities = lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind.Utf16]),
        text_document=lsp.TextDocumentClientCapabilities(
            completion=lsp.CompletionClientCapabilities(
                completion_item=lsp.ClientCompletionItemOptions(snippet_support=True)),
            document_symbol=lsp.DocumentSymbolClientCapabilities(hierarchical_document_symbol_support=True)),
        workspace=lsp.WorkspaceClientCapabilities(
            workspace_edit=lsp.WorkspaceEditClientCapabilities(
                document_changes=True, resource_operations=[lsp.ResourceOperationKind.Create])),
    )
    init = await client.initialize_async(lsp.InitializeParams(capabilities=capabilities, process_id=None, root_uri=None))
    client.initialized(lsp.InitializedParams())
    uri = "file:///tmp/q.sumo"
    out = {"name": init.server_info.name, "encoding": init.capabilities.position_encoding}

    async def diagnostics(version):
        while uri not in found or found[uri].version != version:
            told.clear()
            await asyncio.wait_for(told.wait(), 20)
        return found[uri].diagnostics

    # The smiling face has two units of UTF-16, so the mistake behind it is at 36 and not 35.
    text = '_sourceCategory=a "\U0001f600" | tolowercas(x) as y\n'
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(
        text_document=lsp.TextDocumentItem(uri=uri, language_id="sumo", version=1, text=text)))
    d = await diagnostics(1)
    out["diagnostics"] = [[x.code, x.range.start.character, x.range.end.character] for x in d]

    at = lsp.TextDocumentIdentifier(uri=uri)
    actions = await client.text_document_code_action_async(lsp.CodeActionParams(
        text_document=at, range=d[0].range, context=lsp.CodeActionContext(diagnostics=d)))
    fix = [a for a in actions if a.kind == "quickfix"][0]
    edit = fix.edit.document_changes[0].edits[0]
    out["fix"] = [fix.title, edit.new_text, edit.range.start.character, edit.range.end.character]

    client.text_document_did_change(lsp.DidChangeTextDocumentParams(
        text_document=lsp.VersionedTextDocumentIdentifier(uri=uri, version=2),
        content_changes=[
            lsp.TextDocumentContentChangePartial(range=edit.range, text=edit.new_text),
            lsp.TextDocumentContentChangePartial(
                range=lsp.Range(start=lsp.Position(line=1, character=0), end=lsp.Position(line=1, character=0)),
                text="| where y = \"b\"\n| count by y\n| so"),
        ]))
    d = await diagnostics(2)
    out["after"] = [x.code for x in d if x.severity == 1]

    end = lsp.Position(line=3, character=4)
    items = await client.text_document_completion_async(lsp.CompletionParams(text_document=at, position=end))
    out["completion"] = [i.label for i in items.items][:3]
    hover = await client.text_document_hover_async(lsp.HoverParams(text_document=at, position=lsp.Position(line=2, character=11)))
    out["hover"] = hover.contents.value.split("\n")[0]
    definition = await client.text_document_definition_async(lsp.DefinitionParams(text_document=at, position=lsp.Position(line=2, character=11)))
    out["definition"] = [definition[0].range.start.line, definition[0].range.start.character]
    renamed = await client.text_document_rename_async(lsp.RenameParams(text_document=at, position=lsp.Position(line=2, character=11), new_name="who"))
    out["rename"] = len(renamed.document_changes[0].edits)
    client.text_document_did_change(lsp.DidChangeTextDocumentParams(
        text_document=lsp.VersionedTextDocumentIdentifier(uri=uri, version=3),
        content_changes=[lsp.TextDocumentContentChangeWholeDocument(text="_sourceCategory=a\n| where   x=1\n")]))
    await diagnostics(3)
    edits = await client.text_document_formatting_async(lsp.DocumentFormattingParams(
        text_document=at, options=lsp.FormattingOptions(tab_size=4, insert_spaces=True)))
    out["formatted"] = edits[0].new_text
    symbols = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(text_document=at))
    out["symbols"] = [s.name for s in symbols]
    folds = await client.text_document_folding_range_async(lsp.FoldingRangeParams(text_document=at))
    out["folds"] = len(folds)
    lenses = await client.text_document_code_lens_async(lsp.CodeLensParams(text_document=at))
    out["lenses"] = [x.command.title for x in lenses]
    client.text_document_did_change(lsp.DidChangeTextDocumentParams(
        text_document=lsp.VersionedTextDocumentIdentifier(uri=uri, version=4),
        content_changes=[lsp.TextDocumentContentChangeWholeDocument(text="* | count\n")]))
    await diagnostics(4)
    lenses = await client.text_document_code_lens_async(lsp.CodeLensParams(text_document=at))
    ran = await client.workspace_execute_command_async(lsp.ExecuteCommandParams(
        command=lenses[0].command.command, arguments=lenses[0].command.arguments))
    ran = ran if isinstance(ran, dict) else vars(ran) if hasattr(ran, "__dict__") else ran._asdict()
    out["ran"] = [ran["ok"], "300" in ran["output"]]
    await client.shutdown_async(None)
    client.exit(None)
    await asyncio.sleep(0.2)
    print(json.dumps(out))


asyncio.run(main())
