// Joins map, spectrum, structure and words; everything that a stranger wrote is set as text.
"use strict";
{
  const { data } = xreg;
  const byId = (id) => document.getElementById(id);
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const n = data.ids.length;
  const place = new Map(data.ids.map((id, i) => [id, i]));
  const state = { chosen: -1, order: [], plot: null, spectrum: null, curve: null };
  const colours = [{ name: "nothing" }, ...data.quantities];

  const fill = (select, names, chosen = 0) => {
    select.replaceChildren(...names.map((name, i) => element("option", name, { value: String(i) })));
    select.selectedIndex = Math.min(chosen, names.length - 1);
    select.closest("label").hidden = names.length < 2;
  };
  const map = () => data.maps[byId("map").selectedIndex];
  const axisNames = () => map().scores.map((_, i) => `t${String(i + 1).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d])}`);
  const quantity = (id) => colours[byId(id).selectedIndex];
  const titled = (known) => (known.unit ? `${known.name} (${known.unit})` : known.name);

  const legend = (entries) => entries.map((entry) => {
    if (!entry.bar) {
      const row = element("span");
      const swatch = element("span", "", { class: entry.line ? "swatch line" : "swatch" });
      swatch.style.background = entry.colour;
      row.append(swatch, entry.text);
      return row;
    }
    const row = element("span", "", { class: "legend" });
    const bar = element("span", "", { class: "bar" });
    bar.style.background = `linear-gradient(to right, ${entry.bar.join(",")})`;
    row.append(xreg.number(entry.low), bar, xreg.number(entry.high) + (entry.unit ? ` ${entry.unit}` : ""));
    return row;
  });

  const axes = () => {
    const { scores } = map();
    const [across, up] = [byId("across").selectedIndex, byId("up").selectedIndex];
    const names = axisNames();
    // With one score only, the samples are spread by their number.
    return scores.length > 1
      ? { x: scores[across], y: scores[up], names: [names[across], names[up]] }
      : { x: scores[0], y: data.ids.map((_, i) => i), names: [names[0], "number of the sample"] };
  };

  const drawMap = () => {
    if (state.plot) state.plot.destroy();
    const { x, y, names } = axes();
    const known = quantity("colour");
    const colour = xreg.colours(known.values ? known : null);
    state.plot = xreg.drawMap(byId("scatter"), x, y, names, colour, () => state.chosen, choose);
    xreg.map = state.plot;
    byId("legend").replaceChildren(
      ...(known.values ? [element("strong", known.name)] : []), ...legend(colour.legend));
    byId("map-head").textContent = `Map: ${map().name}`;
  };

  const drawSpectrum = () => {
    const curve = data.curves[byId("curves").selectedIndex];
    const i = state.chosen;
    byId("spectrum-head").textContent = curve.energy ? `Spectrum: ${curve.name}` : `Targets: ${curve.name}`;
    byId("spectrum").hidden = !curve.energy;
    if (!curve.energy) {
      const heads = ["target", "true", ...(curve.predicted ? ["predicted"] : [])];
      const table = element("table");
      const rows = [curve.true(i), ...(curve.predicted ? [curve.predicted(i)] : [])];
      const head = table.appendChild(element("thead")).appendChild(element("tr"));
      head.append(...heads.map((text) => element("th", text, { scope: "col" })));
      const body = table.appendChild(element("tbody"));
      curve.features.forEach((name, f) => {
        const row = body.appendChild(element("tr"));
        row.append(element("th", name, { scope: "row" }), ...rows.map((values) => element("td", xreg.number(values[f]))));
      });
      byId("features").replaceChildren(table);
      byId("lines").replaceChildren();
      return;
    }
    byId("features").replaceChildren();
    if (state.spectrum && state.curve === curve) {
      state.spectrum.setData(xreg.spectrum(curve, i));
    } else {
      if (state.spectrum) state.spectrum.destroy();
      state.spectrum = xreg.drawSpectrum(byId("spectrum"), curve, i);
      state.curve = curve;
      byId("lines").replaceChildren(...legend(xreg.lines(curve).map(({ name, colour }) => ({ text: name, colour, line: true }))));
    }
  };

  const tell = (atoms) => {
    const i = state.chosen;
    const { x, y, names } = axes();
    const curve = data.curves[byId("curves").selectedIndex];
    const shown = data.quantities.filter((known) => known.role !== "label" || known === quantity("colour")).slice(0, 8);
    const facts = shown.map((known) => `${known.name} ${xreg.said(known, i)}`);
    const where = x[i] === null || y[i] === null ? "it has no place on the map"
      : `${names[0]} = ${xreg.number(x[i])}, ${names[1]} = ${xreg.number(y[i])}`;
    const what = curve.predicted ? `true and predicted ${curve.name}` : curve.name;
    const said = [`Sample ${data.ids[i]}, ${state.order.indexOf(i) + 1} of ${n}: ${what}`, where, ...facts].join("; ");
    byId("words").textContent = `${said}${said.endsWith(".") ? "" : "."}${atoms ? ` ${atoms}` : ""}`;
    byId("known").replaceChildren(...[{ name: "sample", texts: [], values: { [i]: data.ids[i] } }, ...data.quantities].map((known) => {
      const row = element("tr");
      row.append(element("th", known.name, { scope: "row" }), element("td", xreg.said(known, i)));
      return row;
    }));
  };

  const choose = (i) => {
    state.chosen = i;
    byId("sample").value = data.ids[i];
    if (state.plot) state.plot.redraw(false);
    drawSpectrum();
    tell(xreg.showStructure(i));
    try { history.replaceState(null, "", `#${encodeURIComponent(data.ids[i])}`); } catch { /* from a disk */ }
  };

  const reorder = () => {
    const known = quantity("order");
    state.order = data.ids.map((_, i) => i);
    if (!known.values) return;
    const last = (v) => v === null || v === undefined;
    state.order.sort((a, b) => {
      const [p, q] = [known.values[a], known.values[b]];
      if (last(p) || last(q)) return last(p) - last(q) || a - b;
      return (p < q ? -1 : p > q ? 1 : 0) || a - b;
    });
  };
  const step = (by) => {
    const now = state.order.indexOf(state.chosen);
    choose(state.order[Math.min(n - 1, Math.max(0, now + by))]);
  };

  const setMap = () => {
    const names = axisNames();
    fill(byId("across"), names, 0);
    fill(byId("up"), names, 1);
    const belongs = data.curves.findIndex((curve) => curve.name === map().curves);
    if (belongs >= 0) byId("curves").selectedIndex = belongs;
    drawMap();
  };

  fill(byId("map"), data.maps.map((shown) => shown.name));
  fill(byId("curves"), data.curves.map((curve) => curve.name));
  const error = colours.findIndex((known) => known.role === "score" && known.values && !known.texts);
  const first = error >= 0 ? error : colours.findIndex((known) => known.values && !known.texts);
  fill(byId("colour"), colours.map(titled), Math.max(0, first));
  fill(byId("order"), colours.map((known) => (known.values ? titled(known) : "as in the data")), 0);
  byId("ids").replaceChildren(...data.ids.slice(0, 3000).map((id) => element("option", undefined, { value: id })));
  reorder();
  setMap();
  let start = 0;
  try { start = place.get(decodeURIComponent(location.hash.slice(1))) ?? 0; } catch { /* no name in it */ }
  choose(start);

  byId("map").addEventListener("change", () => { setMap(); choose(state.chosen); });
  for (const id of ["across", "up", "colour"]) {
    byId(id).addEventListener("change", () => { drawMap(); tell(""); });
  }
  byId("curves").addEventListener("change", () => choose(state.chosen));
  byId("order").addEventListener("change", () => { reorder(); choose(state.order[0]); });
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("sample").addEventListener("change", (event) => {
    const found = place.get(event.target.value.trim());
    if (found === undefined) byId("words").textContent = `No sample is called ${event.target.value}.`;
    else choose(found);
  });
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("select, input")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.target.closest("#structure")) return;
    const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -n, End: n };
    const upright = event.key === "ArrowUp" || event.key === "ArrowDown" || event.key.startsWith("Page")
      || event.key === "Home" || event.key === "End";
    // Keys that scroll the page do so, but on the map.
    if (event.key in moves && (!upright || event.target.closest("#scatter"))) {
      event.preventDefault();
      step(moves[event.key]);
    } else if (event.key === "Escape") {
      state.plot.showAll();
    }
  });
  document.addEventListener("xreg-theme", () => {
    state.curve = null;
    drawMap();
    drawSpectrum();
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    state.curve = null;
    drawMap();
    drawSpectrum();
    xreg.resizeStructure();
  });
}
