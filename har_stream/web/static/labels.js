// "I am really ...": true labels for the recording, by button or key, for the chosen device.

import { colourClass, duration, setText, spelled } from "./activities.js";

const NONE = { activity: null, name: "None of these", key: "0" };
const at = (id) => document.getElementById(id);

export class Labels {
  constructor() {
    this.device = "";
    this.standing = { reason: "", labels: [] };
    this.buttons = [];
    document.addEventListener("keydown", (event) => this.key(event));
  }

  begin(device, activities) {
    const choices = activities.map((activity, place) => ({ activity, name: spelled(activity), key: String(place + 1) }));
    at("label-buttons").replaceChildren(...[...choices, NONE].map((choice) => this.button(choice)));
    this.buttons = [...at("label-buttons").children];
    this.choose(device);
  }

  // At once: who chooses a device and presses a key means that one.
  choose(device) {
    this.device = device;
    this.said = "";
    this.show();
  }

  button({ activity, name, key }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = colourClass(activity);
    button.activity = activity;
    button.shortcut = key;
    button.setAttribute("aria-keyshortcuts", key);
    const words = document.createElement("span");
    words.textContent = name;
    const hint = document.createElement("kbd");
    hint.textContent = key;
    hint.setAttribute("aria-hidden", "true");
    const gathered = document.createElement("small");
    button.append(words, gathered, hint);
    button.addEventListener("click", () => this.say(activity));
    return button;
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.target.matches("input") || at("one").hidden) return;
    this.buttons.find((button) => button.shortcut === event.key)?.click();
  }

  async say(activity) {
    const { device } = this;
    try {
      const answer = await fetch("/api/labels", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ device, activity }),
      });
      const told = await answer.json().catch(() => ({ error: `not taken: HTTP ${answer.status}` }));
      if (device !== this.device) return;
      this.said = answer.ok ? "" : told.error;
      if (answer.ok) this.standing = told;
    } catch {
      if (device !== this.device) return;
      this.said = "not taken: no connection";
    }
    this.show();
  }

  take(standing) {
    this.standing = standing;
    this.show();
  }

  // What stands for each device that is being labelled now.
  get running() {
    return new Map(this.standing.labels.filter((one) => one.activity).map((one) => [one.device, one.activity]));
  }

  show() {
    const { activity = null, seconds = {} } = this.standing.labels.find((one) => one.device === this.device) ?? {};
    for (const button of this.buttons) {
      const stands = activity !== null && button.activity === activity;
      button.setAttribute("aria-pressed", String(stands));
      const gathered = seconds[button.activity] ?? 0;
      setText(button.querySelector("small"), gathered ? duration(gathered) : "");
    }
    const stands = activity ? `labelled as ${spelled(activity)}: press None before you stop` : "press once you are under way, None before you stop";
    setText(at("label-note"), this.said || this.standing.reason || stands);
    at("label-note").classList.toggle("bad", Boolean(this.said));
  }
}
