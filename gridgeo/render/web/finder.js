// Which block is this point in: reads coordinates as people write them, and looks them up in the shapes of the page.
// Nothing that is asked here leaves the page.
function makeFinder(origin, shapes) {
  'use strict';
  // shapes: of each block its rings, flat lists of whole millionths of a degree east and north of the origin
  const middle = origin[1] / 1e6, metresNorth = 0.1109, metresEast = 0.11132 * Math.cos(middle * Math.PI / 180);

  // GCJ-02 and BD-09, as their public implementations have them; both leave places outside China as they are
  function gcj02(longitude, latitude) {
    if (!inChina(longitude, latitude)) return [longitude, latitude];
    const x = longitude - 105, y = latitude - 35, sin = turns => Math.sin(turns * Math.PI), root = Math.sqrt(Math.abs(x));
    const waves = (20 * sin(6 * x) + 20 * sin(2 * x)) * 2 / 3;
    const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
      + (20 * sin(x) + 40 * sin(x / 3)) * 2 / 3 + (150 * sin(x / 12) + 300 * sin(x / 30)) * 2 / 3;
    const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
      + (20 * sin(y) + 40 * sin(y / 3)) * 2 / 3 + (160 * sin(y / 12) + 320 * sin(y / 30)) * 2 / 3;
    const radians = latitude * Math.PI / 180, axis = 6378245, eccentricity = 0.00669342162296594323;
    const flattening = 1 - eccentricity * Math.sin(radians) ** 2;
    const degreeNorth = axis * (1 - eccentricity) / (flattening * Math.sqrt(flattening)) * Math.PI / 180;
    const degreeEast = axis / Math.sqrt(flattening) * Math.cos(radians) * Math.PI / 180;
    return [longitude + east / degreeEast, latitude + north / degreeNorth];
  }
  function bd09(longitude, latitude) {
    const [x, y] = gcj02(longitude, latitude), turn = Math.PI * 3000 / 180;
    if (!inChina(longitude, latitude)) return [x, y];
    const radius = Math.hypot(x, y) + 0.00002 * Math.sin(y * turn), angle = Math.atan2(y, x) + 0.000003 * Math.cos(x * turn);
    return [radius * Math.cos(angle) + 0.0065, radius * Math.sin(angle) + 0.006];
  }
  const inChina = (x, y) => x >= 72.004 && x <= 137.8347 && y >= 0.8293 && y <= 55.8271;
  const shifts = { 'GCJ-02': gcj02, 'BD-09': bd09 };

  // Degrees of the earth from those of a map system; the shifts change slowly, so a few rounds find the way back.
  function toEarth(system, longitude, latitude) {
    const shift = shifts[system];
    if (!shift || !inChina(longitude, latitude)) return [longitude, latitude];
    let x = longitude, y = latitude;
    for (let round = 0; round < 30; round++) {
      const [u, v] = shift(x, y);
      x += longitude - u;
      y += latitude - v;
      if (Math.abs(longitude - u) + Math.abs(latitude - v) < 1e-11) break;
    }
    return [x, y];
  }

  // Two angles in a text: 121.5, 31.05 or 31.05N 121.5E or 东经121°30′ 北纬31°3′; null where there are not just two.
  function parse(text) {
    const plain = text.normalize('NFKC').replace(/[，、;；]/g, ',');
    const side = '([NSEWnsew]|[北南东西][纬经]|[北南东西]|[纬经]度?:?)?', mark = String.raw`\s*`;
    const angle = String.raw`([-+]?\d+(?:\.\d+)?)(?:\s*[°度](?:\s*(\d+(?:\.\d+)?)\s*['′’分](?:\s*(\d+(?:\.\d+)?)\s*(?:["″”秒]|''|′′))?)?)?`;
    const before = /^\s*[NSEWnsew北南东西纬经]/.test(plain);
    const pattern = new RegExp(before ? side + mark + angle : angle + mark + side, 'g');
    const angles = [];
    for (const found of plain.matchAll(pattern)) {
      const [, ...parts] = found, word = before ? parts[0] : parts[3];
      const [degrees, minutes, seconds] = before ? parts.slice(1) : parts;
      let value = Math.abs(Number(degrees)) + Number(minutes || 0) / 60 + Number(seconds || 0) / 3600;
      if (degrees.startsWith('-') || /^[SWsw南西]/.test(word || '')) value = -value;
      angles.push({ value, axis: !word ? '' : /[NSns北南纬]/.test(word) ? 'y' : 'x' });
    }
    if (angles.length !== 2 || plain.replace(pattern, '').replace(/[\s,:()]/g, '')) return null;
    const [first, second] = angles;
    const orders = [[first.value, second.value], [second.value, first.value]];
    const fits = ([x, y], turned) => Math.abs(x) <= 180 && Math.abs(y) <= 90 &&
      [first, second].every((angle, k) => !angle.axis || angle.axis === 'xy'[turned ? 1 - k : k]);
    const away = ([x, y]) => Math.hypot(x - origin[0] / 1e6, y - middle);
    const possible = orders.filter((order, k) => fits(order, k === 1));
    // people write either first: the town lies in one of the two places
    possible.sort((one, other) => away(one) - away(other));
    return possible[0] || null;
  }

  function isInside(rings, x, y) {
    let inside = false;
    for (const ring of rings)
      for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2)
        if ((ring[k + 1] > y) !== (ring[j + 1] > y) &&
            x < (ring[j] - ring[k]) * (y - ring[k + 1]) / (ring[j + 1] - ring[k + 1]) + ring[k]) inside = !inside;
    return inside;
  }
  function metresFrom(rings, x, y) {
    let least = Infinity;
    for (const ring of rings)
      for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
        const ax = (ring[j] - x) * metresEast, ay = (ring[j + 1] - y) * metresNorth;
        const dx = (ring[k] - ring[j]) * metresEast, dy = (ring[k + 1] - ring[j + 1]) * metresNorth;
        const along = dx || dy ? Math.max(0, Math.min(1, -(ax * dx + ay * dy) / (dx * dx + dy * dy))) : 0;
        least = Math.min(least, Math.hypot(ax + along * dx, ay + along * dy));
      }
    return least;
  }

  // Where a place lies: the blocks that hold it, those within `reach` metres of it, and how far the nearest one is.
  function locate(longitude, latitude, reach = 0.5) {
    const x = longitude * 1e6 - origin[0], y = latitude * 1e6 - origin[1];
    const distances = shapes.map(rings => metresFrom(rings, x, y));
    const holding = shapes.map((rings, k) => k).filter(k => isInside(shapes[k], x, y));
    const near = distances.map((_, k) => k).filter(k => holding.includes(k) || distances[k] <= reach);
    near.sort((one, other) => holding.includes(other) - holding.includes(one) || distances[one] - distances[other]);
    const metres = holding.length ? 0 : Math.min(...distances);
    return { holding, near, metres, nearest: holding.length ? holding[0] : distances.indexOf(metres) };
  }
  return { parse, toEarth, locate };
}

