// Takes the pictures of VS Code in docs/editors.md: node vscode.mjs URL, where URL is that of a
// code-server with the extension, gyoji.samples ["samples"] and a folder that holds samples/ and
// hunt.sumo, the query below. Needs playwright-core and Chromium (CHROMIUM names it).
//
//   // Who runs PowerShell, and as whom?
//   // One row for each program and user.
//
//   _sourceCategory=*sysmon* EventID=1
//   | where Image matches "*\\powershell.exe"
//   | cuont by Image, User
//   | sort by _count
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
const page = await browser.newPage({ viewport: { width: 900, height: 330 } });
await page.goto(process.argv[2], { waitUntil: "domcontentloaded" });
await page.waitForSelector(".monaco-workbench");
await page.waitForTimeout(5000);
await page.keyboard.press("Control+p");
await page.waitForTimeout(1000);
await page.keyboard.type("hunt.sumo");
await page.waitForTimeout(2000);
await page.keyboard.press("Enter");
await page.waitForSelector(".squiggly-error");
await page.keyboard.press("Control+b");
await page.waitForTimeout(1500);
for (const [name, text, x] of [["diagnostics", "cuont", 40], ["hover", "Image", 10]]) {
  const at = await page.locator(".view-line span span", { hasText: text }).first().boundingBox();
  await page.mouse.move(at.x + x, at.y + at.height / 2);
  await page.waitForTimeout(2500);
  await page.screenshot({ path: new URL(`vscode-${name}.png`, import.meta.url).pathname });
  await page.mouse.move(5, 300);
  await page.waitForTimeout(800);
}
await browser.close();
