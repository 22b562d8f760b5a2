// The town on the map. All text comes as data and is shown through textContent: nothing in it is ever read as HTML.
function showTown(map, town) {
  'use strict';
  const words = town.words, colours = town.colours;
  const element = (tag, text, parent) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };

  // ---------------------------------------------------------------------------------------------------- coordinates
  const place = (x, y) => L.latLng((town.origin[1] + y) / 1e6, (town.origin[0] + x) / 1e6);
  function course(steps) {
    const places = [];
    for (let k = 0, x = 0, y = 0; k < steps.length; k += 2) places.push(place(x += steps[k], y += steps[k + 1]));
    return places;
  }
  const polygon = parts => parts.map(rings => rings.map(course));
  const bounds = L.latLngBounds(place(0, 0), place(...town.size));
  for (const grid of town.grids) { grid.place = place(...grid.at); grid.blocks = []; }
  for (const block of town.blocks) {
    block.place = place(...block.at);
    block.grid = town.grids[block.grid];
    block.grid.blocks.push(block);
  }
  for (const line of town.lines)
    line.stretches = line.stretches.map(([x, y, angle, length]) => ({ place: place(x, y), angle, length }));

  // ------------------------------------------------------------------------------------- what is drawn, bottom to top
  const pens = {};
  ['ground', 'background', 'fills', 'network', 'outside', 'borders'].forEach((name, level) => {
    const pane = map.createPane(name);
    pane.style.zIndex = 300 + level * 20;
    if (name === 'fills') return;
    pane.style.pointerEvents = 'none';
    pens[name] = { pane: name, renderer: L.canvas({ pane: name, padding: 0.25 }), interactive: false };
  });
  const area = (parts, colour, pen) =>
    L.polygon(polygon(parts), { ...pens[pen], stroke: false, fillColor: colour, fillOpacity: 1 });

  area(town.extent, colours.land, 'ground').addTo(map);
  const background = L.layerGroup().addTo(map);
  for (const kind of ['green', 'water', 'buildings'])
    for (const shape of town.background[kind]) area(shape, colours[kind], 'background').addTo(background);

  // [width at street level, colour], casing first; farther away roads grow thinner, and borders less so
  const styles = {
    river: [[6, colours['water-edge']], [4.4, colours.water]],
    lane: [[2, colours['road-casing']], [1.2, colours.road]],
    road: [[5, colours['road-casing']], [3.6, colours.road]],
    'main-road': [[7.4, colours['road-casing']], [5.8, colours['main-road']]],
  };
  const network = L.layerGroup().addTo(map), scaled = [];
  for (const rank of ['river', 'lane', 'road', 'main-road'])
    for (const [width, colour] of styles[rank])
      for (const line of town.lines)
        if (line.rank === rank) {
          const drawn = L.polyline(line.courses.map(course), { ...pens.network, color: colour, opacity: 1 });
          scaled.push([drawn.addTo(network), width, 0.55]);
        }

  // the land outside the town steps back
  const far = bounds.pad(6);
  const around = [far.getSouthWest(), far.getSouthEast(), far.getNorthEast(), far.getNorthWest()];
  const outer = polygon(town.extent).map(rings => rings[0]);
  L.polygon([around, ...outer], { ...pens.outside, stroke: false, fillColor: '#e9eef0', fillOpacity: 0.62 }).addTo(map);

  const group = () => L.layerGroup().addTo(map);
  const kinds = new Map(town.kinds.map(kind => [kind.kind, { name: kind.name, fills: group(), frames: group() }]));
  const frame = (parts, colour, width, kind) => {
    const drawn = L.polygon(polygon(parts), { ...pens.borders, fill: false, color: colour, opacity: 1 });
    scaled.push([drawn.addTo(kinds.get(kind).frames), width, 0.2]);
  };
  for (const [width, colour] of [[2.8, '#fff'], [1.3, colours.block]])
    for (const block of town.blocks)
      if (block.grid.shape) frame(block.shape, colour, width, block.grid.kind);
  for (const [width, colour] of [[4, '#fff'], [2.3, colours.grid]])
    for (const grid of town.grids) frame(grid.shape || grid.blocks[0].shape, colour, width, grid.kind);
  const quiet = { fillOpacity: 0.46 }, lively = { fillOpacity: 0.72 };
  const ring = [8, 4].map((width, k) =>
    L.polygon([], { ...pens.borders, fill: false, weight: width, color: k ? colours.accent : '#fff', opacity: 1 }));

  // ------------------------------------------------------------------------------------------------------- blocks
  let open = null;
  const panel = document.getElementById('panel'), isWide = () => window.innerWidth > 720;
  function room() {
    const box = panel.getBoundingClientRect();
    return isWide() ? [box.right + 12, 12] : [12, box.bottom + 12];
  }
  for (const block of town.blocks) {
    const shape = L.polygon(polygon(block.shape), {
      pane: 'fills', stroke: false, fillColor: block.fill, bubblingMouseEvents: false, ...quiet,
    }).addTo(kinds.get(block.grid.kind).fills);
    block.drawn = shape;
    block.show = at => {
      const popup = L.popup({
        maxWidth: 300, minWidth: 220, autoPanPaddingTopLeft: room(), autoPanPaddingBottomRight: [12, 40],
      });
      popup.setContent(card(block));
      shape.closeTooltip();
      map.openPopup(popup.setLatLng(at || block.place));
      popup.on('remove', () => { if (open === block) settle(null); });
      const close = popup.getElement().querySelector('.leaflet-popup-close-button');
      close.setAttribute('aria-label', words.close);
      settle(block);
    };
    shape.on('click', event => block.show(event.latlng));
    // a finger can't hover: there the card comes at once
    if (!L.Browser.mobile)
      shape.bindTooltip(() => element('span', block.name), { sticky: true, className: 'hint', opacity: 1 });
    shape.on('mouseover', () => shape.setStyle(lively));
    shape.on('mouseout', () => { if (open !== block) shape.setStyle(quiet); });
    const path = shape.getElement();
    path.setAttribute('tabindex', '0');
    path.setAttribute('role', 'button');
    path.setAttribute('data-block', block.code);
    path.setAttribute('aria-label', block.name + ' ' + block.code);
    path.addEventListener('focus', () => { if (path.matches(':focus-visible')) emphasise(block); });
    path.addEventListener('blur', () => emphasise(open));
    path.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      block.show();
    });
  }
  function emphasise(block) {
    for (const line of ring) {
      line.remove();
      if (block && map.hasLayer(block.drawn)) line.setLatLngs(polygon(block.shape)).addTo(map);
    }
  }
  function settle(block) {
    if (open) open.drawn.setStyle(quiet);
    open = block;
    if (open) open.drawn.setStyle(lively);
    emphasise(open);
  }
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !open) return;
    const last = open.drawn.getElement();
    map.closePopup();
    if (last) last.focus({ preventScroll: true });
  });
  function card(block) {
    const box = element('div');
    element('h2', block.name, box);
    element('p', kinds.get(block.grid.kind).name, box);
    const list = element('dl', '', box);
    for (const key of ['code', 'grid', 'head', 'hours', 'phone', 'area']) {
      const value = key === 'grid' ? block.grid.name : block[key];
      if (!value) continue;
      element('dt', words[key], list);
      const shown = element('dd', '', list);
      const isNumber = key === 'phone' && /^\+?\d[\d -]{3,18}\d$/.test(value);
      if (isNumber) element('a', value, shown).href = 'tel:' + value.replace(/[ -]/g, '');
      else shown.textContent = value;
    }
    for (const [text, address] of [[words.page, block.page], [words.notice, block.notice]])
      if (address) element('a', text, box).setAttribute('href', address);
    return box;
  }

  // ---------------------------------------------------------------------------------------- names, width, layers, key
  let isNamed = true;
  const refresh = placeNames(map, town, kind => map.hasLayer(kinds.get(kind).fills));
  function rescale() {
    const far = Math.min(1, Math.max(-3.5, map.getZoom() - 16));
    for (const [drawn, width, power] of scaled)
      drawn.setStyle({ weight: Math.max(0.6, width * Math.pow(2, far * power)) });
  }
  map.on('zoomend', rescale);
  map.on('moveend', () => refresh(isNamed));

  const layers = document.getElementById('layers'), key = document.getElementById('key');
  const boxes = new Map();
  function toggle(text, count, change) {
    const label = element('label', '', layers), box = element('input', '', label);
    box.type = 'checkbox';
    box.checked = true;
    box.addEventListener('change', () => { change(box.checked); refresh(isNamed); });
    element('span', text, label);
    if (count) element('small', String(count), label);
    return box;
  }
  const showLayer = (layer, isOn) => { if (isOn) layer.addTo(map); else layer.remove(); };
  for (const kind of town.kinds)
    boxes.set(kind.kind, toggle(kind.name, kind.count, isOn => {
      if (!isOn && open && open.grid.kind === kind.kind) map.closePopup();
      const { fills, frames } = kinds.get(kind.kind);
      showLayer(fills, isOn);
      showLayer(frames, isOn);
    }));
  if (town.lines.length) toggle(words.network, 0, isOn => showLayer(network, isOn));
  if (Object.values(town.background).some(shapes => shapes.length))
    toggle(words.background, 0, isOn => showLayer(background, isOn));
  toggle(words.names, 0, isOn => { isNamed = isOn; });

  const lines = document.getElementById('lines');
  function line(text, style) {
    const row = element('span', '', lines);
    Object.assign(element('i', '', row).style, style);
    row.append(text);
  }
  line(words.grids, { height: '2.5px', background: colours.grid });
  line(words.blocks, { height: '1.3px', background: colours.block });
  for (const rank of ['main-road', 'road', 'lane', 'river'])
    if (town.lines.some(other => other.rank === rank)) {
      const [[, casing], [width, colour]] = styles[rank];
      const height = Math.max(1, width * 0.7) + 'px';
      line(words[rank], { height, background: colour, outline: '1px solid ' + casing });
    }
  key.open = isWide();

  // ---------------------------------------------------------------------------------------------------- controls
  L.control.zoom({ position: 'bottomright', zoomInTitle: words.in, zoomOutTitle: words.out }).addTo(map);
  const scale = L.control.scale({ imperial: false, position: 'bottomright', maxWidth: 120 });
  // Leaflet writes m and km; the text is ours
  scale._updateMetric = function (most) {
    const metres = this._getRoundNum(most);
    const text = metres < 1000 ? metres + ' ' + words.metres : metres / 1000 + ' ' + words.kilometres;
    this._updateScale(this._mScale, text, metres / most);
  };
  scale.addTo(map);
  map.attributionControl.remove();
  document.body.append(document.getElementById('credit'));

  // ------------------------------------------------------------------------------ search by block, code, head, street
  const find = document.getElementById('find'), found = document.getElementById('found');
  let marked = null;
  const go = (target, most) => map.fitBounds(target, {
    maxZoom: most, paddingTopLeft: room(), paddingBottomRight: [12, 40], animate: false,
  });
  function offer(text, under, act) {
    const button = element('button', '', element('li', '', found));
    button.type = 'button';
    element('span', text, button);
    element('small', under, button);
    button.addEventListener('click', () => { if (!isWide()) found.replaceChildren(); act(); });
  }
  function lookAt(block, at) {
    if (!map.hasLayer(block.drawn)) boxes.get(block.grid.kind).click();
    go(block.drawn.getBounds(), 17);
    block.show(at);
  }
  const asking = makeSearch(town.initials);
  function search() {
    found.replaceChildren();
    if (marked) marked.remove();
    if (!find.value.trim()) return;
    const fits = asking(find.value);
    let most = 40;
    for (const block of town.blocks)
      if ([block.name, block.code, block.grid.name, block.head].some(fits) && most-- > 0)
        offer(block.name, block.code + (block.head ? ' · ' + block.head : ''), () => lookAt(block));
    for (const street of town.lines)
      if (street.name && fits(street.name) && most-- > 0)
        offer(street.name, words[street.rank], () => {
          if (marked) marked.remove();
          const parts = street.courses.map(course), style = { ...pens.borders, opacity: 1 };
          marked = L.layerGroup([['#fff', 9], [colours.accent, 5]].map(([colour, width]) =>
            L.polyline(parts, { ...style, color: colour, weight: width }))).addTo(map);
          go(L.latLngBounds(parts.flat()), 17);
        });
    if (!found.children.length) element('li', words.nothing, found).className = 'nothing';
  }
  find.addEventListener('input', search);
  find.form.addEventListener('submit', event => {
    event.preventDefault();
    const first = found.querySelector('button');
    if (first) first.click();
  });

  // ---------------------------------------------------------------------------------------------------- first view
  map.setMaxBounds(bounds.pad(3));
  go(bounds);
  map.setMinZoom(Math.floor(map.getZoom()) - 1);
  rescale();
  refresh(isNamed);

  // -------------------------------------------------------------------------------- the block of a place, and addresses
  const flat = steps => {
    const places = steps.slice();
    for (let k = 2; k < places.length; k++) places[k] += places[k - 2];
    return places;
  };
  const finder = makeFinder(town.origin, town.blocks.map(block => block.shape.flat().map(flat)));
  const said = document.getElementById('answer');
  let pin = null;
  askWhere(finder, words, (sentence, found, at) => {
    said.textContent = sentence + found.map(k => town.blocks[k].name).join('、');
    if (pin) pin.remove();
    if (!found.length) return;
    const spot = at && L.latLng(at.latitude, at.longitude);
    lookAt(town.blocks[found[0]], found.length === 1 && sentence === words.inside ? spot : null);
    if (spot) {
      const styles = [[9, 5, '#fff'], [9, 2.5, colours.accent]];
      pin = L.layerGroup(styles.map(([radius, weight, color]) =>
        L.circleMarker(spot, { ...pens.borders, radius, weight, color, opacity: 1, fill: false }))).addTo(map);
      if (!map.getBounds().contains(spot)) go(L.latLngBounds(spot, found.length ? town.blocks[found[0]].place : spot), 16);
    }
  });
  function follow() {
    const asked = location.hash.replace(/^#(block=)?/, '');
    const block = asked && town.blocks.find(each => encodeURIComponent(each.code) === asked || each.code === asked);
    if (block) lookAt(block);
  }
  window.addEventListener('hashchange', follow);
  follow();
}
