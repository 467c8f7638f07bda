// Shows atoms in three dimensions where the browser can, and in words everywhere.
"use strict";
{
  const place = document.getElementById("structure");
  const words = document.getElementById("atoms");
  let viewer = null;
  let tried = false;
  let waiting = 0;

  const made = () => {
    if (tried) return viewer;
    tried = true;
    const canvas = document.createElement("canvas");
    if (!(canvas.getContext("webgl2") || canvas.getContext("webgl"))) return null;
    viewer = $3Dmol.createViewer(place, { backgroundAlpha: 0, antialias: true });
    return viewer;
  };

  const formula = (atoms) => {
    const counts = new Map();
    for (const { element } of atoms) counts.set(element, (counts.get(element) || 0) + 1);
    return [...counts].sort().map(([element, n]) => element + (n > 1 ? n : "")).join("");
  };

  const reach = (atoms, from) => Math.max(...atoms.map((a) => Math.hypot(a.x - from.x, a.y - from.y, a.z - from.z)));
  const mean = (atoms) => Object.fromEntries(["x", "y", "z"].map((axis) =>
    [axis, atoms.reduce((sum, a) => sum + a[axis], 0) / atoms.length]));
  const LEAST = 5; // Å about the mean place of the atoms that 3Dmol.js shows of smaller structures

  const draw = (atoms, told) => {
    if (!made()) {
      place.hidden = true;
      words.textContent = `${told} This browser shows no 3D graphics (WebGL is off).`;
      return;
    }
    const first = !viewer.getModel();
    const view = first ? null : viewer.getView();
    viewer.removeAllModels();
    const rows = atoms.map((a) => `${a.element} ${a.x.toFixed(4)} ${a.y.toFixed(4)} ${a.z.toFixed(4)}`);
    viewer.addModel(`${atoms.length}\n\n${rows.join("\n")}\n`, "xyz");
    viewer.setStyle({}, { stick: { radius: 0.1 }, sphere: { scale: 0.26 } });
    viewer.setStyle({ index: 0 }, { stick: { radius: 0.1 }, sphere: { scale: 0.36, color: "#e8730c" } });
    if (first) {
      // A look from aside, for atoms often stand along an axis; all are seen, however they are turned.
      viewer.zoomTo();
      viewer.center({ index: 0 });
      viewer.rotate(35, "y");
      viewer.rotate(20, "x");
      viewer.zoom(Math.max(LEAST, reach(atoms, mean(atoms))) / (reach(atoms, atoms[0]) + 1.2));
    } else viewer.setView(view);
    viewer.render();
    words.textContent = `${told} The absorber is orange; drag to turn, scroll to zoom.`;
  };

  xreg.showStructure = (i) => {
    if (!xreg.atoms) return "";
    document.getElementById("structure-panel").hidden = false;
    const atoms = xreg.atoms(i);
    if (!atoms.length) {
      clearTimeout(waiting);
      if (viewer) { viewer.removeAllModels(); viewer.render(); }
      words.textContent = "The structure of this sample cannot be shown.";
      return words.textContent;
    }
    const near = atoms.slice(1, 7).map((a) => `${a.element} ${a.distance.toFixed(2)} Å`).join(", ");
    const told = `${atoms.length} atoms (${formula(atoms)}); absorber ${atoms[0].element}`
      + (near ? `, nearest: ${near}` : "") + ".";
    words.textContent = told;
    // Where graphics are drawn by the processor, atoms wait until the steps pause.
    clearTimeout(waiting);
    waiting = setTimeout(() => draw(atoms, told), 30);
    return told;
  };

  xreg.resizeStructure = () => { if (viewer) viewer.resize(); };
}
