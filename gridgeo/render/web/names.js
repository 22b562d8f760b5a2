// Names on the map: of grids and blocks where they fit into their area, of streets along their straight stretches.
// Nothing overlaps: a block's name stays within its block, shorter where its grid's name stands beside it, and the name
// of a street gives way to all others.
function placeNames(map, town, isShown) {
  'use strict';
  const pane = map.createPane('names');
  pane.style.zIndex = 460;
  pane.style.pointerEvents = 'none';
  const layer = L.layerGroup().addTo(map);
  const sizes = { block: 12, grid: 13.5, street: 11 }, leading = 1.22;
  let standing = new Map();

  function metresAPixel(place) {
    return 40075016.7 * Math.cos(place.lat * Math.PI / 180) / (256 * Math.pow(2, map.getZoom()));
  }

  // The first way to break a name that fits into the ellipse that its area has room for.
  function fitting(ways, area, size) {
    const high = area.room / metresAPixel(area.place), wide = 2 * high;
    return ways.find(([ems, ...lines]) =>
      Math.hypot(ems * size / 2 / wide, lines.length * size * leading / 2 / high) <= 1);
  }

  function box(kind, place, way) {
    const at = map.project(place), size = sizes[kind];
    const half = [way[0] * size / 2 + 2, (way.length - 1) * size * leading / 2 + 1];
    return { kind, place, lines: way.slice(1), at, half, angle: 0 };
  }

  const overlap = (one, other) =>
    Math.abs(one.at.x - other.at.x) < one.half[0] + other.half[0] &&
    Math.abs(one.at.y - other.at.y) < one.half[1] + other.half[1];

  function namesOfAreas() {
    const names = [];
    for (const grid of town.grids) {
      if (!isShown(grid.kind)) continue;
      const whole = grid.blocks.map(block => fitting(block.ways, block, sizes.block));
      if (whole.every(Boolean)) {
        grid.blocks.forEach((block, k) => names.push(box('block', block.place, whole[k])));
        continue;
      }
      const way = grid.blocks.length > 1 && fitting(grid.ways, grid, sizes.grid);
      const taken = way ? [box('grid', grid.place, way)] : [];
      for (const block of grid.blocks) {
        const short = fitting(way ? block.short : block.ways, block, sizes.block);
        if (!short) continue;
        const name = box('block', block.place, short);
        if (!taken.some(other => overlap(name, other))) taken.push(name);
      }
      names.push(...taken);
    }
    return names;
  }

  function namesOfStreets(taken) {
    const seen = map.getBounds().pad(0.3), names = [], cells = new Map();
    const size = sizes.street, reach = size * 0.62;
    // a slanting name is a row of discs; discs are looked up by the cell of a coarse grid that they lie in
    const key = (x, y) => Math.floor(x / 64) + ':' + Math.floor(y / 64);
    const near = (x, y) => {
      const found = [];
      for (const dx of [-32, 32]) for (const dy of [-32, 32]) found.push(...(cells.get(key(x + dx, y + dy)) || []));
      return found;
    };
    const discs = (at, angle, width) => {
      const turn = angle * Math.PI / 180, count = Math.max(1, Math.round(width / size)), row = [];
      for (let k = 0; k < count; k++) {
        const along = count > 1 ? (k / (count - 1) - 0.5) * (width - size) : 0;
        row.push([at.x + along * Math.cos(turn), at.y + along * Math.sin(turn)]);
      }
      return row;
    };
    const keep = row => {
      for (const disc of row) {
        const cell = key(...disc);
        if (!cells.has(cell)) cells.set(cell, []);
        cells.get(cell).push(disc);
      }
    };
    for (const name of taken) {
      if (!seen.contains(name.place)) continue;
      for (let y = -name.half[1] + reach; y <= name.half[1]; y += size)
        keep(discs({ x: name.at.x, y: name.at.y + Math.min(y, name.half[1] - reach) }, 0, name.half[0] * 2));
    }
    const rows = [], zoom = map.getZoom(), from = { 'main-road': 0, river: 14, road: 14.5, lane: 16 };
    for (const line of town.lines.filter(line => zoom >= from[line.rank]))
      for (const stretch of line.stretches)
        if (line.width * size * 1.15 < stretch.length / metresAPixel(stretch.place) && seen.contains(stretch.place))
          rows.push({ line, stretch });
    const order = { 'main-road': 0, river: 1, road: 2, lane: 3 };
    rows.sort((a, b) => order[a.line.rank] - order[b.line.rank] || b.stretch.length - a.stretch.length);
    const places = new Map();
    for (const { line, stretch } of rows) {
      const at = map.project(stretch.place), row = discs(at, stretch.angle, line.width * size);
      const others = places.get(line.name) || [];
      if (others.some(other => other.distanceTo(at) < 480)) continue;
      if (row.some(([x, y]) => near(x, y).some(([u, v]) => Math.hypot(x - u, y - v) < 2 * reach))) continue;
      keep(row);
      places.set(line.name, [...others, at]);
      const kind = line.rank === 'river' ? 'river' : 'street';
      names.push({ kind, place: stretch.place, lines: [line.name], angle: stretch.angle });
    }
    return names;
  }

  function put(name) {
    const text = document.createElement('span');
    text.textContent = name.lines.join('\n');
    text.className = 'name-' + name.kind;
    if (name.angle) text.style.transform = 'rotate(' + name.angle + 'deg)';
    const tip = L.tooltip({ permanent: true, direction: 'center', className: 'name', opacity: 1, pane: 'names' });
    return tip.setLatLng(name.place).setContent(text);
  }

  return function refresh(shown) {
    const wanted = new Map();
    if (shown) {
      const areas = namesOfAreas(), seen = map.getBounds().pad(0.3);
      for (const name of [...areas, ...namesOfStreets(areas)])
        if (seen.contains(name.place))
          wanted.set([name.place.lat, name.place.lng, name.kind, ...name.lines].join('|'), name);
    }
    for (const [key, tip] of standing) if (!wanted.has(key)) { layer.removeLayer(tip); standing.delete(key); }
    for (const [key, name] of wanted)
      if (!standing.has(key)) { const tip = put(name); standing.set(key, tip); layer.addLayer(tip); }
  };
}
