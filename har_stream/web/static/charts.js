// The last ten seconds of body acceleration, gravity and angular rate, by uPlot.

import { colourOf } from "./activities.js";

const SPAN_S = 10;
const AXES = ["--x", "--y", "--z"];
const CHARTS = [
  { id: "body-acc", first: 0, least: 0.25 },
  { id: "gravity", first: 3, least: 1.25 },
  { id: "gyro", first: 6, least: 0.5 },
];

// A range that changes by steps, so that the picture does not pump.
function rangeOf(least) {
  return (_, low, high) => {
    const most = Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0)) * 1.05;
    let reach = least;
    while (reach < most) reach *= 2;
    return [-reach, reach];
  };
}

export class Charts {
  constructor() {
    this.clear();
    this.plots = [];
    this.rebuild();
    const resized = new ResizeObserver(() => this.resize());
    for (const { id } of CHARTS) resized.observe(document.getElementById(id));
  }

  // Made anew where the theme has changed, whose colours a canvas does not follow by itself.
  rebuild() {
    for (const plot of this.plots) plot.destroy();
    this.plots = CHARTS.map((chart) => this.plot(chart));
    this.draw();
  }

  plot({ id, first, least }) {
    const element = document.getElementById(id);
    const grid = { stroke: colourOf("--grid"), width: 1 };
    const axis = { stroke: colourOf("--soft"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const options = {
      width: Math.max(100, element.clientWidth),
      height: element.clientHeight || 130,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 18, 0, 0],
      scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: rangeOf(least) } },
      axes: [
        { ...axis, size: 26, gap: 6, splits: [-10, -7.5, -5, -2.5, 0], values: (_, ticks) => ticks.map((at) => (at % 5 ? "" : at ? `−${-at} s` : "now")) },
        { ...axis, size: 44, gap: 4, splits: (_, __, low, high) => [low, low / 2, 0, high / 2, high] },
      ],
      series: [{}, ...AXES.map((name) => ({ stroke: colourOf(name), width: 1.5, points: { show: false } }))],
    };
    return Object.assign(new window.uPlot(options, this.columnsOf(first), element), { first });
  }

  resize() {
    for (const plot of this.plots) {
      const { clientWidth, clientHeight } = plot.root.parentElement;
      if (clientWidth && (clientWidth !== plot.width || clientHeight !== plot.height)) {
        plot.setSize({ width: clientWidth, height: clientHeight });
      }
    }
  }

  clear() {
    this.times = [];
    this.columns = Array.from({ length: 9 }, () => []);
  }

  add({ times_s: times, columns }, rate) {
    if (this.times.length && times[0] <= this.times.at(-1)) this.clear();
    for (let at = 0; at < times.length; at += 1) {
      const last = this.times.at(-1);
      if (last !== undefined && times[at] - last > 2.5 / rate) this.push(last + 1 / rate, () => null); // a gap is left open
      this.push(times[at], (column) => columns[column][at]);
    }
    const from = this.times.at(-1) - SPAN_S;
    const old = this.times.findIndex((time) => time >= from);
    if (old > 0) for (const column of [this.times, ...this.columns]) column.splice(0, old);
    this.draw();
  }

  push(time, value) {
    this.times.push(time);
    this.columns.forEach((column, at) => column.push(value(at)));
  }

  columnsOf(first) {
    const newest = this.times.at(-1) ?? 0;
    return [this.times.map((time) => time - newest), ...this.columns.slice(first, first + 3)];
  }

  draw() {
    for (const plot of this.plots) plot.setData(this.columnsOf(plot.first));
  }
}
