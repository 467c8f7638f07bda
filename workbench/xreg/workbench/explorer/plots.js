// Draws the map of all samples, and the spectrum of one.
"use strict";
{
  const HUES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#999900"];
  const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const isDark = () => document.documentElement.dataset.theme === "dark";

  const shade = (share) => {
    // Its ends would not be seen on white, or on black.
    const [low, high] = isDark() ? [0.2, 1] : [0, 0.9];
    const at = (low + Math.min(1, Math.max(0, share)) * (high - low)) * (SCALE.length - 1);
    const i = Math.min(SCALE.length - 2, Math.floor(at));
    const mix = SCALE[i].map((v, c) => Math.round(v + (at - i) * (SCALE[i + 1][c] - v)));
    return `rgb(${mix.join(",")})`;
  };

  // Returns the colour of each sample, and a legend in words and swatches.
  xreg.colours = (known) => {
    const grey = style("--soft");
    if (!known) return { of: () => HUES[0], legend: [] };
    if (known.texts) {
      const counts = new Map();
      for (const value of known.values) counts.set(value, (counts.get(value) || 0) + 1);
      const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
      const hue = new Map(names.slice(0, HUES.length).map((name, i) => [name, HUES[i]]));
      const legend = [...hue].map(([name, colour]) => ({ colour, text: `${name || "–"} (${counts.get(name)})` }));
      if (names.length > HUES.length) legend.push({ colour: grey, text: `${names.length - HUES.length} others` });
      return { of: (i) => hue.get(known.values[i]) || grey, legend };
    }
    const sorted = known.values.filter((v) => v !== null).sort((a, b) => a - b);
    if (!sorted.length) return { of: () => grey, legend: [{ colour: grey, text: "not known" }] };
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    const [low, high] = [at(0.01), at(0.99)];
    const span = high - low || 1;
    const lost = known.values.length - sorted.length;
    const bar = { bar: Array.from({ length: 6 }, (_, i) => shade(i / 5)), low, high, unit: known.unit };
    return {
      of: (i) => (known.values[i] === null ? grey : shade((known.values[i] - low) / span)),
      legend: lost ? [bar, { colour: grey, text: `not known (${lost})` }] : [bar],
    };
  };

  // Numbers along an axis are written alike: with as many decimals, or all with a power of ten.
  const numbers = (_, splits) => {
    const most = Math.max(...splits.map(Math.abs));
    const exact = splits.map((v) => Number(v.toPrecision(8)));
    const decimals = Math.max(0, ...exact.map((v) => (String(v).split(".")[1] || "").length));
    const written = most >= 1e6 || (most > 0 && most < 1e-3)
      ? (v) => (v ? v.toExponential() : "0") : (v) => (v ? v.toFixed(decimals) : "0");
    return exact.map((v) => written(v).replaceAll("-", "−"));
  };
  // As wide as its longest number.
  const breadth = (u, values, index, cycle) => {
    const { _size, ticks, gap, font } = u.axes[index];
    if (cycle > 1) return _size;
    u.ctx.font = font[0];
    const widths = (values || []).map((text) => u.ctx.measureText(text).width / (devicePixelRatio || 1));
    return Math.ceil(ticks.size + gap + Math.max(0, ...widths)) + 6;
  };
  const axis = (label) => ({
    label, stroke: style("--soft"), labelSize: 22, size: 48, font: "12px system-ui", labelFont: "12px system-ui",
    grid: { stroke: style("--rule"), width: 1 }, ticks: { stroke: style("--rule"), width: 1 },
    values: numbers,
  });
  const upright = (label) => ({ ...axis(label), size: breadth });
  const padded = (_, low, high) => {
    if (low === null || high === null) return [0, 1];
    const pad = 0.04 * (high - low) || Math.abs(low) * 0.05 || 1;
    return [low - pad, high + pad];
  };
  const size = (place) => ({ width: place.clientWidth, height: place.clientHeight });

  xreg.drawMap = (place, x, y, labels, colour, chosen, choose) => {
    place.replaceChildren();
    const small = x.length > 1500;
    const paint = (u, series, from, to) => {
      uPlot.orient(u, series, (s, xs, ys, sx, sy, toX, toY, left, top, width, height) => {
        const context = u.ctx;
        const ratio = devicePixelRatio || 1;
        const radius = (small ? 2.4 : 3.4) * ratio;
        const [data, values] = u.data[1];
        const put = (i, r) => {
          context.beginPath();
          context.arc(toX(data[i], sx, width, left), toY(values[i], sy, height, top), r, 0, 2 * Math.PI);
        };
        context.save();
        context.beginPath();
        context.rect(left, top, width, height);
        context.clip();
        for (let i = 0; i < data.length; i++) {
          if (data[i] === null || values[i] === null) continue;
          context.fillStyle = colour.of(i);
          put(i, radius);
          context.fill();
        }
        const now = chosen();
        if (now >= 0 && data[now] !== null && values[now] !== null) {
          put(now, radius + 5 * ratio);
          context.lineWidth = 3 * ratio;
          context.strokeStyle = style("--accent");
          context.stroke();
          put(now, radius + 1.5 * ratio);
          context.fillStyle = colour.of(now);
          context.fill();
        }
        context.restore();
      });
      return null;
    };
    const plot = new uPlot({
      mode: 2, ...size(place), legend: { show: false }, padding: [8, 26, 0, 0],
      scales: { x: { time: false, range: padded }, y: { range: padded } },
      axes: [axis(labels[0]), upright(labels[1])],
      series: [{}, { facets: [{ scale: "x", auto: true }, { scale: "y", auto: true }], paths: paint }],
      cursor: { points: { show: false }, dataIdx: () => null, drag: { x: true, y: true, uni: 20, dist: 6 } },
    }, [null, [x, y]], place);
    let pressed = null;
    plot.over.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; });
    plot.over.addEventListener("click", (event) => {
      if (pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 6) return;
      const box = plot.over.getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      let nearest = -1;
      let least = 40 ** 2;
      for (let i = 0; i < x.length; i++) {
        if (x[i] === null || y[i] === null) continue;
        const away = (plot.valToPos(x[i], "x") - px) ** 2 + (plot.valToPos(y[i], "y") - py) ** 2;
        if (away < least) [nearest, least] = [i, away];
      }
      if (nearest >= 0) choose(nearest);
    });
    plot.showAll = () => plot.setData([null, [x, y]]);
    return plot;
  };

  // Mean of all, and heights that nearly all spectra keep within, so that steps can be compared.
  const summaries = new Map();
  const summary = (curve) => {
    if (!summaries.has(curve)) {
      const mean = curve.energy.map(() => 0);
      const counts = curve.energy.map(() => 0);
      const lows = [], highs = [];
      xreg.data.ids.forEach((_, i) => {
        const values = curve.true(i).map((v, e) => {
          if (v !== null) { mean[e] += v; counts[e] += 1; }
          return v;
        }).filter((v) => v !== null);
        if (values.length) {
          lows.push(values.reduce((a, b) => Math.min(a, b)));
          highs.push(values.reduce((a, b) => Math.max(a, b)));
        }
      });
      const at = (list, share) => list.sort((a, b) => a - b)[Math.round(share * (list.length - 1))];
      summaries.set(curve, {
        mean: mean.map((v, e) => (counts[e] ? v / counts[e] : null)),
        low: lows.length ? at(lows, 0.01) : 0, high: highs.length ? at(highs, 0.99) : 1,
      });
    }
    return summaries.get(curve);
  };

  xreg.lines = (curve) => [
    { name: "mean of all", colour: style("--mean") },
    { name: "true", colour: style("--true") },
    ...(curve.predicted ? [{ name: "predicted", colour: style("--accent") }] : []),
    ...(curve.spread ? [{ name: "± one standard deviation", colour: style("--band") }] : []),
  ];

  xreg.spectrum = (curve, i) => {
    const told = [summary(curve).mean, curve.true(i)];
    if (curve.predicted) told.push(curve.predicted(i));
    if (curve.spread) {
      const spread = curve.spread(i);
      const around = (sign) => told[2].map((v, e) => (v === null || spread[e] === null ? null : v + sign * spread[e]));
      told.push(around(1), around(-1));
    }
    return [curve.energy, ...told];
  };

  xreg.drawSpectrum = (place, curve, i) => {
    place.replaceChildren();
    const { low, high } = summary(curve);
    const line = (label, stroke, width) => ({ label, stroke, width, points: { show: curve.energy.length < 3 } });
    const edge = { stroke: "transparent", points: { show: false } };
    const series = [{}, line("mean", style("--mean"), 1.5), line("true", style("--true"), 2)];
    if (curve.predicted) series.push({ ...line("predicted", style("--accent"), 2), dash: [6, 3] });
    if (curve.spread) series.push(edge, edge);
    return new uPlot({
      ...size(place), series, legend: { show: false }, padding: [8, 22, 0, 0],
      scales: { x: { time: false }, y: { range: (u, a, b) => padded(u, Math.min(a ?? low, low), Math.max(b ?? high, high)) } },
      axes: [axis("energy (eV)"), upright(curve.unit ? `${curve.name} (${curve.unit})` : curve.name)],
      bands: curve.spread ? [{ series: [4, 5], fill: style("--band") }] : [],
      cursor: { drag: { x: true, y: false } },
    }, xreg.spectrum(curve, i), place);
  };
}
