// The first page of a site: search, the block of a place, and a map that answers. Without a script the page is a list.
(function () {
  'use strict';
  const town = JSON.parse(document.getElementById('town-data').textContent), words = town.words;
  const byId = id => document.getElementById(id);
  const element = (tag, text, parent) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const isolated = (tag, text, parent) => element('bdi', text, element(tag, '', parent));

  // the blocks are what the list and the map of the page show
  const rows = [...document.querySelectorAll('tr[data-block]')];
  const links = [...document.querySelectorAll('#ground a[data-block]')];
  const blocks = town.codes.map(code => ({ code }));
  for (const row of rows) {
    const block = blocks[row.dataset.block], cell = name => row.querySelector('.' + name);
    Object.assign(block, { row, link: row.querySelector('a'), phone: cell('phone') });
    for (const name of ['name', 'grid', 'head']) block[name] = cell(name).textContent;
    block.kind = row.closest('table').caption.textContent;
  }
  for (const link of links) {
    const path = link.querySelector('path'), block = blocks[link.dataset.block];
    block.path = path;
    block.rings = path.getAttribute('d').split('M').filter(Boolean).map(ring => {
      const numbers = ring.match(/-?\d+/g).map(Number);
      for (let k = 2; k < numbers.length; k++) numbers[k] += numbers[k - 2];
      return numbers;
    });
  }
  const svg = byId('map'), ground = byId('ground'), chosen = byId('chosen'), pin = byId('pin'), said = byId('answer');

  // ------------------------------------------------------------------------------------------------------ answers
  function card(block, parent) {
    const item = element('li', '', parent), title = element('h3', '', item);
    const link = element('a', '', title);
    link.href = block.link.getAttribute('href');
    element('bdi', block.name, link);
    element('p', block.kind + ' · ', item).append(element('bdi', block.grid));
    element('p', words.code + ' ', item).append(element('bdi', block.code));
    const head = element('p', words.head + ' ', item);
    element('bdi', block.head, head);
    if (block.phone.textContent) head.append(' · ', ...[...block.phone.childNodes].map(node => node.cloneNode(true)));
    const other = element('a', words.map, element('p', '', item));
    other.href = 'map.html#block=' + encodeURIComponent(block.code);
  }
  function mark(block, place) {
    chosen.setAttribute('d', block ? block.path.getAttribute('d') : '');
    for (const link of links) link.classList.toggle('chosen', Boolean(block) && link.contains(block.path));
    if (!place) { pin.setAttribute('hidden', ''); return; }
    const at = svg.createSVGPoint();
    at.x = place.longitude * 1e6 - town.origin[0];
    at.y = place.latitude * 1e6 - town.origin[1];
    const { x, y } = at.matrixTransform(ground.transform.baseVal.consolidate().matrix);
    pin.setAttribute('transform', 'translate(' + x + ' ' + y + ')');
    pin.removeAttribute('hidden');
  }
  function answer(sentence, found, place) {
    said.replaceChildren();
    if (!sentence && !found.length) { mark(null); return; }
    element('p', sentence, said).className = 'sentence';
    if (place) element('p', place.longitude.toFixed(6) + ', ' + place.latitude.toFixed(6), said).className = 'under';
    if (found.length) {
      const list = element('ul', '', said);
      list.className = 'cards';
      for (const k of found) card(blocks[k], list);
    }
    mark(found.length === 1 || place ? blocks[found[0]] : null, place);
  }
  const finder = makeFinder(town.origin, blocks.map(block => block.rings));
  const tell = askWhere(finder, words, (sentence, found, place) => {
    answer(sentence, found, place);
    said.scrollIntoView({ block: 'center' });
  });

  // ------------------------------------------------------------------------------------------- the map and addresses
  ground.addEventListener('click', event => {
    const link = event.target.closest('a[data-block]');
    // the keyboard, and whoever wants another window, go straight to the page
    if (!link || event.detail === 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const at = svg.createSVGPoint();
    at.x = event.clientX;
    at.y = event.clientY;
    const { x, y } = at.matrixTransform(ground.getScreenCTM().inverse());
    const block = blocks[link.dataset.block];
    answer(words.inside, [Number(link.dataset.block)],
      { longitude: (x + town.origin[0]) / 1e6, latitude: (y + town.origin[1]) / 1e6 });
    location.replace('#block=' + encodeURIComponent(block.code));
  });
  function follow() {
    const asked = /^#block=(.*)$/.exec(location.hash);
    if (!asked) return;
    const k = blocks.findIndex(block => encodeURIComponent(block.code) === asked[1] || block.code === asked[1]);
    if (k < 0) return answer(words.gone, []);
    if (chosen.getAttribute('d') === blocks[k].path.getAttribute('d') && said.childElementCount) return;
    answer(words.block, [k]);
    said.scrollIntoView({ block: 'center' });
  }
  window.addEventListener('hashchange', follow);

  // ------------------------------------------------------------------------------------------------------ search
  const find = byId('find'), found = byId('found'), count = byId('count'), most = 40;
  const search = makeSearch(town.initials);
  function look() {
    found.replaceChildren();
    count.textContent = '';
    if (!find.value.trim()) return;
    const fits = search(find.value);
    let shown = 0, all = 0;
    const offer = (k, parent) => {
      const block = blocks[k], link = element('a', '', element('li', '', parent));
      link.href = block.link.getAttribute('href');
      element('bdi', block.name, link);
      isolated('small', block.code, link.parentNode);
      if (block.head) isolated('small', block.head, link.parentNode);
    };
    blocks.forEach((block, k) => {
      if (![block.name, block.code, block.grid, block.head].some(fits)) return;
      all++;
      if (shown++ < most) offer(k, found);
    });
    for (const [name, along] of town.streets) {
      if (!fits(name)) continue;
      all++;
      if (shown++ >= most) continue;
      const item = element('li', '', found);
      isolated('strong', name, item);
      element('small', words.along.replace('%', along.length), item);
      const list = element('ul', '', item);
      along.forEach(k => offer(k, list));
    }
    count.textContent = all ? words.found.replace('%', all) : words.nothing;
  }
  find.addEventListener('input', look);
  find.form.addEventListener('submit', event => {
    event.preventDefault();
    const first = found.querySelector('a');
    if (first) first.focus();
  });

  byId('tools').hidden = false;
  document.documentElement.classList.add('scripted');
  follow();
})();
