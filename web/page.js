// Nothing on these pages needs this script. It points out the column of the matrix that is under the
// pointer, tells the numbers of a graph under the pointer, and lets a stretch of a graph be looked at
// closer: drag over it; a double click, or Escape, goes back.
"use strict";

function columns(table) {
  const heads = table.tHead.rows[0].cells;
  const mark = (event, on) => {
    const cell = event.target.closest("td");
    if (cell)
      heads[cell.cellIndex].classList.toggle("here", on);
  };
  table.addEventListener("mouseover", event => mark(event, true));
  table.addEventListener("mouseout", event => mark(event, false));
}

const utc = seconds => new Date(1000 * seconds).toISOString().slice(0, 16).replace("T", " ");

// A graph: graph/mta/orange/free/week-ratio.svg, and what it shows in week-ratio.json beside it.
function graph(figure) {
  const picture = figure.querySelector("picture"), image = picture.querySelector("img");
  const sources = [...picture.children].map(e => [e, e.localName === "img" ? "src" : "srcset"]);
  const first = sources.map(([e, name]) => e.getAttribute(name));
  const reading = figure.appendChild(document.createElement("p"));
  const band = figure.appendChild(document.createElement("div"));
  let data = null, asked = false, from = null;

  reading.className = "reading";
  band.className = "band";
  band.hidden = true;

  async function load() {
    asked = true;
    try {
      const answer = await fetch(image.getAttribute("src").replace(/\.svg$/, ".json"));
      data = answer.ok ? await answer.json() : null;
    } catch {
      data = null; // pages that are files have no server to ask
    }
  }

  function period(text) {
    sources.forEach(([element, name], i) => element.setAttribute(name, text
      ? first[i].replace(/(^|\/)[a-z]+(-[a-z]+(-dark)?\.svg)$/, `$1${text}$2`) : first[i]));
    data = null;
    asked = false;
  }

  // The time at a place of the window, or null beside the plot.
  function time_at(x) {
    const box = image.getBoundingClientRect();
    const left = box.left + data.plot.left * box.width, width = data.plot.width * box.width;
    const part = (x - left) / width;
    return part < 0 || part > 1 ? null : data.from + part * (data.to - data.from);
  }

  function read(time) {
    const at = data.points.findLast(point => point.time <= time);
    reading.textContent = at && time < at.time + data.seconds ? `${utc(at.time)} UTC: ${at.text}` : "";
  }

  function show_band(x) {
    const box = figure.getBoundingClientRect();
    band.hidden = Math.abs(x - from) < 4;
    band.style.left = `${Math.min(x, from) - box.left}px`;
    band.style.width = `${Math.abs(x - from)}px`;
    band.style.top = `${image.offsetTop}px`;
    band.style.height = `${image.offsetHeight}px`;
  }

  function zoom(x) {
    const step = 60, ends = [time_at(Math.min(x, from)), time_at(Math.max(x, from))];
    const [begin, end] = [ends[0] ?? data.from, ends[1] ?? data.to].map(t => Math.round(t / step) * step);
    if (!band.hidden && data.zoom && end - begin >= 10 * step)
      period(`${begin}-${end}`);
    band.hidden = true;
    from = null;
  }

  image.addEventListener("pointermove", async event => {
    if (!asked)
      await load();
    if (!data)
      return;
    read(time_at(event.clientX));
    if (from !== null)
      show_band(event.clientX);
  });
  image.addEventListener("pointerdown", event => {
    if (data?.zoom && event.pointerType === "mouse" && event.button === 0) {
      from = event.clientX;
      image.setPointerCapture(event.pointerId);
    }
  });
  image.addEventListener("pointerup", event => from !== null && zoom(event.clientX));
  image.addEventListener("pointerleave", () => reading.textContent = "");
  image.addEventListener("dragstart", event => event.preventDefault());
  image.addEventListener("dblclick", () => period(null));
  return () => period(null);
}

document.querySelectorAll("table.matrix").forEach(columns);
const back = [...document.querySelectorAll("figure.graph")].map(graph);
document.addEventListener("keydown", event => event.key === "Escape" && back.forEach(f => f()));
