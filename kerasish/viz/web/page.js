(() => {
  "use strict";
  // A page from file:// may not read its own file, but it may load it into a frame, which then
  // sends what it holds. From a server it is fetched.
  const CHILD = "kerasish-report-update";
  const isFile = location.protocol === "file:";
  if (window.parent !== window && window.name === CHILD) {
    if (isFile) window.parent.postMessage({ [CHILD]: document.documentElement.outerHTML }, "*");
    return;
  }
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);
  const charts = () => [...document.querySelectorAll("svg.chart")];

  // --- light and dark ----------------------------------------------------------------------
  const root = document.documentElement;
  const KEY = "kerasish-report-theme";
  const remember = (value) => { try { localStorage.setItem(KEY, value); } catch { /* not allowed */ } };
  try { root.dataset.theme = localStorage.getItem(KEY) || ""; } catch { /* not allowed */ }
  const button = byId("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    remember(root.dataset.theme === system ? "" : root.dataset.theme);
  });

  // --- values under the pointer ------------------------------------------------------------
  const tip = byId("tip");
  let hovered = null; // {name, epoch, left, top, scrolled}

  const dataOf = (svg) => (svg.curves ??= JSON.parse(svg.dataset.curves));
  const along = ([start, stop, low, high, log], value) => {
    if (log) [low, high, value] = [low, high, value].map(Math.log10);
    return start + ((value - low) / (high - low || 1)) * (stop - start);
  };
  const written = (value) => {
    const size = Math.abs(value);
    if (value === null) return "not finite";
    if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3);
    return String(+value.toPrecision(5));
  };
  const nearest = (data, epoch) => {
    let best = null;
    for (const [, epochs] of data.curves) {
      for (const one of epochs) {
        if (best === null || Math.abs(one - epoch) < Math.abs(best - epoch)) best = one;
      }
    }
    return best;
  };
  const add = (parent, name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  const mark = (svg, epoch) => {
    svg.querySelector(".hover")?.remove();
    if (epoch === null) return [];
    const data = dataOf(svg);
    const group = add(svg, "g", { class: "hover" });
    const x = along(data.x, epoch);
    if (x < data.x[0] - 1 || x > data.x[1] + 1) return [];
    add(group, "line", { x1: x, x2: x, y1: data.y[1], y2: data.y[0] });
    const found = [];
    for (const [kind, epochs, values] of data.curves) {
      const place = epochs.indexOf(epoch);
      if (place < 0) continue;
      found.push([kind, values[place]]);
      if (values[place] !== null) {
        add(group, "circle", { cx: x, cy: along(data.y, values[place]), r: 4, class: `dot ${kind}` });
      }
    }
    return found;
  };
  const show = (svg, epoch, left, top) => {
    hovered = { name: svg.dataset.name, epoch, left, top, scrolled: scrollY };
    let values = [];
    for (const one of charts()) {
      const found = mark(one, epoch);
      if (one === svg) values = found;
    }
    const head = document.createElement("strong");
    head.textContent = Number.isInteger(epoch) ? `epoch ${epoch}` : `epoch ${epoch.toFixed(2)}`;
    tip.replaceChildren(head);
    for (const [kind, value] of values) {
      const line = document.createElement("div");
      for (const text of [kind, written(value)]) {
        line.appendChild(document.createElement("span")).textContent = text;
      }
      tip.append(line);
    }
    tip.hidden = false;
    const { offsetWidth: wide, offsetHeight: high } = tip;
    const fits = left + 14 + wide < innerWidth - 4;
    tip.style.left = `${Math.max(4, fits ? left + 14 : left - 14 - wide)}px`;
    tip.style.top = `${Math.max(4, Math.min(top - high - 10, innerHeight - high - 4))}px`;
  };
  const hide = () => {
    if (hovered === null) return;
    hovered = null;
    tip.hidden = true;
    charts().forEach((svg) => mark(svg, null));
  };
  const unitsOf = (svg) => svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
  const point = (event) => {
    const svg = event.target.closest?.("svg.chart");
    if (!svg) return hide();
    const [start, stop, low, high] = dataOf(svg).x;
    const x = (event.clientX - svg.getBoundingClientRect().left) * unitsOf(svg);
    const epoch = nearest(dataOf(svg), low + ((x - start) / (stop - start)) * (high - low));
    if (epoch !== null) show(svg, epoch, event.clientX, event.clientY);
  };
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);
  document.documentElement.addEventListener("pointerleave", hide);
  addEventListener("scroll", () => { if (hovered?.scrolled !== scrollY) hide(); }, { passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const svg = event.target.closest?.("svg.chart");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!svg || !step) return;
    event.preventDefault();
    const data = dataOf(svg);
    const all = [...new Set(data.curves.flatMap(([, epochs]) => epochs))].sort((a, b) => a - b);
    const from = hovered?.name === svg.dataset.name ? all.indexOf(hovered.epoch) : step < 0 ? all.length : -1;
    const epoch = all[Math.min(Math.max(from + step, 0), all.length - 1)];
    const box = svg.getBoundingClientRect();
    show(svg, epoch, box.left + along(data.x, epoch) / unitsOf(svg), box.top + 40);
  });

  // --- refreshing --------------------------------------------------------------------------
  const report = () => byId("report");
  const isRunning = () => report().dataset.state === "running";
  let changed = null; // when a refresh last brought something new, by this machine's clock
  let waiting = 0;

  const take = (html) => {
    const next = new DOMParser().parseFromString(html, "text/html");
    const fresh = next.getElementById("report");
    if (!fresh) return;
    if (fresh.dataset.updated !== report().dataset.updated) {
      const aside = [...document.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
      const focus = document.activeElement?.closest?.("svg.chart")?.dataset.name;
      const { scrollX, scrollY } = window;
      report().replaceWith(document.adoptNode(fresh));
      document.title = next.title;
      changed = Date.now();
      settle();
      document.querySelectorAll(".scroll").forEach((one, k) => { one.scrollLeft = aside[k] ?? 0; });
      const named = (name) => charts().find((svg) => svg.dataset.name === name);
      named(focus)?.focus({ preventScroll: true });
      window.scrollTo(scrollX, scrollY);
      const svg = hovered && named(hovered.name);
      if (svg) show(svg, nearest(dataOf(svg), hovered.epoch), hovered.left, hovered.top);
    }
  };
  const fromFrame = () => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    const listen = (event) => { if (event.source === frame.contentWindow) end(event.data?.[CHILD]); };
    const end = (html) => {
      clearTimeout(timer);
      removeEventListener("message", listen);
      frame.remove();
      resolve(html);
    };
    const timer = setTimeout(end, 8000);
    addEventListener("message", listen);
    frame.name = CHILD;
    frame.hidden = true;
    frame.src = `${location.href.split(/[?#]/)[0]}?${Date.now()}`;
    document.body.append(frame);
  });
  const refresh = async () => {
    clearTimeout(waiting);
    if (document.hidden) return; // visibilitychange goes on
    let html;
    try {
      html = isFile ? await fromFrame() : await (await fetch(location.href, { cache: "no-store" })).text();
    } catch { /* the server is away: what is shown stays, and the age tells */ }
    if (html) take(html);
    plan();
  };
  const plan = () => {
    clearTimeout(waiting);
    if (!isRunning() || !/^(file|https?):$/.test(location.protocol)) return;
    const seconds = Math.min(Math.max(Number(report().dataset.next) || 2, 2), 30);
    waiting = setTimeout(refresh, 1000 * seconds);
  };
  const lasting = (seconds) => {
    if (seconds < 90) return `${Math.round(seconds)} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  };
  const tellAge = () => {
    if (!isRunning()) return;
    const age = Math.max(0, Date.now() - (changed ?? Number(report().dataset.updated))) / 1000;
    const stale = age > Math.max(60, 6 * (Number(report().dataset.next) || 2));
    const state = report().querySelector(".state");
    state.classList.toggle("stale", stale);
    state.classList.toggle("running", !stale);
    byId("age").textContent = stale
      ? `No news for ${lasting(age)}: the process may have been killed.`
      : `Updated ${lasting(age)} ago.`;
  };
  const settle = () => {
    charts().forEach((svg) => { svg.tabIndex = 0; });
    tellAge();
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isRunning()) refresh(); });
  setInterval(tellAge, 1000);
  settle();
  plan();
})();
