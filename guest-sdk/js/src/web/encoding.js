// TextEncoder and TextDecoder, of UTF-8 (WHATWG Encoding).

import { bytesOf } from "../error.js";
import { Decoder, decodeValid, encode } from "./utf8.js";

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text));
  }

  encodeInto(text, into) {
    let [read, written] = [0, 0];
    for (const character of String(text)) {
      const bytes = encode(character);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      read += character.length;
      written += bytes.length;
    }
    return { read, written };
  }
}

const LABELS = ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"];

export class TextDecoder {
  #decoder = null;
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!LABELS.includes(String(label).trim().toLowerCase())) throw new RangeError(`the encoding '${label}' is not there; utf-8 is`);
    this.fatal = Boolean(fatal);
    this.ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return "utf-8";
  }

  decode(input = new Uint8Array(), { stream = false } = {}) {
    const bytes = bytesOf(input);
    if (bytes === undefined) throw new TypeError("what is decoded is no bytes");
    let text = this.#decoder === null && !stream ? decodeValid(bytes) : null;
    if (text === null) text = this.#decoded(bytes, stream);
    else this.#begun = false;
    if (!this.#begun && text !== "") {
      this.#begun = true;
      if (!this.ignoreBOM && text.startsWith("\ufeff")) text = text.slice(1);
    }
    return text;
  }

  #decoded(bytes, stream) {
    if (this.#decoder === null) {
      this.#decoder = new Decoder(() => {
        if (!this.fatal) return;
        this.#decoder = null;
        throw new TypeError("the bytes are not UTF-8");
      });
      this.#begun = false;
    }
    const text = this.#decoder.push(bytes);
    if (stream) return text;
    const end = this.#decoder.end();
    this.#decoder = null;
    return text + end;
  }
}