// Binds the form for coordinates and the button for the reader's own place; `answer` takes blocks and a sentence on them.
function askWhere(finder, words, answer) {
  'use strict';
  const form = document.getElementById('place'), here = document.getElementById('here');
  const point = document.getElementById('point'), system = document.getElementById('system');
  const filled = (text, metres) => text.replace('%', metres < 1000 ? Math.round(metres) + ' ' + words.metres :
    (metres / 1000).toFixed(1) + ' ' + words.kilometres);
  function tell(longitude, latitude, accuracy = 0) {
    const found = finder.locate(longitude, latitude, Math.max(accuracy, 0.5));
    const place = { longitude, latitude };
    if (!found.near.length) return answer(filled(words.outside, found.metres), [found.nearest], place);
    if (found.near.length === 1 && found.holding.length) return answer(words.inside, found.near, place);
    answer(accuracy > 0.5 ? filled(words.perhaps, accuracy) : words.border, found.near, place);
  }
  form.addEventListener('submit', event => {
    event.preventDefault();
    const read = finder.parse(point.value);
    point.setAttribute('aria-invalid', String(!read));
    if (!read) return answer(words.unread, []);
    tell(...finder.toEarth(system.value, ...read));
  });
  if (!navigator.geolocation || !window.isSecureContext) here.remove();
  else here.addEventListener('click', () => {
    answer(words.waiting, []);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => tell(coords.longitude, coords.latitude, coords.accuracy),
      error => answer(error.code === 1 ? words.refused : words.unknown, []),
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 0 });
  });
  return tell;
}
