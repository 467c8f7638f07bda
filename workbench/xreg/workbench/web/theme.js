// Light or dark: as the reader's system says, or as they chose here. Runs before the page is drawn.
"use strict";
(() => {
  const key = "xreg-theme";
  const root = document.documentElement;
  let chosen = null;
  try { chosen = localStorage.getItem(key); } catch { /* pages from a disk may have no storage */ }
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (chosen ? chosen === "dark" : system.matches);
  const show = () => {
    root.dataset.theme = dark() ? "dark" : "light";
    for (const button of document.querySelectorAll("button.theme")) {
      button.textContent = dark() ? "Light" : "Dark";
      button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    }
    document.dispatchEvent(new Event("xreg-theme"));
  };
  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    for (const button of document.querySelectorAll("button.theme")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        chosen = dark() ? "light" : "dark";
        try { localStorage.setItem(key, chosen); } catch { /* as above */ }
        show();
      });
    }
  });
})();
