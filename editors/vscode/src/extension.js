// The client of gyoji's language server. What is right and wrong, complete and known, the
// server says; this starts it, passes settings on, and shows what a query printed.
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;
let output;

const languages = ["sumo", "cse", "yaml", "markdown", "terraform", "json"];

function settings() {
  const all = vscode.workspace.getConfiguration("gyoji");
  return { samples: all.get("samples", []) };
}

async function start() {
  const command = vscode.workspace.getConfiguration("gyoji").get("path", "gyoji");
  client = new LanguageClient(
    "gyoji",
    "gyoji",
    { command, args: ["lsp"], transport: TransportKind.stdio },
    {
      documentSelector: languages.flatMap((language) => [
        { scheme: "file", language },
        { scheme: "untitled", language },
      ]),
      initializationOptions: settings(),
      outputChannel: output,
      middleware: {
        // A lens's command: what it prints is shown, and not only kept.
        executeCommand: async (name, args, next) => {
          const result = await next(name, args);
          if (name.startsWith("gyoji.")) output.show(true);
          return result;
        },
      },
    },
  );
  try {
    await client.start();
  } catch (e) {
    const choice = await vscode.window.showErrorMessage(
      `gyoji: the program "${command}" cannot be started: ${e.message ?? e}`, "Set its path");
    if (choice) await vscode.commands.executeCommand("workbench.action.openSettings", "gyoji.path");
  }
}

async function stop() {
  const old = client;
  client = undefined;
  if (old) await old.stop().catch(() => {});
}

exports.activate = async (context) => {
  output = vscode.window.createOutputChannel("gyoji", { log: true }); // the client writes with levels
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("gyoji.restart", async () => { await stop(); await start(); }),
    vscode.commands.registerCommand("gyoji.output", () => output.show()),
    vscode.workspace.onDidChangeConfiguration(async (e) => {
      if (e.affectsConfiguration("gyoji.path")) { await stop(); await start(); }
      else if (e.affectsConfiguration("gyoji.samples")) await client?.sendNotification("workspace/didChangeConfiguration", { settings: { gyoji: settings() } });
    }),
  );
  await start();
};

exports.deactivate = stop;
