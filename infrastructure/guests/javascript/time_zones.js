// Every time zone, from the compiled files of the time zone database; a function that gives what `intl.js` needs of them.
// `zoneFiles` has the file of each zone in base64, read when the zone is first asked for.
(function (zoneFiles) {
  "use strict";

  const pad = (number, length = 2) => String(number).padStart(length, "0");
  const zoneNames = new Map(Object.keys(zoneFiles).map((name) => [name.toLowerCase(), name]));
  const zones = new Map();

  function zoneName(given) {
    if (given === undefined) return "UTC";
    const text = String(given);
    const offset = text.match(/^([+-])(\d\d):?(\d\d)?$/);
    if (offset) return `${offset[1]}${offset[2]}:${offset[3] ?? "00"}`;
    const name = zoneNames.get(text.toLowerCase());
    if (name === undefined) throw new RangeError(`Invalid time zone specified: ${text}`);
    return ["Etc/UTC", "Etc/GMT", "GMT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal"].includes(name) ? "UTC" : name;
  }

  function zone(name) {
    if (!zones.has(name)) zones.set(name, readZone(name));
    return zones.get(name);
  }

  function readZone(name) {
    const fixed = name.match(/^([+-])(\d\d):(\d\d)$/);
    if (fixed) return { at: [], kinds: [], first: { offset: (fixed[1] === "-" ? -60 : 60) * (fixed[2] * 60 + +fixed[3]), name: "" }, rule: null };
    const bytes = Uint8Array.from(atob(zoneFiles[name]), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const counts = (start) => [20, 24, 28, 32, 36, 40].map((place) => view.getUint32(start + place));
    let [utc, std, leap, times, types, letters] = counts(0);
    const second = 44 + times * 5 + types * 6 + letters + leap * 8 + std + utc;
    [utc, std, leap, times, types, letters] = counts(second);
    let place = second + 44;
    const at = Array.from({ length: times }, (_, i) => Number(view.getBigInt64(place + 8 * i)));
    place += times * 8;
    const indexes = bytes.subarray(place, place + times);
    place += times;
    const names = String.fromCharCode(...bytes.subarray(place + types * 6, place + types * 6 + letters));
    const all = Array.from({ length: types }, (_, i) => {
      const start = view.getUint8(place + 6 * i + 5);
      return { offset: view.getInt32(place + 6 * i), name: names.slice(start, names.indexOf("\0", start)) };
    });
    place += types * 6 + letters + leap * 12 + std + utc + 1;
    return { at, kinds: Array.from(indexes, (i) => all[i]), first: all[0], rule: readRule(String.fromCharCode(...bytes.subarray(place, bytes.length - 1))) };
  }

  function readRule(text) {
    const found = text.match(/^(<[^>]+>|[A-Za-z]+)([^A-Za-z<,]+)(?:(<[^>]+>|[A-Za-z]+)([^,]*),([^,]+),(.+))?$/);
    if (!found) return null;
    const seconds = (given) => { const [, sign, h, m = 0, s = 0] = given.match(/^([+-]?)(\d+)(?::(\d+))?(?::(\d+))?$/); return (sign === "-" ? -1 : 1) * (h * 3600 + m * 60 + +s); };
    const bare = (name) => name.replace(/[<>]/g, "");
    const standard = { offset: -seconds(found[2]), name: bare(found[1]) };
    if (!found[3]) return { standard };
    const summer = { offset: found[4] ? -seconds(found[4]) : standard.offset + 3600, name: bare(found[3]) };
    const day = (given) => { const [date, time = "2"] = given.split("/"); return { date, time: seconds(time) }; };
    return { standard, summer, from: day(found[5]), to: day(found[6]) };
  }

  function ruleTime(day, year, offset) {
    let date;
    if (day.date.startsWith("M")) {
      const [month, week, weekday] = day.date.slice(1).split(".").map(Number);
      const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
      const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
      let number = 1 + ((weekday - first + 7) % 7) + (week - 1) * 7;
      while (number > last) number -= 7;
      date = Date.UTC(year, month - 1, number);
    } else {
      const julian = day.date.startsWith("J");
      const number = Number(day.date.replace("J", ""));
      const leap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
      date = Date.UTC(year, 0, julian ? number + (leap && number > 59 ? 1 : 0) : number + 1);
    }
    return date / 1000 + day.time - offset;
  }

  function kindAt(name, milliseconds) {
    if (name === "UTC") return { offset: 0, name: "UTC" };
    const { at, kinds, first, rule } = zone(name);
    const seconds = Math.floor(milliseconds / 1000);
    if (at.length === 0 || seconds < at[0]) return at.length === 0 && rule ? rule.standard : first;
    if (seconds >= at[at.length - 1] && rule) {
      if (!rule.summer) return rule.standard;
      const year = new Date((seconds + rule.standard.offset) * 1000).getUTCFullYear();
      const from = ruleTime(rule.from, year, rule.standard.offset);
      const to = ruleTime(rule.to, year, rule.summer.offset);
      const isSummer = from < to ? seconds >= from && seconds < to : seconds >= from || seconds < to;
      return isSummer ? rule.summer : rule.standard;
    }
    let low = 0, high = at.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (at[middle] <= seconds) low = middle; else high = middle - 1; }
    return kinds[low];
  }

  function gmt(offset, long) {
    const minutes = Math.round(Math.abs(offset) / 60);
    if (minutes === 0) return "GMT";
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    return `GMT${offset < 0 ? "-" : "+"}${long ? pad(hours) : hours}${rest || long ? `:${pad(rest)}` : ""}`;
  }

  const AMERICAN = /^(?:E|C|M|P|AK|H)[SD]?T$|^HST$/;
  const LONG = { E: "Eastern", C: "Central", M: "Mountain", P: "Pacific", AK: "Alaska", H: "Hawaii-Aleutian" };

  function nameOfZone(style, zoneId, kind) {
    if (style === "longOffset" || style === "shortOffset") return gmt(kind.offset, style === "longOffset");
    if (zoneId === "UTC") return style.startsWith("long") ? "Coordinated Universal Time" : "UTC";
    if (AMERICAN.test(kind.name) && /^(?:America|US|Pacific\/Honolulu|Canada)/.test(zoneId)) {
      if (!style.startsWith("long")) return kind.name;
      const [, region, daylight] = kind.name.match(/^(E|C|M|P|AK|H)([SD])T$/);
      return `${LONG[region]} ${daylight === "D" ? "Daylight" : "Standard"} Time`;
    }
    return gmt(kind.offset, style.startsWith("long"));
  }

  return { zoneNames, zoneName, zone, kindAt, nameOfZone };
})
