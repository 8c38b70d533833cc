// UTF-8, in both directions (WHATWG Encoding §8): what is no text becomes U+FFFD.

/** Units or bytes from which on the interpreter's own functions, which go round by base64, are faster than a loop here: by ten times. */
const LARGE = 64;
const ASCII = /^[\0-\x7f]*$/;

/** The bytes of a text; halves of characters as U+FFFD. */
export function encode(text) {
  if (text.length < LARGE) return encodeSmall(text);
  return Uint8Array.fromBase64(btoa(ASCII.test(text) ? text : unescape(encodeURIComponent(text.toWellFormed()))));
}

function encodeSmall(text) {
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (const character of text) {
    let point = character.codePointAt(0);
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) {
      bytes[end++] = point;
    } else if (point < 0x800) {
      bytes[end++] = 0xc0 | (point >> 6);
      bytes[end++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      bytes[end++] = 0xe0 | (point >> 12);
      bytes[end++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[end++] = 0x80 | (point & 0x3f);
    } else {
      bytes[end++] = 0xf0 | (point >> 18);
      bytes[end++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[end++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[end++] = 0x80 | (point & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/** The text of bytes. */
export function decode(bytes) {
  const text = decodeValid(bytes);
  if (text !== null) return text;
  const decoder = new Decoder();
  return decoder.push(bytes) + decoder.end();
}

/** The text of many bytes that are valid; else null. */
export function decodeValid(bytes) {
  if (bytes.length < LARGE) return null;
  const units = atob(bytes.toBase64());
  if (ASCII.test(units)) return units;
  try {
    return decodeURIComponent(escape(units));
  } catch {
    return null;
  }
}

/** A text that comes in parts, which may end within a character. */
export class Decoder {
  #point = 0;
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** @param wrong called for each part that is no text. */
  constructor(wrong = () => {}) {
    this.wrong = wrong;
  }

  push(bytes) {
    let text = "";
    let units = [];
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (this.#missing === 0 && byte < 0x80) units.push(byte);
      else if (!this.#take(byte, units)) at -= 1;
      if (units.length > 4096) {
        text += String.fromCharCode.apply(null, units);
        units = [];
      }
    }
    return text + String.fromCharCode.apply(null, units);
  }

  end() {
    if (this.#missing === 0) return "";
    this.#reset();
    this.wrong();
    return "\ufffd";
  }

  /** Whether the byte is done with; else it begins the next character. */
  #take(byte, units) {
    if (this.#missing === 0) {
      this.#begin(byte, units);
      return true;
    }
    if (byte < this.#low || byte > this.#high) {
      this.#reset();
      this.#replace(units);
      return false;
    }
    [this.#low, this.#high] = [0x80, 0xbf];
    this.#point = (this.#point << 6) | (byte & 0x3f);
    this.#missing -= 1;
    if (this.#missing === 0) this.#append(units);
    return true;
  }

  #begin(byte, units) {
    if (byte >= 0xc2 && byte <= 0xdf) {
      [this.#missing, this.#point] = [1, byte & 0x1f];
    } else if (byte >= 0xe0 && byte <= 0xef) {
      if (byte === 0xe0) this.#low = 0xa0;
      if (byte === 0xed) this.#high = 0x9f;
      [this.#missing, this.#point] = [2, byte & 0xf];
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      if (byte === 0xf0) this.#low = 0x90;
      if (byte === 0xf4) this.#high = 0x8f;
      [this.#missing, this.#point] = [3, byte & 0x7];
    } else {
      this.#replace(units);
    }
  }

  #append(units) {
    const point = this.#point;
    if (point < 0x10000) units.push(point);
    else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
  }

  #replace(units) {
    this.wrong();
    units.push(0xfffd);
  }

  #reset() {
    [this.#missing, this.#low, this.#high] = [0, 0x80, 0xbf];
  }
}
