// Intl for English as in the United States, and every time zone. It is run once, when the guest is built.
// `time_zones.js` gives the second argument.
(function (global, timeZones) {
  "use strict";

  const { zoneNames, zoneName, zone, kindAt, nameOfZone } = timeZones;

  const LOCALE = "en-US";
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
  const pad = (number, length = 2) => String(number).padStart(length, "0");

  // -- dates -------------------------------------------------------------------------------------------

  const DATE_STYLES = {
    full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
    long: { year: "numeric", month: "long", day: "numeric" },
    medium: { year: "numeric", month: "short", day: "numeric" },
    short: { year: "2-digit", month: "numeric", day: "numeric" },
  };
  const TIME_STYLES = {
    full: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "long" },
    long: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
    medium: { hour: "numeric", minute: "2-digit", second: "2-digit" },
    short: { hour: "numeric", minute: "2-digit" },
  };
  const DATE_FIELDS = ["weekday", "year", "month", "day"];
  const TIME_FIELDS = ["hour", "minute", "second", "fractionalSecondDigits", "dayPeriod"];

  class DateTimeFormat {
    #options;
    constructor(_locales = undefined, options = {}) { this.#options = settled(options ?? {}, "date"); }
    static supportedLocalesOf() { return [LOCALE]; }
    static of(options, usual) { const made = new DateTimeFormat(); made.#options = settled(options ?? {}, usual); return made; }
    resolvedOptions() {
      const { timeZone, ...rest } = this.#options;
      return { locale: LOCALE, calendar: "gregory", numberingSystem: "latn", timeZone, ...rest };
    }
    get format() { return (date) => this.formatToParts(date).map((part) => part.value).join(""); }
    formatToParts(date = undefined) { return dateParts(date === undefined ? Date.now() : +date, this.#options); }
    formatRange(from, to) { return `${this.format(from)} – ${this.format(to)}`; }
  }

  function settled(given, usual) {
    const options = { ...given };
    for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
    if (options.dateStyle || options.timeStyle) {
      if ([...DATE_FIELDS, ...TIME_FIELDS].some((name) => options[name] !== undefined)) throw new TypeError("Can't set option when dateStyle or timeStyle is used");
      Object.assign(options, DATE_STYLES[options.dateStyle], TIME_STYLES[options.timeStyle]);
    } else if (![...DATE_FIELDS, ...TIME_FIELDS].some((name) => options[name] !== undefined)) {
      if (usual !== "time") Object.assign(options, { year: "numeric", month: "numeric", day: "numeric" });
      if (usual !== "date") Object.assign(options, { hour: "numeric", minute: "2-digit", second: "2-digit" });
    }
    options.timeZone = zoneName(options.timeZone);
    if (options.hour !== undefined) {
      const cycle = options.hour12 === undefined ? options.hourCycle ?? "h12" : options.hour12 ? "h12" : "h23";
      options.hourCycle = cycle;
      options.hour12 = cycle === "h12" || cycle === "h11";
    }
    return options;
  }

  function dateParts(time, options) {
    if (!Number.isFinite(time)) throw new RangeError("Invalid time value");
    const kind = kindAt(options.timeZone, time);
    const local = new Date(time + kind.offset * 1000);
    const parts = [];
    const put = (type, value) => parts.push({ type, value: String(value) });
    const literal = (value) => { if (parts.length) put("literal", value); };
    putDate(local, options, put, literal, parts);
    const hasTime = TIME_FIELDS.some((name) => options[name] !== undefined);
    if (hasTime) {
      literal(options.dateStyle === "full" || options.dateStyle === "long" ? " at " : ", ");
      putTime(local, options, put);
    }
    if (options.timeZoneName) { literal(hasTime ? " " : ", "); put("timeZoneName", nameOfZone(options.timeZoneName, options.timeZone, kind)); }
    return parts;
  }

  function putDate(local, options, put, literal, parts) {
    const year = local.getUTCFullYear();
    const shown = options.era && year <= 0 ? 1 - year : year;
    const numbers = {
      year: options.year === "2-digit" ? pad(Math.abs(shown) % 100) : String(shown),
      day: options.day === "2-digit" ? pad(local.getUTCDate()) : String(local.getUTCDate()),
    };
    const month = local.getUTCMonth();
    const isText = ["long", "short", "narrow"].includes(options.month);
    if (options.weekday) put("weekday", cut(DAYS[local.getUTCDay()], options.weekday));
    if (isText) {
      literal(", ");
      put("month", cut(MONTHS[month], options.month));
      if (options.day) { literal(" "); put("day", numbers.day); }
      if (options.year) { literal(options.day ? ", " : " "); put("year", numbers.year); }
    } else {
      const wanted = [["month", options.month && (options.month === "2-digit" ? pad(month + 1) : String(month + 1))], ["day", options.day && numbers.day], ["year", options.year && numbers.year]];
      wanted.filter(([, value]) => value).forEach(([type, value], i) => { if (parts.length) put("literal", i === 0 ? ", " : "/"); put(type, value); });
    }
    if (options.era) { literal(" "); put("era", options.era === "long" ? (year > 0 ? "Anno Domini" : "Before Christ") : options.era === "narrow" ? (year > 0 ? "A" : "B") : year > 0 ? "AD" : "BC"); }
  }

  function cut(name, style) { return style === "long" ? name : style === "narrow" ? name[0] : name.slice(0, 3); }

  function putTime(local, options, put) {
    const hour = local.getUTCHours();
    let any = false;
    const next = (type, value, mark = ":") => { if (any) put("literal", mark); put(type, value); any = true; };
    if (options.hour) {
      const shown = { h11: hour % 12, h12: hour % 12 || 12, h24: hour || 24 }[options.hourCycle] ?? hour;
      next("hour", options.hour === "2-digit" || !options.hour12 ? pad(shown) : shown);
    }
    if (options.minute) next("minute", options.hour || options.minute === "2-digit" ? pad(local.getUTCMinutes()) : local.getUTCMinutes());
    if (options.second) next("second", options.minute || options.second === "2-digit" ? pad(local.getUTCSeconds()) : local.getUTCSeconds());
    if (options.fractionalSecondDigits) next("fractionalSecond", pad(local.getUTCMilliseconds(), 3).slice(0, options.fractionalSecondDigits), ".");
    if (options.hour && options.hour12) { put("literal", " "); put("dayPeriod", hour < 12 ? "AM" : "PM"); }
  }

  // -- numbers -----------------------------------------------------------------------------------------

  const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", CNY: "CN¥", KRW: "₩", BRL: "R$", CAD: "CA$", AUD: "A$", MXN: "MX$", NZD: "NZ$", ILS: "₪", VND: "₫", HKD: "HK$", TWD: "NT$", PHP: "₱" };
  const WITHOUT_CENTS = ["JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF"];
  const SHORT_UNITS = { year: "yr", month: "mth", week: "wk", day: "day", hour: "hr", minute: "min", second: "sec", millisecond: "ms", kilometer: "km", meter: "m", kilogram: "kg", gram: "g", liter: "L", celsius: "°C", fahrenheit: "°F", percent: "%", byte: "byte", kilobyte: "kB", megabyte: "MB", gigabyte: "GB", mile: "mi" };

  class NumberFormat {
    #options;
    constructor(_locales = undefined, options = {}) {
      const style = options?.style ?? "decimal";
      if (style === "currency" && !options.currency) throw new TypeError("Currency code is required with currency style.");
      const cents = WITHOUT_CENTS.includes(options?.currency) ? 0 : 2;
      const compact = options?.notation === "compact";
      const least = options?.minimumFractionDigits ?? (style === "currency" && options?.maximumFractionDigits === undefined && !compact ? cents : 0);
      const most = options?.maximumFractionDigits ?? Math.max(least, style === "currency" ? cents : style === "percent" || compact ? 0 : 3);
      if (least < 0 || most > 100 || least > most) throw new RangeError("maximumFractionDigits value is out of range.");
      this.#options = { useGrouping: true, ...options, style, minimumFractionDigits: least, maximumFractionDigits: most };
    }
    static supportedLocalesOf() { return [LOCALE]; }
    resolvedOptions() { return { locale: LOCALE, numberingSystem: "latn", ...this.#options }; }
    get format() { return (number) => formattedNumber(number, this.#options); }
    formatToParts(number) { return [{ type: "literal", value: this.format(number) }]; }
  }

  function formattedNumber(given, options) {
    const number = typeof given === "bigint" ? given : Number(given);
    if (Number.isNaN(number)) return "NaN";
    const negative = number < 0 || Object.is(number, -0);
    let size = typeof number === "bigint" ? (negative ? -number : number) : Math.abs(number);
    if (options.style === "percent") size = typeof size === "bigint" ? size * 100n : size * 100;
    let suffix = "";
    if (options.notation === "compact" && typeof size === "number" && size >= 1000) {
      const step = Math.min(4, Math.floor(Math.log10(size) / 3));
      size /= 1000 ** step;
      suffix = ["", "K", "M", "B", "T"][step];
    }
    const text = digits(size, options, suffix !== "" || options.notation === "compact") + suffix;
    const isZero = !/[1-9∞]/.test(text);
    const sign = negative && !(isZero && options.signDisplay === "negative") ? "-" : "";
    const shown = options.signDisplay === "never" ? "" : sign || ((options.signDisplay === "always" || (options.signDisplay === "exceptZero" && !isZero)) ? "+" : "");
    return shown + withUnit(text, options);
  }

  function digits(size, options, compact) {
    if (size === Infinity) return "∞";
    let [whole, fraction = ""] = typeof size === "bigint" ? [String(size)] : rounded(size, options, compact).split(".");
    fraction = fraction.replace(/0+$/, "").padEnd(options.maximumSignificantDigits ? 0 : options.minimumFractionDigits, "0");
    whole = whole.padStart(options.minimumIntegerDigits ?? 1, "0");
    if (options.useGrouping !== false && options.useGrouping !== "false") whole = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return fraction ? `${whole}.${fraction}` : whole;
  }

  function rounded(size, options, compact) {
    if (options.maximumSignificantDigits) return plain(Number(size.toPrecision(options.maximumSignificantDigits)));
    if (compact && options.maximumFractionDigits === 0 && size < 100) return plain(Number(size.toPrecision(2)));
    const shifted = Number(`${size}e${options.maximumFractionDigits}`);  // 1.005 as it is written, not as it is stored
    return Number.isFinite(shifted) && shifted < 1e15 ? plain(Number(`${Math.round(shifted)}e-${options.maximumFractionDigits}`), options.maximumFractionDigits) : plain(size);
  }

  function plain(number, most = 20) { return number >= 1e21 ? BigInt(number).toString() : number.toFixed(Math.min(most, 100)).includes("e") ? String(number) : /e/.test(String(number)) ? number.toFixed(Math.min(most, 100)) : String(number); }

  function withUnit(text, options) {
    if (options.style === "percent") return `${text}%`;
    if (options.style === "currency") {
      const code = String(options.currency).toUpperCase();
      if (options.currencyDisplay === "name") return `${text} ${code}`;
      const symbol = options.currencyDisplay === "code" ? code : options.currencyDisplay === "narrowSymbol" ? (SYMBOLS[code] ?? code).replace(/^[A-Z]+(?=.)/, "") : SYMBOLS[code] ?? code;
      return /[A-Z]$/.test(symbol) ? `${symbol}\u00a0${text}` : symbol + text;
    }
    if (options.style === "unit") {
      const one = text === "1";
      if (options.unitDisplay === "long") return `${text} ${options.unit}${one ? "" : "s"}`;
      const short = SHORT_UNITS[options.unit] ?? options.unit;
      return `${text}${/^[°%]/.test(short) || options.unitDisplay === "narrow" ? "" : " "}${short}${one || /[A-Z°%]|^(?:ms|km|m|kg|g|mi|min|sec)$/.test(short) ? "" : "s"}`;
    }
    return text;
  }

  // -- the rest ----------------------------------------------------------------------------------------

  class PluralRules {
    #ordinal;
    constructor(_locales = undefined, options = {}) { this.#ordinal = options?.type === "ordinal"; }
    resolvedOptions() { return { locale: LOCALE, type: this.#ordinal ? "ordinal" : "cardinal" }; }
    select(number) {
      if (!this.#ordinal) return number === 1 ? "one" : "other";
      const [last, teens] = [number % 10, number % 100];
      return last === 1 && teens !== 11 ? "one" : last === 2 && teens !== 12 ? "two" : last === 3 && teens !== 13 ? "few" : "other";
    }
  }

  class ListFormat {
    #options;
    constructor(_locales = undefined, options = {}) { this.#options = { type: "conjunction", style: "long", ...options }; }
    resolvedOptions() { return { locale: LOCALE, ...this.#options }; }
    format(list) {
      const all = [...list];
      const { type, style } = this.#options;
      const word = type === "unit" ? (style === "narrow" ? " " : ", ") : type === "disjunction" ? "or" : style === "long" ? "and" : "&";
      if (type === "unit") return all.join(word);
      if (all.length < 3) return all.join(` ${word} `);
      return `${all.slice(0, -1).join(", ")}, ${word} ${all[all.length - 1]}`;
    }
  }

  class RelativeTimeFormat {
    #options;
    constructor(_locales = undefined, options = {}) { this.#options = { numeric: "always", style: "long", ...options }; }
    resolvedOptions() { return { locale: LOCALE, numberingSystem: "latn", ...this.#options }; }
    format(value, unit) {
      const name = String(unit).replace(/s$/, "");
      if (this.#options.numeric === "auto") {
        const near = { day: ["yesterday", "today", "tomorrow"], second: [null, "now", null] }[name] ?? [`last ${name}`, `this ${name}`, `next ${name}`];
        if (Number.isInteger(value) && Math.abs(value) <= 1 && near[value + 1]) return near[value + 1];
      }
      const size = formattedNumber(Math.abs(value), { style: "decimal", useGrouping: true, minimumFractionDigits: 0, maximumFractionDigits: 3 });
      const short = { year: "yr.", quarter: "qtr.", month: "mo.", week: "wk.", hour: "hr.", minute: "min.", second: "sec." }[name];
      const shown = this.#options.style !== "long" && short ? short : name + (size === "1" ? "" : "s");
      return value < 0 || Object.is(value, -0) ? `${size} ${shown} ago` : `in ${size} ${shown}`;
    }
  }

  const folded = (text, sensitivity) => {
    let found = String(text);
    if (sensitivity === "base" || sensitivity === "case") found = found.normalize("NFD").replace(/\p{M}/gu, "");
    return sensitivity === "base" || sensitivity === "accent" ? found.toLowerCase() : found;
  };

  class Collator {
    #options;
    constructor(_locales = undefined, options = {}) { this.#options = { sensitivity: "variant", numeric: false, ...options }; }
    resolvedOptions() { return { locale: LOCALE, usage: "sort", ...this.#options }; }
    get compare() { return (one, other) => compared(String(one), String(other), this.#options); }
  }

  function compared(one, other, { sensitivity, numeric }) {
    // letters first, then accents, then case, as English dictionaries do
    const levels = { base: ["base"], accent: ["accent"], case: ["base", "case"], variant: ["base", "accent", "variant"] }[sensitivity ?? "variant"];
    for (const level of levels) {
      const [a, b] = [folded(one, level), folded(other, level)];
      const found = numeric ? byNumbers(a, b) : a < b ? -1 : a > b ? 1 : 0;
      if (found) return level === "variant" || level === "case" ? -found : found;
    }
    return 0;
  }

  function byNumbers(one, other) {
    const [a, b] = [one.match(/\d+|\D+/g) ?? [], other.match(/\d+|\D+/g) ?? []];
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const [x, y] = [a[i], b[i]];
      const numbers = /^\d/.test(x) && /^\d/.test(y);
      const found = numbers ? Math.sign(Number(x) - Number(y)) : x < y ? -1 : x > y ? 1 : 0;
      if (found) return found;
    }
    return Math.sign(a.length - b.length);
  }

  class Locale {
    constructor(name) { this.baseName = String(name); [this.language, this.region] = this.baseName.split("-"); }
    toString() { return this.baseName; }
  }

  Object.defineProperty(global, "Intl", {
    value: {
      DateTimeFormat, NumberFormat, PluralRules, ListFormat, RelativeTimeFormat, Collator, Locale,
      getCanonicalLocales: (names) => [].concat(names ?? []),
      supportedValuesOf: (kind) => (kind === "timeZone" ? [...zoneNames.values()].sort() : kind === "currency" ? Object.keys(SYMBOLS) : []),
    },
    writable: true, configurable: true, enumerable: false,
  });

  const method = (owner, name, value) => Object.defineProperty(owner, name, { value, writable: true, configurable: true, enumerable: false });
  const dated = (usual) => function (_locales, options) { return Number.isNaN(+this) ? "Invalid Date" : DateTimeFormat.of(options, usual).format(this); };
  method(Date.prototype, "toLocaleString", dated("both"));
  method(Date.prototype, "toLocaleDateString", dated("date"));
  method(Date.prototype, "toLocaleTimeString", dated("time"));
  method(Number.prototype, "toLocaleString", function (locales, options) { return new NumberFormat(locales, options).format(this.valueOf()); });
  method(BigInt.prototype, "toLocaleString", function (locales, options) { return new NumberFormat(locales, options).format(this.valueOf()); });
  method(String.prototype, "localeCompare", function (other, _locales, options) { return compared(String(this), String(other), options ?? {}); });
})(globalThis, ZONES);
