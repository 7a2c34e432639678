// How activities are named and coloured. What came off the wire is only ever looked up here, and shown as text.

const KNOWN = ["walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying"];

export const spelled = (label) => String(label).replaceAll("_", " ");

export function colourClass(label) {
  const at = KNOWN.indexOf(label);
  return at < 0 ? "act-none" : `act-${at}`;
}

// A colour in words that a canvas understands, whatever the theme.
export function colourOf(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export const activityColour = (label) => colourOf(`--${colourClass(label)}`);

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}
