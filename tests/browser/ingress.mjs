// The page in a frame of Home Assistant, through the ingress: see tests/addon. Fails on anything that does not load.
import { chromium } from "playwright-core";

const [home, shots] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const trouble = [];
const answers = [];
try {
  const page = await browser.newPage({ viewport: { width: 1040, height: 940 } });
  // What does not load is found below, with its address. An address of plain HTTP has no isolation between windows: no loss in a frame.
  const known = /Failed to load resource|Cross-Origin-Opener-Policy header has been ignored/;
  page.on("console", (message) => message.type() === "error" && !known.test(message.text()) && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("requestfailed", (request) => answers.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (answer) => {
    answers.push(`${answer.status()} ${answer.url()}`);
    if (answer.status() >= 400 && !answer.url().endsWith("favicon.ico")) trouble.push(`${answer.status()} ${answer.url()}`);
    if (!answer.url().includes("/api/hassio_ingress/") && answer.url() !== home && !answer.url().endsWith("favicon.ico")) trouble.push(`beside the ingress: ${answer.url()}`);
  });
  await page.goto(home);
  const panel = page.frameLocator("#panel");
  await panel.locator("#chip-link[data-state=good]").waitFor({ timeout: 60_000 });
  await panel.locator("#chip-broker[data-state=good]").waitFor({ timeout: 60_000 });
  await panel.locator(".person").first().waitFor({ timeout: 60_000 });
  const frame = page.frames().find((one) => one.url().includes("hassio_ingress"));
  await frame.waitForFunction(() => document.getElementById("face").src.startsWith("data:") && document.getElementById("face").naturalWidth > 0);
  if (shots) await page.screenshot({ path: `${shots}/ingress.png` });
  // A click that asks the daemon for something, and its links.
  await panel.locator("#set-camera").uncheck();
  await panel.locator("#chip-camera[data-state=off]").waitFor({ timeout: 60_000 });
  await panel.locator("#set-camera").check();
  await panel.locator("#chip-camera[data-state=good]").waitFor({ timeout: 60_000 });
  await panel.locator('footer a[href$="notice"]').click();
  await panel.locator("h1").first().waitFor({ timeout: 60_000 });
  if (trouble.length) throw new Error([...new Set(trouble)].join("\n"));
} catch (error) {
  console.error([...new Set(trouble), ...answers].join("\n"));
  throw error;
} finally {
  await browser.close();
}
