// pages.js - the pages of a running mailseal serve, as people see them: node pages.js URL PICTURES
//
// Speaks TAP. Chromium is Debian's. Screenshots of one page of each kind go to the folder PICTURES.
"use strict";
const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [root, pictures] = process.argv.slice(2);
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

// One of each kind; @open stands for a critical incident that fires.
const KINDS = {
  overview: "index.html",
  week: "overview-week.html",
  pair: "pair/mta/free/sfr.html",
  users: "pair/access/other/orange.html",
  peer: "peer/sfr.html",
  net: "peer/orange-net.html",
  incidents: "incidents.html",
  incident: "@open",
  sensor: "sensor.html",
  unknown: "unknown.html",
  method: "method.html",
  nothing: "no/such/page.html",
};
const MODES = {
  light: { viewport: WIDE, colorScheme: "light" },
  dark: { viewport: WIDE, colorScheme: "dark" },
  phone: { viewport: PHONE, colorScheme: "light", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

let count = 0, failed = 0;

// A test is a function that returns complaints.
async function test(name, complaints) {
  let said;
  try {
    said = await complaints();
  } catch (error) {
    said = [String(error)];
  }
  count++;
  failed += said.length ? 1 : 0;
  console.log(`${said.length ? "not ok" : "ok"} ${count} - ${name}`);
  for (const line of said)
    console.log("# " + line.replace(/\n/g, "\n# "));
}

// A page whose faults are collected: errors of scripts, refusals by the policy, answers that failed.
async function open(browser, options, address) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") faults.push(m.text()); });
  page.on("pageerror", error => faults.push(String(error)));
  page.on("response", r => { if (r.status() >= 400 && r.url() !== address) faults.push(`${r.status()} ${r.url()}`); });
  const answer = await page.goto(address, { waitUntil: "networkidle" });
  return { context, page, faults, status: answer.status() };
}

async function accessible(page) {
  const { violations } = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  return violations.filter(v => v.impact === "serious" || v.impact === "critical")
    .map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html).join(" | ")}`);
}

// Everything is drawn before a picture is taken, also what waits to be scrolled to.
async function load_all(page) {
  await page.evaluate(() => { for (const i of document.images) i.loading = "eager"; });
  await page.waitForFunction(() => [...document.images].every(i => i.complete));
}

async function look(browser, kind, mode, address) {
  const { context, page, faults, status } = await open(browser, MODES[mode], address);
  const bad = [];
  if (status !== (kind === "nothing" ? 404 : 200))
    bad.push(`status ${status}`);
  await load_all(page);
  bad.push(...faults.filter(f => kind !== "nothing" || !f.includes("404")));
  bad.push(...await page.evaluate(() => [...document.images].filter(i => i.naturalWidth === 0)
    .map(i => "no picture: " + i.currentSrc)));
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0)
    bad.push(`the page is ${over} pixels wider than the window`);
  if (await page.locator("h1").count() !== 1)
    bad.push("a page has one h1");
  bad.push(...await accessible(page));
  await page.screenshot({ path: path.join(pictures, `${kind}-${mode}.png`), fullPage: true });
  await page.screenshot({ path: path.join(pictures, `${kind}-${mode}-window.png`) });
  const graph = page.locator("figure.graph img").nth(1);
  if (kind === "pair" && mode === "light")
    await graph.screenshot({ path: path.join(pictures, "graph.png") });
  await context.close();
  return bad;
}

// Every page that can be reached, and every link and picture on it.
async function crawl(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const seen = new Map(), waiting = ["index.html"].map(p => root + p), bad = [];
  while (waiting.length) {
    const address = waiting.shift();
    const answer = await page.request.get(address);
    const text = await answer.text();
    seen.set(address, answer.status());
    if (answer.status() !== 200)
      bad.push(`${answer.status()} ${address}`);
    if (!/html/.test(answer.headers()["content-type"]))
      continue;
    for (const [, link] of text.matchAll(/(?:href|src|srcset)="([^"]+)"/g)) {
      const to = new URL(link, address);
      to.hash = "";
      if (to.origin !== new URL(root).origin)
        bad.push(`${address} leads outside: ${to.href}`);
      else if (!seen.has(to.href)) {
        seen.set(to.href, 0);
        waiting.push(to.href);
      }
    }
  }
  await context.close();
  console.log(`# ${seen.size} addresses`);
  if (seen.size < 60)
    bad.push(`only ${seen.size} addresses were found`);
  return bad;
}

