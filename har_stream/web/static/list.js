// The list of devices: of a thousand only those in sight have elements. Arrow keys, Home, End and PageUp, PageDown choose.

import { colourClass, duration, setClass, setText, spelled } from "./activities.js";

const ROW_PX = 56;
const BEYOND = 4; // rows drawn above and below what is in sight

const byName = new Intl.Collator("en", { numeric: true }).compare;

export class DeviceList {
  constructor(element, choose) {
    this.element = element;
    this.choose = choose;
    this.devices = new Map();
    this.suspected = new Map(); // not objects, where a device "constructor" would be found
    this.labelled = new Map();
    this.shown = [];
    this.chosen = "";
    this.labels = [];
    this.staleAfter = 5;
    this.filter = "";
    this.spare = [];
    this.rows = new Map();
    this.space = document.createElement("div");
    this.space.setAttribute("role", "none");
    element.append(this.space);
    element.addEventListener("scroll", () => this.drawSoon());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.choose(row.device);
    });
    new ResizeObserver(() => this.drawSoon()).observe(element);
    setInterval(() => this.drawSoon(), 1000); // whoever falls silent sends nothing that would say so
  }

  take(rows, anew) {
    if (anew) this.devices.clear();
    const before = this.devices.size;
    const now = performance.now() / 1000;
    for (const [device, label, shares, seconds, age] of rows) {
      this.devices.set(device, { label, shares, seconds, heard: now - age });
    }
    if (anew || this.devices.size !== before) this.order();
    this.drawSoon();
  }

  order() {
    const wanted = this.filter.toLowerCase();
    this.shown = [...this.devices.keys()].filter((name) => name.toLowerCase().includes(wanted)).sort(byName);
    this.space.style.height = `${this.shown.length * ROW_PX}px`;
    this.drawSoon();
  }

  select(device) {
    this.chosen = device;
    this.drawSoon();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PX) - 1);
    const last = this.shown.length - 1;
    const at = this.shown.indexOf(this.chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const next = Math.min(last, Math.max(0, to));
    const top = next * ROW_PX;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    if (top + ROW_PX > scrollTop + clientHeight) this.element.scrollTop = top + ROW_PX - clientHeight;
    this.choose(this.shown[next]);
  }

  drawSoon() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.draw();
    });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW_PX) - BEYOND);
    const end = Math.min(this.shown.length, first + Math.ceil(this.element.clientHeight / ROW_PX) + 2 * BEYOND);
    const inSight = new Set(this.shown.slice(first, end));
    for (const [device, row] of this.rows) {
      if (inSight.has(device)) continue;
      this.rows.delete(device);
      row.remove();
      this.spare.push(row);
    }
    for (let place = first; place < end; place += 1) this.drawRow(this.shown[place], place);
    const chosen = this.rows.get(this.chosen);
    if (chosen) this.element.setAttribute("aria-activedescendant", chosen.id);
    else this.element.removeAttribute("aria-activedescendant");
    this.element.setAttribute("aria-busy", String(this.shown.length === 0));
  }

  drawRow(device, place) {
    const { label, shares, seconds } = this.devices.get(device);
    const row = this.rows.get(device) ?? this.place(device);
    const silence = this.silence(device);
    const silent = silence > 0;
    const what = label === null ? "first window to come" : spelled(label);
    const when = silent ? `silent ${duration(silence)}` : label === null ? "" : duration(seconds);
    row.style.transform = `translateY(${place * ROW_PX}px)`;
    row.id = `device-${place}`;
    const really = this.labelled.get(device);
    const suspected = this.suspected.has(device);
    setClass(
      row,
      `row ${colourClass(label)}${silent ? " silent" : ""}${suspected ? " suspected" : ""}${really ? " labelled" : ""}`,
    );
    row.setAttribute("aria-selected", String(device === this.chosen));
    row.setAttribute("aria-posinset", String(place + 1));
    row.setAttribute("aria-setsize", String(this.shown.length));
    const best = shares.length ? `, ${Math.max(...shares)} % sure` : "";
    const wrong = suspected ? ", looks wrong" : "";
    const truth = really ? `, labelled as ${spelled(really)}` : "";
    row.setAttribute("aria-label", `${device}: ${what}${best}${when && `, ${when}`}${wrong}${truth}`);
    setText(row.parts.name, device);
    setText(row.parts.label, what);
    setText(row.parts.time, when);
    row.parts.bars.forEach((bar, at) => {
      const height = `${shares[at] ?? 0}%`;
      if (bar.style.height !== height) bar.style.height = height;
    });
  }

  // For how many seconds a device counts as silent, 0 while it does not.
  silence(device) {
    const silence = performance.now() / 1000 - this.devices.get(device).heard;
    return silence > this.staleAfter ? silence : 0;
  }

  place(device) {
    const row = this.spare.pop() ?? this.newRow();
    row.device = device;
    this.rows.set(device, row);
    this.element.append(row);
    return row;
  }

  newRow() {
    const row = document.createElement("div");
    row.setAttribute("role", "option");
    const parts = { bars: [] };
    for (const name of ["name", "time", "label"]) {
      parts[name] = document.createElement("span");
      parts[name].className = name;
      row.append(parts[name]);
    }
    const bars = document.createElement("span");
    bars.className = "bars";
    for (const label of this.labels) {
      const track = document.createElement("i");
      track.className = colourClass(label);
      const bar = document.createElement("b");
      track.append(bar);
      bars.append(track);
      parts.bars.push(bar);
    }
    row.append(bars);
    row.parts = parts;
    return row;
  }
}
