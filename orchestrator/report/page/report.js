(function () {
  "use strict";
  var tip = document.getElementById("tip");
  function show(bar) {
    var box = bar.getBoundingClientRect();
    tip.textContent = bar.getAttribute("aria-label");
    tip.hidden = false;
    var left = Math.min(Math.max(box.left, 12), window.innerWidth - tip.offsetWidth - 12);
    var above = box.top - tip.offsetHeight - 8;
    tip.style.left = Math.max(left, 12) + "px";
    tip.style.top = (above > 4 ? above : box.bottom + 8) + "px";
  }
  function hide() { tip.hidden = true; }
  document.querySelectorAll(".bar").forEach(function (bar) {
    bar.addEventListener("pointerenter", function () { show(bar); });
    bar.addEventListener("pointerleave", hide);
    bar.addEventListener("focus", function () {
      bar.scrollIntoView({ block: "nearest", inline: "nearest" });
      show(bar);
    });
    bar.addEventListener("blur", hide);
  });
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    folded.forEach(function (part) { part.open = true; });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (part) { part.open = false; });
  });
  document.addEventListener("keydown", function (pressed) { if (pressed.key === "Escape") { hide(); } });
  document.querySelectorAll(".scroll").forEach(function (box) { box.addEventListener("scroll", hide); });
})();
