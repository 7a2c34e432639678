// Light, dark, or as the system has it; remembered where the browser lets us.

const ORDER = ["auto", "light", "dark"];
const KEY = "har-stream theme";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function offerThemes(button, changed) {
  const set = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    changed();
  };
  let theme = ORDER.includes(remembered()) ? remembered() : "auto";
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // a browser that keeps nothing shows it all the same
    }
    set(theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  set(theme);
}
