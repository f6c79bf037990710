"use strict";
(function () {
  var list = document.getElementById("list");
  if (!list) return;
  var rows = Array.prototype.slice.call(list.querySelectorAll(":scope > .chunk > details"));
  var many = !!list.querySelector("noscript");
  // Findings are laid out in pieces: what is out of sight has a size alone, in rem.
  var chunkRows = 20, rowSize = 3.75, groupSize = 3.2, left = "[data-severity]:not([hidden])";
  function each(what, do_) { Array.prototype.forEach.call(list.querySelectorAll(what), do_); }
  function size(c) {
    var n = c.querySelectorAll(left).length, groups = c.querySelectorAll(".group:not([hidden])").length;
    c.hidden = !n;
    var rem = rowSize * n + groupSize * groups;
    if (rem !== (c.rem || rowSize * chunkRows)) c.style.containIntrinsicSize = "auto " + rem + "rem";
    c.rem = rem;
  }
  function chunk(to) {
    var c = to.appendChild(document.createElement("div"));
    c.className = "chunk";
    return c;
  }
  var find = document.getElementById("find"), group = document.getElementById("group"), shown = document.getElementById("shown");
  var toggles = Array.prototype.slice.call(document.querySelectorAll("[data-toggle]"));
  document.body.classList.add("live");
  // Of many findings the details are text to a browser that runs this, which is read as it
  // would be without, once somebody opens them.
  function build(r) {
    var n = r.querySelector(":scope > .body > noscript");
    if (n) n.parentNode.innerHTML = n.textContent;
  }
  var signs = { amp: "&", lt: "<", gt: ">", "#34": '"', "#39": "'", "#43": "+" };
  function textOf(r) {
    var n = r.querySelector(":scope > .body > noscript"), text = n ? r.firstChild.textContent : r.textContent;
    if (n) text += n.textContent.replace(/<[^>]*>/g, " ").replace(/&([a-z]+|#\d+);/g, function (all, sign) { return signs[sign] || all; });
    return text.toLowerCase();
  }
  var texts = null; // of the findings, once somebody searches
  function on(severity) {
    return toggles.every(function (t) { return t.dataset.toggle !== severity || t.checked; });
  }
  function filter() {
    var words = find.value.toLowerCase().split(/\s+/).filter(Boolean), n = 0;
    if (words.length && !texts) texts = rows.map(textOf);
    rows.forEach(function (r, i) {
      var ok = on(r.dataset.severity) && words.every(function (w) { return texts[i].indexOf(w) >= 0; });
      if (r.hidden === ok) r.hidden = !ok;
      if (ok) n++;
    });
    each(".group", function (g) { g.hidden = !g.querySelector(left); });
    each(".chunk", size);
    shown.textContent = n + " of " + rows.length + " shown";
  }
  function fill(to, members) {
    var c;
    members.forEach(function (r, i) {
      if (i % chunkRows === 0) c = chunk(to);
      c.appendChild(r);
    });
  }
  function regroup() {
    var by = group.value, groups = new Map(), all = document.createDocumentFragment();
    if (!by) fill(all, rows);
    else rows.forEach(function (r) {
      var key = r.dataset[by] || "none";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(r);
    });
    var some = null, n = 0; // several small groups in one piece
    groups.forEach(function (members, key) {
      var g = document.createElement("details"), s = document.createElement("summary"), count = document.createElement("b");
      g.className = "group";
      g.open = true;
      s.className = "plain";
      count.textContent = members.length;
      s.appendChild(count);
      s.appendChild(document.createTextNode(" " + key));
      g.appendChild(s);
      if (members.length > chunkRows) {
        fill(g, members);
        all.appendChild(g);
        some = null;
        return;
      }
      members.forEach(function (r) { g.appendChild(r); });
      if (!some || n + members.length > chunkRows) {
        some = chunk(all);
        n = 0;
      }
      some.appendChild(g);
      n += members.length;
    });
    list.replaceChildren(all);
    filter();
  }
  function reveal() {
    var r = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (r && r.tagName === "DETAILS") {
      for (var at = r; at !== list; at = at.parentNode) at.hidden = false;
      build(r);
      r.open = true;
      r.scrollIntoView();
    }
  }
  var wait = 0;
  list.addEventListener("toggle", function (e) { if (e.target.open) build(e.target); }, true);
  find.addEventListener("input", function () { clearTimeout(wait); wait = setTimeout(filter, 80); });
  group.addEventListener("change", regroup);
  toggles.forEach(function (t) { t.addEventListener("change", filter); });
  Array.prototype.forEach.call(document.querySelectorAll("[data-find]"), function (a) {
    a.addEventListener("click", function () { find.value = a.dataset.find; filter(); });
  });
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () { rows.forEach(function (r) { if (!r.hidden) r.open = !many; }); });
  filter();
  reveal();
})();
