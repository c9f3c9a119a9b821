// What JavaScript programs expect beside the language: text encoding, base64, Buffer, URL, structuredClone, console.
// It is run once, when the guest is built.
(function (global) {
  "use strict";

  const define = (name, value) =>
    Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });

  // -- text as bytes ---------------------------------------------------------------------------------

  function utf8(text) {
    const bytes = [];
    for (const character of String(text)) {
      let code = character.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return Uint8Array.from(bytes);
  }

  function fromUtf8(bytes, fatal) {
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at];
      const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
      let code = length === 1 ? first : length ? first & (0xff >> (length + 1)) : -1;
      let used = 1;
      for (; used < length; used++) {
        const next = bytes[at + used];
        if (next === undefined || (next & 0xc0) !== 0x80) { code = -1; break; }
        code = (code << 6) | (next & 63);
      }
      const least = [0, 0, 0x80, 0x800, 0x10000][length];
      if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = -1;
      if (code < 0 && fatal) throw new TypeError("The encoded data was not valid for encoding utf-8");
      text += code < 0 ? "\ufffd" : String.fromCodePoint(code);
      at += code < 0 ? Math.max(1, length ? used : 1) : length;
    }
    return text;
  }

  const bytesOf = (data) =>
    data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

  define("TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return utf8(text); }
  });
  define("TextDecoder", class TextDecoder {
    constructor(label = "utf-8", options = {}) {
      const name = String(label).toLowerCase();
      if (!["utf-8", "utf8", "latin1", "iso-8859-1", "windows-1252", "ascii"].includes(name))
        throw new RangeError(`The "${label}" encoding is not supported`);
      this.encoding = name.startsWith("utf") ? "utf-8" : "windows-1252";
      this.fatal = Boolean(options.fatal);
      this.ignoreBOM = Boolean(options.ignoreBOM);
    }
    decode(data = new Uint8Array()) {
      const bytes = bytesOf(data);
      if (this.encoding !== "utf-8") return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
      const text = fromUtf8(bytes, this.fatal);
      return text.startsWith("\ufeff") && !this.ignoreBOM ? text.slice(1) : text;
    }
  });

  // -- base64 -----------------------------------------------------------------------------------------

  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]).concat([["-", 62], ["_", 63]]));

  function base64(bytes) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += 3) {
      const left = bytes.length - at;
      const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      parts.push(
        ALPHABET[group >> 18], ALPHABET[(group >> 12) & 63],
        left > 1 ? ALPHABET[(group >> 6) & 63] : "=", left > 2 ? ALPHABET[group & 63] : "=",
      );
    }
    return parts.join("");
  }

  function fromBase64(text) {
    const bytes = [];
    let bits = 0, held = 0;
    for (const letter of String(text)) {
      if (letter === "=") break;
      const value = VALUES.get(letter);
      if (value === undefined) continue;
      held = ((held << 6) | value) & 0xffffff;
      bits += 6;
      if (bits >= 8) { bits -= 8; bytes.push((held >> bits) & 0xff); }
    }
    return Uint8Array.from(bytes);
  }

  define("btoa", (text) => {
    const bytes = Array.from(String(text), (letter) => letter.charCodeAt(0));
    if (bytes.some((byte) => byte > 255)) throw new RangeError("btoa takes characters up to U+00FF");
    return base64(bytes);
  });
  define("atob", (text) => {
    const tidy = String(text).replace(/[\t\n\f\r ]/g, "");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(tidy) || tidy.replace(/=+$/, "").length % 4 === 1)
      throw new RangeError("that is not base64");
    return Array.from(fromBase64(tidy), (byte) => String.fromCharCode(byte)).join("");
  });

  // -- Buffer -----------------------------------------------------------------------------------------

  class Buffer extends Uint8Array {
    static from(data, encoding = "utf8", length = undefined) {
      if (typeof data === "string") return Buffer.#of(encoded(data, encoding));
      if (data instanceof ArrayBuffer) return Buffer.#of(new Uint8Array(data, encoding === "utf8" ? 0 : encoding, length));
      if (data?.type === "Buffer" && Array.isArray(data.data)) return Buffer.#of(data.data);
      return Buffer.#of(ArrayBuffer.isView(data) ? bytesOf(data) : Array.from(data ?? []));
    }
    static #of(bytes) {
      const made = new Buffer(bytes.length);
      made.set(bytes);
      return made;
    }
    static alloc(size, fill = 0) {
      const made = new Buffer(size);
      return fill === 0 ? made : made.fill(fill);
    }
    static allocUnsafe(size) { return new Buffer(size); }
    static isBuffer(value) { return value instanceof Buffer; }
    static isEncoding(name) { return ["utf8", "utf-8", "hex", "base64", "base64url", "latin1", "binary", "ascii"].includes(String(name).toLowerCase()); }
    static byteLength(data, encoding = "utf8") { return typeof data === "string" ? encoded(data, encoding).length : data.byteLength; }
    static concat(list, length = undefined) {
      const all = new Buffer(length ?? list.reduce((sum, one) => sum + one.length, 0));
      let at = 0;
      for (const one of list) { all.set(one.subarray(0, Math.max(0, all.length - at)), at); at += one.length; }
      return all;
    }
    static compare(one, other) {
      for (let at = 0; at < Math.min(one.length, other.length); at++) if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
      return Math.sign(one.length - other.length);
    }
    toString(encoding = "utf8", start = 0, end = this.length) {
      const bytes = this.subarray(start, end);
      switch (String(encoding).toLowerCase()) {
        case "utf8": case "utf-8": return fromUtf8(bytes, false);
        case "hex": return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
        case "base64": return base64(bytes);
        case "base64url": return base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
        case "latin1": case "binary": return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
        case "ascii": return Array.from(bytes, (byte) => String.fromCharCode(byte & 127)).join("");
        default: throw new TypeError(`Unknown encoding: ${encoding}`);
      }
    }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    equals(other) { return Buffer.compare(this, other) === 0; }
    write(text, offset = 0, length = undefined, encoding = "utf8") {
      const bytes = encoded(text, encoding).subarray(0, Math.min(length ?? Infinity, this.length - offset));
      this.set(bytes, offset);
      return bytes.length;
    }
    fill(value, start = 0, end = this.length, encoding = "utf8") {
      if (typeof value === "number") return super.fill(value, start, end);
      const bytes = typeof value === "string" ? encoded(value, encoding) : value;
      for (let at = start; at < end && bytes.length; at++) this[at] = bytes[(at - start) % bytes.length];
      return this;
    }
    indexOf(value, from = 0) {
      if (typeof value === "number") return super.indexOf(value, from);
      const bytes = typeof value === "string" ? encoded(value, "utf8") : value;
      for (let at = from; at + bytes.length <= this.length; at++) if (bytes.every((byte, i) => this[at + i] === byte)) return at;
      return -1;
    }
    includes(value, from = 0) { return this.indexOf(value, from) >= 0; }
    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - at));
      target.set(part, at);
      return part.length;
    }
  }
  const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  for (const [name, method, size] of [["Int8", "Int8", 1], ["UInt8", "Uint8", 1], ["Int16", "Int16", 2], ["UInt16", "Uint16", 2],
    ["Int32", "Int32", 4], ["UInt32", "Uint32", 4], ["Float", "Float32", 4], ["Double", "Float64", 8],
    ["BigInt64", "BigInt64", 8], ["BigUInt64", "BigUint64", 8]]) {
    for (const [suffix, little] of size === 1 ? [["", true]] : [["LE", true], ["BE", false]]) {
      Buffer.prototype[`read${name}${suffix}`] = function (at = 0) { return view(this)[`get${method}`](at, little); };
      Buffer.prototype[`write${name}${suffix}`] = function (value, at = 0) { view(this)[`set${method}`](at, value, little); return at + size; };
    }
  }

  function encoded(text, encoding) {
    switch (String(encoding).toLowerCase()) {
      case "utf8": case "utf-8": return utf8(text);
      case "hex": {
        const pairs = text.match(/^(?:[0-9a-fA-F]{2})*/)[0].match(/../g) ?? [];
        return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
      }
      case "base64": case "base64url": return fromBase64(text);
      case "latin1": case "binary": case "ascii": return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 255);
      default: throw new TypeError(`Unknown encoding: ${encoding}`);
    }
  }
  define("Buffer", Buffer);

  // -- URL --------------------------------------------------------------------------------------------

  const plus = (text) => encodeURIComponent(text).replace(/%20/g, "+").replace(/[!'()~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  const unplus = (text) => {
    const spaced = text.replace(/\+/g, " ");
    try { return decodeURIComponent(spaced); } catch { return spaced; }
  };

  class URLSearchParams {
    #pairs = [];
    #changed = () => {};
    constructor(from = "", changed = undefined) {
      if (typeof from === "string") this.#parse(from);
      else if (typeof from?.[Symbol.iterator] === "function") for (const [name, value] of from) this.#pairs.push([String(name), String(value)]);
      else for (const [name, value] of Object.entries(from ?? {})) this.#pairs.push([name, String(value)]);
      if (changed) this.#changed = changed;
    }
    #parse(text) {
      for (const part of text.replace(/^\?/, "").split("&")) {
        if (!part) continue;
        const at = part.indexOf("=");
        this.#pairs.push(at < 0 ? [unplus(part), ""] : [unplus(part.slice(0, at)), unplus(part.slice(at + 1))]);
      }
    }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(); }
    delete(name) { this.#pairs = this.#pairs.filter(([one]) => one !== String(name)); this.#changed(); }
    get(name) { return this.#pairs.find(([one]) => one === String(name))?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter(([one]) => one === String(name)).map(([, value]) => value); }
    has(name) { return this.#pairs.some(([one]) => one === String(name)); }
    set(name, value) {
      const at = this.#pairs.findIndex(([one]) => one === String(name));
      if (at < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter(([one], i) => i <= at || one !== String(name));
      this.#pairs[at][1] = String(value);
      this.#changed();
    }
    sort() { this.#pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)); this.#changed(); }
    forEach(action) { for (const [name, value] of this.#pairs) action(value, name, this); }
    get size() { return this.#pairs.length; }
    *entries() { yield* this.#pairs.map((pair) => [...pair]); }
    *keys() { for (const [name] of this.#pairs) yield name; }
    *values() { for (const [, value] of this.#pairs) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#pairs.map(([name, value]) => `${plus(name)}=${plus(value)}`).join("&"); }
  }

  const PORTS = { "http:": "80", "https:": "443", "ftp:": "21", "ws:": "80", "wss:": "443" };
  const escapedIn = (text, unsafe) => text.replace(unsafe, (c) => encodeURIComponent(c).replace(/'/g, "%27"));

  class URL {
    #protocol; #username = ""; #password = ""; #hostname = ""; #port = ""; #path = ""; #search = ""; #hash = ""; #params;
    constructor(text, base = undefined) {
      const given = String(text).trim();
      const parts = given.match(/^([a-zA-Z][a-zA-Z0-9+.-]*:)(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s);
      if (parts) this.#whole(parts);
      else if (base !== undefined) this.#relative(given, new URL(base));
      else throw new TypeError(`Invalid URL: ${given}`);
      this.#params = new URLSearchParams(this.#search, () => { const text = this.#params.toString(); this.#search = text && `?${text}`; });
    }
    static canParse(text, base) { try { new URL(text, base); return true; } catch { return false; } }
    static parse(text, base) { try { return new URL(text, base); } catch { return null; } }
    #whole([text, protocol, authority, path, search, hash]) {
      this.#protocol = protocol.toLowerCase();
      const special = this.#protocol in PORTS;
      if (special && !authority) throw new TypeError(`Invalid URL: ${text}`);
      if (authority !== undefined) {
        const found = authority.match(/^(?:([^:@]*)(?::([^@]*))?@)?(\[[0-9a-fA-F:.]+\]|[^:[\]]*)(?::(\d*))?$/);
        if (!found || (special && !found[3]) || /[\s<>\\^|%]/.test(found[3]) || Number(found[4] ?? 0) > 65535) throw new TypeError(`Invalid URL: ${text}`);
        [, this.#username = "", this.#password = ""] = found;
        this.#hostname = found[3].toLowerCase();
        const port = found[4] ? String(Number(found[4])) : "";
        this.#port = port === PORTS[this.#protocol] ? "" : port;
      }
      this.#rest(special ? normal(path || "/") : path, search, hash);
    }
    #relative(text, base) {
      [this.#protocol, this.#username, this.#password, this.#hostname, this.#port] = [base.#protocol, base.#username, base.#password, base.#hostname, base.#port];
      if (text.startsWith("//")) return this.#whole(`${base.#protocol}${text}`.match(/^([^:]*:)\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/s));
      const [, path, search, hash] = text.match(/^([^?#]*)(\?[^#]*)?(#.*)?$/s);
      const full = path.startsWith("/") ? path : path ? base.#path.replace(/[^/]*$/, "") + path : base.#path;
      this.#rest(normal(full), search ?? (path ? "" : base.#search), hash);
    }
    #rest(path, search, hash) {
      this.#path = escapedIn(path, /[\s"<>`{}^\u0080-\u{10ffff}]/gu);
      this.#search = search && search !== "?" ? escapedIn(search, /[\s"<>'\u0080-\u{10ffff}]/gu) : "";
      this.#hash = hash && hash !== "#" ? escapedIn(hash, /[\s"<>`\u0080-\u{10ffff}]/gu) : "";
    }
    get protocol() { return this.#protocol; } set protocol(value) { this.#protocol = String(value).replace(/:?$/, ":"); }
    get username() { return this.#username; } set username(value) { this.#username = encodeURIComponent(value); }
    get password() { return this.#password; } set password(value) { this.#password = encodeURIComponent(value); }
    get hostname() { return this.#hostname; } set hostname(value) { this.#hostname = String(value).toLowerCase(); }
    get port() { return this.#port; } set port(value) { this.#port = String(value) === PORTS[this.#protocol] ? "" : String(value); }
    get host() { return this.#hostname + (this.#port && `:${this.#port}`); }
    set host(value) { const [name, port = ""] = String(value).split(/:(?=\d*$)/); this.hostname = name; this.port = port; }
    get origin() { return this.#protocol in PORTS ? `${this.#protocol}//${this.host}` : "null"; }
    get pathname() { return this.#path; } set pathname(value) { this.#rest(normal(String(value).replace(/^(?!\/)/, "/")), this.#search, this.#hash); }
    get search() { return this.#search; }
    set search(value) { this.#search = value && `?${String(value).replace(/^\?/, "")}`; this.#params = new URLSearchParams(this.#search, () => { const text = this.#params.toString(); this.#search = text && `?${text}`; }); }
    get searchParams() { return this.#params; }
    get hash() { return this.#hash; } set hash(value) { this.#hash = value && `#${String(value).replace(/^#/, "")}`; }
    get href() {
      const user = this.#username && `${this.#username}${this.#password && `:${this.#password}`}@`;
      const authority = this.#hostname || this.#protocol in PORTS || this.#protocol === "file:" ? `//${user}${this.host}` : "";
      return this.#protocol + authority + this.#path + this.#search + this.#hash;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }

  function normal(path) {
    const out = [];
    const steps = path.split("/");
    steps.forEach((step, i) => {
      const last = i === steps.length - 1;
      if (step === "..") { if (out.length > 1) out.pop(); if (last) out.push(""); }
      else if (step === ".") { if (last) out.push(""); }
      else out.push(step);
    });
    return out.join("/");
  }
  define("URL", URL);
  define("URLSearchParams", URLSearchParams);

  // -- copies ------------------------------------------------------------------------------------------

  define("structuredClone", function structuredClone(value, options = undefined, seen = new Map()) {
    if (typeof value === "function" || typeof value === "symbol") throw new TypeError(`${String(value)} could not be cloned`);
    if (value === null || typeof value !== "object") return value;
    if (seen.has(value)) return seen.get(value);
    const kept = (copy) => { seen.set(value, copy); return copy; };
    if (value instanceof Date) return kept(new Date(value));
    if (value instanceof RegExp) return kept(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return kept(value.slice());
    if (value instanceof Map) { const copy = kept(new Map()); for (const [k, v] of value) copy.set(structuredClone(k, options, seen), structuredClone(v, options, seen)); return copy; }
    if (value instanceof Set) { const copy = kept(new Set()); for (const one of value) copy.add(structuredClone(one, options, seen)); return copy; }
    if (value instanceof Error) return kept(Object.assign(new value.constructor(value.message), { stack: value.stack }));
    const copy = kept(Array.isArray(value) ? [] : {});
    for (const name of Object.keys(value)) copy[name] = structuredClone(value[name], options, seen);
    return copy;
  });
})(globalThis);
