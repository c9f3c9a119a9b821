// Runs somebody's code: the names that it sees, what it logs, what comes of it. It is run once, when the guest is built;
// then `start` is called with an event, the machine lets promises go on until none is left, and `finish` says the answer.
(function (global, bounds, luxon) {
  "use strict";

  const { parse, stringify } = JSON;
  const AsyncFunction = (async () => {}).constructor;
  const { DateTime } = luxon;
  const lines = [];
  let outcome = null;
  let source = "";

  const define = (name, descriptor) =>
    Object.defineProperty(global, name, { configurable: true, enumerable: false, ...descriptor });
  const fixed = (name, value) => define(name, { value, writable: true });
  const computed = (name, get) =>
    define(name, { get, set: (value) => define(name, { value, writable: true }) });

  // -- what the code logs ------------------------------------------------------------------------------

  function shown(value) {
    if (typeof value === "string") return value;
    if (value instanceof Error) return value.stack ? `${value.name}: ${value.message}` : String(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[Function: ${value.name || "anonymous"}]`;
    if (value === null || typeof value !== "object") return String(value);
    try {
      const told = value instanceof Map ? Object.fromEntries(value) : value instanceof Set ? [...value] : value;
      return stringify(told, (_, one) => (typeof one === "bigint" ? `${one}n` : one)) ?? String(value);
    } catch {
      return "[object]";
    }
  }

  function log(...values) {
    if (lines.length >= bounds.lines) return;
    for (const line of values.map(shown).join(" ").split("\n")) {
      if (lines.length < bounds.lines) lines.push(line.slice(0, bounds.line_characters));
    }
  }
  const quiet = () => {};
  fixed("console", {
    log, info: log, warn: log, error: log, debug: log, trace: log, dir: log, table: log,
    group: log, groupEnd: quiet, time: quiet, timeEnd: quiet, timeLog: quiet, count: quiet, assert: (holds, ...values) => { if (!holds) log("Assertion failed:", ...values); },
  });

  // -- chance ------------------------------------------------------------------------------------------

  function seeded(hexadecimal) {  // sfc32, by Chris Doty-Humphrey
    let [a, b, c, d] = hexadecimal.match(/.{8}/g).map((word) => parseInt(word, 16) | 0);
    const next = () => {
      const sum = (((a + b) | 0) + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      return sum >>> 0;
    };
    for (let i = 0; i < 12; i++) next();
    return function random() {
      return ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
    };
  }

  fixed("crypto", {
    randomUUID() {
      const hex = Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16));
      hex[12] = "4";
      hex[16] = "89ab"[Math.floor(Math.random() * 4)];
      return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    getRandomValues(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(Math.random() * 256);
      return array;
    },
  });

  // -- data as items -----------------------------------------------------------------------------------

  const isItem = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && value.json !== undefined && typeof value.json === "object";
  const asItem = (value, index) => (isItem(value) ? value : { json: value, pairedItem: { item: index } });
  const asItems = (value) => (value === null || value === undefined ? [] : Array.isArray(value) ? value.map(asItem) : [asItem(value, 0)]);

  function collection(value, where) {
    const items = asItems(value);
    return {
      all: () => items,
      first: () => items[0],
      last: () => items[items.length - 1],
      itemMatching: (index) => items[index],
      get item() { return items[0]; },
      get json() { return items[0]?.json; },
      get params() { throw new Error(`the parameters of ${where} are not known to code`); },
    };
  }

  function nodesOf(outputs) {
    const found = new Map();
    return function node(name) {
      const key = String(name);
      if (!found.has(key)) {
        if (!Object.hasOwn(outputs, key)) throw new Error(`the code names no node ${stringify(key)} as a text, so its output is not here`);
        if (outputs[key] === null) throw new Error(`the node ${stringify(key)} has not run`);
        found.set(key, collection(outputs[key], `the node ${stringify(key)}`));
      }
      return found.get(key);
    };
  }

  function surface(event) {
    const context = event.context ?? {};
    const input = collection(event.input, "the input");
    const node = nodesOf(context.nodes ?? {});
    Math.random = seeded(event.chance);
    fixed("input", event.input ?? null);
    fixed("items", input.all());
    fixed("$input", input);
    computed("$json", () => input.json);
    fixed("$", node);
    fixed("$node", new Proxy({}, { get: (_, name) => (typeof name === "string" ? node(name) : undefined) }));
    fixed("$items", (name) => (name === undefined ? input : node(name)).all());
    computed("$now", () => DateTime.now());
    computed("$today", () => DateTime.now().startOf("day"));
    fixed("$execution", context.execution ?? {});
    fixed("$workflow", context.workflow ?? {});
    fixed("$vars", context.vars ?? {});
    fixed("$runIndex", 0);
    fixed("$itemIndex", 0);
    fixed("luxon", luxon);
    for (const name of ["DateTime", "Duration", "Interval", "Info", "Settings"]) fixed(name, luxon[name]);
  }

  // -- running -----------------------------------------------------------------------------------------

  function compiled(code) {
    const bare = code.replace(/[\s;]+$/, "");
    try {
      return new AsyncFunction(`return (\n${bare}\n)`);  // two lines before the code either way
    } catch {
      return new AsyncFunction(`\n${code}`);
    }
  }

  const LINES_BEFORE = 3;

  function frames(stack) {
    const found = [];
    for (const [, name, line] of String(stack ?? "").matchAll(/^\s*at (?:(.*) \()?<input>:(\d+)(?::\d+)?\)?$/gm)) {
      found.push(at(Math.max(1, Number(line) - LINES_BEFORE), name === undefined || name === "anonymous" ? "code" : name));
    }
    return found.reverse();
  }

  // QuickJS knows the lines of calls and of statements that are expressions. In others it tells the last that it knew, so
  // the name in the message says how much further it got.
  function corrected(frame, message) {
    const [, property, variable] = message.match(/property '([^']+)' of (?:undefined|null)|^'?([\p{L}_$][\p{L}\d_$]*)'? is not defined/u) ?? [];
    const name = property ?? variable;
    if (name === undefined) return frame;
    const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const used = new RegExp(`(?<![\\p{L}\\d_$])${quoted}(?![\\p{L}\\d_$])`, "u");
    const texts = source.split("\n");
    const found = texts.findIndex((text, index) => index >= frame.line - 1 && used.test(text));
    return found < 0 ? frame : at(found + 1, frame.in);
  }

  // What is missing at the code's end is only missed behind it: the line is then the last that has anything on it.
  function at(number, name) {
    const texts = source.trimEnd().split("\n");
    const line = Math.min(number, texts.length);
    return { line, in: name, text: texts[line - 1].trim().slice(0, 200) };
  }

  function explained(error) {
    if (!(error instanceof Error)) return { code: "code_failed", message: `thrown: ${shown(error)}`.slice(0, 2000) };
    const trace = frames(error.stack);
    if (trace.length) trace.push(corrected(trace.pop(), error.message));
    const last = trace[trace.length - 1];
    const memory = error.name === "InternalError" && /out of memory/.test(error.message);
    return {
      code: memory ? "memory" : "code_failed",
      message: `${error.name}: ${error.message}`.slice(0, 2000),
      ...(last ? { line: last.line, text: last.text } : {}),
      trace: trace.slice(-bounds.trace),
    };
  }

  function settle(result) {
    try {
      const text = stringify(result === undefined ? null : result);
      if (text === undefined) throw new TypeError(`${typeof result} is no value`);
      outcome = `{"result":${text}`;
    } catch (error) {
      fail({ code: error.name === "InternalError" ? explained(error).code : "code_failed", message: `what the code returns is no JSON: ${error.message}` });
    }
  }

  function fail(error) { outcome = `{"error":${stringify(error)}`; }

  function start(text) {
    try {
      const event = parse(text);
      source = event.code;
      surface(event);
      compiled(source).call(undefined).then(settle, (error) => fail(explained(error)));
    } catch (error) {
      fail(explained(error));
    }
  }

  function finish() {
    if (outcome === null) fail({ code: "code_failed", message: "the code waits for something that never comes" });
    return `${outcome},"lines":${stringify(lines)}}`;
  }

  return { start, finish };
})
