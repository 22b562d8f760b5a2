// Whether a text holds what was asked for: as it is written, or by the first letters of its pinyin.
function makeSearch(initials) {
  'use strict';
  const plain = text => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  return function search(given) {
    const asked = plain(given), isPinyin = /^[a-z]{2,}[a-z0-9]*$/.test(asked);
    const fits = (character, letter) => {
      const letters = initials[character];
      // a character whose reading is not known may be any
      return letters === undefined ? character === letter : letters === '' || letters.includes(letter);
    };
    return text => {
      const held = plain(text);
      if (held.includes(asked)) return true;
      if (!isPinyin) return false;
      const characters = [...held].filter(character => character !== ' ');
      return characters.some((_, k) => k + asked.length <= characters.length &&
        characters[k] in initials && [...asked].every((letter, j) => fits(characters[k + j], letter)));
    };
  };
}