async function same_without_script(browser, address) {
  const texts = [];
  for (const javaScriptEnabled of [true, false]) {
    const { context, page } = await open(browser, { viewport: WIDE, javaScriptEnabled }, address);
    texts.push((await page.locator("main").textContent()).replace(/\s+/g, " "));
    await context.close();
  }
  return texts[0] === texts[1] && texts[0].length > 100 ? [] : ["the text differs without the script"];
}

async function keyboard(browser) {
  const { context, page } = await open(browser, { viewport: WIDE }, root + "index.html");
  const bad = [];
  const focused = () => page.evaluate(() => document.activeElement.outerHTML.slice(0, 80));
  await page.keyboard.press("Tab");
  if (!(await focused()).includes("skip"))
    bad.push("the first stop is not the link to the content: " + await focused());
  await page.keyboard.press("Enter");
  await page.waitForURL(/#main$/); // the key is answered before the page has moved
  for (let i = 0; i < 40 && !(await focused()).includes("pair/mta/"); i++)
    await page.keyboard.press("Tab");
  if (!(await focused()).includes("pair/mta/"))
    bad.push("no cell of the matrix can be reached");
  await page.keyboard.press("Enter");
  await page.waitForURL(/pair\/mta\//);
  await context.close();
  return bad;
}

// The pointer over a graph tells numbers, a stretch of it is looked at closer, and Escape goes back.
async function hover_and_zoom(browser) {
  const { context, page, faults } = await open(browser, { viewport: WIDE }, root + "pair/mta/free/sfr.html");
  const graph = page.locator("figure.graph").first(), image = graph.locator("img");
  await load_all(page); // what loads later would move it
  await image.scrollIntoViewIfNeeded();
  const box = await image.boundingBox();
  const at = part => [box.x + box.width * part, box.y + box.height / 3];
  await page.mouse.move(...at(0.5));
  await graph.locator(".reading").filter({ hasText: /\d{4}-\d{2}-\d{2}/ }).waitFor();
  const before = await image.evaluate(i => i.currentSrc);
  await page.mouse.down();
  await page.mouse.move(...at(0.6));
  await page.mouse.move(...at(0.7));
  await page.mouse.up();
  // Not at once: while a picture is being chosen there is no current one.
  await page.waitForFunction(() => /graph\/mta\/free\/sfr\/\d+-\d+-/.test(
    document.querySelector("figure.graph img").currentSrc));
  await load_all(page);
  await page.mouse.move(...at(0.4));
  await page.keyboard.press("Escape");
  await page.waitForFunction(was => document.querySelector("figure.graph img").currentSrc === was, before);
  await load_all(page);
  await context.close();
  return faults;
}

async function main() {
  fs.mkdirSync(pictures, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const api = await (await fetch(root + "api/v1/overview.json")).json();
  KINDS.incident = `incident/${api.incidents.find(i => i.severity === "critical").id}.html`;
  for (const [kind, address] of Object.entries(KINDS)) {
    for (const mode of Object.keys(MODES))
      await test(`${kind}, ${mode}`, () => look(browser, kind, mode, root + address));
  }
  await test("every link leads somewhere", () => crawl(browser));
  for (const kind of ["overview", "pair", "incident", "sensor"])
    await test(`${kind} reads the same without a script`, () => same_without_script(browser, root + KINDS[kind]));
  await test("the keyboard is enough", () => keyboard(browser));
  await test("hover and zoom", () => hover_and_zoom(browser));
  console.log(`1..${count}`);
  console.log(`# ${count - failed} passed, ${failed} failed, 0 skipped`);
  await browser.close();
  process.exit(failed ? 1 : 0);
}

main().catch(error => { console.log("Bail out! " + error); process.exit(1); });
