// The chosen device from near.

import { colourClass, duration, setClass, setText, spelled } from "./activities.js";
import { Charts } from "./charts.js";
import { Ribbon } from "./ribbon.js";

const at = (id) => document.getElementById(id);
const LYING = "translate(-8px, 24px) rotate(90deg)";

export class Detail {
  constructor() {
    this.charts = new Charts();
    this.ribbon = new Ribbon();
    this.refused = 0;
  }

  begin(device, labels, rate) {
    this.rate = rate;
    this.labels = labels;
    this.charts.clear();
    this.charts.draw();
    this.ribbon.clear();
    this.nextTurn = 0;
    at("one").hidden = !device;
    at("nothing").hidden = Boolean(device);
    setText(at("name"), device);
    for (const id of ["label", "since", "rate", "latency", "gaps"]) setText(at(id), "–");
    setText(at("posture-text"), "");
    setClass(at("posture"), "unknown");
    this.buildShares();
    this.charts.resize();
  }

  buildShares() {
    const list = at("shares");
    list.replaceChildren();
    this.bars = this.labels.map((label) => {
      const name = document.createElement("dt");
      name.textContent = spelled(label);
      const track = document.createElement("dd");
      track.className = `bar ${colourClass(label)}`;
      track.setAttribute("aria-hidden", "true");
      const bar = document.createElement("span");
      track.append(bar);
      const share = document.createElement("dd");
      share.className = "share";
      list.append(name, track, share);
      return { bar, share };
    });
  }

  row({ label, shares, seconds }, silence) {
    setClass(at("label"), colourClass(label));
    setText(at("label"), label === null ? "first window to come" : spelled(label));
    setText(at("since"), silence ? `silent for ${duration(silence)}` : label === null ? "" : `for ${duration(seconds)}`);
    this.bars.forEach(({ bar, share }, place) => {
      bar.style.width = `${shares[place] ?? 0}%`;
      setText(share, `${shares[place] ?? 0} %`);
    });
  }

  near(one) {
    if (one.signals) this.charts.add(one.signals, this.rate);
    if (one.ribbon) this.ribbon.take(one.ribbon);
    this.posture(one.posture);
    setText(at("rate"), one.rate_hz === null ? "–" : `${one.rate_hz.toFixed(1)} Hz`);
    setText(at("rate-note"), `the model takes ${this.rate} Hz`);
    setText(at("latency"), one.latency_ms === null ? "–" : one.latency_ms < 1 ? "< 1 ms" : `${Math.round(one.latency_ms)} ms`);
    setText(at("gaps"), String(one.gaps));
    setText(at("gaps-note"), `${duration(one.lost_s)} without labels`);
    at("truth").hidden = one.truth === null;
    setText(at("truth"), one.truth === null ? "" : `really ${spelled(one.truth)}`);
  }

  posture(posture) {
    if (!posture) return;
    setClass(at("posture"), "");
    const lies = posture.name === "lying";
    at("body").style.transform = lies ? LYING : "none";
    at("trunk").style.transform = lies ? "none" : `rotate(${posture.angle_deg}deg)`;
    setText(at("posture-text"), `${posture.name}, ${posture.angle_deg}°`);
    at("posture").title = posture.learned ? "beside where gravity points as this body walks" : "as worn at the waist; walking will tell better";
  }

  stream({ dropped, refused, bridged }) {
    const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
    setText(at("drops"), `${sum(dropped)} · ${sum(refused)}`);
    const why = [...Object.entries(dropped), ...Object.entries(refused)].map(([reason, count]) => `${spelled(reason)} ${count}`);
    if (bridged) why.push(`bridged ${bridged}`);
    setText(at("drops-note"), `samples of all devices${why.length ? `: ${why.join(", ")}` : ""}`);
  }

  suspicion(text) {
    at("suspicion").hidden = !text;
    setText(at("suspicion"), text ? `⚠ ${text}` : "");
  }
}
