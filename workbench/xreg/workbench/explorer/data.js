// Reads what the page carries: numbers packed into base64, texts as they are.
"use strict";
const xreg = { data: JSON.parse(document.getElementById("data").textContent) };
{
  const bytes = (text) => {
    const raw = atob(text);
    const found = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
    return found.buffer;
  };
  const typed = (text, Kind) => new Kind(bytes(text)); // little-endian, as every browser's machine

  // Gives row i of a packed array as plain numbers, null where a value is not known.
  xreg.rows = (packed) => {
    if (!packed) return null;
    const { width } = packed;
    if (packed.exact !== undefined) {
      const values = typed(packed.exact, Float32Array);
      return (i) => Array.from(values.subarray(i * width, (i + 1) * width), (v) => (isFinite(v) ? v : null));
    }
    const levels = typed(packed.levels, Uint16Array);
    const value = (level) => (level === 65535 ? null : packed.low + level * packed.step);
    return (i) => Array.from(levels.subarray(i * width, (i + 1) * width), value);
  };
  xreg.column = (packed) => {
    const row = xreg.rows(packed);
    return xreg.data.ids.map((_, i) => row(i)[0]);
  };
  for (const curve of xreg.data.curves) {
    for (const kind of ["true", "predicted", "spread"]) curve[kind] = xreg.rows(curve[kind]);
  }
  for (const map of xreg.data.maps) map.scores = map.scores.map(xreg.column);
  for (const known of xreg.data.quantities) {
    if (known.numbers !== undefined) {
      known.values = Array.from(typed(known.numbers, Float32Array), (v) => (isFinite(v) ? v : null));
    } else {
      const texts = known.texts;
      known.values = Array.from(typed(known.index, Uint32Array), (i) => texts[i]);
    }
  }
  const packed = xreg.data.structures;
  if (packed) {
    const counts = typed(packed.counts, Uint32Array);
    const numbers = typed(packed.numbers, Uint8Array);
    const places = typed(packed.positions, Int16Array);
    const first = new Uint32Array(counts.length + 1);
    counts.forEach((count, i) => { first[i + 1] = first[i] + count; });
    xreg.atoms = (i) => {
      const found = [];
      for (let a = first[i]; a < first[i + 1]; a++) {
        const [x, y, z] = [0, 1, 2].map((axis) => places[3 * a + axis] * packed.step);
        found.push({ element: xreg.data.symbols[numbers[a]], x, y, z, distance: Math.hypot(x, y, z) });
      }
      return found;
    };
  }

  // Numbers for people: five digits, a true minus sign.
  xreg.number = (value) => {
    if (value === null || value === undefined) return "not known";
    const size = Math.abs(value);
    const text = Number.isInteger(value) && size < 1e6 ? String(value)
      : size >= 1e5 || (size > 0 && size < 1e-3) ? value.toExponential(2)
      : String(Number(value.toPrecision(size >= 1000 ? 6 : 5)));
    return text.replace("-", "−");
  };
  xreg.said = (known, i) => {
    const value = known.values[i];
    if (known.texts) return value === "" ? "–" : value;
    return xreg.number(value) + (known.unit && value !== null ? ` ${known.unit}` : "");
  };
}
