"use strict";
(function () {
  var list = document.getElementById("list");
  if (!list) return;
  var rows = Array.prototype.slice.call(list.children);
  var find = document.getElementById("find"), group = document.getElementById("group"), shown = document.getElementById("shown");
  var toggles = Array.prototype.slice.call(document.querySelectorAll("[data-toggle]"));
  document.body.classList.add("live");
  var texts = null; // of the findings, once somebody searches
  function on(severity) {
    return toggles.every(function (t) { return t.dataset.toggle !== severity || t.checked; });
  }
  function filter() {
    var words = find.value.toLowerCase().split(/\s+/).filter(Boolean), n = 0;
    if (words.length && !texts) texts = rows.map(function (r) { return r.textContent.toLowerCase(); });
    rows.forEach(function (r, i) {
      var ok = on(r.dataset.severity) && words.every(function (w) { return texts[i].indexOf(w) >= 0; });
      if (r.hidden === ok) r.hidden = !ok;
      if (ok) n++;
    });
    Array.prototype.forEach.call(list.querySelectorAll(":scope > .group"), function (g) {
      g.hidden = !Array.prototype.some.call(g.querySelectorAll(":scope > details"), function (r) { return !r.hidden; });
    });
    shown.textContent = n + " of " + rows.length + " shown";
  }
  function regroup() {
    var by = group.value, groups = new Map(), all = document.createDocumentFragment();
    rows.forEach(function (r) {
      if (!by) { all.appendChild(r); return; }
      var key = r.dataset[by] || "none";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(r);
    });
    groups.forEach(function (members, key) {
      var g = document.createElement("details"), s = document.createElement("summary"), n = document.createElement("b");
      g.className = "group";
      g.open = true;
      s.className = "plain";
      n.textContent = members.length;
      s.appendChild(n);
      s.appendChild(document.createTextNode(" " + key));
      g.appendChild(s);
      members.forEach(function (r) { g.appendChild(r); });
      all.appendChild(g);
    });
    list.replaceChildren(all);
    filter();
  }
  function reveal() {
    var r = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (r && r.tagName === "DETAILS") {
      r.hidden = false;
      r.open = true;
      r.scrollIntoView();
    }
  }
  var wait = 0;
  find.addEventListener("input", function () { clearTimeout(wait); wait = setTimeout(filter, 80); });
  group.addEventListener("change", regroup);
  toggles.forEach(function (t) { t.addEventListener("change", filter); });
  Array.prototype.forEach.call(document.querySelectorAll("[data-find]"), function (a) {
    a.addEventListener("click", function () { find.value = a.dataset.find; filter(); });
  });
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () { rows.forEach(function (r) { if (!r.hidden) r.open = rows.length <= 200; }); });
  filter();
  reveal();
})();
