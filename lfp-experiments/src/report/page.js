"use strict";
// Hover and arrow keys show the values of the nearest point. Without this script the browser shows each marker's title.
(() => {
  const tip = document.getElementById("tip");
  let shown = null;

  const hide = () => {
    shown?.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };

  const show = (point) => {
    if (point === shown) return;
    hide();
    shown = point;
    point.classList.add("on");
    tip.textContent = point.dataset.says;
    tip.hidden = false;
    const at = point.getBoundingClientRect();
    const left = Math.min(at.right + 8, innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = (above > 8 ? above : at.bottom + 8) + "px";
  };

  const place = (point) => point.transform.baseVal.getItem(0).matrix;
  const nearest = (points, distance) =>
    points.reduce((best, point) => (distance(place(point)) < distance(place(best)) ? point : best), points[0]);

  for (const plot of document.querySelectorAll("svg.plot")) {
    const series = [...plot.querySelectorAll("g.series")]
      .map((one) => [...one.querySelectorAll("g.p")])
      .filter((points) => points.length);
    const all = series.flat();
    if (!all.length) continue;
    for (const point of all) {
      // Else the browser would show a second tooltip.
      const title = point.querySelector("title");
      point.dataset.says = title.textContent;
      title.remove();
    }
    plot.addEventListener("pointermove", (event) => {
      const pointer = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
      show(nearest(all, (at) => Math.hypot(at.e - pointer.x, at.f - pointer.y)));
    });
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const row = series.findIndex((points) => points.includes(shown));
      if (event.key === "Escape") return hide();
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      if (row < 0) return show(all[0]);
      const points = series[(row + dy + series.length) % series.length];
      if (dy) return show(nearest(points, (at) => Math.abs(at.e - place(shown).e)));
      show(points[Math.min(Math.max(points.indexOf(shown) + dx, 0), points.length - 1)]);
    });
  }

  addEventListener("scroll", hide, { passive: true });
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.print")) details.open = true;
  });
})();
