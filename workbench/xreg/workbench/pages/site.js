// Search, filters, sorting and copying; without it the pages are whole, only longer to read.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const make = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");

  // Search: the list of everything is loaded when somebody begins to type.
  const box = document.getElementById("search");
  const list = document.getElementById("found");
  const count = document.getElementById("found-count");
  const MOST = 30;
  let entries = null;
  let wanted = false;
  const load = () => {
    if (wanted) return;
    wanted = true;
    document.head.append(make("script", undefined, { src: `${root}search.js` }));
  };
  window.xregSearch = (rows) => {
    entries = rows.map(([kind, name, title, path, words]) => (
      { kind, name, title, path, head: plain(name), all: plain(`${name} ${title} ${kind} ${words}`) }));
    if (document.activeElement === box) search();
  };
  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
  };
  const search = () => {
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    if (!words.length || !entries) { close(); count.textContent = ""; return; }
    const hits = entries.filter((entry) => words.every((word) => entry.all.includes(word)));
    const rank = (entry) => (entry.head === words[0] ? 0 : entry.head.startsWith(words[0]) ? 1
      : words.every((word) => entry.head.includes(word)) ? 2 : 3);
    hits.sort((a, b) => rank(a) - rank(b) || (a.head < b.head ? -1 : 1));
    list.replaceChildren(...hits.slice(0, MOST).map((entry) => {
      const link = make("a", entry.name, { href: root + entry.path });
      link.append(make("small", `${entry.kind}${entry.title ? `: ${entry.title}` : ""}`));
      const item = make("li");
      item.append(link);
      return item;
    }));
    const told = hits.length ? `${hits.length} found` : "Nothing found";
    if (!hits.length || hits.length > MOST) {
      const item = make("li");
      item.append(make("p", hits.length ? `${told}; the first ${MOST} are shown.` : told));
      list.append(item);
    }
    count.textContent = told;
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
  };
  const links = () => [...list.querySelectorAll("a")];
  box.closest("[role=search]").hidden = false;
  box.addEventListener("focus", () => { load(); search(); });
  box.addEventListener("input", search);
  box.addEventListener("keydown", (event) => {
    const first = links()[0];
    if (event.key === "ArrowDown" && first && !list.hidden) { event.preventDefault(); first.focus(); }
    if (event.key === "Enter" && first && !list.hidden) first.click();
    if (event.key === "Escape") { box.value = ""; close(); }
  });
  list.addEventListener("keydown", (event) => {
    const all = links();
    const now = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown") { event.preventDefault(); all[Math.min(all.length - 1, now + 1)].focus(); }
    if (event.key === "ArrowUp") { event.preventDefault(); (now > 0 ? all[now - 1] : box).focus(); }
    if (event.key === "Escape") { box.focus(); close(); }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[role=search]")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea")) { event.preventDefault(); box.focus(); }
  });

  // Filters: what is typed, and what is chosen; the address keeps both.
  const form = document.querySelector(".filters");
  if (form) {
    form.hidden = false;
    const rows = [...document.querySelectorAll(".list tbody tr")];
    const texts = rows.map((row) => plain(row.textContent));
    const typed = form.querySelector("input");
    const chosen = [...form.querySelectorAll("select")];
    const told = form.querySelector(".count");
    const filter = () => {
      const words = plain(typed.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        const fits = words.every((word) => texts[i].includes(word))
          && chosen.every((select, f) => !select.value || row.dataset[`f${f}`].split("\n").includes(select.value));
        row.hidden = !fits;
        shown += fits;
      });
      told.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    };
    const keep = () => {
      const said = new URLSearchParams();
      for (const field of [typed, ...chosen]) if (field.value) said.set(field.dataset.filter || "q", field.value);
      const text = said.toString();
      try { history.replaceState(null, "", text ? `#${text}` : location.pathname); } catch { /* from a disk */ }
    };
    const known = new URLSearchParams(location.hash.slice(1));
    typed.value = known.get("q") || "";
    for (const select of chosen) {
      const value = known.get(select.dataset.filter);
      if ([...select.options].some((option) => option.value === value)) select.value = value;
    }
    filter();
    // Other pages of a long list are filtered alike.
    for (const link of document.querySelectorAll(".sheets a")) {
      link.addEventListener("click", () => { link.hash = location.hash; });
    }
    form.addEventListener("input", () => { filter(); keep(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      for (const field of [typed, ...chosen]) field.value = "";
      filter();
      keep();
    });
  }

  // Sorting: a click on a column's head.
  const number = (text) => {
    const found = /^[−-]?[\d,]*\.?\d+(e[+-]?\d+)?/.exec(text.trim());
    return found ? Number(found[0].replace(/,/g, "").replace("−", "-")) : NaN;
  };
  const units = { kB: 1e3, MB: 1e6, GB: 1e9 };
  const value = (cell) => {
    const text = cell.textContent;
    if (!cell.classList.contains("number")) return plain(text);
    const unit = units[/[kMG]B$/.exec(text.trim())?.[0]] ?? 1;
    return number(text) * unit;
  };
  for (const table of document.querySelectorAll("table.list")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const keyed = [...body.rows].map((row) => [value(row.cells[column]), row]);
        const lost = (v) => typeof v === "number" && isNaN(v);
        keyed.sort(([a], [b]) => lost(a) - lost(b) || (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
        body.append(...keyed.map(([, row]) => row));
      });
    });
  }

  // Copying a command.
  for (const button of document.querySelectorAll("button.copy")) {
    const code = button.parentElement.querySelector("code");
    button.hidden = false;
    button.setAttribute("aria-label", `Copy: ${code.textContent}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch { // pages from a disk may not write there
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
