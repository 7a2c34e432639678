// The last hour as a ribbon of settled activities; while there is less, what there is.

import { activityColour, colourClass, duration, spelled } from "./activities.js";

const SPANS_MIN = [2, 5, 10, 15, 30, 60];
const STEPS_MIN = [0.5, 1, 2, 5, 10, 15];

export class Ribbon {
  constructor() {
    this.canvas = document.getElementById("ribbon");
    this.legend = document.getElementById("ribbon-legend");
    this.axis = document.getElementById("ribbon-axis");
    this.title = document.getElementById("ribbon-title");
    this.clear();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  clear() {
    this.spans = [];
    this.draw();
  }

  take({ anew, spans }) {
    const from = spans[0][0];
    this.spans = anew ? [] : this.spans.filter(([start]) => start < from);
    this.spans.push(...spans);
    const end = this.spans.at(-1)[1];
    this.spans = this.spans.filter((span) => span[1] > end - 3600);
    this.draw();
  }

  draw() {
    const end = this.spans.length ? this.spans.at(-1)[1] : 0;
    const held = this.spans.length ? (end - this.spans[0][0]) / 60 : 0;
    const minutes = SPANS_MIN.find((span) => span >= held - 0.05) ?? 60;
    this.paint(end - minutes * 60, end);
    this.title.textContent = minutes === 60 ? "Last hour" : `Last ${minutes} minutes`;
    const step = STEPS_MIN[SPANS_MIN.indexOf(minutes)];
    const ticks = Array.from({ length: minutes / step + 1 }, (_, at) => minutes - at * step);
    this.fill(this.axis, "span", ticks, (element, ago) => {
      element.textContent = ago ? `−${ago} min` : "now";
    });
    this.tell();
  }

  paint(from, end) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(height * dots);
    const context = this.canvas.getContext("2d");
    context.scale(dots, dots);
    const scale = width / Math.max(1, end - from);
    const colours = new Map();
    for (const [start, stop, label] of this.spans) {
      if (!colours.has(label)) colours.set(label, activityColour(label));
      context.fillStyle = colours.get(label);
      context.fillRect((start - from) * scale, 0, Math.max(0.6, (stop - start) * scale + 0.3), height);
    }
  }

  tell() {
    const seconds = new Map();
    for (const [start, stop, label] of this.spans) seconds.set(label, (seconds.get(label) ?? 0) + stop - start);
    const told = [...seconds].sort((one, other) => other[1] - one[1]);
    this.fill(this.legend, "li", told, (element, [label, time]) => {
      element.className = colourClass(label);
      element.textContent = `${spelled(label)} ${duration(time)}`;
    });
    const words = told.map(([label, time]) => `${spelled(label)} ${duration(time)}`).join(", ");
    this.canvas.setAttribute("aria-label", words ? `Activities: ${words}` : "No activity yet");
  }

  fill(parent, kind, values, write) {
    while (parent.children.length > values.length) parent.lastChild.remove();
    while (parent.children.length < values.length) parent.append(document.createElement(kind));
    values.forEach((value, at) => write(parent.children[at], value));
  }
}
