// The live page: reads events, and hands each part of them to the part of the page that shows it.

import { setText } from "./activities.js";
import { Detail } from "./detail.js";
import { Labels } from "./labels.js";
import { DeviceList } from "./list.js";
import { offerThemes } from "./theme.js";

const at = (id) => document.getElementById(id);
const SILENT_MS = 5000; // the daemon says something every second
const AGAIN_MS = 1500;
const CHOOSE_MS = 150; // keys that repeat pass over many devices

const detail = new Detail();
const labels = new Labels();
const list = new DeviceList(at("list"), choose);
let source = null;
let chosen = named();
let hello = null;
let heard = performance.now();
let timer = 0;
let opened = "";

// The device that the address names; none where that is no text at all.
function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

function connect() {
  clearTimeout(timer);
  source?.close();
  opened = chosen;
  heard = performance.now();
  source = new EventSource(`/live?device=${encodeURIComponent(chosen)}`);
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.onerror = () => {
    say("lost", "connection lost, trying again");
    if (source.readyState === EventSource.CLOSED) again(); // it was refused, and would not try by itself
  };
}

function again() {
  clearTimeout(timer);
  timer = setTimeout(connect, AGAIN_MS);
}

function say(state, text) {
  at("connection").dataset.state = state;
  setText(at("connection-text"), text);
}

function take(event) {
  heard = performance.now();
  say("live", "live");
  if (event.hello) welcome(event.hello);
  if (event.suspected) list.suspected = new Map(Object.entries(event.suspected));
  if (event.labelled) {
    labels.take(event.labelled);
    list.labelled = labels.running;
    list.drawSoon();
  }
  if (event.all) list.take(event.all, true);
  if (event.some) list.take(event.some, false);
  setText(at("count"), String(list.devices.size || ""));
  if (!chosen && list.shown.length) choose(list.shown[0]);
  if (chosen !== opened) return;
  const row = list.devices.get(chosen);
  at("one").hidden = !row;
  at("nothing").hidden = Boolean(row);
  if (row) detail.row(row, list.silence(chosen));
  if (event.one) detail.near(event.one);
  if (event.stream) stream(event.stream);
  detail.suspicion(list.suspected.get(chosen));
}

function welcome(next) {
  if (hello && hello.version !== next.version) location.reload(); // the daemon is another one, and so is its page
  hello = next;
  list.labels = next.labels;
  list.staleAfter = next.stale_after_s;
  list.select(chosen);
  detail.begin(chosen, next.labels, next.rate_hz);
  labels.begin(chosen, next.labels);
}

function stream(standing) {
  detail.stream(standing);
  const more = standing.turned_away ? ` (${standing.turned_away} more found no place)` : "";
  setText(at("model"), `${standing.model} · ${standing.samples_in.toLocaleString("en")} samples${more}`);
  at("trouble").hidden = standing.reasons.length === 0;
  setText(at("trouble"), standing.reasons.join(" · "));
}

function choose(device) {
  if (device === chosen) return;
  chosen = device;
  history.replaceState(null, "", `#${encodeURIComponent(device)}`);
  list.select(device);
  labels.choose(device);
  clearTimeout(timer);
  timer = setTimeout(connect, CHOOSE_MS);
}

at("filter").addEventListener("input", (event) => {
  list.filter = event.target.value;
  list.order();
});
offerThemes(at("theme"), () => {
  detail.charts.rebuild();
  detail.ribbon.draw();
});
setInterval(() => {
  if (performance.now() - heard < SILENT_MS) return;
  say("lost", "connection lost, trying again");
  connect();
}, 1000);
connect();
