// The town on the map. All text comes as data and is shown through textContent: nothing in it is ever read as HTML or script.
(function (map, town) {
  'use strict';
  const element = (tag, text, parent) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const outlines = rings => rings.map(part => part.map(ring => ring.map(point => [point[1], point[0]])));
  const course = line => line.map(point => [point[1], point[0]]);
  const pen = L.canvas({ padding: 0.3 });
  ['ground', 'context', 'fills', 'roads', 'borders', 'words'].forEach((name, level) => {
    map.createPane(name).style.zIndex = 300 + level * 20;
    if (name !== 'fills') map.getPane(name).style.pointerEvents = 'none';
  });
  const penFor = pane => L.canvas({ pane: pane, padding: 0.3 });
  const ground = penFor('ground'), context = penFor('context'), roads = penFor('roads'), borders = penFor('borders');

  // background
  if (town.extent.length)
    L.polygon(outlines(town.extent), { renderer: ground, pane: 'ground', interactive: false, stroke: false, fillColor: '#f6f3ec', fillOpacity: 1 }).addTo(map);
  const background = L.layerGroup().addTo(map);
  for (const [kind, colour] of [['green', '#d5e3c3'], ['water', '#bfd9e8'], ['buildings', '#d3cbbd']])
    for (const shape of town.context[kind] || [])
      L.polygon(outlines([shape]), { renderer: context, pane: 'context', interactive: false, stroke: false, fillColor: colour, fillOpacity: 1 }).addTo(background);

  // blocks, by kind of grid
  const kinds = new Map(), shapes = new Map();
  let open = null;
  for (const block of town.blocks) {
    if (!kinds.has(block.kind)) kinds.set(block.kind, L.layerGroup().addTo(map));
    const shape = L.polygon(outlines(block.rings), { pane: 'fills', color: '#fff', weight: 1, fillColor: block.fill, fillOpacity: 0.45 });
    shape.bindPopup(() => card(block), { maxWidth: 320 });
    shape.on('mouseover', () => shape.setStyle({ fillOpacity: 0.7 }));
    shape.on('mouseout', () => { if (shape !== open) shape.setStyle({ fillOpacity: 0.45 }); });
    shape.on('popupopen', () => { open = shape; shape.setStyle({ fillOpacity: 0.75, color: '#b0103c', weight: 3 }); shape.bringToFront(); });
    shape.on('popupclose', () => { open = null; shape.setStyle({ fillOpacity: 0.45, color: '#fff', weight: 1 }); });
    shape.addTo(kinds.get(block.kind));
    shapes.set(block, shape);
    const path = shape.getElement();
    path.setAttribute('tabindex', '0');
    path.setAttribute('role', 'button');
    path.setAttribute('data-block', block.code);
    path.setAttribute('aria-label', block.name + ' ' + block.code);
    path.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); shape.openPopup(); }
    });
  }
  function card(block) {
    const box = element('div');
    element('h2', block.name, box);
    element('p', block.grid === block.name ? block.kindName : block.grid + ' · ' + block.kindName, box);
    const list = element('dl', undefined, box);
    for (const [term, value] of [[town.words.code, block.code], [town.words.head, block.head], [town.words.hours, block.hours],
      [town.words.phone, block.phone], [town.words.area, block.area]])
      if (value) { element('dt', term, list); element('dd', value, list); }
    if (block.notice) {
      const link = element('a', town.words.notice, box);
      link.setAttribute('href', block.notice);
    }
    return box;
  }

  // streets and rivers
  const styles = {
    river: [[4, '#8fb6cc'], [2.6, '#bfd9e8']], 'main-road': [[5.5, '#a9a294'], [4, '#fbe3a8']], road: [[4, '#a9a294'], [2.8, '#fff']], lane: [[1.2, '#b8b1a4']],
  };
  const network = L.layerGroup().addTo(map), streets = new Map();
  for (const rank of ['river', 'lane', 'road', 'main-road'])
    for (const [weight, colour] of styles[rank])
      for (const line of town.lines) {
        if (line.rank !== rank) continue;
        const drawn = L.polyline(course(line.course), { renderer: roads, pane: 'roads', interactive: false, weight: weight, color: colour, opacity: 1 }).addTo(network);
        if (line.name) { if (!streets.has(line.name)) streets.set(line.name, []); streets.get(line.name).push(drawn); }
      }
  const frames = L.layerGroup().addTo(map);
  for (const grid of town.grids)
    L.polygon(outlines(grid), { renderer: borders, pane: 'borders', interactive: false, fill: false, color: '#6a5a6e', weight: 2, opacity: 0.9 }).addTo(frames);

  // names stand where they fit into their block
  const words = L.layerGroup().addTo(map);
  function place() {
    words.clearLayers();
    const bounds = map.getBounds().pad(0.05);
    for (const block of town.blocks) {
      const shape = shapes.get(block);
      if (!map.hasLayer(shape) || !bounds.contains([block.at[1], block.at[0]])) continue;
      const metre = 256 * Math.pow(2, map.getZoom()) / (40075016.7 * Math.cos(block.at[1] * Math.PI / 180));
      const room = 2 * block.room * metre, lines = block.label.split('\n');
      const width = Math.max(...lines.map(line => [...line].length)) * 12.5, height = lines.length * 15;
      if (Math.hypot(width, height) > room * 1.02) continue;
      const tip = L.tooltip({ permanent: true, direction: 'center', className: 'town-label', opacity: 1, pane: 'words', interactive: false });
      tip.setLatLng([block.at[1], block.at[0]]).setContent(element('span', block.label));
      words.addLayer(tip);
    }
  }
  map.on('zoomend moveend layeradd layerremove', event => { if (event.type.endsWith('end') || kindOf(event.layer)) place(); });
  const kindOf = layer => [...kinds.values()].includes(layer);

  // controls
  L.control.scale({ imperial: false, position: 'bottomright' }).addTo(map);
  map.zoomControl.setPosition('bottomright');
  const toggles = {};
  for (const block of town.blocks) {
    const label = element('span', block.kindName).outerHTML;
    toggles[label] = kinds.get(block.kind);
  }
  toggles[element('span', town.words.streets).outerHTML] = network;
  toggles[element('span', town.words.background).outerHTML] = background;
  L.control.layers(null, toggles, { position: 'topright', collapsed: true }).addTo(map);
  map.attributionControl.setPrefix(false);
  const note = element('span', [town.attribution, town.disclaimer, town.watermark].filter(Boolean).join(' · '));
  map.attributionControl.addAttribution(note.outerHTML);

  // search by block, code, grid, person or street
  const find = document.getElementById('find'), found = document.getElementById('found');
  let marked = [];
  function offer(text, under, act) {
    const button = element('button', undefined, element('li', undefined, found));
    button.type = 'button';
    element('span', text, button);
    element('small', under, button);
    button.addEventListener('click', () => { act(); if (window.innerWidth < 640) found.replaceChildren(); });
  }
  function search() {
    found.replaceChildren();
    const asked = find.value.trim().toLowerCase();
    if (!asked) return;
    let most = 30;
    for (const block of town.blocks)
      if ([block.name, block.code, block.grid, block.head].some(text => text && text.toLowerCase().includes(asked)) && most-- > 0)
        offer(block.name, block.code, () => {
          map.fitBounds(shapes.get(block).getBounds(), { maxZoom: 17, padding: [40, 40] });
          shapes.get(block).openPopup();
        });
    for (const [name, parts] of streets)
      if (name.toLowerCase().includes(asked) && most-- > 0)
        offer(name, town.words.street, () => {
          marked.forEach(line => line.remove());
          marked = parts.map(part => L.polyline(part.getLatLngs(), { color: '#b0103c', weight: 6, opacity: 0.8, interactive: false }).addTo(map));
          map.fitBounds(L.featureGroup(parts).getBounds(), { padding: [40, 40] });
        });
    if (!found.children.length) element('li', town.words.nothing, found).style.padding = '.45rem 1rem';
  }
  find.addEventListener('input', search);
  find.form.addEventListener('submit', event => { event.preventDefault(); const first = found.querySelector('button'); if (first) first.click(); });

  const wide = window.innerWidth > 900;
  map.fitBounds(town.bounds, { paddingTopLeft: [wide ? 350 : 8, wide ? 8 : 150], paddingBottomRight: [8, 24], animate: false });
  const asked = decodeURIComponent(location.hash.slice(1));
  for (const block of town.blocks)
    if (asked && block.code === asked) { map.fitBounds(shapes.get(block).getBounds(), { maxZoom: 17, animate: false }); shapes.get(block).openPopup(); }
  place();
})
